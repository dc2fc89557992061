package health_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

// run executes a statement on a session and says when it is over.
func run(t *testing.T, c *pgx.Conn, sql string) chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		done <- err
	}()
	return done
}

func exec(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	_, err := c.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

const tiny = 1e-6

func blockedSessionsAreATree(t *testing.T) {
	b := open(t, 0, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)")
	l := health.Defaults()
	l.Blocking = health.Pair{Warning: tiny}
	require.Empty(t, b.examine("blocking", health.Reading{}, l))
	root, middle, last := b.session(), b.session(), b.session()
	exec(t, root, "BEGIN; UPDATE t SET v = 2 WHERE id = 1")
	exec(t, middle, "BEGIN; UPDATE t SET v = 2 WHERE id = 2")
	first := run(t, middle, "UPDATE t SET v = 3 WHERE id = 1")
	b.becomes("blocking", l, 1)
	second := run(t, last, "UPDATE t SET v = 'secret'::text::int WHERE id = 2 OR v::text = 'another'; UPDATE t SET v = 9 WHERE id = 2")
	require.Error(t, <-second)
	second = run(t, last, "UPDATE t SET v = 4 WHERE id = 2 AND 'private' <> ''")
	require.Eventually(t, func() bool {
		tree := health.Tree(b.read())
		return len(tree) == 1 && len(tree[0].Victims) == 1 && len(tree[0].Victims[0].Victims) == 1
	}, 30*time.Second, 20*time.Millisecond)
	found := b.examine("blocking", health.Reading{}, l)
	require.Len(t, found, 1)
	f := found[0]
	require.Equal(t, health.Warning, f.Severity)
	pid := strconv.FormatUint(uint64(root.PgConn().PID()), 10)
	require.Contains(t, f.Message, "session "+pid+" blocks 2 sessions")
	require.Equal(t, "SELECT pg_terminate_backend("+pid+")", f.Statement, "it is idle: there is nothing to cancel")
	require.Len(t, f.Evidence.Rows, 3)
	require.Equal(t, "    "+strconv.FormatUint(uint64(last.PgConn().PID()), 10), f.Evidence.Rows[2][0])
	require.NotContains(t, f.Evidence.Rows[2][6], "private")
	require.Empty(t, b.examine("blocking", health.Reading{}, health.Defaults()), "30 s have not gone by")
	l = health.Defaults()
	l.Victims = 2
	require.Equal(t, health.Critical, b.examine("blocking", health.Reading{}, l)[0].Severity)
	l = health.Defaults()
	l.Blocking = health.Pair{Warning: tiny}
	exec(t, root, "COMMIT")
	require.NoError(t, <-first)
	exec(t, middle, "COMMIT")
	require.NoError(t, <-second)
	b.becomes("blocking", l, 0)
}

func sessionsThatTakeLong(t *testing.T) {
	b := open(t, 0, "")
	l := health.Defaults()
	l.LongTransaction, l.IdleInTransaction, l.LongQuery = health.Pair{Warning: tiny}, health.Pair{Warning: tiny, Critical: 1e6}, health.Pair{Critical: tiny}
	for _, check := range []string{"idle_in_transaction", "long_transactions", "long_queries"} {
		require.Empty(t, b.examine(check, health.Reading{}, l))
	}
	idle, busy := b.session(), b.session()
	exec(t, idle, "BEGIN; SELECT 'private'")
	f := b.becomes("idle_in_transaction", l, 1)[0]
	require.Equal(t, health.Warning, f.Severity)
	require.Equal(t, "SELECT pg_terminate_backend("+strconv.FormatUint(uint64(idle.PgConn().PID()), 10)+")", f.Statement)
	require.NotContains(t, f.Evidence.Rows[0], "private")
	require.Empty(t, b.examine("long_transactions", health.Reading{}, l), "it is told of once")
	require.Empty(t, b.examine("idle_in_transaction", health.Reading{}, health.Defaults()))
	exec(t, idle, "COMMIT")
	b.becomes("idle_in_transaction", l, 0)

	done := run(t, busy, "SELECT pg_sleep(60)")
	q := b.becomes("long_queries", l, 1)[0]
	require.Equal(t, health.Critical, q.Severity)
	require.Len(t, b.examine("long_transactions", health.Reading{}, l), 1)
	exec(t, b.session(), q.Statement)
	require.Error(t, <-done)
	b.becomes("long_queries", l, 0)
	b.becomes("long_transactions", l, 0)

	cfg, err := pgx.ParseConfig(b.url())
	require.NoError(t, err)
	cfg.RuntimeParams["application_name"] = "shard-admin/copy/7"
	ours, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ours.Close(context.Background()) })
	exec(t, ours, "BEGIN; SELECT 1")
	require.Empty(t, b.examine("idle_in_transaction", health.Reading{}, l), "our own are not shown")
}

// Of several sessions the one whose time is said is the one that is offered to be
// ended, not the one whose transaction is the oldest.
func TestTheLongestSessionIsTheOneThatIsMeant(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "")
	l := health.Defaults()
	l.LongTransaction, l.IdleInTransaction, l.LongQuery = health.Pair{Warning: tiny}, health.Pair{Warning: tiny}, health.Pair{Warning: tiny}
	older, longer := b.session(), b.session()
	pid := strconv.FormatUint(uint64(longer.PgConn().PID()), 10)
	meant := func(check, column, statement string) {
		t.Helper()
		f := b.becomes(check, l, 1)[0]
		require.Equal(t, []string{"session " + pid, statement + "(" + pid + ")"}, []string{f.Subject, f.Statement})
		require.Len(t, f.Evidence.Rows, 2)
		require.Equal(t, pid, f.Evidence.Rows[0][0])
		require.Equal(t, f.Value, f.Evidence.Rows[0][slices.Index(f.Evidence.Columns, column)])
		require.Contains(t, f.Message, "the longest for "+f.Value)
	}
	both := func(column string) func() bool {
		return func() bool {
			rows := b.read().Results["sessions"]
			if len(rows.Rows) != 2 || rows.Row(0).Text("state") != rows.Row(1).Text("state") {
				return false
			}
			// The transaction of the first is the older one, what it does now is not.
			return rows.Row(0).FloatOr(column, 0) < rows.Row(1).FloatOr(column, 0)
		}
	}
	exec(t, older, "BEGIN; SELECT 1")
	exec(t, longer, "BEGIN; SELECT 1")
	exec(t, older, "SELECT 2")
	require.Eventually(t, both("state_seconds"), 30*time.Second, 20*time.Millisecond)
	meant("idle_in_transaction", "state_seconds", "SELECT pg_terminate_backend")

	first := run(t, longer, "SELECT pg_sleep(60)")
	require.Eventually(t, func() bool { return len(b.examine("long_queries", health.Reading{}, l)) == 1 }, 30*time.Second, 20*time.Millisecond)
	second := run(t, older, "SELECT pg_sleep(60)")
	require.Eventually(t, both("statement_seconds"), 30*time.Second, 20*time.Millisecond)
	meant("long_queries", "statement_seconds", "SELECT pg_cancel_backend")
	exec(t, b.session(), "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'")
	require.Error(t, <-first)
	require.Error(t, <-second)
}

// Of more sessions than are read those that block or wait are kept, and those that
// have been at what they do for longest; how many were left out is said.
func TestWhatIsLeftOutOfManySessionsIsSaid(t *testing.T) {
	t.Parallel()
	b := open(t, 8, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)")
	pid := func(c *pgx.Conn) int64 { return int64(c.PgConn().PID()) }
	many := []*pgx.Conn{}
	for range 202 {
		c := b.session()
		exec(t, c, "BEGIN; SELECT 1")
		many = append(many, c)
	}
	sleeper, busy := b.session(), b.session()
	exec(t, sleeper, "BEGIN; SELECT 1")
	done := run(t, busy, "SELECT pg_sleep(600)")
	for _, c := range many {
		exec(t, c, "SELECT 2")
	}
	// Both are younger than all others, in each regard.
	blocker, waiter := b.session(), b.session()
	exec(t, blocker, "BEGIN; UPDATE t SET v = 2")
	waits := run(t, waiter, "UPDATE t SET v = 3")
	l := health.Defaults()
	l.Blocking = health.Pair{Warning: tiny}
	b.becomes("blocking", l, 1)

	now := b.read()
	sessions := now.Results["sessions"]
	require.Len(t, sessions.Rows, 200)
	kept := map[int64]bool{}
	for r := range sessions.All() {
		kept[r.IntOr("pid", 0)] = true
	}
	for name, c := range map[string]*pgx.Conn{"the oldest": many[0], "the one that sleeps longest": sleeper, "the longest statement": busy, "the one that blocks": blocker, "the one that waits": waiter} {
		require.True(t, kept[pid(c)], name)
	}
	const said = "6 of 206 open transactions were left out: those are read that hold or wait for a lock or have taken longest"
	left := map[string]string{}
	for _, u := range health.Examine(now, health.Reading{}, l).Unavailable {
		if !u.Later {
			left[u.Check] = u.Reason
		}
	}
	for _, check := range []string{"long_transactions", "idle_in_transaction", "long_queries"} {
		require.Equal(t, said, left[check], check)
	}
	require.NotContains(t, left, "blocking")
	for _, v := range health.Views(now, health.Reading{}, func(int64) (string, bool) { return "", false }) {
		if v.Name == "transactions" {
			require.Equal(t, said, v.Reason)
			require.Len(t, v.Rows, 200)
		}
	}

	// All wait for the one: that they are more than are read is said, too.
	waiting := []chan error{}
	for _, c := range many {
		waiting = append(waiting, run(t, c, "UPDATE t SET v = 4"))
	}
	var reason string
	require.Eventually(t, func() bool {
		reason = ""
		for _, u := range health.Examine(b.read(), health.Reading{}, l).Unavailable {
			if u.Check == "blocking" {
				reason = u.Reason
			}
		}
		return reason == "3 of 203 sessions that wait for a lock were left out: those are read that wait longest"
	}, 60*time.Second, 100*time.Millisecond, "%v", &reason)
	roots := health.Tree(b.read())
	require.Len(t, roots, 1)
	require.Equal(t, pid(blocker), roots[0].PID)
	exec(t, b.session(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name NOT LIKE 'shard-admin%' AND state <> 'idle' AND pid <> pg_backend_pid()")
	for _, w := range append(waiting, waits, done) {
		<-w
	}
}

// What the server's owner calls long is what its own limit says.
func TestIdleSessionsAgainstTheServersOwnLimit(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "")
	b.exec("ALTER DATABASE " + b.name + " SET idle_in_transaction_session_timeout = '60s'")
	b.c = sampler(t, b.url(), "")
	l := health.Defaults()
	l.IdleInTransaction, l.IdleShare = health.Pair{Warning: 1e6}, tiny
	exec(t, b.session(), "BEGIN; SELECT 1")
	b.becomes("idle_in_transaction", l, 1)
	l.IdleShare = 0.9
	require.Empty(t, b.examine("idle_in_transaction", health.Reading{}, l))
}

func connectionsAgainstWhatIsLeft(t *testing.T) {
	b := open(t, 3, "")
	require.Empty(t, b.examine("connections", health.Reading{}, health.Defaults()))
	row := b.read().Results["connections"].Row(0)
	used, limit := row.FloatOr("used", 0), row.FloatOr("max", 0)-row.FloatOr("reserved", 0)-row.FloatOr("reserved_for_roles", 0)
	require.Positive(t, row.FloatOr("reserved", 0), "those are for whoever comes to help")
	l := health.Defaults()
	l.Connections = health.Pair{Warning: (used + 5) / limit, Critical: (used + 8) / limit}
	require.Empty(t, b.examine("connections", health.Reading{}, l))
	held := []*pgx.Conn{}
	for range 5 {
		held = append(held, b.session())
	}
	f := b.becomes("connections", l, 1)[0]
	require.Equal(t, health.Warning, f.Severity)
	require.Equal(t, fmt.Sprintf("%.0f of %.0f", used+5, limit), f.Value)
	require.Equal(t, "5", f.Evidence.Rows[0][0])
	held = append(held, b.session(), b.session(), b.session())
	require.Eventually(t, func() bool {
		found := b.examine("connections", health.Reading{}, l)
		return len(found) == 1 && found[0].Severity == health.Critical
	}, 30*time.Second, 20*time.Millisecond)
	for _, c := range held {
		_ = c.Close(t.Context())
	}
	b.becomes("connections", l, 0)
}

func snapshotsAndPreparedTransactionsThatAreForgotten(t *testing.T) {
	b := open(t, 4, "CREATE TABLE t (id int)")
	l := health.Defaults()
	l.Horizon, l.Prepared = health.Pair{Warning: 50, Critical: 1e9}, health.Pair{Warning: tiny}
	require.Empty(t, b.examine("prepared_transactions", health.Reading{}, l))
	burn := func() {
		c := b.session()
		for range 60 {
			exec(t, c, "SELECT pg_current_xact_id()")
		}
	}
	end := func(kind string, make, undo func()) {
		t.Helper()
		burn()
		b.becomes("horizon", l, 0)
		make()
		burn()
		f := b.becomes("horizon", l, 1)[0]
		require.Contains(t, f.Subject, kind)
		if kind != "session" {
			exec(t, b.session(), f.Statement)
		} else {
			undo()
		}
		b.becomes("horizon", l, 0)
	}
	c := b.session()
	end("session", func() { exec(t, c, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1") }, func() { exec(t, c, "COMMIT") })
	end("prepared transaction it's", func() {
		exec(t, c, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'it''s'")
		require.Equal(t, "it's", b.examine("prepared_transactions", health.Reading{}, l)[0].Subject)
	}, nil)
	require.Empty(t, b.examine("prepared_transactions", health.Reading{}, l))
}

// Whoever names a transaction decides what is offered to be run: it must be that name
// and nothing else, however the session that runs it takes a backslash.
func TestOfferedStatementsTakeAHostileNameAsAName(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id int); CREATE TABLE kept (id int)")
	l := health.Defaults()
	l.Horizon, l.Prepared = health.Pair{Warning: 1e-9}, health.Pair{Warning: tiny}
	offered := func(check, subject string, n health.Reading) string {
		t.Helper()
		for _, f := range of(health.Examine(n, health.Reading{}, l), check) {
			if f.Subject == subject {
				return f.Statement
			}
		}
		require.FailNow(t, "nothing is said of it", "%s: %s", check, subject)
		return ""
	}
	for i, name := range []string{
		`\'; DROP TABLE kept; --`, `'; DROP TABLE kept; --`, `\\'; DROP TABLE kept; --`, `\`, `'`, `\'`, `'\`, `''`, `\\`, `a\nb`, "a\nb", `\x27; DROP TABLE kept; --`, `\047`, `$$`, `%s`, `"; DROP TABLE kept; --`, `é'\é`, `x /* `,
	} {
		for _, standard := range []string{"on", "off"} {
			c := b.session()
			exec(t, c, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION '"+strings.ReplaceAll(name, "'", "''")+"'")
			exec(t, c, "SET standard_conforming_strings = "+standard)
			now := b.read()
			exec(t, c, offered("prepared_transactions", name, now))
			require.NotContains(t, fmt.Sprint(b.read().Results["prepared_transactions"].Rows), name)
			// The holder of the oldest snapshot is offered as well, a slot as another does.
			only := func(kind string) health.Reading {
				r := now
				r.Results = maps.Clone(r.Results)
				r.Results["horizon"] = sample.Result{At: now.At, Columns: []string{"kind", "holder", "age"}, Rows: [][]any{{kind, name, int64(5)}}}
				r.Results["slots"] = sample.Result{At: now.At, Columns: []string{"slot", "active"}, Rows: [][]any{{name, false}}}
				return r
			}
			for _, offer := range []string{
				offered("horizon", "prepared transaction "+name, only("prepared transaction")), offered("horizon", "replication slot "+name, only("replication slot")), offered("slots", "slot "+name, only("session")),
			} {
				_, err := c.Exec(t.Context(), offer, pgx.QueryExecModeSimpleProtocol)
				require.ErrorContains(t, err, `"`+name+`" does not exist`, offer)
			}
			require.NoError(t, c.Close(t.Context()), i)
		}
	}
	exec(t, b.session(), "SELECT FROM kept")
}

func slotsThatNobodyReads(t *testing.T) {
	for _, major := range []int{15, 17} {
		b := open(t, pgtest.Of(major), "")
		slot := pgtest.Random("slot_")
		mine := func(l health.Limits) []health.Finding {
			out := []health.Finding{}
			for _, f := range b.examine("slots", health.Reading{}, l) {
				if f.Subject == "slot "+slot {
					out = append(out, f)
				}
			}
			return out
		}
		l := health.Defaults()
		require.Empty(t, mine(l))
		b.exec("SELECT pg_create_physical_replication_slot('" + slot + "', true)")
		f := mine(l)
		require.Len(t, f, 1)
		require.Equal(t, health.Warning, f[0].Severity)
		require.Contains(t, f[0].Message, "nobody reads it")
		require.Equal(t, major >= 17, strings.Contains(f[0].Message, "nobody reads it, for "), "since when is known from 17 on: %s", f[0].Message)
		l.SlotBytes = health.Pair{Critical: 1}
		b.exec("SELECT pg_logical_emit_message(false, 'x', repeat('y', 100000)); SELECT pg_switch_wal()")
		require.Equal(t, health.Critical, mine(l)[0].Severity)
		exec(t, b.session(), f[0].Statement)
		require.Empty(t, mine(l))
	}
}

func standbysThatFallBehind(t *testing.T) {
	b := open(t, 5, "")
	_ = b.c.Close(t.Context())
	standby := pgtest.Standby(t, 5)
	b.c = sampler(t, b.url(), "")
	l := health.Defaults()
	l.ReplicationBytes, l.ReplicationDelay = health.Pair{Warning: 50000, Critical: 1e12}, health.Pair{}
	require.Eventually(t, func() bool { return len(b.read().Results["replication"].Rows) == 1 }, 30*time.Second, 50*time.Millisecond)
	s := sampler(t, standby.URL("", b.name), "")
	f := of(health.Examine(reading(t, s), health.Reading{}, health.Defaults()), "writable")
	require.Len(t, f, 1)
	require.Equal(t, "standby", f[0].Value)
	require.Empty(t, b.examine("writable", health.Reading{}, health.Defaults()))
	b.becomes("replication", l, 0)
	control := pgtest.Connect(t, standby.URL("", b.name))
	exec(t, control, "SELECT pg_wal_replay_pause()")
	b.exec("SELECT pg_logical_emit_message(true, 'x', repeat('y', 100000))")
	require.Contains(t, b.becomes("replication", l, 1)[0].Message, "behind")
	exec(t, control, "SELECT pg_wal_replay_resume()")
	require.NoError(t, pgtestReplies(standby.URL("", "postgres")))
	// A standby tells its place when it has written, so it gets something to.
	require.Eventually(t, func() bool {
		b.exec("SELECT pg_logical_emit_message(true, 'x', 'y')")
		return len(b.examine("replication", health.Reading{}, l)) == 0
	}, 90*time.Second, 100*time.Millisecond)

	// What a query on the standby still sees, vacuum keeps on the primary: the standby
	// is named, or the slot that it reads from, which keeps it when the standby is gone.
	l = health.Defaults()
	l.Horizon = health.Pair{Warning: 50}
	burn := func() {
		c := b.session()
		for range 60 {
			exec(t, c, "SELECT pg_current_xact_id()")
		}
		_ = c.Close(t.Context())
	}
	tell := func(settings ...string) {
		t.Helper()
		for _, set := range append(settings, "hot_standby_feedback = on") {
			exec(t, control, "ALTER SYSTEM SET "+set)
		}
		exec(t, control, "SELECT pg_reload_conf()")
	}
	b.becomes("horizon", l, 0)
	tell()
	reader := pgtest.Connect(t, standby.URL("", b.name))
	exec(t, reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
	burn()
	f = b.becomes("horizon", l, 1)
	require.Contains(t, f[0].Subject, "standby ")
	require.Empty(t, f[0].Statement, "nothing is ended from here")
	require.Contains(t, f[0].Advice, "hot_standby_feedback")
	exec(t, reader, "COMMIT")
	// A standby says at once what it sees when it reads its settings; it sees the end of
	// what was burnt when that is written and has come to it.
	require.Eventually(t, func() bool {
		tell()
		return len(b.examine("horizon", health.Reading{}, l)) == 0
	}, 60*time.Second, 200*time.Millisecond)

	exec(t, b.session(), "SELECT pg_create_physical_replication_slot('of_standby')")
	tell("primary_slot_name = 'of_standby'")
	require.Eventually(t, func() bool {
		var active bool
		require.NoError(t, b.session().QueryRow(t.Context(), "SELECT active AND xmin IS NOT NULL FROM pg_replication_slots").Scan(&active))
		return active
	}, 60*time.Second, 100*time.Millisecond)
	b.becomes("horizon", l, 0)
	require.NoError(t, standby.Crash(t.Context()))
	burn()
	f = b.becomes("horizon", l, 1)
	require.Equal(t, "replication slot of_standby", f[0].Subject)
	require.Eventually(t, func() bool {
		_, err := b.session().Exec(t.Context(), f[0].Statement)
		return err == nil
	}, 60*time.Second, 100*time.Millisecond, "its reader is gone, which the server notices in a moment")
	b.becomes("horizon", l, 0)
}

// pgtestReplies lets a standby tell often how far it is.
func pgtestReplies(url string) error {
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.Background()) }()
	_, err = c.Exec(context.Background(), "ALTER SYSTEM SET wal_receiver_status_interval = '1s'")
	if err == nil {
		_, err = c.Exec(context.Background(), "SELECT pg_reload_conf()")
	}
	return err
}

func indexesThatAreBroken(t *testing.T) {
	b := open(t, 0, `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a int, b int, p_id int REFERENCES p);
		INSERT INTO t SELECT g, g % 5, g, NULL FROM generate_series(1, 100) g`)
	l := health.Defaults()
	require.Empty(t, b.examine("invalid_indexes", health.Reading{}, l))
	_, err := b.session().Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
	require.Error(t, err, "there are doubles")
	f := b.examine("invalid_indexes", health.Reading{}, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Warning, f[0].Severity)
	b.exec("DELETE FROM t WHERE id > 5")
	exec(t, b.session(), f[0].Statement)
	require.Empty(t, b.examine("invalid_indexes", health.Reading{}, l))

	require.Empty(t, b.examine("duplicate_indexes", health.Reading{}, l))
	b.exec(`CREATE INDEX longer ON t (b, p_id); CREATE INDEX shorter ON t (b); CREATE INDEX other ON t (b DESC); CREATE INDEX partial ON t (b) WHERE a > 1;
		CREATE INDEX expression ON t ((a + b)); CREATE INDEX expression_again ON t ((a + b)); CREATE INDEX including ON t (b) INCLUDE (a); CREATE INDEX "of key" ON t (id)`)
	f = b.examine("duplicate_indexes", health.Reading{}, l)
	names := map[string]bool{}
	for _, x := range f {
		require.Equal(t, health.Info, x.Severity)
		names[x.Subject] = true
	}
	require.Equal(t, map[string]bool{"shorter": true, "expression_again": true, "of key": true}, names)
	for _, x := range f {
		exec(t, b.session(), x.Statement)
	}
	require.Empty(t, b.examine("duplicate_indexes", health.Reading{}, l))

	f = b.examine("foreign_keys", health.Reading{}, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Info, f[0].Severity)
	require.Equal(t, `CREATE INDEX CONCURRENTLY ON "public"."t" ("p_id")`, f[0].Statement)
	l.SeqScanRows = -1
	require.Equal(t, health.Warning, b.examine("foreign_keys", health.Reading{}, l)[0].Severity)
	exec(t, b.session(), f[0].Statement)
	require.Empty(t, b.examine("foreign_keys", health.Reading{}, l))
	b.exec("DROP INDEX t_p_id_idx")
	require.Len(t, b.examine("foreign_keys", health.Reading{}, l), 1)
	exec(t, b.session(), f[0].Statement)
	require.Empty(t, b.examine("foreign_keys", health.Reading{}, l))
}

func constraintsThatOlderRowsMayBreak(t *testing.T) {
	for _, major := range []int{15, 18} {
		b := open(t, pgtest.Of(major), `CREATE SCHEMA "Other"; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE "Other"."T" (id int, p_id int CHECK (p_id > 0));
			INSERT INTO p VALUES (1); INSERT INTO "Other"."T" VALUES (1, 7);
			CREATE TABLE parts (id int, v int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9);
			CREATE DOMAIN d AS int; CREATE TABLE of_d (d d)`)
		l := health.Defaults()
		require.Empty(t, b.examine("invalid_constraints", health.Reading{}, l))
		b.exec(`ALTER TABLE "Other"."T" ADD CONSTRAINT "a ""key""" FOREIGN KEY (p_id) REFERENCES p NOT VALID; ALTER TABLE "Other"."T" ADD CONSTRAINT small CHECK (p_id < 5) NOT VALID;
			ALTER TABLE parts ADD CONSTRAINT positive CHECK (v > 0) NOT VALID; ALTER DOMAIN d ADD CONSTRAINT most CHECK (VALUE < 9) NOT VALID`)
		if major >= 18 {
			b.exec(`ALTER TABLE "Other"."T" ADD CONSTRAINT wished CHECK (id < 0) NOT ENFORCED`)
		}
		found := b.examine("invalid_constraints", health.Reading{}, l)
		said := map[string]string{}
		for _, f := range found {
			require.Equal(t, health.Warning, f.Severity)
			require.Equal(t, "rows", f.Evidence.Columns[5])
			require.Empty(t, f.Evidence.Rows[0][5], "how many rows a table has that was never analyzed is not known")
			said[f.Subject] = f.Statement
		}
		require.Equal(t, map[string]string{
			`Other.T.a "key"`: `ALTER TABLE "Other"."T" VALIDATE CONSTRAINT "a ""key"""`, "Other.T.small": `ALTER TABLE "Other"."T" VALIDATE CONSTRAINT "small"`,
			"parts.positive": `ALTER TABLE "public"."parts" VALIDATE CONSTRAINT "positive"`, "d.most": `ALTER DOMAIN "public"."d" VALIDATE CONSTRAINT "most"`,
		}, said, "%d", major)
		_, err := b.session().Exec(t.Context(), said["Other.T.small"])
		require.ErrorContains(t, err, "violated by some row")
		b.exec(`DELETE FROM "Other"."T"`)
		for _, statement := range said {
			exec(t, b.session(), statement)
		}
		require.Empty(t, b.examine("invalid_constraints", health.Reading{}, l))
	}
}

func tablesThatAreReadAsAWhole(t *testing.T) {
	b := open(t, 0, "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT g, g FROM generate_series(1, 500) g; ANALYZE t")
	l := health.Defaults()
	l.SeqScanRows = 100
	before := b.read()
	require.Empty(t, b.examine("missing_indexes", before, l))
	c := b.session()
	for range 5 {
		exec(t, c, "SELECT * FROM t WHERE a = 1")
	}
	_ = c.Close(t.Context())
	require.Eventually(t, func() bool { return len(b.examine("missing_indexes", before, l)) == 1 }, 30*time.Second, 50*time.Millisecond)
	require.Empty(t, b.examine("missing_indexes", b.read(), l), "it is over")
}

func sequencesNearTheirEnd(t *testing.T) {
	b := open(t, 0, "CREATE TABLE t (id serial PRIMARY KEY); CREATE SEQUENCE big; CREATE TABLE u (id int DEFAULT nextval('big')); CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE round CYCLE MAXVALUE 10")
	l := health.Defaults()
	require.Empty(t, b.examine("sequences", health.Reading{}, l), "those that were never used have no number")
	b.exec("SELECT setval('t_id_seq', 100), setval('big', 100), setval('round', 10)")
	require.Empty(t, b.examine("sequences", health.Reading{}, l))
	b.exec("SELECT setval('t_id_seq', 1600000000), setval('big', 2100000000), setval('down', -9000000000000000000)")
	f := b.examine("sequences", health.Reading{}, l)
	require.Len(t, f, 3)
	require.Equal(t, []any{"big", health.Critical}, []any{f[0].Subject, f[0].Severity}, "the column is an int")
	require.Equal(t, []any{"down", health.Critical}, []any{f[1].Subject, f[1].Severity})
	require.Equal(t, []any{"t_id_seq", health.Warning, "75 %"}, []any{f[2].Subject, f[2].Severity, f[2].Value})
	exec(t, b.session(), f[2].Statement+"; "+"ALTER SEQUENCE t_id_seq AS bigint; "+f[0].Statement+"; DROP SEQUENCE down")
	require.Empty(t, b.examine("sequences", health.Reading{}, l))
}

func deadRowsAndEmptyRoom(t *testing.T) {
	b := open(t, 0, `CREATE TABLE t (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
		INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 5000) g; ANALYZE t`)
	l := health.Defaults()
	l.BloatBytes = health.Pair{Warning: 100000, Critical: 200000}
	require.Empty(t, b.examine("vacuum", health.Reading{}, l))
	require.Empty(t, b.examine("bloat", health.Reading{}, l))
	c := b.session()
	exec(t, c, "DELETE FROM t WHERE id > 500")
	_ = c.Close(t.Context())
	f := b.becomes("vacuum", l, 1)
	require.Equal(t, health.Critical, f[0].Severity)
	require.Equal(t, "45.0x its trigger", f[0].Value)
	require.Contains(t, f[0].Advice, "switched off")
	exec(t, b.session(), "INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(9001, 9100) g") // the last page stays
	exec(t, b.session(), f[0].Statement)
	b.becomes("vacuum", l, 0)
	exec(t, b.session(), "ANALYZE t")
	f = b.examine("bloat", health.Reading{}, l)
	require.NotEmpty(t, f)
	require.Equal(t, "t", f[0].Subject)
	require.Equal(t, health.Critical, f[0].Severity)
	exec(t, b.session(), "VACUUM FULL t")
	exec(t, b.session(), "ANALYZE t")
	require.Empty(t, b.examine("bloat", health.Reading{}, l))
}

func TestAVacuumThatIsAtItIsSaid(t *testing.T) {
	t.Parallel()
	for _, table := range []struct{ sql, shown string }{{"t", "t"}, {`"Mixed Case"`, "Mixed Case"}, {`"order"`, "order"}, {`"Other"."It's a ""T"""`, `Other.It's a "T"`}} {
		b := open(t, pgtest.Of(17), `CREATE SCHEMA "Other"; CREATE TABLE `+table.sql+` (id int, v text) WITH (autovacuum_enabled = off)`)
		w := b.session()
		exec(t, w, "INSERT INTO "+table.sql+" SELECT g, 'x' FROM generate_series(1, 20000) g; DELETE FROM "+table.sql)
		_ = w.Close(t.Context()) // its figures are told at the latest now
		c := b.session()
		exec(t, c, "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
		l := health.Defaults()
		require.Equal(t, table.shown, b.becomes("vacuum", l, 1)[0].Subject)
		done := run(t, c, "VACUUM "+table.sql)
		var last []health.Finding
		require.Eventually(t, func() bool {
			last = b.examine("vacuum", health.Reading{}, l)
			return len(last) == 1 && last[0].Statement == "" && strings.HasPrefix(last[0].Advice, "a vacuum is at it: ")
		}, 15*time.Second, 20*time.Millisecond, "%s: %+v", table.sql, &last)
		views := viewsOf(t, b.read(), health.Reading{}, nil)
		require.Equal(t, table.shown, views["vacuums"].Rows[0][1])
		exec(t, b.session(), "SELECT pg_terminate_backend("+strconv.FormatUint(uint64(c.PgConn().PID()), 10)+")")
		require.Error(t, <-done)
	}
}

// How far a long command is comes with the finding and in a view of its own.
func TestLongCommandsSayHowFarTheyAre(t *testing.T) {
	t.Parallel()
	for _, major := range []int{oldest(), 18} {
		b := open(t, pgtest.Of(major), `CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY, v int);
			CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN $1; END'`)
		b.exec("INSERT INTO other.t SELECT g, g FROM generate_series(1, 20000) g")
		l := health.Defaults()
		l.LongQuery = health.Pair{Warning: tiny}
		look := func(command string) (rows [][]string, backend health.Backend) {
			t.Helper()
			require.Eventually(t, func() bool {
				v := viewsOf(t, b.read(), health.Reading{}, nil)["progress"]
				require.Empty(t, v.Reason)
				require.Len(t, v.Sessions, len(v.Rows))
				if rows = v.Rows; len(rows) != 1 || rows[0][1] != command {
					return false
				}
				backend = v.Sessions[0]
				return true
			}, 30*time.Second, 20*time.Millisecond, "%s: %v", command, &rows)
			return rows, backend
		}
		none := func() {
			t.Helper()
			require.Eventually(t, func() bool { return len(viewsOf(t, b.read(), health.Reading{}, nil)["progress"].Rows) == 0 }, 30*time.Second, 20*time.Millisecond)
		}
		for _, c := range []struct{ command, prepare, sql, phase string }{
			{"CREATE INDEX", "SELECT 1", "CREATE INDEX made ON other.t (slow(v))", "building index: scanning table"},
			{"ANALYZE", "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1", "ANALYZE other.t", "acquiring sample rows"},
			{"VACUUM FULL", "SELECT 1", "VACUUM FULL other.t", "rebuilding index"},
		} {
			if c.command == "VACUUM FULL" {
				// The index that is written anew is what takes long.
				b.exec("DELETE FROM other.t WHERE id > 2000; CREATE OR REPLACE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE INDEX made ON other.t (slow(v)); CREATE OR REPLACE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01); RETURN $1; END'")
			}
			none()
			s := b.session()
			exec(t, s, c.prepare)
			done := run(t, s, c.sql)
			pid := strconv.FormatUint(uint64(s.PgConn().PID()), 10)
			rows, backend := look(c.command)
			require.Equal(t, []string{pid, c.command, "other.t"}, rows[0][:3])
			require.EqualValues(t, s.PgConn().PID(), backend.PID)
			require.False(t, backend.Started.IsZero())
			require.Eventually(t, func() bool {
				rows, _ = look(c.command)
				return rows[0][3] == c.phase
			}, 30*time.Second, 20*time.Millisecond, "%v", &rows)
			if c.command == "CREATE INDEX" {
				require.Eventually(t, func() bool {
					rows, _ = look(c.command)
					share, err := strconv.ParseFloat(rows[0][4], 64)
					return err == nil && share > 0
				}, 30*time.Second, 20*time.Millisecond, "%v", &rows)
				f := b.becomes("long_queries", l, 1)[0]
				require.Contains(t, f.Advice, "it is at work, CREATE INDEX of other.t: building index: scanning table, ")
				require.Equal(t, "progress", f.Evidence.Columns[7])
				require.Contains(t, f.Evidence.Rows[0][7], " %")
			}
			exec(t, b.session(), "SELECT pg_terminate_backend("+pid+")")
			require.Error(t, <-done)
			none()
		}

		b.exec("DROP INDEX other.made")
		s := b.session()
		from, to := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := s.PgConn().CopyFrom(context.Background(), from, "COPY other.t FROM STDIN")
			done <- err
		}()
		lines := ""
		for n := range 5000 {
			lines += fmt.Sprintf("%d\t1\n", 100000+n)
		}
		_, err := io.WriteString(to, lines)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			rows, _ := look("COPY FROM")
			n, err := strconv.Atoi(rows[0][5])
			return err == nil && n > 1000 && rows[0][2] == "other.t" && rows[0][3] == "pipe"
		}, 30*time.Second, 20*time.Millisecond)
		require.NoError(t, to.Close())
		require.NoError(t, <-done)
		none()
	}
}

func transactionIDsThatAreOld(t *testing.T) {
	b := open(t, 0, "CREATE TABLE t (id int) WITH (autovacuum_freeze_max_age = 100000, autovacuum_enabled = off); INSERT INTO t VALUES (1); CREATE TABLE burn (id int)")
	l := health.Defaults()
	about := func(l health.Limits) []health.Finding {
		out := []health.Finding{}
		for _, f := range b.examine("wraparound", health.Reading{}, l) {
			if f.Subject == "table t" {
				out = append(out, f)
			}
		}
		return saw(t, "wraparound", l, out)
	}
	l.Freeze = health.Pair{Warning: 0.1, Critical: 2}
	require.Empty(t, about(l))
	b.exec("DO $$ BEGIN FOR i IN 1..20000 LOOP BEGIN INSERT INTO burn VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$")
	f := about(l)
	require.Len(t, f, 1)
	require.Equal(t, health.Warning, f[0].Severity)
	lower := l
	lower.Freeze.Critical = 0.15
	require.Equal(t, health.Critical, about(lower)[0].Severity)
	// Others on the server may hold an older snapshot for a moment.
	require.Eventually(t, func() bool {
		exec(t, b.session(), f[0].Statement)
		return len(about(l)) == 0
	}, 30*time.Second, 100*time.Millisecond)
}

// Counters say nothing with one look, and what they say is over with the next.
func countersBetweenTwoLooks(t *testing.T) {
	b := open(t, 6, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)")
	l := health.Defaults()
	first := b.read()
	later := map[string]bool{}
	for _, u := range health.Examine(first, health.Reading{}, l).Unavailable {
		if u.Later {
			require.Equal(t, "not known yet: needs two looks", u.Reason)
			later[u.Check] = true
		}
	}
	for _, c := range []string{"cache_hits", "temp_files", "deadlocks", "rollbacks", "checkpoints", "wal", "missing_indexes"} {
		require.True(t, later[c], c)
	}
	l.TempBytes, l.RollbackLeast, l.RequestedLeast, l.WALBytes, l.CacheReads = health.Pair{Warning: 1}, 20, 1, health.Pair{Critical: 1e5}, 100
	appears := func(check string, make func(c *pgx.Conn)) {
		t.Helper()
		// Statistics arrive late; once nothing happens they are still.
		still := func() bool { return len(b.examine(check, b.read(), l)) == 0 }
		require.Eventually(t, still, 30*time.Second, 50*time.Millisecond, check)
		before := b.read()
		c := b.session()
		make(c)
		_ = c.Close(t.Context()) // its figures are told at the latest now
		require.Eventually(t, func() bool { return len(b.examine(check, before, l)) == 1 }, 30*time.Second, 50*time.Millisecond, check)
		require.Eventually(t, still, 30*time.Second, 50*time.Millisecond, check)
	}
	appears("temp_files", func(c *pgx.Conn) {
		exec(t, c, "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT g FROM generate_series(1, 100000) g ORDER BY g DESC) x")
	})
	appears("rollbacks", func(c *pgx.Conn) {
		for range 100 {
			exec(t, c, "BEGIN; SELECT 1")
			exec(t, c, "ROLLBACK")
		}
	})
	appears("checkpoints", func(c *pgx.Conn) { exec(t, c, "CHECKPOINT") })
	appears("wal", func(c *pgx.Conn) { exec(t, c, "SELECT pg_logical_emit_message(false, 'x', repeat('y', 30000000))") })
	appears("deadlocks", func(c *pgx.Conn) {
		other := b.session()
		exec(t, c, "SET deadlock_timeout = '10ms'; BEGIN; UPDATE t SET v = 1 WHERE id = 1")
		exec(t, other, "SET deadlock_timeout = '10ms'; BEGIN; UPDATE t SET v = 1 WHERE id = 2")
		done := run(t, other, "UPDATE t SET v = 1 WHERE id = 1")
		_, one := c.Exec(t.Context(), "UPDATE t SET v = 1 WHERE id = 2")
		exec(t, c, "ROLLBACK")
		two := <-done
		require.True(t, (one == nil) != (two == nil), "%v %v", one, two)
		_ = other.Close(t.Context())
	})
	appears("cache_hits", func(*pgx.Conn) { readCold(t, b) })
	b.exec("SELECT pg_stat_reset()")
	require.Empty(t, b.examine("temp_files", first, l), "after a reset nothing is known")
}

// Checkpoints that are requested minutes apart are found by looks that come each minute.
func TestRequestedCheckpointsAreCountedOverAnHour(t *testing.T) {
	t.Parallel()
	b := open(t, 9, "")
	queries := slices.DeleteFunc(health.Queries(), func(q sample.Query) bool { return q.Name != "checkpoints" })
	require.Len(t, queries, 1)
	require.Equal(t, time.Hour, queries[0].Over)
	var trail sample.Trail
	minutes := 0
	look := func() []health.Finding {
		now := b.read()
		// Each look comes a minute after the one before.
		r := now.Results["checkpoints"]
		r.At = r.At.Add(time.Duration(minutes) * time.Minute)
		now.Results["checkpoints"] = r
		now.At = r.At
		minutes++
		trail = trail.With(r, queries[0].Over)
		earlier, ok := trail.Before()
		if !ok {
			return nil
		}
		before := health.Reading{At: earlier.At, Server: now.Server, Results: map[string]sample.Result{"checkpoints": earlier}}
		return of(health.Examine(now, before, health.Defaults()), "checkpoints")
	}
	requested := func() int64 { return b.read().Results["checkpoints"].Row(0).IntOr("requested", 0) }
	// What made the server and its databases is counted late: once a checkpoint of ours
	// is, all before it are.
	was := requested()
	exec(t, b.session(), "CHECKPOINT")
	require.Eventually(t, func() bool {
		now := requested()
		time.Sleep(time.Second)
		return now > was && requested() == now
	}, 30*time.Second, 20*time.Millisecond)
	require.Empty(t, look())
	for n := range 2 {
		was := requested()
		exec(t, b.session(), "CHECKPOINT")
		require.Eventually(t, func() bool { return requested() > was }, 30*time.Second, 20*time.Millisecond)
		for range 3 {
			require.Len(t, look(), n)
		}
	}
	f := look()
	require.Len(t, f, 1)
	require.Contains(t, f[0].Message, "2 of 2 checkpoints did not wait for their time in the last 7 min")
	minutes += 59
	look() // the hour is over
	require.Empty(t, look())
}

// readCold reads more than the server's memory takes.
func readCold(t *testing.T, b *bench) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), b.url())
	require.NoError(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "CREATE TABLE cold AS SELECT g, repeat('x', 500) FROM generate_series(1, 300000) g; SELECT count(*) FROM cold", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

func TestAFullShard(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "")
	now := b.read()
	require.Empty(t, of(health.Examine(now, health.Reading{}, health.Defaults()), "capacity"), "without a capacity nothing is guessed")
	bytes := now.Results["database"].Row(0).IntOr("bytes", 0)
	require.Positive(t, bytes)
	for _, c := range []struct {
		capacity int64
		want     []health.Severity
	}{{bytes * 2, nil}, {bytes * 5 / 4, []health.Severity{health.Warning}}, {bytes, []health.Severity{health.Critical}}} {
		now.CapacityBytes = c.capacity
		got := []health.Severity(nil)
		for _, f := range of(health.Examine(now, health.Reading{}, health.Defaults()), "capacity") {
			got = append(got, f.Severity)
		}
		require.Equal(t, c.want, got)
	}
	// There is room, and it grows.
	now.CapacityBytes = bytes * 2
	for days, want := range map[float64]health.Severity{31: "", 29: health.Warning, 6: health.Critical} {
		latest := days * 2
		now.FullSoonest, now.FullLatest = &days, &latest
		got := health.Severity("")
		for _, f := range of(health.Examine(now, health.Reading{}, health.Defaults()), "capacity") {
			got = f.Severity
			require.Contains(t, f.Message, "at the soonest")
			require.Contains(t, f.Message, "at the latest")
		}
		require.Equal(t, want, got, "%v days", days)
	}
}

func TestLatencyAndSilence(t *testing.T) {
	t.Parallel()
	r := health.Reading{At: time.Now(), Server: sample.Server{Version: 180004}}
	for _, c := range []struct {
		rtt  time.Duration
		want health.Severity
	}{{249 * time.Millisecond, ""}, {250 * time.Millisecond, health.Warning}, {time.Second, health.Critical}} {
		r.RoundTrip = c.rtt
		f := of(health.Examine(r, health.Reading{}, health.Defaults()), "latency")
		require.Equal(t, c.want != "", len(f) == 1)
		if len(f) == 1 {
			require.Equal(t, c.want, f[0].Severity)
		}
	}
	silent := health.Examine(health.Reading{Err: fault.New(fault.DatabaseUnreachable, "shard_1: connection refused", "start it")}, r, health.Defaults())
	require.Len(t, silent.Findings, 1)
	require.Equal(t, []any{"reachable", health.Critical, "the database does not answer: shard_1: connection refused", "start it"},
		[]any{silent.Findings[0].Check, silent.Findings[0].Severity, silent.Findings[0].Message, silent.Findings[0].Advice})
}

func aDatabaseThatTakesNoWrites(t *testing.T) {
	b := open(t, 0, "")
	l := health.Defaults()
	require.Empty(t, b.examine("writable", health.Reading{}, l), "that the sampler only reads is its own business")
	b.exec("ALTER DATABASE " + b.name + " SET default_transaction_read_only = on")
	f := b.examine("writable", health.Reading{}, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Critical, f[0].Severity)
	exec(t, pgtest.Connect(t, pgtest.Server(t, 0).URL("", "postgres")), f[0].Statement)
	require.Empty(t, b.examine("writable", health.Reading{}, l))
}

func settingsAndTheArchive(t *testing.T) {
	b := open(t, 7, "")
	s := pgtest.Server(t, 7)
	l := health.Defaults()
	settings := func() map[string]health.Severity {
		out, changed := map[string]health.Severity{}, []health.Finding{}
		for _, f := range b.examine("settings", health.Reading{}, l) {
			if f.Subject == "max_connections" {
				continue // a server that has it on its command line says so after each reload
			}
			out[f.Subject] = f.Severity
			if f.Subject != "fsync" && f.Subject != "full_page_writes" {
				changed = append(changed, f)
			}
		}
		saw(t, "settings", l, changed)
		return out
	}
	usual := settings()
	require.Equal(t, map[string]health.Severity{"fsync": health.Critical, "full_page_writes": health.Critical}, usual, "as a test's server is")
	change := func(statements ...string) {
		t.Helper()
		c := b.session()
		for _, sql := range append(statements, "SELECT pg_reload_conf()") {
			exec(t, c, sql)
		}
	}
	var got map[string]health.Severity
	becomes := func(want map[string]health.Severity) {
		t.Helper()
		require.Eventually(t, func() bool { got = settings(); return maps.Equal(got, want) }, 30*time.Second, 50*time.Millisecond, "%v", &got)
	}
	change("ALTER SYSTEM SET autovacuum = off")
	off := maps.Clone(usual)
	off["autovacuum"] = health.Critical
	becomes(off)
	change("ALTER SYSTEM SET autovacuum = on") // as the finding's statement says
	becomes(usual)
	change("ALTER SYSTEM SET archive_mode = on", "ALTER SYSTEM SET archive_command = 'false'")
	pending := maps.Clone(usual)
	pending["archive_mode"] = health.Warning // waits for a restart
	becomes(pending)
	require.Empty(t, b.examine("archiver", health.Reading{}, l))
	_ = b.c.Close(t.Context())
	require.NoError(t, s.Restart(t.Context()))
	b.c = sampler(t, b.url(), "")
	require.Equal(t, usual, settings())
	change("SELECT pg_logical_emit_message(true, 'x', 'y')", "SELECT pg_switch_wal()")
	require.Equal(t, health.Critical, b.becomes("archiver", l, 1)[0].Severity)
	change("ALTER SYSTEM SET archive_command = 'true'", "SELECT pg_logical_emit_message(true, 'x', 'y')", "SELECT pg_switch_wal()")
	require.Eventually(t, func() bool { return len(b.examine("archiver", health.Reading{}, l)) == 0 }, 120*time.Second, 100*time.Millisecond)
}

func extensionsThatLagBehind(t *testing.T) {
	b := open(t, pgtest.Of(16), "")
	require.Empty(t, b.examine("extensions", health.Reading{}, health.Defaults()))
	b.exec("CREATE EXTENSION pgstattuple VERSION '1.4'")
	f := b.examine("extensions", health.Reading{}, health.Defaults())
	require.Len(t, f, 1)
	require.Equal(t, []any{"pgstattuple", health.Info}, []any{f[0].Subject, f[0].Severity})
	exec(t, b.session(), f[0].Statement)
	require.Empty(t, b.examine("extensions", health.Reading{}, health.Defaults()))
}
