package health_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
)

// viewsOf are the views of a reading by their names; each is whole.
func viewsOf(t *testing.T, now, before health.Reading, texts map[int64]string) map[string]health.View {
	t.Helper()
	out := map[string]health.View{}
	for _, v := range health.Views(now, before, func(id int64) (string, bool) { s, ok := texts[id]; return s, ok }) {
		require.NotContains(t, out, v.Name)
		out[v.Name] = v
		require.NotEmpty(t, v.Title)
		require.NotEmpty(t, v.Empty)
		require.Contains(t, []string{"queries", "locks", "tables", "replication", "settings"}, v.Group)
		require.Equal(t, v.At.IsZero(), v.Reason != "", "%s: an answer has a time, none a reason", v.Name)
		for _, r := range v.Rows {
			require.Len(t, r, len(v.Columns), v.Name)
			for i, c := range v.Columns {
				wellFormed(t, v.Name, c, r[i])
			}
		}
	}
	return out
}

// wellFormed: a column's figures are of its kind, without units.
func wellFormed(t *testing.T, view string, c health.Column, value string) {
	t.Helper()
	if value == "" {
		return
	}
	var err error
	switch c.Kind {
	case health.KindCount, health.KindBytes:
		_, err = strconv.ParseInt(value, 10, 64)
	case health.KindSeconds, health.KindMillis, health.KindShare:
		_, err = strconv.ParseFloat(value, 64)
	case health.KindTime:
		_, err = time.Parse(time.RFC3339, value)
	}
	require.NoError(t, err, "%s: %s is no %s", view, c.Name, c.Kind)
}

func TestViewsShowWhatThereIs(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE INDEX t_v ON t (v); CREATE SCHEMA other; CREATE TABLE other.never (x int); INSERT INTO t SELECT n, n FROM generate_series(1, 5000) n")
	b.exec("ANALYZE t")
	root, waits := b.session(), b.session()
	exec(t, root, "BEGIN; UPDATE t SET v = 2 WHERE id = 1")
	done := run(t, waits, "UPDATE t SET v = 3 WHERE id = 1 AND 'private' <> ''")
	require.Eventually(t, func() bool { return len(health.Tree(b.read())) == 1 }, 30*time.Second, 20*time.Millisecond)
	now := b.read()
	views := viewsOf(t, now, health.Reading{}, nil)
	require.NotEmpty(t, views["statements"].Reason, "there is no such extension, or only one look")

	locks := views["locks"].Rows
	require.Len(t, locks, 2)
	pid := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	require.Equal(t, pid(root.PgConn().PID()), locks[0][0])
	require.Empty(t, locks[0][1], "the one that blocks waits for nobody")
	require.Equal(t, "└ "+pid(waits.PgConn().PID()), locks[1][0])
	require.NotEmpty(t, locks[1][1])
	require.NotContains(t, locks[1][6], "private")
	for _, name := range []string{"locks", "transactions"} {
		require.Len(t, views[name].Sessions, 2, name)
		for i, c := range []*pgx.Conn{root, waits} {
			var started time.Time
			require.NoError(t, b.session().QueryRow(t.Context(), "SELECT backend_start FROM pg_stat_activity WHERE pid = $1", c.PgConn().PID()).Scan(&started))
			require.EqualValues(t, c.PgConn().PID(), views[name].Sessions[i].PID, "each row's own session")
			require.True(t, started.Equal(views[name].Sessions[i].Started), "%s and %s", started, views[name].Sessions[i].Started)
		}
	}
	require.Nil(t, views["tables"].Sessions)

	open := views["transactions"].Rows
	require.Len(t, open, 2)
	require.Equal(t, pid(root.PgConn().PID()), open[0][0], "the oldest first")
	require.Equal(t, "idle in transaction", open[0][4])
	require.Contains(t, open[1][5], "Lock: ")

	row := func(view, first string) []string {
		for _, r := range views[view].Rows {
			if r[0] == first {
				return r
			}
		}
		t.Fatalf("%s has no %s: %v", view, first, views[view].Rows)
		return nil
	}
	require.Equal(t, "5000", row("tables", "t")[1])
	require.Empty(t, row("tables", "other.never")[1], "how many rows a table has that was never analyzed is not known")
	require.Equal(t, "key", row("indexes", "t_pkey")[5])
	require.Empty(t, row("indexes", "t_v")[5])
	require.NotEmpty(t, row("settings", "shared_buffers")[1])
	require.NotEmpty(t, row("extensions", "pgcrypto")[1])
	require.Len(t, views["archive"].Rows, 1)
	// What a session did is counted a moment after.
	require.Eventually(t, func() bool {
		views = viewsOf(t, b.read(), health.Reading{}, nil)
		return row("tables", "t")[7] != ""
	}, 30*time.Second, 20*time.Millisecond, "it was analyzed")

	exec(t, root, "ROLLBACK")
	require.NoError(t, <-done)
	require.Eventually(t, func() bool {
		v := viewsOf(t, b.read(), health.Reading{}, nil)
		return len(v["locks"].Rows) == 0 && len(v["transactions"].Rows) == 0
	}, 30*time.Second, 20*time.Millisecond)
}

// Whose rights do not suffice is told so, with the GRANT, and sees no empty table.
func TestAViewThatMayNotBeSeenSaysSo(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id int)")
	role := pgtest.Random("plain_")
	b.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'plain-password'")
	t.Cleanup(func() { b.exec("DROP ROLE " + role) })
	c := sampler(t, pgtest.Server(t, 0).URL(role, b.name), "plain-password")
	views := viewsOf(t, reading(t, c), health.Reading{}, nil)
	for _, name := range []string{"transactions", "locks", "horizon", "standbys"} {
		require.Contains(t, views[name].Reason, "pg_monitor", name)
		require.Contains(t, views[name].Grant, role, name)
		require.Empty(t, views[name].Rows, name)
	}
	require.Len(t, views["tables"].Rows, 1, "tables need no right")
	require.NoError(t, c.Close(t.Context()))
}
