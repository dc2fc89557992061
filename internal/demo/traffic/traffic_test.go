package traffic_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/traffic"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func urls(f *fleettest.Fleet) map[string]string {
	out := map[string]string{}
	for _, s := range f.Shards {
		out[s] = f.AppURL(s)
	}
	return out
}

// at waits until the load has done what the condition says.
func at(t *testing.T, load *traffic.Traffic, what string, ok func(traffic.Stats) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return ok(load.Stats()) }, 30*time.Second, 5*time.Millisecond, what)
}

// The application follows a tenant through a move; no acknowledged write is
// lost or doubled, and taking one away afterwards is noticed.
func TestTheApplicationFollowsAMove(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := t.Context()
	tenant := f.On("default")[0]
	load, err := traffic.Start(ctx, traffic.Config{URLs: urls(f), Catalogue: "default", Tenant: tenant.ID, Others: []int{f.On("shard_1")[0].ID}, Writers: 4, Rate: 100})
	require.NoError(t, err)
	at(t, load, "writes before the move", func(s traffic.Stats) bool { return s.Writes > 20 && s.Reads > 5 })
	m, err := f.Session.StartMove(ctx, session.MoveRequest{Tenant: tenant.Label(), Target: "shard_1", Mode: "fenced", Note: "a test"})
	require.NoError(t, err)
	m, err = f.Session.Await(ctx, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "retained", m.State)
	before := load.Stats().Writes
	at(t, load, "writes after the move", func(s traffic.Stats) bool { return s.Writes > before+40 })
	s := load.Stop()
	require.NoError(t, load.Err())
	require.Zero(t, s.Failed)
	require.Positive(t, s.Refused, "the fence was met")
	require.GreaterOrEqual(t, s.Retries, s.Refused)
	require.Positive(t, s.Rate())
	require.Greater(t, s.LongestWrite, s.LongestRead, "writes waited, reads did not")
	bad, err := load.Findings(ctx)
	require.NoError(t, err)
	require.Empty(t, bad)

	target := f.App("shard_1")
	tag, err := target.Exec(ctx, "DELETE FROM pwb_messages WHERE id = (SELECT max(id) FROM pwb_messages WHERE website_id = $1 AND title LIKE 'traffic %')", tenant.ID)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
	_, err = target.Exec(ctx, "INSERT INTO pwb_messages (title, website_id, created_at, updated_at) SELECT title, website_id, now(), now() FROM pwb_messages WHERE id = (SELECT min(id) FROM pwb_messages WHERE website_id = $1 AND title LIKE 'traffic %')", tenant.ID)
	require.NoError(t, err)
	bad, err = load.Findings(ctx)
	require.NoError(t, err)
	require.Len(t, bad, 2)
}

// Connections that break are made anew, and no write is given up or counted
// twice for it.
func TestTheApplicationOutlivesBrokenConnections(t *testing.T) {
	t.Parallel()
	f := fleettest.Bare(t, 1)
	load, err := traffic.Start(t.Context(), traffic.Config{URLs: urls(f), Catalogue: "default", Tenant: 1, Writers: 4, Rate: 200})
	require.NoError(t, err)
	super := f.Super("default")
	for range 5 {
		before := load.Stats()
		at(t, load, "writes go on", func(s traffic.Stats) bool { return s.Writes > before.Writes+10 })
		_, err := super.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sample-application'")
		require.NoError(t, err)
		at(t, load, "and again", func(s traffic.Stats) bool { return s.Retries > before.Retries })
	}
	s := load.Stop()
	require.Zero(t, s.Failed, "%v", load.Err())
	require.Positive(t, s.Retries)
	require.Zero(t, s.Refused)
	bad, err := load.Findings(t.Context())
	require.NoError(t, err)
	require.Empty(t, bad)
}

func TestTheCatalogueHasToBeThere(t *testing.T) {
	t.Parallel()
	_, err := traffic.Start(t.Context(), traffic.Config{URLs: map[string]string{"default": "postgres:///x"}, Catalogue: "control"})
	require.ErrorContains(t, err, "catalogue")
}
