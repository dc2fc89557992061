package session_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/sample/history"
	"shardadmin/internal/session"
	"shardadmin/internal/store"
)

// uneven keeps looks of a fleet that was uneven for some hours, one in a quarter of an
// hour, the last just now.
func (f *fixture) uneven(hours float64, over float64) {
	f.t.Helper()
	db, err := store.Open(context.Background(), f.dbPath)
	require.NoError(f.t, err)
	defer func() { _ = db.Close() }()
	past := history.New(db, time.Now)
	for back := time.Duration(hours * float64(time.Hour)); back >= 0; back -= 15 * time.Minute {
		require.NoError(f.t, past.Add(context.Background(), f.fleet.Name, time.Now().Add(-back), []history.Value{
			{Name: "spread_over_bytes", Value: over}, {Name: "spread_worth_bytes", Value: 1}, {Shard: "default", Name: "spread_use_bytes", Value: 1 + over},
		}))
	}
}

// Moves are planned at any time, and recommended once the fleet was uneven for a day and
// enough is gained; before that it is said since when it is.
func TestMovesAreRecommendedAfterADay(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	ctx := t.Context()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, v.Needed)
	require.NotEmpty(t, v.Plans[0].Moves, "whoever asks is answered")
	require.False(t, v.Recommended)
	require.NotNil(t, v.Since)
	require.Contains(t, v.RecommendedReason, "moves are recommended after 24 h of it, and nobody looked before")
	d, err := s.Distribution(ctx)
	require.NoError(t, err)
	require.False(t, d.Recommended)
	require.Nil(t, d.Since)
	require.Contains(t, d.SinceReason, "nobody looked how even the fleet is within 1 h")

	f.uneven(23.5, 1)
	again := f.open()
	v, err = again.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.False(t, v.Recommended)
	since, err := time.Parse(time.RFC3339Nano, *v.Since)
	require.NoError(t, err)
	require.InDelta(t, 23.5, time.Since(since).Hours(), 0.2)
	require.Contains(t, v.RecommendedReason, "since "+since.UTC().Format("15:04 UTC on 2006-01-02")+"; moves are recommended after 24 h")
	d, err = again.Distribution(ctx)
	require.NoError(t, err)
	require.False(t, d.Recommended)
	require.Equal(t, v.RecommendedReason, d.RecommendedReason)

	f.uneven(25, 1)
	v, err = f.open().Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.False(t, v.Recommended, "a few kilobytes are not worth it")
	require.Contains(t, v.RecommendedReason, "too little would be gained: default has ≈ ")
	none := int64(0)
	f.fleet.Rebalance.MinimumGain = &none
	last := f.open()
	v, err = last.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, v.Recommended, v.RecommendedReason)
	require.Contains(t, v.RecommendedReason, "and was not within 10 % since")
	d, err = last.Distribution(ctx)
	require.NoError(t, err)
	require.True(t, d.Recommended, d.RecommendedReason)

	f.fleet.Rebalance.By = []string{"count"} // another course, of which nothing is kept
	v, err = f.open().Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, v.Needed)
	require.False(t, v.Recommended)
	require.Contains(t, v.RecommendedReason, "nobody looked before")
}

// What is kept is what a plan says; without one of the shards nothing is.
func TestHowUnevenAFleetIsIsKept(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	list, err := s.SpreadNow(t.Context())
	require.NoError(t, err)
	got := map[string]float64{}
	for _, v := range list {
		got[v.Shard+" "+v.Name] = v.Value
	}
	require.Equal(t, map[string]float64{" spread_over_bytes": 1, " spread_worth_bytes": 0, "default spread_use_bytes": 2, "shard_1 spread_use_bytes": 0}, got)
	f.fleet.Shards[1].Endpoint.URL = "postgres://127.0.0.1:1/nothing?sslmode=disable"
	list, err = f.open().SpreadNow(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
}

// The alert of an imbalance begins after a day, too, and not before.
func TestAnImbalanceIsToldAfterADay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		hours float64
		told  bool
	}{{"not before", 20, false}, {"after", 25, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, _ := small(t, 12)
			f.uneven(c.hours, 0.5)
			s := f.open()
			ctx, cancel := context.WithCancel(t.Context())
			_, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
			require.NoError(t, err)
			found := func() bool {
				v, err := s.Alerts(ctx, false)
				if err != nil {
					return false // the test is over
				}
				for _, a := range v.Alerts {
					if a.Rule == "imbalance.size" {
						return a.Subject == "fleet" && a.State == "firing" && a.Value == "50 %" &&
							strings.Contains(a.Message, "default is 50 % above an even spread; the fleet came above 20 % at ")
					}
				}
				return false
			}
			if c.told {
				require.Eventually(t, found, 20*time.Second, 200*time.Millisecond)
			} else {
				require.Never(t, found, 5*time.Second, 500*time.Millisecond)
			}
			cancel()
			<-done
		})
	}
}

// Who keeps the history looks at the spread and at the activity of tables by itself, and
// what it saw is told at once.
func TestWhoObservesKeepsHowUnevenTheFleetIs(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 12)
	s := f.open()
	ctx, cancel := context.WithCancel(t.Context())
	_, done, err := s.Observe(ctx, session.ObserveOptions{})
	require.NoError(t, err)
	var d session.Distribution
	require.Eventually(t, func() bool {
		d, err = s.Distribution(ctx)
		return err == nil && d.Since != nil
	}, 40*time.Second, 500*time.Millisecond)
	require.False(t, d.Recommended)
	require.Contains(t, d.RecommendedReason, "the fullest shard is more than 20 % above an even spread since ")
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.Contains(t, v.Load.Reason, "the first look at the activity of its tables is ")
	cancel()
	<-done
}
