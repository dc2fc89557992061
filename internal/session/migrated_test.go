//go:build faults && unix

package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// A migration while a move is retained is no dead end: the refusal names what can
// be done, what it names works, and a migration of both shards refuses nothing.
func TestAMigrationWhileRetainedIsNoDeadEnd(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"online", "fenced"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f, s := core(t)
			start := func(tenant string) session.MoveView {
				t.Helper()
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: mode, Note: "test"})
				require.NoError(t, err)
				m, err = s.Await(t.Context(), m.ID, nil)
				require.NoError(t, err, "%+v", m.Log)
				return m
			}
			refused := func(action string, m session.MoveView, code string) *session.Problem {
				t.Helper()
				_, err := s.ActOnMove(t.Context(), action, session.MoveAction{ID: m.ID, Note: "test", Wait: true})
				require.NoError(t, err)
				v, err := s.Await(t.Context(), m.ID, nil)
				require.Error(t, err)
				require.Equal(t, "retained", v.State)
				require.Nil(t, v.ReadOnlySince)
				require.NotNil(t, v.Error)
				require.Equal(t, code, v.Error.Code, v.Error.Message)
				require.NotContains(t, v.Error.Hint, "cancel")
				require.NotContains(t, v.Error.Hint, "resume")
				f.writes(m.Tenant, "still open")
				return v.Error
			}

			// The target alone: back as it was, or finalize.
			f.tenant("70177", "default", 70177000, 2)
			m := start("70177")
			f.exec(1, "ALTER TABLE pwb_contacts ADD COLUMN later int NOT NULL DEFAULT 7")
			p := refused("rollback", m, "schema_different")
			require.Contains(t, p.Message, "shard_1: the structure")
			require.Contains(t, p.Hint, "move rollback "+m.ID)
			require.Contains(t, p.Hint, "move finalize "+m.ID)
			f.exec(1, "ALTER TABLE pwb_contacts DROP COLUMN later")
			f.writes("70177", "as it was")
			m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
			require.Equal(t, "rolled_back", m.State)
			f.wrote(m)
			m = start("70177")
			f.exec(1, "ALTER TABLE pwb_contacts ADD COLUMN later int NOT NULL DEFAULT 7")
			refused("rollback", m, "schema_different")
			m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
			require.Equal(t, "finalized", m.State)
			f.exec(1, "ALTER TABLE pwb_contacts DROP COLUMN later")

			// The source alone: neither, until it is as it was or the target is the same.
			f.tenant("80177", "default", 80177000, 2)
			m = start("80177")
			f.exec(0, "ALTER TABLE pwb_contacts ADD COLUMN later int NOT NULL DEFAULT 7")
			p = refused("rollback", m, "schema_different")
			require.Contains(t, p.Message, "default: the structure")
			require.Contains(t, p.Hint, "finalize refuses, too")
			p = refused("finalize", m, "schema_different")
			require.Contains(t, p.Message, "nothing was deleted")
			f.exec(1, "ALTER TABLE pwb_contacts ADD COLUMN later int NOT NULL DEFAULT 7")
			_, err := f.app(1).Exec(t.Context(), "UPDATE pwb_contacts SET later = 8 WHERE website_id = 80177")
			require.NoError(t, err)
			m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
			require.Equal(t, "rolled_back", m.State)
			var n int
			require.NoError(t, f.super(0).QueryRow(t.Context(), "SELECT count(*) FROM pwb_contacts WHERE website_id = 80177 AND later = 8").Scan(&n))
			require.Positive(t, n, "what was written to the new column came back")
			require.Empty(t, owned(t, f, 1, "80177"))

			// A table that only the target has, with rows of the tenant.
			f.tenant("90177", "default", 90177000, 2)
			m = start("90177")
			f.exec(1, "CREATE TABLE pwb_contact_notes (id bigint PRIMARY KEY, contact_id bigint NOT NULL REFERENCES pwb_contacts, website_id bigint)")
			f.exec(1, "GRANT SELECT ON pwb_contact_notes TO "+f.role)
			f.exec(1, "INSERT INTO pwb_contact_notes SELECT 1, min(id), 90177 FROM pwb_contacts WHERE website_id = 90177")
			p = refused("rollback", m, "schema_different")
			require.Contains(t, p.Message, "the tenant has rows in pwb_contact_notes")
			f.exec(1, "DROP TABLE pwb_contact_notes")
			m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
			require.Equal(t, "rolled_back", m.State)
		})
	}
}

// A rollback of an online move that has to compare everything closes the target for
// as long as a fenced one may, and says so.
func TestAnOnlineRollbackThatComparesHasTheTimeOfAFencedOne(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("70177", "default", 70177000, 2)
	m := f.online(s, "70177", "shard_1")
	require.Equal(t, int64(10_000), m.MaxReadOnlyMS)
	f.writes("70177", "on the target")
	// Somebody writes past the source's guards.
	f.exec(0, "SELECT set_config('shard_admin.bypass', $1, false)", m.ID)
	f.exec(0, "UPDATE pwb_contacts SET last_name = 'past the guards' WHERE website_id = 70177")
	f.exec(0, "RESET shard_admin.bypass")
	f.killedAt("rollback", m.ID, "source_brought_up")
	var limit time.Duration
	require.NoError(t, f.super(1).QueryRow(t.Context(), "SELECT expires_at - since FROM shard_admin_move.fence WHERE tenant = '70177' AND state = 'fenced'").Scan(&limit))
	require.InDelta(t, 5*time.Minute, limit, float64(time.Second))
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	f.wrote(m)
	said := ""
	for _, l := range m.Log {
		said += l.Message + "\n"
	}
	require.Contains(t, said, "all rows are compared while the tenant is read-only on shard_1: for at most 5 min, not for the 10 s of a switch")
}
