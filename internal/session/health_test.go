//go:build unix

package session_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// slowly makes a shard take seconds for each of the two questions about statements.
const slowly = `CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC;
	CREATE TABLE ext.slow (seconds float8); INSERT INTO ext.slow VALUES (4); GRANT SELECT ON ext.slow TO PUBLIC;
	ALTER FUNCTION ext.pg_stat_statements(boolean) RENAME TO counted;
	CREATE FUNCTION ext.pg_stat_statements(boolean) RETURNS SETOF ext.pg_stat_statements LANGUAGE sql AS 'SELECT pg_sleep(seconds) FROM ext.slow; SELECT * FROM ext.pg_stat_statements';
	ALTER VIEW ext.pg_stat_statements_info RENAME TO counted_info;
	CREATE VIEW ext.pg_stat_statements_info AS WITH s AS MATERIALIZED (SELECT pg_sleep(seconds) FROM ext.slow) SELECT i.* FROM ext.counted_info i, s;
	GRANT SELECT ON ext.pg_stat_statements_info TO PUBLIC`

// Statements that take their time leave the rest of a look as it is: what was answered
// is there, what was not says why, and the next look does not wait for it again.
func TestASlowStatementLeavesTheRestOfALook(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := context.Background()
	super := f.Super("shard_1")
	_, err := super.Exec(ctx, slowly+"; CREATE TABLE odd (id serial PRIMARY KEY); SELECT setval('odd_id_seq', 2147483000); GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO PUBLIC")
	require.NoError(t, err)
	look := func() (session.ShardHealth, map[string]string) {
		t.Helper()
		h, err := f.Session.Health(ctx, "shard_1")
		require.NoError(t, err)
		require.Nil(t, h.Shards[0].Problem, "%+v", h.Shards[0].Problem)
		out := map[string]string{}
		for _, u := range h.Shards[0].Unavailable {
			out[u.Check] = u.Reason
		}
		return h.Shards[0], out
	}
	found := func(h session.ShardHealth, check string) bool {
		return slices.ContainsFunc(h.Findings, func(f session.Finding) bool { return f.Check == check })
	}
	h, missing := look()
	require.NotNil(t, h.CacheHitRate, h.CacheReason)
	require.Regexp(t, `^no answer within the .* that the look had; it is asked again after 1 min$`, missing["statements"])
	require.NotContains(t, missing, "connections", "what is urgent comes first")
	require.Regexp(t, `^its turn did not come: statements_info was not answered within the `, missing["sequences"])

	// The one that took the time is left alone, and so those behind it are answered.
	h, missing = look()
	require.True(t, found(h, "sequences"), "%+v %v", h.Findings, missing)
	require.NotContains(t, missing, "settings")
	require.Regexp(t, `^no answer within the `, missing["statements"])

	_, err = super.Exec(ctx, "UPDATE ext.slow SET seconds = 0")
	require.NoError(t, err)
	f.Session.AMinuteGoesBy("shard_1")
	_, missing = look()
	require.NotContains(t, missing["statements"], "no answer within")

	// A caller that goes learns nothing and takes nothing from those who come later.
	gone, cancel := context.WithCancel(ctx)
	cancel()
	list, err := f.Session.Health(gone, "shard_1")
	require.True(t, err != nil || list.Shards[0].Problem != nil)
	h, _ = look()
	require.True(t, found(h, "sequences"))
}

// A share of hits says of which reads it is: with one look of all since the statistics
// were reset, if they were, and with two of those in between.
func TestAHitRateSaysOfWhichReadsItIs(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := context.Background()
	super := f.Super("shard_1")
	look := func() session.ShardHealth {
		t.Helper()
		h, err := f.Session.Health(ctx, "shard_1")
		require.NoError(t, err)
		return h.Shards[0]
	}
	h := look()
	require.NotNil(t, h.CacheHitRate)
	require.Nil(t, h.CacheSince)
	require.Contains(t, h.CacheSinceReason, "never reset")
	_, err := super.Exec(ctx, "SELECT pg_stat_reset()")
	require.NoError(t, err)
	var reset time.Time
	require.NoError(t, super.QueryRow(ctx, "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()").Scan(&reset))
	read := func() {
		t.Helper()
		_, err := super.Exec(ctx, "SELECT count(*) FROM pwb_websites; SELECT count(*) FROM pwb_websites WHERE id = 1; SELECT pg_stat_force_next_flush()")
		require.NoError(t, err)
		_, err = super.Exec(ctx, "SELECT 1")
		require.NoError(t, err)
	}
	s := f.Open(fleettest.Admin)
	again := func() session.ShardHealth {
		t.Helper()
		h, err := s.Health(ctx, "shard_1")
		require.NoError(t, err)
		return h.Shards[0]
	}
	read()
	h = again()
	require.NotNil(t, h.CacheSince, "%+v", h)
	require.Empty(t, h.CacheSinceReason)
	at, err := time.Parse(time.RFC3339Nano, *h.CacheSince)
	require.NoError(t, err)
	require.WithinDuration(t, reset, at, time.Second)
	require.Equal(t, h.CacheSince, h.IndexSince)
	first := time.Now()
	read()
	s.AMinuteGoesBy("shard_1")
	h = again()
	require.NotNil(t, h.CacheSince, "%+v", h)
	at, err = time.Parse(time.RFC3339Nano, *h.CacheSince)
	require.NoError(t, err)
	require.WithinDuration(t, first, at, 10*time.Second)
	require.True(t, at.After(reset))

	gone, err := f.Session.Health(ctx, "spare")
	require.NoError(t, err)
	require.Nil(t, gone.Shards[0].CacheSince)
	require.NotEmpty(t, gone.Shards[0].CacheSinceReason)
}
