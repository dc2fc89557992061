package cli_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/pgtest"
)

// One of five shards takes connections and says nothing, whatever is before it: the
// command has the others' figures in the time that it promises, and why there are none
// of that one.
func TestStatusWaitsForNoShard(t *testing.T) {
	t.Parallel()
	l := populated(t)
	door, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = door.Close() })
	name := l.name()
	path := filepath.Join(l.home, "fleets", name+".toml")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	more := ""
	for n, url := range []string{
		pgtest.Server(t, 0).URL(l.role, pgtest.Database(t, 0, "")),
		pgtest.Server(t, 1).URL(l.role, pgtest.Database(t, 1, "")),
		"postgres://" + l.role + "@" + door.Addr().String() + "/gone?sslmode=disable",
	} {
		shard := fmt.Sprintf("more_%d", n)
		require.NoError(t, os.Setenv(credential.Variable(name, shard), password))
		more += fmt.Sprintf("\n[[shard]]\nname = %q\nurl = %q\ndirect = %q\n", shard, url, url)
	}
	require.NoError(t, os.WriteFile(path, append(b, more...), 0o600))
	for _, args := range [][]string{{"shards", "status"}, {"shards", "status", "--json"}, {"shards", "health"}, {"shards", "health", "--json"}, {"shards", "distribution"}} {
		begin := time.Now()
		r := l.run(args...)
		took := time.Since(begin)
		require.Zero(t, r.exit, "%v: %s%s", args, r.out, r.stderr)
		require.Less(t, took, 2500*time.Millisecond, "%v", args)
		require.Contains(t, r.out, "more_2", "%v", args)
	}
	v := l.json(0, "shards", "status")
	reachable := 0
	for _, x := range list(t, v, "shards") {
		if x["reachable"] == true {
			reachable++
		}
		if x["name"] == "more_2" {
			require.NotEmpty(t, x["error"])
			require.NotEmpty(t, x["latency_ms_reason"])
		}
	}
	require.Equal(t, 4, reachable)
	require.Equal(t, 1, strings.Count(l.run("shards", "status").out, "unreachable"))
}
