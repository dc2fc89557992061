package cli_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

// Everything for which an assignment is refused, each with a code of its own.
func TestAssignmentsThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	l := populated(t)
	l.tenant("5", "default", 5000, 1)
	assign := func(more ...string) []string {
		return append([]string{"shards", "assign"}, append(more, "--note", "x")...)
	}
	l.unchanged("an unknown shard", 3, "shard_unknown", assign("9", "nowhere"))
	l.unchanged("an unknown tenant", 3, "tenant_unknown", assign("nobody", "shard_1"))
	l.unchanged("a shard without a connection", 3, "shard_not_configured", assign("9", "shard_2"), assign("9", "shard_2", "--rows-stay"))
	l.unchanged("the same shard", 3, "same_shard", assign("9", "default"), assign("sub9", "default"))
	l.unchanged("rows on the present shard", 3, "rows_exist", assign("7", "shard_1"))
	l.unchanged("an operator nobody filed", 3, "operator_unknown", append(assign("9", "shard_1"), "--as", "eve@example.com"))
	move := l.json(0, "move", "start", "5", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	l.unchanged("a move in progress", 3, "move_in_progress", assign("5", "shard_1"), assign("5", "shard_1", "--rows-stay"))
	l.json(0, "move", "cancel", move, "--wait", "--note", "x")
	l.json(0, "settings", "set", "SHARD_ASSIGNMENT_ENABLED", "false")
	l.unchanged("a flag that is off", 3, "flag_off", assign("9", "shard_1"))
	l.json(0, "settings", "set", "SHARD_ASSIGNMENT_ENABLED", "true")

	// Its rows stay: only the pointer changes, and both trails say so.
	before := l.all()
	v := l.json(0, assign("7", "shard_1", "--rows-stay")...)
	require.Equal(t, []int{1, 1, 1}, l.assigned("7"))
	require.Equal(t, "shard_1", v["to"])
	l.json(0, assign("7", "default", "--rows-stay")...)
	alike(t, before[1:2], l.all()[1:2], "guards")
}

// assigned counts what says that a tenant is on shard_1: the pointer, the
// application's own record and our outcome.
func (l *lab) assigned(tenant string) []int {
	l.t.Helper()
	c := pgtest.Connect(l.t, pgtest.Server(l.t, 0).URL("", l.dbs[0]))
	defer func() { _ = c.Close(context.Background()) }()
	out := []int{}
	for _, sql := range []string{
		"SELECT count(*)::text FROM pwb_websites WHERE shard_name = 'shard_1' AND id = " + tenant,
		"SELECT count(*)::text FROM pwb_shard_audit_logs WHERE new_shard_name = 'shard_1' AND status = 'completed' AND website_id = " + tenant,
		"SELECT count(*)::text FROM shard_admin.audit_event WHERE body_json ->> 'action' = 'tenant.assign' AND body_json ->> 'phase' = 'outcome' AND body_json ->> 'status' = 'ok' AND body_json ->> 'target' = 'shard_1' AND body_json ->> 'tenant' = '" + tenant + "'",
	} {
		n, err := strconv.Atoi(rows(l.t, c, sql)[0])
		require.NoError(l.t, err)
		out = append(out, n)
	}
	return out
}
