package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/session"
	"shardadmin/internal/store"
)

// The load of a tenant is its share of what its tables read and wrote between two looks,
// and not known without them; a plan can be made by it.
func TestLoadIsEstimatedFromTwoLooks(t *testing.T) {
	t.Parallel()
	f, s := small(t, 8)
	ctx := t.Context()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.Nil(t, v.Load.From)
	require.Contains(t, v.Load.Reason, "no look at the activity of its tables is kept on this computer")
	require.Nil(t, v.Shards[0].Load)
	require.Equal(t, "default: "+v.Shards[0].LoadReason, v.Load.Reason)
	by := session.RebalanceRequest{By: []string{"load"}}
	v, err = s.Rebalance(ctx, by)
	require.NoError(t, err)
	require.False(t, v.Needed, "what is not known is no reason to move")
	require.Equal(t, "the load of 8 tenants there is not known", v.Shards[0].Note)
	_, err = s.Rebalance(ctx, session.RebalanceRequest{By: []string{"colour"}})
	require.Equal(t, fault.Usage, fault.CodeOf(err))

	db, err := store.Open(ctx, f.dbPath)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	past := history.New(db, time.Now)
	keep := func(ago time.Duration) {
		t.Helper()
		looks := f.open().ActivityNow(ctx)
		require.Len(t, looks, 2)
		for i := range looks {
			looks[i].At = looks[i].At.Add(-ago)
		}
		require.NoError(t, past.AddActivity(ctx, f.fleet.Name, looks))
	}
	keep(time.Minute)
	v, err = f.open().Rebalance(ctx, by)
	require.NoError(t, err)
	require.Contains(t, v.Load.Reason, "and 10 min have to be between two")

	keep(time.Hour)
	// 36,000 rows in an hour are ten a second.
	f.exec(0, `DO $$ BEGIN FOR i IN 1..100 LOOP PERFORM count(*) FROM notes; END LOOP; END $$; SELECT pg_stat_force_next_flush()`)
	f.exec(0, `SELECT 1`)
	var moved *session.RebalancePlan
	require.Eventually(t, func() bool {
		if v, err = f.open().Rebalance(ctx, by); err != nil || v.Load.From == nil {
			return false
		}
		moved = &v.Plans[0]
		return *v.Shards[0].Load > 1
	}, 15*time.Second, 300*time.Millisecond, "%+v", v.Load)
	from, err := time.Parse(time.RFC3339Nano, *v.Load.From)
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), time.Since(from).Seconds(), 60)
	require.Equal(t, session.LoadMethod, v.Load.Method)
	require.InDelta(t, 100*320/3600.0, *v.Shards[0].Load, 2, "320 notes, read a hundred times")
	require.InDelta(t, 0, *v.Shards[1].Load, 0)
	require.Len(t, v.Load.Hot, 8)
	require.InDelta(t, 1.0/8, v.Load.Hot[0].Share, 0.01)
	require.Equal(t, []string{"load"}, v.By)
	require.True(t, v.Needed)
	require.Len(t, moved.Moves, 4)
	require.InDelta(t, *v.Shards[0].Load/2, *moved.Shards[1].Load, 0.2)
	tried, err := f.open().ApplyRebalance(ctx, session.RebalanceApply{RebalanceRequest: by, Strategy: "fewest-moves", Plan: moved.ID, DryRun: true}, nil)
	require.NoError(t, err)
	require.Equal(t, 4, tried.Queued)

	// Statistics that began anew make no rate with what was before.
	f.exec(0, `SELECT pg_stat_reset()`)
	require.Eventually(t, func() bool {
		v, err = f.open().Rebalance(ctx, by)
		return err == nil && v.Shards[0].Load == nil
	}, 15*time.Second, 300*time.Millisecond)
	require.Contains(t, v.Shards[0].LoadReason, "its statistics began anew")
}
