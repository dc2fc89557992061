package session_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

// A move takes every row of a tenant in every class of table and touches
// nothing else; a rollback brings back what was written since; a finalize
// leaves only the root row.
func TestMoveTakesEveryRowAndNothingElse(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 3)
	f.tenant("8", "default", 8000, 2)
	f.tenant("9", "shard_1", 9000, 2)
	ctx := t.Context()
	before := []map[string][]string{filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"), filltest.Dump(t, f.super(1), "pwb_websites")}

	plan, err := s.PlanMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	for _, c := range plan.Checks {
		require.NotEqual(t, "blocker", c.Status, "%+v %+v", c, plan.Decisions)
	}
	for _, tb := range plan.Tables {
		require.Positive(t, tb.Rows, tb.Table)
	}
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "sub7", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	require.Equal(t, "retained", m.State)
	require.True(t, m.Verified)
	require.NotNil(t, m.WritePauseMS)

	var shard string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = 7").Scan(&shard))
	require.Equal(t, "shard_1", shard)
	// The source is untouched.
	require.Equal(t, before[0], filltest.Dump(t, f.super(0), "pwb_websites", "pwb_shard_audit_logs"))
	// The target has exactly what it had and the tenant's rows.
	after := filltest.Dump(t, f.super(1), "pwb_websites")
	for table, rows := range after {
		require.Subset(t, rows, before[1][table], table)
	}
	for table, rows := range before[0] {
		mine := 0
		for _, row := range rows {
			for _, x := range after[table] {
				if x == row {
					mine++
				}
			}
		}
		extra := len(after[table]) - len(before[1][table])
		require.Equal(t, extra, mine, "%s: rows that came are rows of the source", table)
	}
	require.Len(t, after["public.active_storage_blobs"], len(before[1]["public.active_storage_blobs"])+3)

	_ = context.Background
}
