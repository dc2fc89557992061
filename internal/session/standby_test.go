package session_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// standby starts a physical standby of a server of the fleet.
func (f *fixture) standby(n int) *localpg.Server {
	t := f.t
	t.Helper()
	primary := f.server(n)
	bin, err := localpg.Find(t.Context(), primary.Major())
	require.NoError(t, err)
	dir := filepath.Join(filepath.Dir(primary.Dir()), pgtest.Random("standby_"))
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

// The pointer moves only when readers of a standby find the tenant's rows there.
func TestStandbysAreWaitedForBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	f, s := readyOn(t, [2]int{30, 31})
	for _, c := range f.conns {
		_ = c.Close(t.Context())
	}
	standby := pgtest.Connect(t, f.standby(1).URL("", f.dbs[1]))
	s.Reconnect()
	f.tenant("7", "default", 7000, 2)
	ctx := t.Context()
	require.Eventually(t, func() bool {
		var n int
		return f.super(1).QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n) == nil && n == 1
	}, 30*time.Second, 50*time.Millisecond)
	_, err := standby.Exec(ctx, "SELECT pg_wal_replay_pause()")
	require.NoError(t, err)

	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "behind", MaxReadOnlyMS: 8000})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.ErrorContains(t, err, "did not finish within")
	require.Equal(t, "failed", m.State)
	said := ""
	for _, l := range m.Log {
		said += l.Message + "\n"
	}
	require.Contains(t, said, "waiting for shard-admin to replay")
	_, err = f.app(0).Exec(ctx, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7")
	require.NoError(t, err)

	resumed := make(chan error, 1)
	time.AfterFunc(4*time.Second, func() {
		c, err := pgx.ConnectConfig(context.Background(), standby.Config())
		if err == nil {
			_, err = c.Exec(context.Background(), "SELECT pg_wal_replay_resume()")
			_ = c.Close(context.Background())
		}
		resumed <- err
	})
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	require.NoError(t, <-resumed)
	var n int
	require.NoError(t, standby.QueryRow(ctx, "SELECT count(*) FROM pwb_contacts WHERE website_id = 7").Scan(&n))
	require.Equal(t, 2, n)
}
