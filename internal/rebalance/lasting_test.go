package rebalance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/rebalance"
)

// hours makes a course of one look an hour.
func hours(over ...float64) ([]rebalance.Seen, time.Time) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	out := []rebalance.Seen{}
	for i, o := range over {
		out = append(out, rebalance.Seen{At: at.Add(time.Duration(i) * time.Hour), Over: o})
	}
	return out, at
}

func repeat(over float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = over
	}
	return out
}

// An imbalance stands once it lasted a day; what is between the threshold and half of it
// neither begins nor ends one.
func TestAnImbalanceHasToLast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		over     []float64
		since    int // hours after the first look, -1 for none
		standing bool
	}{
		{"nobody looked", nil, -1, false},
		{"even", repeat(0.05, 40), -1, false},
		{"at the threshold", repeat(0.2, 40), -1, false},
		{"now", []float64{0.05, 0.3}, 1, false},
		{"an hour short of a day", repeat(0.3, 24), 0, false},
		{"a day", repeat(0.3, 25), 0, true},
		{"it dips and stays above half", append(append(repeat(0.3, 12), repeat(0.12, 6)...), repeat(0.3, 8)...), 0, true},
		{"it dips to half: anew", append(append(repeat(0.3, 12), 0.1), repeat(0.3, 13)...), 13, false},
		{"a day, but below the threshold since: not yet", append([]float64{0.3}, repeat(0.15, 30)...), 0, false},
		{"it stands until it is well", append(repeat(0.3, 25), repeat(0.11, 10)...), 0, true},
		{"it is well", append(repeat(0.3, 25), 0.1), -1, false},
	} {
		course, at := hours(c.over...)
		now := at
		if len(course) > 0 {
			now = course[len(course)-1].At.Add(time.Minute)
		}
		got := rebalance.Followed(course, 0.2).Until(now)
		require.Equal(t, c.standing, got.Standing, c.name)
		if c.since < 0 {
			require.Nil(t, got.Since, c.name)
		} else {
			require.Equal(t, at.Add(time.Duration(c.since)*time.Hour), *got.Since, c.name)
		}
	}
}

// A night without a look is part of it, a weekend is not, and what was not looked at
// since says nothing of now.
func TestALongTimeWithoutALookBeginsAnew(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	look := func(h float64) rebalance.Seen {
		return rebalance.Seen{At: at.Add(time.Duration(h * float64(time.Hour))), Over: 0.4}
	}
	night := rebalance.Followed([]rebalance.Seen{look(0), look(9), look(24), look(25)}, 0.2).Until(at.Add(25 * time.Hour))
	require.True(t, night.Standing)
	require.Equal(t, 15*time.Hour, night.Gap)
	weekend := rebalance.Followed([]rebalance.Seen{look(0), look(9), look(70), look(71)}, 0.2).Until(at.Add(71 * time.Hour))
	require.False(t, weekend.Standing)
	require.Equal(t, at.Add(70*time.Hour), *weekend.Since)
	require.Equal(t, time.Hour, weekend.Gap)
	old := rebalance.Followed([]rebalance.Seen{look(0), look(12), look(25)}, 0.2).Until(at.Add(25*time.Hour + 19*time.Hour))
	require.Nil(t, old.Since)
	require.False(t, old.Standing)
}

// Whatever was seen: what stands lasted a day, had no look within half of the threshold,
// and was above the threshold a day after it began.
func TestWhatStandsLasted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		course, at := []rebalance.Seen{}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for range rapid.IntRange(0, 60).Draw(t, "looks") {
			at = at.Add(time.Duration(rapid.IntRange(1, 20*60).Draw(t, "minutes")) * time.Minute)
			course = append(course, rebalance.Seen{At: at, Over: rapid.Float64Range(0, 0.6).Draw(t, "over")})
		}
		got := rebalance.Followed(course, 0.2).Until(at)
		late, late24 := false, false
		for _, x := range course {
			if got.Since == nil || x.At.Before(*got.Since) {
				continue
			}
			if x.Over <= 0.1 {
				t.Fatalf("within half at %s, and since %s", x.At, *got.Since)
			}
			late = late || x.At.Sub(*got.Since) >= rebalance.Lasts
			late24 = late24 || x.Over > 0.2 && x.At.Sub(*got.Since) >= rebalance.Lasts
		}
		if got.Standing != late24 || got.Standing && !late {
			t.Fatalf("standing %v, seen above after a day %v", got.Standing, late24)
		}
	})
}

// An imbalance that stands is mended although it is below the threshold again.
func TestWhatStandsIsMendedToTheGoal(t *testing.T) {
	t.Parallel()
	in := rebalance.Input{}
	for _, s := range []string{"a", "b"} {
		in.Shards = append(in.Shards, rebalance.Shard{Name: s})
	}
	for i := range 100 {
		at := "a"
		if i >= 58 {
			at = "b"
		}
		in.Tenants = append(in.Tenants, rebalance.Tenant{ID: string(rune('A'+i/26)) + string(rune('a'+i%26)), Shard: at, Bytes: 1 << 20})
	}
	quiet := rebalance.Make(in, rebalance.Options{})
	require.False(t, quiet.Needed)
	require.Empty(t, quiet.Plans[0].Moves)
	standing := rebalance.Make(in, rebalance.Options{Standing: true})
	require.True(t, standing.Needed)
	require.NotEmpty(t, standing.Plans[0].Moves)
	require.LessOrEqual(t, *standing.Plans[0].After.Max, 1.1+1e-9)
	shard, bytes, over, known := standing.Excess()
	require.True(t, known)
	require.Equal(t, "a", shard)
	require.InDelta(t, 8<<20, bytes, 1)
	require.InDelta(t, 0.16, over, 1e-9)
}

// Above a higher threshold nobody knows it to have been; above a lower one it was.
func TestAnotherThresholdCountsFromNow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	c := rebalance.Followed([]rebalance.Seen{{At: at, Over: 0.4}, {At: at.Add(12 * time.Hour), Over: 0.4}, {At: at.Add(25 * time.Hour), Over: 0.4}}, 0.2)
	require.True(t, c.Standing)
	next := rebalance.Seen{At: at.Add(26 * time.Hour), Over: 0.4}
	higher := c.Look(next, 0.3)
	require.False(t, higher.Standing)
	require.Equal(t, next.At, *higher.Since)
	lower := c.Look(next, 0.1)
	require.True(t, lower.Standing)
	require.Equal(t, at, *lower.Since)
	require.Nil(t, c.Look(next, 0.5).Since)
}

// What is measured is what a plan says of the fleet before it, by each dimension.
func TestWhatIsMeasuredIsWhatAPlanSays(t *testing.T) {
	t.Parallel()
	in := rebalance.Input{Shards: []rebalance.Shard{{Name: "a"}, {Name: "b"}, {Name: "c", Closed: "it does not answer"}}}
	for i, size := range []int64{6, 1, 1, 1, 1} {
		at := "a"
		if i > 1 {
			at = "b"
		}
		in.Tenants = append(in.Tenants, rebalance.Tenant{ID: string(rune('A' + i)), Shard: at, Rows: size})
	}
	for by, want := range map[rebalance.Dimension]struct {
		fullest string
		over    float64
	}{rebalance.Rows: {"a", 0.4}, rebalance.Count: {"b", 0.2}, rebalance.Load: {"", 0}, rebalance.Bytes: {"", 0}} {
		m := rebalance.Measure(in, rebalance.Options{By: []rebalance.Dimension{by}})
		require.True(t, m.Known, by)
		require.Equal(t, want.fullest, m.Fullest, by)
		require.InDelta(t, want.over, m.Over, 1e-9, by)
		shard, _, _, _ := rebalance.Make(in, rebalance.Options{By: []rebalance.Dimension{by}}).Excess()
		require.Equal(t, want.fullest, shard, by)
		require.Equal(t, "it does not answer", m.Shards[2].Note)
	}
	in.Shards[1].Closed = "it does not answer"
	require.False(t, rebalance.Measure(in, rebalance.Options{}).Known)
}
