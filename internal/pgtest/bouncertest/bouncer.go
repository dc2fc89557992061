//go:build unix

// Package bouncertest runs PgBouncer for tests. Tests alone may import it.
package bouncertest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/localpg"
)

// Start runs PgBouncer in transaction mode in front of a server, in a folder that
// its user may enter, and returns its port. Users come with their passwords; more
// are lines of its settings.
func Start(t testing.TB, dir string, s *localpg.Server, users map[string]string, more string) int {
	t.Helper()
	list := bytes.Buffer{}
	for u, password := range users {
		fmt.Fprintf(&list, "%q %q\n", u, password)
	}
	Private(t, filepath.Join(dir, "users"), list.Bytes())
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	Private(t, filepath.Join(dir, "pgbouncer.ini"), []byte(fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s/users
pool_mode = transaction
default_pool_size = 4
server_tls_sslmode = disable
%s
`, s.Port(), port, dir, more)))
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian's folder, which only root has on its PATH
	}
	cmd := exec.CommandContext(t.Context(), program, filepath.Join(dir, "pgbouncer.ini"))
	cmd.SysProcAttr = child(User(t))
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("PgBouncer: %s", log.String())
		}
	})
	for {
		select {
		case <-ended:
			require.Fail(t, "PgBouncer ended", "%s", log.String())
		case <-time.After(5 * time.Millisecond):
		}
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			// A dial to a free port of the machine's own range may meet itself.
			itself := c.LocalAddr().String() == c.RemoteAddr().String()
			require.NoError(t, c.Close())
			if itself {
				continue
			}
			return port
		}
		require.NoError(t, t.Context().Err())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
}

// User is who servers run as where this is root; nil elsewhere.
func User(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := osuser.Lookup(name); err == nil {
			uid, err := strconv.ParseUint(u.Uid, 10, 32)
			require.NoError(t, err)
			gid, err := strconv.ParseUint(u.Gid, 10, 32)
			require.NoError(t, err)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	require.Fail(t, "there is no user for servers")
	return nil
}

// Private writes a file that only the server's user may read.
func Private(t testing.TB, path string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, text, 0o600))
	if u := User(t); u != nil {
		require.NoError(t, os.Chown(path, int(u.Uid), int(u.Gid)))
	}
}
