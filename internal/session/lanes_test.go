//go:build unix

package session_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/sample"
	"shardadmin/internal/session"
)

// pageOf is what a page that is open asks over and over: that of the fleet, and those of a
// shard.
func pageOf(s *session.Session, shard string) map[string]func(context.Context) error {
	calls := screenOf(s)
	calls["shard health"] = func(ctx context.Context) error { _, err := s.Health(ctx, shard); return err }
	calls["views"] = func(ctx context.Context) error { _, err := s.Views(ctx, shard); return err }
	calls["stats"] = func(ctx context.Context) error { _, err := s.Stats(ctx, shard); return err }
	return calls
}

// Looking takes two connections of a shard at the most: those who sample it and those who
// have its pages open share them.
func TestSamplerAndPagesShareTwoConnections(t *testing.T) {
	t.Parallel()
	for name, samples := range map[string]bool{"sampled here": true, "sampled by nobody": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fleettest.New(t, 2)
			f.Session.Close()
			s, err := f.Home.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "page"})
			require.NoError(t, err)
			t.Cleanup(s.Close)
			if samples {
				ctx, cancel := context.WithCancel(t.Context())
				// The slower tiers come often, to be in the way.
				b, done, err := s.Observe(ctx, session.ObserveOptions{Yield: true, Full: time.Second})
				require.NoError(t, err)
				t.Cleanup(func() { cancel(); <-done })
				// A page that has the first session as the sampler comes ends its look beside it.
				require.Eventually(t, func() bool { return b.Figures().Shards[1].Reading.State == sample.Up }, time.Minute, 20*time.Millisecond)
			}
			ctx, end := context.WithTimeout(t.Context(), 15*time.Second)
			defer end()
			var asking sync.WaitGroup
			asked := make(chan string, 10_000)
			for name, call := range pageOf(s, "shard_1") {
				asking.Go(func() {
					for ctx.Err() == nil {
						if err := call(ctx); err != nil && ctx.Err() == nil {
							t.Errorf("%s: %v", name, err)
						}
						if ctx.Err() == nil {
							asked <- name
						}
						time.Sleep(50 * time.Millisecond)
					}
				})
			}
			super := f.Super("shard_1")
			most, kinds := 0, []string{}
			for ctx.Err() == nil {
				rows, err := super.Query(t.Context(), `SELECT application_name || ': ' || left(query, 60) FROM pg_stat_activity
					WHERE datname = current_database() AND backend_type = 'client backend' AND usename = $1 ORDER BY 1`, f.Role)
				require.NoError(t, err)
				now, err := pgx.CollectRows(rows, pgx.RowTo[string])
				require.NoError(t, err)
				if len(now) > most {
					most, kinds = len(now), now
				}
				time.Sleep(2 * time.Millisecond)
			}
			asking.Wait()
			close(asked)
			count := map[string]int{}
			for name := range asked {
				count[name]++
			}
			for name := range pageOf(s, "shard_1") {
				require.Greater(t, count[name], 3, "%s was asked: %v", name, count)
			}
			require.LessOrEqual(t, most, 2, "%q", kinds)
			require.Positive(t, most)
			t.Logf("%d at the most: %q, asked %v", most, kinds, count)
		})
	}
}

// What the sampler knows is what a page is told, over its session, as of now.
func TestAPageIsToldWhatTheSamplerSeesNow(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	f.Session.Close()
	s, err := f.Home.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "page"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	ctx, cancel := context.WithCancel(t.Context())
	b, done, err := s.Observe(ctx, session.ObserveOptions{Yield: true})
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); <-done })
	require.Eventually(t, func() bool {
		r := b.Figures().Shards[1].Reading
		return r.State == sample.Up && r.Results["database"].Err == nil && len(r.Results["database"].Rows) == 1 && len(r.Results["bloat"].Columns) > 0
	}, time.Minute, 50*time.Millisecond)
	status := func() session.ShardStatus {
		st, err := s.Status(t.Context())
		require.NoError(t, err)
		i := slices.IndexFunc(st.Shards, func(x session.ShardStatus) bool { return x.Name == "shard_1" })
		return st.Shards[i]
	}
	time.Sleep(1100 * time.Millisecond)
	first := status()
	require.Equal(t, "healthy", first.Status)
	require.NotEmpty(t, first.Version)
	require.Positive(t, *first.SizeBytes)
	require.Positive(t, *first.LatencyMS)
	checked, err := time.Parse(time.RFC3339, first.CheckedAt)
	require.NoError(t, err)
	require.Less(t, time.Since(checked), 3*time.Second, "it was looked at now and not at the sampler's own time")
	// Who comes is counted with the next look; those who were there may have gone.
	for range 12 {
		f.Super("shard_1")
	}
	require.Eventually(t, func() bool { return *status().Connections >= 12 }, 20*time.Second, 200*time.Millisecond)
	require.Less(t, *first.Connections, 12)
}

// A look at a shard's health comes to an end where another one keeps the session that
// says whether it answers: what answered a moment ago is there, its round trip is not
// known, and why is said.
func TestHealthWhileAnotherLookHasTheSession(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	_, err := f.Session.Status(t.Context())
	require.NoError(t, err)
	leave, err := f.Session.HoldAnswers(t.Context(), "shard_1")
	require.NoError(t, err)
	defer leave()
	h, err := f.Session.Health(t.Context(), "shard_1")
	require.NoError(t, err)
	require.Len(t, h.Shards, 1)
	sh := h.Shards[0]
	require.Equal(t, "degraded", sh.Status)
	require.Nil(t, sh.LatencyMS)
	i := slices.IndexFunc(sh.Unavailable, func(u session.UnavailableCheck) bool { return u.Check == "latency" })
	require.GreaterOrEqual(t, i, 0, "%v", sh.Unavailable)
	require.Contains(t, sh.Unavailable[i].Reason, "an earlier look has not ended")
	require.NotNil(t, sh.CacheHitRate, "its statistics have a session of their own: %s", sh.CacheReason)
}
