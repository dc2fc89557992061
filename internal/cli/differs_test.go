package cli_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// refusedMove is the error of a move that ended with a code, as a command prints it.
func refusedMove(t *testing.T, m map[string]any, state, code string) (id, message string) {
	t.Helper()
	require.Equal(t, state, m["state"], "%v", m["error"])
	e := m["error"].(map[string]any)
	require.Equal(t, code, e["code"], "%v", e)
	return m["id"].(string), e["message"].(string)
}

// Rows that something on the target changes while they come end a fenced move with
// exit 4: each is named by table, key and column, the pointer has not moved, the
// tenant writes where it was, and after a cancel nothing is left. The same of a
// rollback: the tenant stays on the target with what was written since. Rows that
// nobody listed end a finalize with exit 4, and nothing is deleted.
func TestDifferencesEndAMoveWithExit4(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 5)
	// A trigger that both have and whose function does something on the target alone.
	for n, what := range []string{"", "NEW.first_name := 'meddled';"} {
		l.exec(n, `CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+what+` RETURN NEW; END $$;
			CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON pwb_contacts FOR EACH ROW WHEN (NEW.id IN (7002, 7004)) EXECUTE FUNCTION meddle();
			ALTER TABLE pwb_contacts ENABLE ALWAYS TRIGGER meddle`)
	}
	pointer := func() string {
		return rows(t, l.super(0), "SELECT shard_name FROM pwb_websites WHERE id = 7")[0]
	}
	before := l.all()
	m := l.json(4, "move", "start", "7", "shard_1", "--mode", "fenced", "--wait", "--note", "x")
	id, message := refusedMove(t, m, "failed", "verification_differences")
	for _, row := range []string{"pwb_contacts 7002: first_name differs", "pwb_contacts 7004: first_name differs"} {
		require.Contains(t, message, row)
		require.Contains(t, fmt.Sprint(m["log"]), row)
	}
	require.NotContains(t, fmt.Sprint(m), "7003: ")
	require.NotContains(t, fmt.Sprint(m), "meddled", "what a row holds stays where it is")
	require.Equal(t, "default", pointer())
	l.exec(0, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7") // it writes on
	alike(t, before[:1], l.all()[:1], "the source's rows")
	require.Empty(t, l.unfinished())
	require.Equal(t, "cancelled", l.json(0, "move", "cancel", id, "--wait", "--note", "x")["state"])
	after := l.all()
	alike(t, before[:2], after[:2], "the source")
	alike(t, before[5:], after[5:], "the target")

	l.exec(1, "CREATE OR REPLACE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
	m = l.json(0, "move", "start", "7", "shard_1", "--mode", "fenced", "--wait", "--note", "x")
	require.Equal(t, "retained", m["state"])

	// The same of what comes back: what was written since stays, where it was written.
	meddles := func(n int, what string) {
		l.exec(n, "CREATE OR REPLACE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+what+" RETURN NEW; END $$")
	}
	meddles(0, "NEW.first_name := 'meddled';")
	l.exec(1, "UPDATE pwb_contacts SET first_name = 'since' WHERE id IN (7003, 7004)")
	before = l.all()
	id, message = refusedMove(t, l.json(4, "move", "rollback", m["id"].(string), "--wait", "--note", "x"), "retained", "verification_differences")
	require.Contains(t, message, "pwb_contacts 7004: first_name differs")
	require.NotContains(t, message, "7003: ")
	require.Equal(t, "shard_1", pointer())
	alike(t, before[5:6], l.all()[5:6], "the target's rows")
	l.exec(1, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7") // it writes on
	meddles(0, "")
	require.Equal(t, "rolled_back", l.json(0, "move", "rollback", id, "--wait", "--note", "x")["state"])
	require.Equal(t, "default", pointer())
	require.Equal(t, []string{"since", "since"}, rows(t, l.super(0), "SELECT first_name FROM pwb_contacts WHERE id IN (7003, 7004) ORDER BY id"))
	require.Empty(t, rows(t, l.super(1), "SELECT id::text FROM pwb_contacts WHERE website_id = 7"))

	m = l.json(0, "move", "start", "7", "shard_1", "--mode", "fenced", "--wait", "--note", "x")
	require.Equal(t, "retained", m["state"])
	past := func(sql string) { // who writes past the guards
		l.exec(0, "ALTER TABLE pwb_contacts DISABLE TRIGGER zzzz_shard_admin_guard; "+sql+"; ALTER TABLE pwb_contacts ENABLE ALWAYS TRIGGER zzzz_shard_admin_guard")
	}
	past("INSERT INTO pwb_contacts (id, website_id, created_at, updated_at) VALUES (7999, 7, now(), now())")
	before = l.all()
	id, message = refusedMove(t, l.json(4, "move", "finalize", m["id"].(string), "--wait", "--note", "x"), "retained", "purge_unlisted_rows")
	require.Contains(t, message, "pwb_contacts")
	after = l.all()
	alike(t, before[:1], after[:1], "the source's rows")
	alike(t, before[5:6], after[5:6], "the target's rows")
	require.Equal(t, "shard_1", pointer())
	past("DELETE FROM pwb_contacts WHERE id = 7999")
	require.Equal(t, "finalized", l.json(0, "move", "finalize", id, "--wait", "--note", "x")["state"])
	require.Empty(t, rows(t, l.super(0), "SELECT id::text FROM pwb_contacts WHERE website_id = 7"))
	require.Empty(t, l.unfinished())
}
