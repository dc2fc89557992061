//go:build unix

package session_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// What a shard's server says of itself: statements with their texts as soon as
// there are two looks, and a shard that nobody knows is named.
func TestAShardIsLookedAt(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := context.Background()
	super := f.Super("shard_1")
	exec := func(sql string) {
		_, err := super.Exec(ctx, sql)
		require.NoError(t, err)
	}

	view := func(name string) session.ShardView {
		v, err := f.Session.Views(ctx, "shard_1")
		require.NoError(t, err)
		require.NotEmpty(t, v.CheckedAt)
		for _, x := range v.Views {
			if x.Name == name {
				return x
			}
		}
		t.Fatalf("there is no view %s", name)
		return session.ShardView{}
	}
	require.Contains(t, view("statements").Reason, "pg_stat_statements is not installed")
	require.Equal(t, "CREATE EXTENSION pg_stat_statements", view("statements").Grant)
	require.NotContains(t, view("statements").Reason, "restart", "the servers of the tests count them")
	require.Nil(t, view("statements").CheckedAt)
	require.NotEmpty(t, view("tables").Rows)
	exec("CREATE EXTENSION pg_stat_statements")
	f.Session.AMinuteGoesBy("shard_1")
	require.NotEmpty(t, view("statements").Reason, "one look says nothing of now")
	for range 20 {
		exec("SELECT count(*) FROM pwb_messages WHERE 'private' <> ''")
	}
	for range 2 { // the second one knows the text
		f.Session.AMinuteGoesBy("shard_1")
		v, found := view("statements"), false
		for _, r := range v.Rows {
			require.NotContains(t, r[0], "private")
			found = found || strings.Contains(r[0], "FROM pwb_messages") && r[3] == "20"
		}
		require.True(t, found, "%+v", v)
		require.NotNil(t, v.OverMS)
		for range 20 {
			exec("SELECT count(*) FROM pwb_messages WHERE 'private' <> ''")
		}
	}

	_, err := f.Session.Views(ctx, "nowhere")
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
}
