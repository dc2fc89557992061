//go:build unix

package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
)

// silentServer is a server that this file's test alone stops.
const silentServer = 5

// A shard that is down, or takes connections and says no more, is not one on
// which nothing was found: nobody knows what is there.
func TestTheCheckOfTenantsKnowsWhatItHasNotSeen(t *testing.T) {
	t.Parallel()
	l := &lab{shell: newShell(t)}
	away := pgtest.Server(t, silentServer)
	l.dbs = []string{pgtest.Database(t, 0, "pwb"), pgtest.Database(t, silentServer, "pwb")}
	l.mapp = labMap(t, l.dbs[0])
	name := pgtest.Random("lab_")
	l.json(0, "fleet", "add", name, "--environment", "staging", "--profile", "property_web_builder_demo",
		"--control", pgtest.Server(t, 0).URL("", l.dbs[0]), "--shard", "default=control", "--shard", "shard_1="+away.URL("", l.dbs[1]))
	l.tenant("7", "default", 7000, 1)
	require.Equal(t, true, l.json(0, "tenants", "check")["ok"])

	h, err := home.Open(home.Options{Dir: l.home})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	s, err := h.Session(t.Context(), name, home.SessionOptions{Source: "cli"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	seen, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.True(t, seen.OK)

	silent := func(how string) {
		// Nobody points there, and yet rows may be there.
		v := l.json(5, "tenants", "check")
		require.Equal(t, false, v["ok"], how)
		require.Empty(t, v["tenants"], how)
		require.Equal(t, []any{"shard_1"}, v["unreachable"], how)
		r := l.run("tenants", "check")
		require.Equal(t, 5, r.exit, how)
		require.NotContains(t, r.out, "every pointer agrees", how)
		require.Contains(t, strings.Join(strings.Fields(r.out), " "), "not every shard was looked at", how)
		fits(t, r.out)

		l.exec(0, "UPDATE pwb_websites SET shard_name = 'shard_1' WHERE id = 7")
		v = l.json(4, "tenants", "check")
		one := list(t, v, "tenants")[0]
		require.Equal(t, []any{"default"}, one["rows_on"], "rows were seen where the pointer does not lead: %s", how)
		require.NotEmpty(t, one["rows_on_reason"])
		l.exec(0, "UPDATE pwb_websites SET shard_name = 'default' WHERE id = 7")

		l.exec(0, `INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at) VALUES (9, 'sub9', 'slug9', 'shard_1', now(), now())`)
		v = l.json(5, "tenants", "check")
		require.Equal(t, false, v["ok"], how)
		one = list(t, v, "tenants")[0]
		require.Nil(t, one["rows_on"], how)
		require.Contains(t, one["rows_on_reason"], "shard_1", how)
		l.exec(0, "DELETE FROM pwb_websites WHERE id = 9")
	}
	require.NoError(t, away.Pause())
	t.Cleanup(func() { _ = away.Resume() })
	began := time.Now()
	late, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.False(t, late.OK)
	require.Equal(t, []string{"shard_1"}, late.Unreachable)
	require.Less(t, time.Since(began), 30*time.Second, "a window that was connected before must not wait for ever")
	silent("paused")
	require.NoError(t, away.Resume())
	require.Equal(t, true, l.json(0, "tenants", "check")["ok"])
	require.NoError(t, away.Stop(t.Context()))
	silent("stopped")
}
