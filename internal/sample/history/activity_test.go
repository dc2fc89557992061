package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/sample/history"
)

// The oldest look since a time counts, of the same statistics alone, for a day.
func TestLooksAtActivityAreKeptForADay(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	ctx := t.Context()
	lease, _, err := h.Acquire(ctx, "f", "window", 1)
	require.NoError(t, err)
	look := func(shard, epoch string, n float64) history.Activity {
		return history.Activity{Shard: shard, At: c.now, Epoch: epoch, Counts: map[string]float64{"notes": n}}
	}
	for hour := range 30 {
		c.now = begin.Add(time.Duration(hour) * time.Hour)
		epoch := "one"
		if hour >= 20 {
			epoch = "two"
		}
		require.NoError(t, lease.AddActivity(ctx, []history.Activity{look("s", epoch, float64(hour)), look("t", "one", 1)}))
	}
	got, err := h.Activity(ctx, "f", "s", "two", c.now.Add(-24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, &history.Activity{Shard: "s", At: begin.Add(20 * time.Hour), Epoch: "two", Counts: map[string]float64{"notes": 20}}, got)
	got, err = h.Activity(ctx, "f", "s", "one", time.Time{})
	require.NoError(t, err)
	require.Equal(t, begin.Add(4*time.Hour), got.At, "older ones are gone")
	got, err = h.Activity(ctx, "g", "s", "one", time.Time{})
	require.NoError(t, err)
	require.Nil(t, got)

	c.now = c.now.Add(3 * history.LeaseTime)
	_, _, err = h.Acquire(ctx, "f", "worker", 2)
	require.NoError(t, err)
	require.Equal(t, fault.LeaseLost, fault.CodeOf(lease.AddActivity(ctx, []history.Activity{look("s", "two", 1)})))
	require.NoError(t, h.Forget(ctx, "f"))
	got, err = h.Activity(ctx, "f", "t", "one", time.Time{})
	require.NoError(t, err)
	require.Nil(t, got)
}
