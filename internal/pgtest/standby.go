//go:build unix

package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/localpg"
)

// Standby starts a physical standby of the n-th server, which is restarted for
// it; the test's end stops it. No other test may be using that server.
func Standby(t testing.TB, n int) *localpg.Server {
	t.Helper()
	primary := Server(t, n)
	bin, err := localpg.Find(t.Context(), primary.Major())
	require.NoError(t, err)
	dir := filepath.Join(filepath.Dir(primary.Dir()), Random("standby_"))
	require.NoError(t, os.Mkdir(dir, 0o700))
	// A cold copy needs no further program. What lies in the folder of a data
	// folder under that name makes a server a standby, whatever is in it.
	require.NoError(t, primary.Stop(t.Context()))
	for _, cp := range [][2]string{{primary.Dir() + "/data", dir + "/data"}, {dir + "/data/PG_VERSION", dir + "/data/standby.signal"}} {
		out, err := exec.CommandContext(t.Context(), "cp", "-a", cp[0], cp[1]).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, primary.Restart(t.Context()))
	s, err := localpg.Start(t.Context(), localpg.Config{Binaries: bin, Dir: dir, Child: true, Settings: map[string]string{
		"primary_conninfo": "host=" + primary.Socket() + " port=" + portOf(primary) + " user=postgres", "wal_receiver_status_interval": "60s",
		"shared_buffers": "32MB", "max_connections": "300", "max_prepared_transactions": "10", "hot_standby": "on",
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Crash(context.Background()) })
	return s
}

func portOf(s *localpg.Server) string {
	_, port, _ := strings.Cut(s.URL("", "postgres"), "port=")
	port, _, _ = strings.Cut(port, "&")
	return port
}
