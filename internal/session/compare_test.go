//go:build unix

package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// The same statement, which two servers know by different ids, is one in a
// comparison, and the shard where it is slow is marked.
func TestShardsAreComparedByTheTextsOfTheirStatements(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := context.Background()
	for shard, body := range map[string]string{"default": "SELECT 1", "shard_1": "SELECT 1 FROM pg_sleep(0.01)"} {
		super := f.Super(shard)
		for _, sql := range []string{
			"CREATE EXTENSION pg_stat_statements", "CREATE TABLE compared_" + shard + " (id int)", "CREATE TABLE compared (id int)",
			"CREATE FUNCTION slow_on_one(text) RETURNS int LANGUAGE sql VOLATILE AS '" + body + "'",
		} {
			_, err := super.Exec(ctx, sql)
			require.NoError(t, err)
		}
		for range 12 {
			_, err := super.Exec(ctx, "SELECT slow_on_one('private') -- from "+shard)
			require.NoError(t, err)
			_, err = super.Exec(ctx, "SELECT count(*) FROM compared")
			require.NoError(t, err)
		}
	}
	v, err := f.Session.Compare(ctx)
	require.NoError(t, err)
	require.Len(t, v.Shards, 2, "the one that is not configured is no part of it")
	names := []string{}
	var statements session.ShardView
	for _, x := range v.Views {
		names = append(names, x.Name)
		require.Empty(t, x.Reason, x.Name)
		require.NotNil(t, x.CheckedAt, x.Name)
		if x.Name == "statements" {
			statements = x
		}
	}
	require.Equal(t, []string{"statements", "settings", "extensions", "versions", "indexes"}, names)
	notes, keys := map[string]string{}, map[string]bool{}
	for _, r := range statements.Rows {
		require.NotContains(t, r[1], "private")
		require.NotContains(t, r[1], "shard-admin sample", "what this program asks is none of the application's")
		if strings.Contains(r[1], "slow_on_one(") && r[1] != "" && !strings.Contains(r[1], "CREATE") {
			require.Equal(t, "12", r[3], r)
			notes[r[2]] = r[7]
			keys[r[0]] = true
		}
	}
	require.Len(t, keys, 1)
	require.Empty(t, notes["default"])
	require.Contains(t, notes["shard_1"], "times slower")
}
