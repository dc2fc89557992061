package session_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/rebalance"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/session"
	"shardadmin/internal/store"
)

// uneven files that whoever evaluates saw the fleet uneven by a dimension for some hours,
// the last time just now.
func (f *fixture) uneven(by string, hours float64, over float64) {
	f.t.Helper()
	f.exec(0, fmt.Sprintf(`INSERT INTO shard_admin.spread (dimension, seen_at, seen_by, above, fullest, threshold, since, standing, tried_at, tried_by)
		SELECT '%s', now(), 'worker on db9', %g, 'default', 0.2, now() - interval '1 hour' * %g, %t, now(), 'worker on db9'
		ON CONFLICT (dimension) DO UPDATE SET since = excluded.since, standing = excluded.standing`, by, over, hours, hours >= 24))
}

func dimensionOf(t *testing.T, r session.Recommendation, by string) session.RebalanceDimension {
	t.Helper()
	for _, d := range r.Dimensions {
		if d.By == by {
			return d
		}
	}
	t.Fatalf("no dimension %s", by)
	return session.RebalanceDimension{}
}

// Moves are planned at any time, and recommended once the fleet was uneven for a day and
// enough is gained, as the fleet's own record has it whoever asks; before that it is said
// since when it is.
func TestMovesAreRecommendedAfterADay(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	ctx := t.Context()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, v.Needed)
	require.NotEmpty(t, v.Plans[0].Moves, "whoever asks is answered")
	require.False(t, v.Recommended)
	require.Nil(t, v.Since)
	require.Equal(t, "the fullest shard is more than 20 % above an even spread now, and since when is not known: no worker, serve or window has looked yet: they do while they run, each 15 min", v.RecommendedReason)
	d, err := s.Distribution(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"control", ""}, []string{*d.Kept, d.KeptReason})
	require.False(t, d.Recommended)
	require.Nil(t, d.Since)
	require.Contains(t, d.SinceReason, "no worker, serve or window has looked yet", "not known is not even")
	require.Equal(t, "unknown", dimensionOf(t, d.Recommendation, "count").State)

	f.uneven("bytes", 23.5, 1)
	v, err = s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.False(t, v.Recommended)
	since, err := time.Parse(time.RFC3339Nano, *v.Since)
	require.NoError(t, err)
	require.InDelta(t, 23.5, time.Since(since).Hours(), 0.2)
	require.Contains(t, v.RecommendedReason, "an even spread of bytes since "+since.UTC().Format("15:04 UTC on 2006-01-02")+"; moves are recommended after 24 h")
	f.dbPath = filepath.Join(t.TempDir(), "another.db") // a second operator's computer
	d, err = f.open().Distribution(ctx)
	require.NoError(t, err)
	require.False(t, d.Recommended)
	require.Equal(t, v.RecommendedReason, d.RecommendedReason)
	bytes := dimensionOf(t, d.Recommendation, "bytes")
	require.Equal(t, []string{"uneven", "worker on db9", "default"}, []string{bytes.State, bytes.SeenBy, bytes.Fullest})
	require.Equal(t, *v.Since, *bytes.Since)
	require.Less(t, *bytes.AgeMS, int64(60_000))
	require.InDelta(t, 1, *bytes.Over, 1e-9)

	f.uneven("bytes", 25, 1)
	v, err = s.Rebalance(ctx, session.RebalanceRequest{})
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

	// Another dimension is followed whatever the fleet file spreads by.
	counted, err := last.Rebalance(ctx, session.RebalanceRequest{By: []string{"count"}})
	require.NoError(t, err)
	require.False(t, counted.Recommended)
	require.Contains(t, counted.RecommendedReason, "since when is not known")
	f.uneven("count", 30, 1)
	counted, err = last.Rebalance(ctx, session.RebalanceRequest{By: []string{"count"}})
	require.NoError(t, err)
	require.True(t, counted.Recommended, counted.RecommendedReason)
	require.Contains(t, counted.RecommendedReason, "an even spread of tenants at ")

	// What nobody has looked at for long is not known, whatever it was.
	f.exec(0, "UPDATE shard_admin.spread SET seen_at = seen_at - interval '2 hours', tried_at = tried_at - interval '2 hours'")
	d, err = last.Distribution(ctx)
	require.NoError(t, err)
	require.False(t, d.Recommended)
	require.Nil(t, d.Since)
	require.Equal(t, "no worker, serve or window has looked for 2 h: they do while they run", d.RecommendedReason)
	bytes = dimensionOf(t, d.Recommendation, "bytes")
	require.Equal(t, "unknown", bytes.State)
	require.Nil(t, bytes.Over)
	require.NotNil(t, bytes.SeenAt)
	f.exec(0, "UPDATE shard_admin.spread SET tried_at = now(), reason = 'shard_1 does not answer' WHERE dimension = 'bytes'")
	d, err = last.Distribution(ctx)
	require.NoError(t, err)
	require.Equal(t, "shard_1 does not answer", d.RecommendedReason)
}

// Without our schema it is what this computer saw, and that is said.
func TestWithoutTheSchemaThisComputersLooksCount(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	ctx := t.Context()
	f.exec(0, "DROP SCHEMA shard_admin CASCADE")
	d, err := s.Distribution(ctx)
	require.NoError(t, err)
	require.Equal(t, "computer", *d.Kept)
	require.Contains(t, d.KeptReason, "only what this computer saw is known")
	require.Contains(t, d.RecommendedReason, "no worker, serve or window of this computer has looked yet")
	db, err := store.Open(ctx, f.dbPath)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	past := history.New(db, time.Now)
	for back := 25 * time.Hour; back >= 0; back -= 15 * time.Minute {
		require.NoError(t, past.Add(ctx, f.fleet.Name, time.Now().Add(-back), []history.Value{{Name: "spread_over_rows", Value: 0.5}, {Name: "spread_worth_rows", Value: 1}}))
	}
	d, err = f.open().Distribution(ctx)
	require.NoError(t, err)
	rows := dimensionOf(t, d.Recommendation, "rows")
	require.True(t, rows.Recommended, rows.Reason)
	require.Equal(t, []string{"standing", "this computer"}, []string{rows.State, rows.SeenBy})
	require.Equal(t, "unknown", dimensionOf(t, d.Recommendation, "bytes").State)
}

// Every dimension is measured as a plan says it; without one of the shards none is known.
func TestHowUnevenAFleetIsIsMeasured(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	list, untold := s.Glance(t.Context())
	got := map[string]float64{}
	for _, v := range list {
		got[v.Shard+v.Name] = v.Value
	}
	require.Equal(t, map[string]float64{
		"spread_over_bytes": 1, "spread_worth_bytes": 0, "spread_over_rows": 1, "spread_worth_rows": 1, "spread_over_count": 1, "spread_worth_count": 1,
	}, got)
	require.Len(t, untold, 1)
	require.Contains(t, untold["load"], "default: no look at the activity of its tables is kept")
	// Whose size is not known counts all the same.
	for _, table := range []string{"authors", "notes"} {
		f.exec(0, "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = '"+table+"'::regclass")
		f.exec(0, "DELETE FROM pg_statistic WHERE starelid = '"+table+"'::regclass")
	}
	list, untold = f.open().Glance(t.Context())
	require.Len(t, list, 2)
	require.Equal(t, "spread_over_count", list[0].Name)
	require.InDelta(t, 1, list[0].Value, 1e-9)
	require.Equal(t, "the size of 12 tenants on default is not known", untold["bytes"])
	require.Equal(t, untold["bytes"], untold["rows"])
	by := []string{"count"}
	v, err := f.open().Rebalance(t.Context(), session.RebalanceRequest{By: by})
	require.NoError(t, err)
	require.True(t, v.Needed)
	require.Contains(t, v.Notes[0], "the size of 12 tenants is not known: they stay (default: ")
	require.Empty(t, v.Plans[0].Moves, "whether they would fit nobody knows")

	f.fleet.Shards[1].Endpoint.URL = "postgres://127.0.0.1:1/nothing?sslmode=disable"
	list, untold = f.open().Glance(t.Context())
	require.Empty(t, list)
	require.Len(t, untold, 4)
	require.Contains(t, untold["count"], "shard_1")
}

// What is kept in the control database goes on from look to look, whoever looks: it
// begins above the threshold, ends within half of it, and a look that told nothing leaves
// what was known.
func TestTheFleetsOwnRecordIsFollowed(t *testing.T) {
	t.Parallel()
	f, s := small(t, 2)
	ctx := t.Context()
	count := func() session.RebalanceDimension {
		d, err := s.Distribution(ctx)
		require.NoError(t, err)
		return dimensionOf(t, d.Recommendation, "count")
	}
	take := func(age time.Duration, over float64) {
		t.Helper()
		require.NoError(t, f.open().TakeGlance(ctx, age, map[rebalance.Dimension]float64{rebalance.Count: over}, map[rebalance.Dimension]string{rebalance.Load: "nobody knows"}))
	}
	take(30*time.Hour, 0.3)
	take(15*time.Hour, 0.15)
	take(20*time.Hour, 0.01) // comes late, and says nothing new
	take(2*time.Minute, 0.3)
	d := count()
	require.True(t, d.Recommended, d.Reason)
	require.Contains(t, d.Reason, "; for up to 15 h of it nobody looked")
	require.Contains(t, d.SeenBy, " on ")
	require.InDelta(t, 120_000, *d.AgeMS, 60_000)
	take(time.Minute, 0.11)
	require.Equal(t, "standing", count().State, "it ends within half of the threshold")
	require.NoError(t, s.TakeGlance(ctx, 0, nil, map[rebalance.Dimension]string{rebalance.Count: "shard_1 does not answer"}))
	require.Equal(t, "standing", count().State)
	take(0, 0.1)
	require.Equal(t, "even", count().State)
	v, err := s.Distribution(ctx)
	require.NoError(t, err)
	load := dimensionOf(t, v.Recommendation, "load")
	require.Equal(t, []string{"unknown", "nobody knows", "nobody knows"}, []string{load.State, load.Reason, load.SeenReason})
	require.Nil(t, load.SeenAt)
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
			f.uneven("bytes", c.hours, 0.5)
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
							strings.Contains(a.Message, "default is 50 % above an even spread of bytes; the fleet came above 20 % at ")
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

// Who evaluates alerts looks at the spread by itself, and what it saw is told to all;
// it keeps the activity of tables on its computer.
func TestWhoObservesKeepsHowUnevenTheFleetIs(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 12)
	s := f.open()
	ctx, cancel := context.WithCancel(t.Context())
	observer, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
	require.NoError(t, err)
	require.Empty(t, observer.Figures().Imbalance)
	var d session.Distribution
	require.Eventually(t, func() bool {
		d, err = s.Distribution(ctx)
		return err == nil && d.Since != nil
	}, 40*time.Second, 500*time.Millisecond)
	require.False(t, d.Recommended)
	require.Contains(t, d.RecommendedReason, "the fullest shard is more than 20 % above an even spread of bytes since ")
	require.Equal(t, "uneven", dimensionOf(t, d.Recommendation, "rows").State)
	require.Equal(t, "uneven", dimensionOf(t, d.Recommendation, "count").State)
	require.Contains(t, dimensionOf(t, d.Recommendation, "load").Reason, "the first look at the activity of its tables is ")
	require.Equal(t, map[string]float64{"bytes": 1, "rows": 1, "count": 1}, observer.Figures().Imbalance)
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.Contains(t, v.Load.Reason, "the first look at the activity of its tables is ")
	cancel()
	<-done
}
