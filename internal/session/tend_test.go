//go:build unix

package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/alert"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

// A program that stays keeps this computer's copy of the trail by itself: when it
// begins, after a change of its own, and in between. What a sync finds is an alarm and
// an alert, without anybody having asked.
func TestAProgramThatStaysKeepsTheCopy(t *testing.T) {
	t.Parallel()
	f, plain := small(t, 1)
	open := func(every time.Duration) (*session.Session, func()) {
		s := session.Open(session.Config{
			Fleet: f.fleet, Resolver: fixedResolver{f.role}, Email: "ann@example.com", Source: "page", DBPath: f.dbPath,
			Flag: func(policy.Flag) (bool, string) { return true, "test" }, CopyEvery: every,
		})
		ctx, end := context.WithCancel(t.Context())
		_, done, err := s.Observe(ctx, session.ObserveOptions{Alerts: true})
		require.NoError(t, err)
		return s, func() { end(); <-done; s.Close() }
	}
	head := func() int64 {
		list, err := plain.Events(t.Context(), session.AuditFilter{Limit: 1})
		require.NoError(t, err)
		return list.Events[0].Seq
	}
	copied := func() int64 {
		list, err := plain.CopiedEvents(t.Context(), session.AuditFilter{Limit: 1})
		if err != nil {
			return 0
		}
		return *list.CopyTo
	}
	reaches := func(seq int64, what string) {
		t.Helper()
		require.Eventually(t, func() bool { return copied() >= seq }, 20*time.Second, 50*time.Millisecond, what)
	}

	s, end := open(time.Hour)
	reaches(head(), "when it begins")
	f.change(s, "by itself")
	reaches(head(), "after a change of its own")
	end()

	f.change(plain, "by somebody else")
	_, end = open(time.Second)
	defer func() { end() }()
	reaches(head(), "when it begins again")
	f.change(plain, "by somebody else")
	reaches(head(), "in between")
	require.Zero(t, alarmsOf(t, plain))

	f.exec(0, cutAtThree)
	require.Eventually(t, func() bool { return alarmsOf(t, plain) == 1 }, 20*time.Second, 50*time.Millisecond)
	time.Sleep(3 * time.Second)
	require.Equal(t, 1, alarmsOf(t, plain), "filed once for as long as it is the same")
	require.Eventually(t, func() bool {
		list, err := plain.Alerts(t.Context(), false)
		require.NoError(t, err)
		for _, a := range list.Alerts {
			if a.Rule == "audit.copy" && a.Severity == alert.Critical {
				require.Contains(t, a.Message, "cut off on the server")
				return true
			}
		}
		return false
	}, 30*time.Second, 100*time.Millisecond)
	require.Positive(t, copied(), "the copy is kept")
}

const cutAtThree = `ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; ALTER TABLE shard_admin.audit_head DISABLE TRIGGER USER;
	DELETE FROM shard_admin.audit_link WHERE seq > 3; DELETE FROM shard_admin.audit_event e WHERE NOT EXISTS (SELECT FROM shard_admin.audit_link l WHERE l.event_id = e.event_id);
	UPDATE shard_admin.audit_head SET seq = 3, hash = (SELECT hash FROM shard_admin.audit_link WHERE seq = 3);
	DO $$ DECLARE r record; BEGIN FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname IN ('audit_event', 'audit_link', 'audit_head')
		LOOP EXECUTE format('ALTER TABLE shard_admin.%I ENABLE ALWAYS TRIGGER %I', r.relname, r.tgname); END LOOP; END $$`

func alarmsOf(t testing.TB, s *session.Session) int {
	t.Helper()
	list, err := s.AuditAlarms(t.Context())
	require.NoError(t, err)
	return len(list.Alarms)
}
