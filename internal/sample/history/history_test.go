package history_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

var begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

type clock struct{ now time.Time }

func open(t *testing.T) (*history.History, *clock) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "samples.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	c := &clock{begin}
	return history.New(s, func() time.Time { return c.now }), c
}

func add(t require.TestingT, h *history.History, at time.Time, v float64) {
	require.NoError(t, h.Add(context.Background(), "f", at, []history.Value{{Shard: "s", Name: "x", Value: v}}))
}

func TestAPeakStaysAPeakThroughEveryTier(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	// A value a minute for five days, with one peak on the second.
	for at := begin; at.Before(begin.Add(5 * 24 * time.Hour)); at = at.Add(10 * time.Minute) {
		v := 10.0
		if at.Equal(begin.Add(30 * time.Hour)) {
			v = 1000
		}
		add(t, h, at, v)
		c.now = at
		if at.Minute() == 0 {
			require.NoError(t, h.Roll(t.Context()))
		}
	}
	for _, one := range []struct {
		name string
		most int
		step time.Duration
	}{
		{"five minutes", 2000, 5 * time.Minute},
		{"an hour", 200, time.Hour},
		{"a day", 10, 24 * time.Hour},
	} {
		s, err := h.Range(t.Context(), "f", "s", "x", begin, c.now.Add(time.Second), one.most)
		require.NoError(t, err)
		require.Equal(t, one.step, s.Step, one.name)
		require.LessOrEqual(t, len(s.Points), one.most, one.name)
		n, peak, total := 0, 0.0, 0.0
		for _, p := range s.Points {
			n, peak, total = n+p.N, max(peak, p.Max), total+p.Mean*float64(p.N)
		}
		require.Equal(t, 5*24*6, n, one.name)
		require.InDelta(t, 1000, peak, 0, one.name)
		require.InDelta(t, float64(n-1)*10+1000, total, 1e-6, one.name)
	}
}

func TestWhatIsOldGoesAndWhatIsYoungStaysAsItCame(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	add(t, h, begin, 1)
	c.now = begin.Add(3 * 24 * time.Hour)
	add(t, h, c.now, 2)
	require.NoError(t, h.Roll(t.Context()))

	s, err := h.Range(t.Context(), "f", "s", "x", c.now.Add(-time.Hour), c.now.Add(time.Second), 1000)
	require.NoError(t, err)
	require.Zero(t, s.Step)
	require.Len(t, s.Points, 1)
	require.InDelta(t, 2, s.Points[0].Mean, 0)

	// Older than two days: no longer as it came, but in its bucket.
	s, err = h.Range(t.Context(), "f", "s", "x", begin, c.now.Add(time.Second), 1000)
	require.NoError(t, err)
	require.Equal(t, 5*time.Minute, s.Step)
	require.Len(t, s.Points, 2)

	c.now = begin.Add(3 * 365 * 24 * time.Hour)
	require.NoError(t, h.Roll(t.Context()))
	s, err = h.Range(t.Context(), "f", "s", "x", begin, c.now, 1000)
	require.NoError(t, err)
	require.Empty(t, s.Points, "nothing is kept for three years")
}

func TestGapsAreNotZeros(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	add(t, h, begin, 5)
	add(t, h, begin.Add(30*time.Minute), 7)
	require.NoError(t, h.Add(t.Context(), "f", begin.Add(15*time.Minute), []history.Value{{Shard: "s", Name: "x", Value: math.NaN()}}))
	c.now = begin.Add(24 * time.Hour)
	require.NoError(t, h.Roll(t.Context()))
	s, err := h.Range(t.Context(), "f", "s", "x", begin, begin.Add(23*time.Hour), 300)
	require.NoError(t, err)
	require.Equal(t, 5*time.Minute, s.Step)
	require.Len(t, s.Points, 2)
}

func TestFleetsShardsAndNamesAreApart(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	for i, at := range []struct{ fleet, shard, name string }{{"a", "s", "x"}, {"b", "s", "x"}, {"a", "r", "x"}, {"a", "s", "y"}} {
		require.NoError(t, h.Add(t.Context(), at.fleet, begin, []history.Value{{Shard: at.shard, Name: at.name, Value: float64(i)}}))
	}
	c.now = begin.Add(time.Minute)
	value := func(fleet, shard, name string) []history.Point {
		s, err := h.Range(t.Context(), fleet, shard, name, begin, c.now, 100)
		require.NoError(t, err)
		return s.Points
	}
	require.InDelta(t, 1, value("b", "s", "x")[0].Mean, 0)
	require.InDelta(t, 3, value("a", "s", "y")[0].Mean, 0)
	require.NoError(t, h.Forget(t.Context(), "a"))
	require.Empty(t, value("a", "r", "x"))
	require.Len(t, value("b", "s", "x"), 1)
}

// However values come and whenever they are rolled up, what is read is what came.
func TestRangeTellsWhatCame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h, c := open(t)
		came := map[int64]float64{}
		at := begin
		for range rapid.IntRange(1, 60).Draw(r, "values") {
			at = at.Add(time.Duration(rapid.IntRange(1, 7200).Draw(r, "after")) * time.Second)
			v := float64(rapid.IntRange(-1000, 1000).Draw(r, "value"))
			add(r, h, at, v)
			came[at.UnixMilli()] = v
			c.now = at
			if rapid.Bool().Draw(r, "roll") {
				require.NoError(r, h.Roll(context.Background()))
			}
		}
		most := rapid.IntRange(1, 5000).Draw(r, "most")
		s, err := h.Range(context.Background(), "f", "s", "x", begin, at.Add(time.Second), most)
		require.NoError(r, err)
		n, total, least, top := 0, 0.0, math.Inf(1), math.Inf(-1)
		for _, p := range s.Points {
			n, total, least, top = n+p.N, total+p.Mean*float64(p.N), min(least, p.Min), max(top, p.Max)
		}
		want, low, high := 0.0, math.Inf(1), math.Inf(-1)
		for _, v := range came {
			want, low, high = want+v, min(low, v), max(high, v)
		}
		require.Equal(r, len(came), n)
		require.InDelta(r, want, total, 1e-6)
		require.InDelta(r, low, least, 0)
		require.InDelta(r, high, top, 0)
	})
}
