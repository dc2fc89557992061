//go:build unix

package session_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/session"
	"shardadmin/internal/store"
)

// What is kept is shown with its gaps, in a bounded number of points, and beside it
// what was done.
func TestHistoryShowsWhatIsKeptAndItsGaps(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := t.Context()
	v, err := f.Session.History(ctx, session.HistoryRequest{Shard: "shard_1"})
	require.NoError(t, err)
	require.Len(t, v.Shards[0].Metrics, 6)
	require.Nil(t, v.Shards[0].KeptSince)
	for _, m := range v.Shards[0].Metrics {
		require.Empty(t, m.At)
		require.NotEmpty(t, m.Reason)
	}
	require.False(t, v.Sampling.On)
	require.NotEmpty(t, v.Sampling.Reason)

	// An hour of latency with ten minutes missing, and a size a day for two years.
	db, err := store.Open(ctx, f.Home.DBPath())
	require.NoError(t, err)
	past := history.New(db, time.Now)
	now := time.Now().Truncate(time.Second)
	for at := now.Add(-time.Hour + time.Minute); at.Before(now); at = at.Add(10 * time.Second) {
		if ago := now.Sub(at); ago < 30*time.Minute && ago > 20*time.Minute {
			continue
		}
		require.NoError(t, past.Add(ctx, fleettest.Name, at, []history.Value{{Shard: "shard_1", Name: "latency_seconds", Value: 0.002}}))
	}
	for day := 700; day > 0; day-- {
		require.NoError(t, past.Add(ctx, fleettest.Name, now.AddDate(0, 0, -day), []history.Value{{Shard: "shard_1", Name: "size_bytes", Value: float64(day)}}))
	}
	require.NoError(t, past.Roll(ctx))
	require.NoError(t, db.Close())

	v, err = f.Session.History(ctx, session.HistoryRequest{Shard: "shard_1", Metrics: []string{"latency_ms"}, Since: "1h"})
	require.NoError(t, err)
	m := v.Shards[0].Metrics[0]
	require.Len(t, v.Shards[0].Metrics, 1)
	require.Zero(t, v.StepSeconds)
	require.NotNil(t, v.Shards[0].KeptSince)
	gaps := 0
	for i, x := range m.Mean {
		if i > 0 {
			require.Greater(t, m.At[i], m.At[i-1])
		}
		if x == nil {
			gaps++
			continue
		}
		require.InDelta(t, 2, *x, 1e-9, "milliseconds")
	}
	require.Equal(t, 1, gaps)

	for since, most := range map[string]int{"24h": 300, "7d": 200, "30d": 400, "365d": 380, "730d": 400} {
		v, err = f.Session.History(ctx, session.HistoryRequest{Shard: "shard_1", Metrics: []string{"size_bytes"}, Since: since})
		require.NoError(t, err)
		m := v.Shards[0].Metrics[0]
		require.LessOrEqual(t, len(m.At), session.MostPoints)
		require.NotEmpty(t, m.At, since)
		require.Positive(t, v.StepSeconds)
		require.LessOrEqual(t, (v.To-v.From)/v.StepSeconds, int64(most), since)
		require.Len(t, m.Least, len(m.At))
		require.Len(t, m.Most, len(m.At))
	}

	// An assignment is a mark of both shards.
	site := f.On("default")[0]
	_, err = f.Session.Assign(ctx, session.AssignRequest{Tenant: strconv.Itoa(site.ID), Shard: "shard_1", RowsStay: true, Note: "a test"})
	require.NoError(t, err)
	for _, shard := range f.Shards {
		v, err = f.Session.History(ctx, session.HistoryRequest{Shard: shard, Until: "0s", Marks: true})
		require.NoError(t, err)
		require.Empty(t, v.MarksReason)
		require.Len(t, v.Marks, 1)
		require.Equal(t, session.HistoryMark{
			At: v.Marks[0].At, Kind: "assigned", Tenant: strconv.Itoa(site.ID), Label: v.Marks[0].Label, Source: "default", Target: "shard_1",
		}, v.Marks[0])
		require.InDelta(t, v.To, v.Marks[0].At, 60)
	}
	_, err = f.Session.History(ctx, session.HistoryRequest{Shard: "nowhere"})
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
	_, err = f.Session.History(ctx, session.HistoryRequest{Metrics: []string{"weather"}})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = f.Session.History(ctx, session.HistoryRequest{Since: "soon"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	all, err := f.Session.History(ctx, session.HistoryRequest{Points: 30})
	require.NoError(t, err)
	require.Len(t, all.Shards, 2, "those that are configured")
}
