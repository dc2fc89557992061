//go:build faults && unix

package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// account is a tenant of the ledger with a few rows of each kind, and another one.
const account = `INSERT INTO accounts VALUES (1, 'mine', 'default'), (2, 'yours', 'default');
	INSERT INTO entries SELECT i, 1, 'm' || i, 'before' FROM generate_series(1, 20) i;
	INSERT INTO boxes VALUES (1, 1, 'box'); INSERT INTO things VALUES (1, 1, 'thing');
	INSERT INTO files VALUES (1, 'file'), (2, 'theirs'); INSERT INTO uses VALUES (1, 1, 1), (2, 2, 2)`

// resumed goes on with a move to its switch, also where it was asked to stop before it.
func resumed(t *testing.T, s *session.Session, m session.MoveView) session.MoveView {
	t.Helper()
	if m = act(t, s, "resume", session.MoveAction{ID: m.ID}); m.Held {
		m = act(t, s, "switch", session.MoveAction{ID: m.ID})
	}
	return m
}

// refused carries an action out that is refused with a code, and returns the error.
func refused(t *testing.T, s *session.Session, action string, a session.MoveAction, code fault.Code) (session.MoveView, error) {
	t.Helper()
	a.Note = "test"
	_, err := s.ActOnMove(t.Context(), action, a)
	var m session.MoveView
	if err == nil {
		m, err = s.Await(t.Context(), a.ID, nil)
	} else {
		var look error
		m, look = s.Move(t.Context(), a.ID)
		require.NoError(t, look)
	}
	require.Equal(t, code, fault.CodeOf(err), "%v", err)
	return m, err
}

func (f *fixture) started(s *session.Session, r session.MoveRequest) (session.MoveView, error) {
	f.t.Helper()
	r.Tenant, r.Target, r.Note = "1", "shard_1", "test"
	m, err := s.StartMove(f.t.Context(), r)
	require.NoError(f.t, err)
	return s.Await(f.t.Context(), m.ID, nil)
}

// taken makes a write of the tenant that a side has to take.
func (f *fixture) taken(n int, sql string) {
	f.t.Helper()
	_, err := f.app(n).Exec(f.t.Context(), sql)
	require.NoError(f.t, err)
}

// What is written while a guard is off was not noted: the switch is refused, and
// what goes on later does not rely on the notes.
func TestASwitchWithoutAGuardIsRefusedAndCopiesAnew(t *testing.T) {
	t.Parallel()
	f, s := entries(t, account)
	m, err := f.started(s, session.MoveRequest{Mode: "online", Hold: true})
	require.NoError(t, err)
	require.True(t, m.Held)
	guard := func(how string) string {
		return "ALTER TABLE entries " + how + " TRIGGER zzzz_shard_admin_guard"
	}
	f.exec(0, guard("DISABLE"))
	f.taken(0, "INSERT INTO entries VALUES (100, 1, 'unnoted', 'n')")

	m, err = refused(t, s, "switch", session.MoveAction{ID: m.ID}, fault.GuardMissing)
	require.ErrorContains(t, err, "entries")
	require.Equal(t, "failed", m.State)
	require.Equal(t, "default", f.text(0, "SELECT shard FROM accounts WHERE id = 1"))
	f.taken(0, "UPDATE entries SET note = 'goes on' WHERE id = 1")
	_, err = f.app(1).Exec(t.Context(), "INSERT INTO entries VALUES (200, 1, 'astray', 'n')")
	require.ErrorContains(t, err, "SA001", "nobody writes on the wrong side")

	// Whoever took the guard away brings it back.
	f.exec(0, strings.ReplaceAll(guard("ENABLE"), "ENABLE", "ENABLE ALWAYS"))
	m = resumed(t, s, m)
	require.Equal(t, "retained", m.State)
	require.Equal(t, "unnoted, goes on", f.text(1, "SELECT string_agg(CASE id WHEN 1 THEN note ELSE mark END, ', ' ORDER BY id DESC) FROM entries WHERE id IN (1, 100)"))

	// The same on the way back.
	f.exec(1, guard("DISABLE"))
	f.taken(1, "INSERT INTO entries VALUES (101, 1, 'unnoted there', 'n')")
	m, _ = refused(t, s, "rollback", session.MoveAction{ID: m.ID}, fault.GuardMissing)
	require.Equal(t, "retained", m.State)
	f.taken(1, "UPDATE entries SET note = 'goes on there' WHERE id = 1")
	f.exec(1, strings.ReplaceAll(guard("ENABLE"), "ENABLE", "ENABLE ALWAYS"))
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	require.Equal(t, "unnoted there, goes on there", f.text(0, "SELECT string_agg(CASE id WHEN 1 THEN note ELSE mark END, ', ' ORDER BY id DESC) FROM entries WHERE id IN (1, 101)"))
}

// A finalize deletes the rows that were verified and no others: with a row more of
// the tenant it deletes nothing, and a row to which somebody else's points stays.
func TestAFinalizeStopsAtRowsThatTheMoveDidNotList(t *testing.T) {
	t.Parallel()
	f, s := entries(t, account)
	m := f.online(s, "1", "shard_1")
	_, err := f.super(0).Exec(t.Context(), `ALTER TABLE entries DISABLE TRIGGER zzzz_shard_admin_guard; INSERT INTO entries VALUES (100, 1, 'past the guard', 'n');
		ALTER TABLE entries ENABLE ALWAYS TRIGGER zzzz_shard_admin_guard`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	m, err = refused(t, s, "finalize", session.MoveAction{ID: m.ID}, fault.PurgeUnlisted)
	require.Equal(t, 4, fault.Exit(err))
	require.Equal(t, "retained", m.State)
	require.ErrorContains(t, err, "entries")
	require.Equal(t, "21 1 1", f.text(0, "SELECT (SELECT count(*) FROM entries)::text || ' ' || (SELECT count(*) FROM things) || ' ' || (SELECT count(*) FROM uses WHERE account_id = 1)"))
	require.Equal(t, "shard_1", f.text(0, "SELECT shard FROM accounts WHERE id = 1"))
	f.taken(1, "UPDATE entries SET note = 'served' WHERE id = 1")

	// Another tenant's row comes to point at one that is listed.
	_, err = f.super(0).Exec(t.Context(), `ALTER TABLE entries DISABLE TRIGGER zzzz_shard_admin_guard; DELETE FROM entries WHERE id = 100; ALTER TABLE entries ENABLE ALWAYS TRIGGER zzzz_shard_admin_guard`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	f.taken(0, "INSERT INTO uses VALUES (3, 2, 1)")
	m, err = refused(t, s, "finalize", session.MoveAction{ID: m.ID}, fault.PurgeUnlisted)
	require.Equal(t, 4, fault.Exit(err))
	require.ErrorContains(t, err, "a row of uses")
	require.Equal(t, "finalizing", m.State)
	require.Equal(t, "file 3", f.text(0, "SELECT mark || ' ' || u.id FROM files f JOIN uses u ON u.file_id = f.id WHERE f.id = 1 AND u.account_id = 2"))
	f.taken(0, "DELETE FROM uses WHERE id = 3")
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	require.Equal(t, "0 0 1", f.text(0, "SELECT (SELECT count(*) FROM entries)::text || ' ' || (SELECT count(*) FROM boxes) || ' ' || (SELECT count(*) FROM uses)"))
}

// A finalize waits for a person where nobody has shown that the application follows
// the pointer, and until nobody has written on the old side for routing_ttl.
func TestAFinalizeNeedsRoutesThatAreProvenAndSettled(t *testing.T) {
	t.Parallel()
	f, s := entriesAs(t, []int{0, 1}, strings.NewReplacer(`follows = "true"`, `follows = "unproven"`, `routing_ttl = "0s"`, `routing_ttl = "1h"`).Replace(ledgerProfile), account)
	m := f.online(s, "1", "shard_1")
	m, err := refused(t, s, "finalize", session.MoveAction{ID: m.ID}, fault.RoutingUnproven)
	require.Equal(t, 3, fault.Exit(err))
	require.Equal(t, "retained", m.State)
	proven := session.MoveAction{ID: m.ID, RoutingConfirmed: true}
	m, err = refused(t, s, "finalize", proven, fault.RoutingNotSettled)
	require.ErrorContains(t, err, "0 writes")
	require.Equal(t, "retained", m.State)

	// The switch is long ago; a write came the old way just now.
	f.exec(0, "UPDATE shard_admin.move SET switched_at = switched_at - interval '2 hours'")
	_, err = f.app(0).Exec(t.Context(), "UPDATE entries SET note = 'the old way' WHERE id = 1")
	require.ErrorContains(t, err, "SA001")
	m, err = refused(t, s, "finalize", proven, fault.RoutingNotSettled)
	require.ErrorContains(t, err, "1 writes")
	require.Equal(t, 3, fault.Exit(err))
	require.Equal(t, "retained", m.State)
	require.Equal(t, "20", f.text(0, "SELECT count(*)::text FROM entries"))

	f.exec(0, "SELECT setval(refused_at, (extract(epoch FROM clock_timestamp() - interval '2 hours') * 1000)::bigint) FROM shard_admin_move.fence")
	m = act(t, s, "finalize", proven)
	require.Equal(t, "finalized", m.State)
	require.Equal(t, "test", f.text(0, "SELECT routing_confirmed FROM shard_admin.move"))
}

// A transaction that does not end is named, at the guards and at the fence; when it
// has ended the move goes on.
func TestATransactionInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	f, s := entries(t, account)
	s.Close()
	s = f.openAs(session.Config{Patience: 2 * time.Second})
	open := func(sql string) pgx.Tx {
		tx, err := f.app(0).Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), sql)
		require.NoError(t, err)
		return tx
	}
	named := func(err error, sql string) {
		t.Helper()
		require.Equal(t, 3, fault.Exit(err))
		pid := f.app(0).PgConn().PID()
		for _, what := range []string{fmt.Sprintf("pid %d (%s, ", pid, pgtest.AppRole), "idle in transaction, for ", "): " + sql} {
			require.ErrorContains(t, err, what)
		}
	}
	// A writer keeps its table from being guarded; who has read a table without a
	// guard may have read what it will write by.
	const write, older = "UPDATE entries SET note = 'long' WHERE id = 1", "SELECT name FROM accounts"
	tx := open(write)
	m, err := f.started(s, session.MoveRequest{Mode: "fenced", Hold: true})
	require.Equal(t, fault.FenceBlocked, fault.CodeOf(err), "%v", err)
	named(err, write)
	for n, sql := range []string{older, ""} {
		require.Equal(t, "failed", m.State)
		require.Empty(t, f.leftovers(0), n)
		require.Empty(t, f.leftovers(1), n)
		require.NoError(t, tx.Commit(t.Context()))
		if sql == "" {
			break
		}
		tx = open(sql)
		m, err = refused(t, s, "resume", session.MoveAction{ID: m.ID}, fault.FenceBlocked)
		named(err, sql)
	}
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.True(t, m.Held)

	tx = open(write)
	m, err = refused(t, s, "switch", session.MoveAction{ID: m.ID}, fault.FenceBlocked)
	named(err, write)
	require.Equal(t, "failed", m.State)
	require.Equal(t, "default", f.text(0, "SELECT shard FROM accounts WHERE id = 1"))
	_, err = tx.Exec(t.Context(), "UPDATE entries SET note = 'ended' WHERE id = 1")
	require.NoError(t, err, "it was not kept from going on")
	require.NoError(t, tx.Commit(t.Context()))
	m = resumed(t, s, m)
	require.Equal(t, "retained", m.State)
	require.Equal(t, "ended", f.text(1, "SELECT note FROM entries WHERE id = 1"))
}

// Somebody else pointed the tenant elsewhere while it was copied: it is not pointed
// again, and writes on where it did.
func TestAPointerThatSomebodyChangedIsLeft(t *testing.T) {
	t.Parallel()
	f, s := entries(t, account)
	for _, mode := range []string{"fenced", "online"} {
		m, err := f.started(s, session.MoveRequest{Mode: mode, Hold: true})
		require.NoError(t, err)
		require.True(t, m.Held)
		f.exec(0, "UPDATE accounts SET shard = 'shard_2' WHERE id = 1")
		m, err = refused(t, s, "switch", session.MoveAction{ID: m.ID}, fault.PointerChanged)
		require.Equal(t, 3, fault.Exit(err))
		require.Equal(t, "failed", m.State)
		require.Equal(t, "shard_2", f.text(0, "SELECT shard FROM accounts WHERE id = 1"))
		f.taken(0, "UPDATE entries SET note = note || '.' WHERE id = 1")
		f.exec(0, "UPDATE accounts SET shard = 'default' WHERE id = 1")
		if mode == "fenced" {
			require.Equal(t, "cancelled", act(t, s, "cancel", session.MoveAction{ID: m.ID}).State)
			continue
		}
		m = resumed(t, s, m)
		require.Equal(t, "retained", m.State)
		require.Equal(t, "before..", f.text(1, "SELECT note FROM entries WHERE id = 1"))
	}
}

// What a plan finds in the way is the code with which the start is refused.
func TestAStartIsRefusedWithTheCodeOfWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	f, s := entries(t, account)
	start := func(r session.MoveRequest) error {
		r.Target, r.Note = "shard_1", "test"
		_, err := s.StartMove(t.Context(), r)
		require.Error(t, err)
		require.Equal(t, "0", f.text(0, "SELECT count(*)::text FROM shard_admin.move"))
		return err
	}
	err := start(session.MoveRequest{Tenant: "1", Mode: "fenced", MaxReadOnlyMS: 1})
	require.Equal(t, fault.FenceEstimate, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "expected to take")

	f.exec(0, "UPDATE accounts SET name = 'the same'")
	err = start(session.MoveRequest{Tenant: "the same"})
	require.Equal(t, fault.TenantAmbiguous, fault.CodeOf(err), "%v", err)

	for n := range 2 {
		f.exec(n, "CREATE TABLE whose (id int PRIMARY KEY)")
		f.exec(n, "GRANT SELECT ON whose TO "+f.role)
	}
	err = start(session.MoveRequest{Tenant: "1"})
	require.Equal(t, fault.MapUnclassified, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "whose")
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
}
