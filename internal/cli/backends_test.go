package cli_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

const (
	ofSession  = `{"pid","started_at","statement_at","user","application","client","state","waits","query","transaction_ms","statement_ms","state_ms","blocked_by","blocks","ours","reason"}`
	ofSessions = `{"shard","sessions":[` + ofSession + `],"checked_at"}`
	ofEnded    = `{"shard","session":` + ofSession + `,"ended","audit_event"}`
)

// client is somebody's session of the lab's shard_1, with its number.
func (l *lab) client(application string) (*pgx.Conn, string) {
	l.t.Helper()
	s, role := pgtest.Server(l.t, 1), pgtest.Random("app_")
	pgtest.Exec(l.t, s, "postgres", "CREATE ROLE "+role+" LOGIN PASSWORD '"+password+"'")
	l.t.Cleanup(func() { pgtest.Exec(l.t, s, "postgres", "DROP ROLE "+role) })
	cfg, err := pgx.ParseConfig(s.URL(role, l.dbs[1]))
	require.NoError(l.t, err)
	cfg.Password = password
	cfg.RuntimeParams["application_name"] = application
	c, err := pgx.ConnectConfig(l.t.Context(), cfg)
	require.NoError(l.t, err)
	l.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c, strconv.FormatUint(uint64(c.PgConn().PID()), 10)
}

// session is what the command line shows of a session.
func (l *lab) session(pid string) map[string]any {
	l.t.Helper()
	for _, s := range list(l.t, l.kept(ofSessions, 0, "shards", "sessions", "shard_1"), "sessions") {
		if fmt.Sprint(s["pid"]) == pid {
			return s
		}
	}
	l.t.Fatalf("no session %s is shown", pid)
	return nil
}

func TestASessionIsEndedByWhoSawIt(t *testing.T) {
	t.Parallel()
	l := installed(t, "production")
	l.json(0, "fleet", "operator", "set", "ann@example.com", "--role", "admin", "--db-role", l.role, "--note", "x", "--confirm", l.name())
	c, pid := l.client("a report")
	seen := l.session(pid)
	started := seen["started_at"].(string)
	require.Equal(t, false, seen["ours"])
	require.Contains(t, l.ok("shards", "sessions", "shard_1"), "a report")
	end := func(more ...string) []string {
		return append([]string{"shards", "terminate", "shard_1", pid}, more...)
	}
	sure := []string{"--note", "it blocks the import", "--confirm", "shard_1"}

	l.refused(2, "usage", "shards", "terminate", "shard_1", "everybody", "--note", "x")
	e := l.refused(2, "usage", end(sure...)...)
	require.Contains(t, e["hint"], "--started "+started, "a number alone may be another's by now")
	l.refused(2, "usage", end(append(sure, "--started", "yesterday")...)...)
	l.refused(1, "not_found", "shards", "terminate", "shard_1", "999999", "--note", "x", "--confirm", "shard_1")
	l.refused(3, "session_changed", end(append(sure, "--started", "2001-01-01T00:00:00Z")...)...)
	l.refused(3, "reason_missing", end("--started", started)...)
	l.refused(3, "confirmation_missing", end("--started", started, "--note", "x", "--yes")...)
	l.refused(3, "session_idle", append([]string{"shards", "cancel", "shard_1", pid, "--started", started}, sure...)...)
	require.NoError(t, c.Ping(t.Context()), "what is refused changes nothing")

	// The right is optional: the fleet is complete without, and says what it lacks.
	check := l.json(0, "fleet", "check")
	optional := list(t, list(t, check, "databases")[1], "optional")
	require.Len(t, optional, 1)
	require.Equal(t, "signal", optional[0]["capability"])
	require.Empty(t, list(t, list(t, check, "databases")[1], "missing"))
	require.Contains(t, l.ok("fleet", "check"), "Optional; without it shards cancel and shards terminate are refused:")
	e = l.refused(3, "right_missing", end(append(sure, "--started", started)...)...)
	require.Contains(t, e["hint"], "GRANT pg_signal_backend")
	require.NoError(t, c.Ping(t.Context()))

	l.exec(1, optional[0]["grant"].(string))
	t.Cleanup(func() { l.exec(1, `REVOKE pg_signal_backend FROM "`+l.role+`"`) })
	require.Empty(t, list(t, list(t, l.json(0, "fleet", "check"), "databases")[1], "optional"))
	v := l.kept(ofEnded, 0, end(append(sure, "--started", started)...)...)
	require.Equal(t, true, v["ended"])
	require.Error(t, c.Ping(t.Context()))
	events := list(t, l.json(0, "audit", "list", "--action", "session.terminate"), "events")
	require.Len(t, events, 4, "the refusal by the server and the end, an intent and an outcome each")
	require.Equal(t, v["audit_event"], events[0]["id"])
	require.Equal(t, "ok", events[0]["status"])
	require.Equal(t, "it blocks the import", events[0]["note"])
	require.Equal(t, "refused", events[2]["status"])
}
