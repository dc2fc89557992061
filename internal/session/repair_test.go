package session_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// Rows that something on the target changes while they come are named, table, key
// and column; a repair brings them anew and no others, and the audit trail names
// them. While the cause is there it fails again.
func TestDifferingRowsAreBroughtAnew(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 5)
	f.tenant("9", "shard_1", 9000, 2)
	// A trigger that both have and whose function does something on the target alone.
	meddle := func(side int, what string) {
		f.exec(side, "CREATE OR REPLACE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+what+" RETURN NEW; END $$")
	}
	for side, what := range []string{"", "NEW.first_name := 'meddled';"} {
		meddle(side, what)
		f.exec(side, "CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON pwb_contacts FOR EACH ROW WHEN (NEW.id IN (7002, 7004)) EXECUTE FUNCTION meddle()")
	}
	nine := f.owns(1, "9")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "online", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.Equal(t, fault.VerifyDifferent, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "--repair")
	log := messages(m)
	require.Contains(t, log, "pwb_contacts 7002: first_name differs")
	require.Contains(t, log, "pwb_contacts 7004: first_name differs")
	require.NotContains(t, log, "7003")
	_, err = f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET last_name = 'on' WHERE id = 7001")
	require.NoError(t, err, "the tenant writes on")

	_, err = s.ActOnMove(t.Context(), "resume", session.MoveAction{ID: m.ID, Note: "again", Repair: true, Wait: true})
	require.NoError(t, err)
	_, err = s.Await(t.Context(), m.ID, nil)
	require.Equal(t, fault.VerifyDifferent, fault.CodeOf(err), "the cause is still there: %+v", err)
	m, err = s.Move(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, "failed", m.State)

	meddle(1, "")
	past := "SET shard_admin.bypass = '" + m.ID + "'; " // who would write past the guards
	f.exec(1, past+"UPDATE pwb_pages SET slug = 'elsewhere' WHERE id = 7001; DELETE FROM pwb_messages WHERE id = 7003; INSERT INTO pwb_contents (id, website_id, created_at, updated_at) VALUES (7777, 7, now(), now()); RESET shard_admin.bypass")
	before := f.text(1, "SELECT xmin::text FROM pwb_users WHERE id = 7003")
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Repair: true, Wait: true})
	require.Equal(t, "retained", m.State)
	require.Equal(t, before, f.text(1, "SELECT xmin::text FROM pwb_users WHERE id = 7003"), "no other row is brought anew")
	require.Equal(t, f.owns(0, "7"), f.owns(1, "7"))
	require.Equal(t, nine, f.owns(1, "9"))
	events, err := s.Events(t.Context(), session.AuditFilter{Limit: 50})
	require.NoError(t, err)
	found := ""
	for _, e := range events.Events {
		if d, _ := json.Marshal(e.Details); strings.Contains(string(d), "repaired") {
			found += string(d)
		}
	}
	// The first repair failed; what it had noted is brought by the second, too.
	for _, row := range []string{"pwb_contacts 7002 different first_name", "pwb_contacts 7004", "pwb_pages 7001 different slug", "pwb_messages 7003 missing", "pwb_contents 7777 extra", `"count":2`, `"count":3`} {
		require.Contains(t, found, row)
	}
	_, err = s.ActOnMove(t.Context(), "rollback", session.MoveAction{ID: m.ID, Note: "x", Repair: true})
	require.Equal(t, fault.MoveState, fault.CodeOf(err))
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
}

func messages(m session.MoveView) string {
	out := []string{}
	for _, l := range m.Log {
		out = append(out, l.Message)
	}
	return strings.Join(out, "\n")
}
