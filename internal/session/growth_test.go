//go:build unix

package session_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/alert"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

// What serve and worker keep of a shard's size says how it grows and when it is
// full; without it nothing is said but why.
func TestGrowthComesFromTheHistory(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := context.Background()
	st, err := f.Session.Status(ctx)
	require.NoError(t, err)
	is := float64(*st.Shards[1].SizeBytes)
	const mB = 1 << 20
	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	file.Shards[1].Capacity = int64(is) + 200*mB
	require.NoError(t, f.Home.ReplaceFleet(file))

	h, err := f.Session.Health(ctx, "shard_1")
	require.NoError(t, err)
	require.Equal(t, "too_short", h.Shards[0].Growth.State)
	require.NotEmpty(t, h.Shards[0].Growth.Reason)
	require.Nil(t, h.Shards[0].Growth.BytesPerDay)
	require.Nil(t, h.Shards[0].Growth.FullInDaysFrom)

	db, err := store.Open(ctx, f.Home.DBPath())
	require.NoError(t, err)
	past := history.New(db, time.Now)
	for day := 40; day > 0; day-- {
		at := time.Now().AddDate(0, 0, -day)
		require.NoError(t, past.Add(ctx, fleettest.Name, at, []history.Value{{Shard: "shard_1", Name: "size_bytes", Value: is - 10*mB*float64(day)}}))
	}
	require.NoError(t, past.Roll(ctx))
	require.NoError(t, db.Close())

	s, err := f.Home.Session(ctx, fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "cli"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	h, err = s.Health(ctx, "")
	require.NoError(t, err)
	g := h.Shards[1].Growth
	require.Equal(t, "growing", g.State, "%+v", g)
	require.InDelta(t, 10*mB, *g.BytesPerDay, mB)
	require.NotNil(t, g.FullInDaysFrom)
	require.InDelta(t, 20, *g.FullInDaysFrom, 3)
	require.InDelta(t, 20, *g.FullInDaysTo, 3)
	found := false
	for _, x := range h.Shards[1].Findings {
		found = found || x.Check == "capacity" && x.Severity == "warning"
	}
	require.True(t, found, "a disk that is full in three weeks is said")
	require.Equal(t, "too_short", h.Shards[0].Growth.State, "of the other nothing is kept")
}

// Who has kept no sizes neither begins the alert of a shard that will be full nor ends
// it; that one is full is seen by all.
func TestWhoKeepsNoSizesLeavesTheAlertOfAFullShard(t *testing.T) {
	t.Parallel()
	f, s := small(t, 1)
	const gB = 1 << 30
	ctx := t.Context()
	db, err := store.Open(ctx, f.dbPath)
	require.NoError(t, err)
	past := history.New(db, time.Now)
	for day := 40; day > 0; day-- {
		require.NoError(t, past.Add(ctx, f.fleet.Name, time.Now().AddDate(0, 0, -day), []history.Value{{Shard: "shard_1", Name: "size_bytes", Value: gB * float64(100-day)}}))
	}
	require.NoError(t, past.Roll(ctx))
	require.NoError(t, db.Close())
	f.dbPath = filepath.Join(t.TempDir(), "another.db")
	other := f.open()
	for _, c := range []struct {
		most             int64
		value, severity  string
		near             bool
		elsewhere, stays bool
	}{
		{most: 0},
		{most: 1000 * gB, stays: true},
		{most: 134 * gB, value: "34 days", severity: alert.Warning, near: true, stays: true},
		{most: 120 * gB, value: "20 days", severity: alert.Warning, stays: true},
		{most: 103 * gB, value: "3 days", severity: alert.Critical, stays: true},
		{most: 100 * gB, value: "full", severity: alert.Critical, elsewhere: true},
	} {
		list, unknown, err := s.Conditions(ctx, "shard_1", 100*gB, c.most)
		require.NoError(t, err)
		require.False(t, unknown)
		if c.value == "" {
			require.Empty(t, list)
		} else {
			require.Len(t, list, 1, c.value)
			require.Equal(t, []any{c.value, c.severity, c.near}, []any{list[0].Value, list[0].Severity, list[0].Near})
		}
		list, unknown, err = other.Conditions(ctx, "shard_1", 100*gB, c.most)
		require.NoError(t, err)
		require.Equal(t, c.stays, unknown, "%s elsewhere", c.value)
		require.Equal(t, c.elsewhere, len(list) == 1)
	}
}
