//go:build unix

package session_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// Of two programs with one file one looks, with one warm session a shard; the other
// says who, dials no shard, and takes the place of the one that ends.
func TestOneProgramOfAComputerSamples(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	sampling := func() (n int) {
		require.NoError(t, f.Super("shard_1").QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database() AND application_name LIKE '%/sample'", f.Role).Scan(&n))
		return n
	}
	require.False(t, f.Session.Sampling(t.Context()).On)
	require.NotEmpty(t, f.Session.Sampling(t.Context()).Reason)

	start := func(face string) (*session.Session, *session.Observer, func()) {
		s, err := f.Home.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: face})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		ctx, cancel := context.WithCancel(t.Context())
		b, done, err := s.Observe(ctx, session.ObserveOptions{Yield: true})
		require.NoError(t, err)
		end := func() { cancel(); <-done }
		t.Cleanup(end)
		return s, b, end
	}
	first, b, end := start("window")
	second, standing, _ := start("page")
	seen := func(b *session.Observer) func() bool {
		return func() bool { return b.Figures().Shards[1].Values["size_bytes"] > 0 }
	}
	require.Eventually(t, seen(b), 30*time.Second, 50*time.Millisecond)
	for _, s := range []*session.Session{first, second} {
		by := s.Sampling(t.Context())
		require.True(t, by.On)
		require.Equal(t, "window", by.By)
		require.Equal(t, os.Getpid(), by.Process)
		require.NotNil(t, by.Since)
		require.Empty(t, by.Reason)
	}
	// The slower tiers, asked at the beginning, have a second session while they last.
	require.Eventually(t, func() bool { return sampling() == 1 }, 30*time.Second, 50*time.Millisecond)
	require.Zero(t, standing.Figures().Shards[1].Values["size_bytes"], "who yields looks at nothing")

	end()
	require.Eventually(t, seen(standing), 30*time.Second, 50*time.Millisecond)
	require.Equal(t, "page", first.Sampling(t.Context()).By)
}

// Who needs the figures itself looks in any case; each value is kept once.
func TestTwoThatSampleKeepEachValueOnce(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	observers := []*session.Observer{}
	for _, face := range []string{"worker", "api"} {
		s, err := f.Home.Session(ctx, fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: face})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		b, done, err := s.Observe(ctx, session.ObserveOptions{})
		require.NoError(t, err)
		defer func() { cancel(); <-done }()
		observers = append(observers, b)
	}
	for _, b := range observers {
		require.Eventually(t, func() bool { return b.Figures().Shards[1].Values["size_bytes"] > 0 }, 30*time.Second, 50*time.Millisecond)
	}
	require.Equal(t, "worker", f.Session.Sampling(ctx).By)
	// The first look at each: one value, not two. A figure is known before it is kept.
	points := func() int {
		series, err := observers[1].Range(ctx, "shard_1", "size_bytes", time.Now().Add(-time.Minute), time.Now().Add(time.Minute), 100)
		require.NoError(t, err)
		return len(series.Points)
	}
	require.Eventually(t, func() bool { return points() > 0 }, 30*time.Second, 50*time.Millisecond)
	time.Sleep(500 * time.Millisecond)
	require.Equal(t, 1, points())
}

// A file that cannot be used is a reason, not a silence.
func TestAProgramThatCannotSampleSaysWhy(t *testing.T) {
	t.Parallel()
	f := fleettest.Bare(t, 1)
	require.NoError(t, os.Mkdir(f.Home.DBPath(), 0o700)) // a folder where the file should be
	s, err := f.Home.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "window"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	_, _, err = s.Observe(t.Context(), session.ObserveOptions{Yield: true})
	require.Error(t, err)
	by := s.Sampling(t.Context())
	require.False(t, by.On)
	require.Contains(t, by.Reason, "cannot be used")
}
