//go:build unix

package app

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/fleettest"
)

// After a sleep every session of before is given up, and the page is told.
func TestAfterASleepTheFleetIsDialledAnew(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	require.NoError(t, f.Home.Use(fleettest.Name))
	f.Session.Close() // another program's sessions would be among those of the app
	var ahead atomic.Int64
	a, face := start(t, Options{Home: f.Home, Mode: Window, Wall: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	_, err := (&Overview{a}).Status()
	require.NoError(t, err)
	super := f.Super("shard_1")
	pids := func() []int {
		list := []int{}
		require.NoError(t, super.QueryRow(t.Context(), "SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shard-admin%'").Scan(&list))
		return list
	}
	before := pids()
	require.NotEmpty(t, before)
	ahead.Store(int64(8 * time.Hour))
	face.until(t, func(e recorded) bool { return e.event == "awake" })
	_, err = (&Overview{a}).Status()
	require.NoError(t, err)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		now := pids()
		require.NotEmpty(c, now)
		for _, pid := range now {
			require.NotContains(c, before, pid, "a session of before the sleep")
		}
	}, 20*time.Second, 50*time.Millisecond)
}
