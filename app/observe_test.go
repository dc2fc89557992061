//go:build unix

package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// The window looks at the fleet that it shows while it shows it.
func TestTheCurrentFleetIsObservedAndNoOther(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	other := two()
	other.Name = "other"
	described, _, err := (&App{home: f.Home}).described(other)
	require.NoError(t, err)
	require.NoError(t, f.Home.AddFleet(described))
	require.NoError(t, f.Home.Use(fleettest.Name))
	a, _ := start(t, Options{Home: f.Home, Mode: Window})
	by := func(name string) session.Sampling {
		s, err := f.Home.Session(t.Context(), name, home.SessionOptions{Email: fleettest.Admin, Source: "cli"})
		require.NoError(t, err)
		defer s.Close()
		return s.Sampling(t.Context())
	}
	on := func(name string) func() bool {
		return func() bool { v := by(name); return v.On && v.By == Window && v.Here }
	}
	require.Eventually(t, on(fleettest.Name), 20*time.Second, 50*time.Millisecond)
	require.False(t, by("other").On)
	// Alerts are evaluated too.
	require.Eventually(t, func() bool {
		list, err := (&Alerts{a}).List(false)
		return err == nil && list.Kept && list.Evaluated
	}, 20*time.Second, 50*time.Millisecond)

	_, err = (&Shell{a}).UseFleet("other")
	require.NoError(t, err)
	require.Eventually(t, on("other"), 20*time.Second, 50*time.Millisecond)
	require.False(t, by(fleettest.Name).On)
	list, err := f.Session.Alerts(t.Context(), false)
	require.NoError(t, err)
	require.False(t, list.Evaluated, "its lease is given back")

	// Another operator is another session: the observation goes on in that one.
	_, err = (&Shell{a}).UseFleet(fleettest.Name)
	require.NoError(t, err)
	require.Eventually(t, on(fleettest.Name), 20*time.Second, 50*time.Millisecond)
	before := *by(fleettest.Name).Since
	_, err = (&Shell{a}).SetOperator("bob@example.com")
	require.NoError(t, err)
	require.Eventually(t, func() bool { v := by(fleettest.Name); return v.On && *v.Since != before }, 20*time.Second, 50*time.Millisecond)
}
