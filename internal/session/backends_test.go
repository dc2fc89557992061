//go:build unix

package session_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// stranger is a client of shard_1, as a role that is nobody's superuser.
func stranger(t *testing.T, f *fleettest.Fleet, application string) (*pgx.Conn, int) {
	t.Helper()
	cfg, err := pgx.ParseConfig(f.AppURL("shard_1"))
	require.NoError(t, err)
	cfg.RuntimeParams["application_name"] = application
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c, int(c.PgConn().PID())
}

// sleeps runs a statement that takes long and returns how it ended.
func sleeps(t *testing.T, f *fleettest.Fleet, c *pgx.Conn, pid int) (session.BackendView, chan error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "SELECT pg_sleep(60), 'a secret of theirs'")
		done <- err
	}()
	var seen session.BackendView
	require.Eventually(t, func() bool {
		v, err := f.Session.Backends(t.Context(), "shard_1")
		require.NoError(t, err)
		for _, b := range v.Sessions {
			if b.PID == pid && b.State == "active" {
				seen = b
				return true
			}
		}
		return false
	}, 10*time.Second, 20*time.Millisecond)
	return seen, done
}

func events(t *testing.T, f *fleettest.Fleet, action string) []session.Event {
	t.Helper()
	l, err := f.Session.Events(t.Context(), session.AuditFilter{Action: action})
	require.NoError(t, err)
	return l.Events
}

func TestAStatementIsCancelledAndASessionEnded(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	c, pid := stranger(t, f, "the application")
	seen, done := sleeps(t, f, c, pid)
	require.Equal(t, "the application", seen.Application)
	require.NotContains(t, seen.Query, "secret", "statements are shown without the texts in them")
	require.False(t, seen.Ours)

	v, err := f.Session.CancelBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, StartedAt: *seen.StartedAt, StatementAt: *seen.StatementAt, Note: "too long"})
	require.NoError(t, err)
	require.True(t, v.Ended)
	require.ErrorContains(t, <-done, "57014")
	require.NoError(t, c.Ping(t.Context()), "the session stays")

	// Its statement is over: it is not cancelled again, by whatever name.
	_, err = f.Session.CancelBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, StartedAt: *seen.StartedAt, StatementAt: *seen.StatementAt})
	require.Equal(t, fault.SessionIdle, fault.CodeOf(err), "%v", err)
	_, again := sleeps(t, f, c, pid)
	_, err = f.Session.CancelBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, StartedAt: *seen.StartedAt, StatementAt: *seen.StatementAt})
	require.Equal(t, fault.SessionChanged, fault.CodeOf(err), "%v", err)

	v, err = f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, StartedAt: *seen.StartedAt, Note: "enough"})
	require.NoError(t, err)
	require.True(t, v.Ended)
	require.ErrorContains(t, <-again, "57P01")

	for action, note := range map[string]string{"session.cancel": "too long", "session.terminate": "enough"} {
		list := events(t, f, action)
		require.Len(t, list, 2, "an intent and an outcome, and nothing for what was refused")
		require.Equal(t, []string{"outcome", "intent"}, []string{list[0].Phase, list[1].Phase})
		require.Equal(t, "ok", list[0].Status)
		require.Equal(t, "shard_1", list[1].Target)
		require.Equal(t, note, list[1].Note)
		require.Equal(t, map[string]any{
			"pid": float64(pid), "started": *seen.StartedAt, "user": seen.User, "application": "the application", "client": seen.Client, "state": "active", "ours": false,
		}, list[1].Details, "who it was, and nothing of what it ran")
		require.Equal(t, map[string]any{"obeyed": true}, list[0].Details)
		whole, err := json.Marshal(list)
		require.NoError(t, err)
		require.NotContains(t, string(whole), "secret")
		require.NotContains(t, string(whole), "pg_sleep")
	}
	_, err = f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, Note: "enough"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

func TestASessionThatWasNotMeantIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	c, pid := stranger(t, f, "the application")
	before := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	_, err := f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, StartedAt: before, Note: "a"})
	require.Equal(t, fault.SessionChanged, fault.CodeOf(err), "its number was another's: %v", err)
	require.NoError(t, c.Ping(t.Context()))

	ours, own := stranger(t, f, "shard-admin/copy/7")
	_, err = f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: own, Note: "a"})
	require.Equal(t, fault.SessionOurs, fault.CodeOf(err), "%v", err)
	require.NoError(t, ours.Ping(t.Context()))
	require.Empty(t, events(t, f, "session.terminate"), "what is refused at once is no change")
	v, err := f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: own, Ours: true, Note: "a"})
	require.NoError(t, err)
	require.True(t, v.Session.Ours)
	require.Error(t, ours.Ping(t.Context()))
}

// The right reaches no superuser, which is not said as if a GRANT would help.
func TestASuperusersSessionIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	c := f.Super("shard_1")
	pid := int(c.PgConn().PID())
	_, err := f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, Note: "a"})
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "a superuser")
	require.NotContains(t, fault.HintOf(err), "GRANT")
	require.NoError(t, c.Ping(t.Context()))
	list := events(t, f, "session.terminate")
	require.Len(t, list, 2)
	require.Equal(t, "refused", list[0].Status)
}

// A role without pg_signal_backend ends nobody, and the trail has the refusal.
func TestEndingNeedsTheRight(t *testing.T) {
	t.Parallel()
	f := fleettest.Apart(t, 2)
	c, pid := stranger(t, f, "the application")
	pgtest.Exec(t, f.Server("shard_1"), "postgres", "REVOKE pg_signal_backend FROM "+f.Role)
	_, err := f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, Note: "a"})
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	require.Contains(t, fault.HintOf(err), "GRANT pg_signal_backend")
	require.NoError(t, c.Ping(t.Context()))
	list := events(t, f, "session.terminate")
	require.Len(t, list, 2)
	require.Equal(t, "refused", list[0].Status)

	check, err := f.Session.Check(t.Context())
	require.NoError(t, err)
	require.True(t, check.OK, "a fleet is complete without it")
	for _, d := range check.Databases {
		require.Empty(t, d.Missing)
	}
	on := slices.IndexFunc(check.Databases, func(d session.DatabaseCheck) bool { return d.Name == "shard_1" })
	require.Equal(t, []session.MissingRight{{Capability: "signal", Right: "membership of pg_signal_backend", Grant: `GRANT "pg_signal_backend" TO "` + f.Role + `";`}},
		check.Databases[on].Optional)
	scripts, err := f.Session.InstallScript(t.Context())
	require.NoError(t, err)
	require.Contains(t, scripts[on].SQL, `-- optional: GRANT "pg_signal_backend" TO "`+f.Role+`"; -- signal: `, "a DBA decides")

	pgtest.Exec(t, f.Server("shard_1"), "postgres", "REVOKE pg_monitor FROM "+f.Role)
	_, err = f.Session.TerminateBackend(t.Context(), session.EndRequest{Shard: "shard_1", PID: pid, Note: "a"})
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	require.Contains(t, fault.HintOf(err), "pg_monitor")
}
