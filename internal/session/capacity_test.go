package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// Whether a shard has room is a matter of what it holds when the tenant has come,
// with the tenants that are on their way.
func TestThePlanCountsWhatIsToComeAgainstTheCapacity(t *testing.T) {
	t.Parallel()
	f, s := small(t, 2)
	for _, tenant := range []string{"1", "2"} { // 4 MB each
		f.exec(0, "INSERT INTO notes SELECT "+tenant+" * 1000000 + i, "+tenant+", NULL, repeat(md5(i::text), 60) FROM generate_series(1, 2000) i")
	}
	f.exec(0, "VACUUM ANALYZE notes")
	var size int64
	require.NoError(t, f.super(1).QueryRow(t.Context(), "SELECT pg_database_size(current_database())").Scan(&size))
	plan := func(capacity int64) (session.Plan, session.Check) {
		t.Helper()
		f.fleet.Shards[1].Capacity = capacity
		p, err := f.open().PlanMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1"})
		require.NoError(t, err)
		for _, c := range p.Checks {
			if c.Name == "capacity" {
				return p, c
			}
		}
		return p, session.Check{}
	}
	const mb = 1 << 20
	p, c := plan(size + 2*mb)
	require.True(t, p.Blocked)
	require.Equal(t, "blocker", c.Status, "%+v", c)
	require.Contains(t, c.Message, "of the tenant's rows with their indexes")
	require.NotEmpty(t, c.Evidence)
	require.Contains(t, c.Fix, "another shard")
	_, c = plan(size + 5*mb)
	require.Equal(t, "warning", c.Status, "%+v", c)
	require.NotEmpty(t, c.Evidence)
	_, c = plan(size + 100*mb)
	require.Equal(t, "ok", c.Status, "%+v", c)
	p, c = plan(0)
	require.Empty(t, c.Name, "without a capacity nothing is guessed")
	require.Contains(t, strings.Join(p.Notices, "\n"), "how much room the disk of shard_1 has is not known, no capacity is stated: ")

	_, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "2", Target: "shard_1", Note: "on its way", Hold: true})
	require.NoError(t, err)
	_, c = plan(size + 5*mb)
	require.Equal(t, "blocker", c.Status, "%+v", c)
	require.Contains(t, c.Message, "that other moves are to bring")

	// Nobody has said how much the target holds, and very much is on its way.
	f.exec(0, "UPDATE shard_admin.move_table SET bytes = bytes_copied + 2147483648 WHERE name = 'notes'")
	p, c = plan(0)
	require.False(t, p.Blocked)
	require.Equal(t, "warning", c.Status, "%+v", c)
	require.Contains(t, c.Message, "how much room the disk of shard_1 has is not known")
	require.Contains(t, c.Message, "2.0 GB that other moves are to bring")
	require.Contains(t, c.Fix, "look at the disk of the target's server")
	require.NotEmpty(t, c.Evidence)
}
