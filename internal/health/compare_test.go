package health_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

func TestAStatementIsKnownByItsText(t *testing.T) {
	t.Parallel()
	key := health.StatementKey
	same := [][]string{
		{"SELECT * FROM t WHERE a = $1", "select_", "SELECT *\n  FROM t -- from the model\n WHERE a = $7;"},
		{"SELECT 1 FROM t WHERE a IN ($1, $2, $3) AND b = $4", "", "SELECT $1 FROM t"},
	}
	require.Equal(t, key(same[0][0]), key(same[0][2]))
	require.NotEqual(t, key(same[0][0]), key(same[0][1]))
	// An IN with more values is the same statement, as a newer server counts it.
	require.Equal(t, key(same[1][0]), key("SELECT 1 FROM t WHERE a IN ($1 /*, ... */) AND b = $2"))
	require.NotEqual(t, key("SELECT f($1)"), key("SELECT f($1, $2)"))
	require.NotEqual(t, key(`SELECT "A"`), key(`SELECT "a"`))
	// Nor are two that differ far behind where a list of them is cut.
	long := "SELECT " + strings.Repeat("a, ", 100) + "a FROM "
	require.Equal(t, health.Masked(long+"t"), health.Masked(long+"u"))
	require.NotEqual(t, key(long+"t"), key(long+"u"))
}

// comparedOf are the views of a comparison by their names; each is well formed.
func comparedOf(t *testing.T, shards map[string]health.Reading) map[string]health.View {
	t.Helper()
	all, out := map[string]health.Compared{}, map[string]health.View{}
	for n, r := range shards {
		all[n] = health.Compared{Reading: r, Texts: func(int64) (string, bool) { return "", false }}
	}
	for _, v := range health.Compare(all) {
		out[v.Name] = v
		require.NotEmpty(t, v.Title)
		require.NotEmpty(t, v.Empty)
		for _, r := range v.Rows {
			require.Len(t, r, len(v.Columns), v.Name)
			for i, c := range v.Columns {
				wellFormed(t, v.Name, c, r[i])
			}
		}
	}
	return out
}

func rowOf(v health.View, first string) []string {
	for _, r := range v.Rows {
		if r[0] == first {
			return r
		}
	}
	return nil
}

// An index that one shard uses is not listed, one that none uses is, and none is
// called unused while a shard is silent.
func TestNoIndexIsUnusedWhileAShardIsSilent(t *testing.T) {
	t.Parallel()
	schema := "CREATE TABLE t (id int PRIMARY KEY, a int, b int); CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); INSERT INTO t SELECT n, n, n FROM generate_series(1, 2000) n"
	one, two := open(t, 0, schema), open(t, 1, schema)
	two.exec("SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT a FROM t WHERE a = 5")
	require.Eventually(t, func() bool {
		now := two.read().Results["unused_indexes"]
		for r := range now.All() {
			if r.Text("index") == "t_a" {
				return r.IntOr("scans", 0) > 0
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond, "the scan is counted a moment after")
	shards := map[string]health.Reading{"one": one.read(), "two": two.read()}

	v := comparedOf(t, shards)["indexes"]
	require.Empty(t, v.Reason)
	require.Nil(t, rowOf(v, "t_a"), "one shard uses it")
	require.Nil(t, rowOf(v, "t_pkey"), "it holds a key")
	row := rowOf(v, "t_b")
	require.NotNil(t, row)
	require.Equal(t, []string{"t_b", "t", row[2], "2", "none"}, row[:5])
	// Since the younger statistics of the two.
	since := time.Time{}
	for _, r := range shards {
		known, ok := r.Results["unused_indexes"].Row(0).Time("known_since")
		require.True(t, ok)
		if known.After(since) {
			since = known
		}
	}
	require.Equal(t, since.UTC().Format(time.RFC3339), row[5])

	shards["silent"] = health.Reading{At: time.Now(), Err: fault.New(fault.DatabaseUnreachable, "connection refused", "")}
	all := comparedOf(t, shards)
	require.Contains(t, all["indexes"].Reason, "silent: the database does not answer: connection refused")
	require.Equal(t, "not known", rowOf(all["indexes"], "t_b")[4])
	require.Nil(t, rowOf(all["indexes"], "t_a"), "that one shard uses it is known all the same")
	for _, v := range all {
		require.Contains(t, v.Reason, "silent", v.Name)
		for _, r := range v.Rows {
			require.NotContains(t, r, "silent", "%s: nothing is said of what did not answer", v.Name)
		}
	}
}

// What differs between two servers is listed with the shards that have it; what
// does not differ, or is each server's own, is not.
func TestSettingsExtensionsAndVersionsSideBySide(t *testing.T) {
	t.Parallel()
	one, two := open(t, 0, "CREATE EXTENSION IF NOT EXISTS citext"), open(t, 1, "")
	one.exec("ALTER DATABASE " + one.name + " SET work_mem = '7777kB'")
	shards := map[string]health.Reading{"one": reading(t, sampler(t, one.url(), "")), "two": two.read()}
	all := comparedOf(t, shards)

	values := map[string]string{}
	for _, r := range all["settings"].Rows {
		require.NotEqual(t, "port", r[0])
		if r[0] == "work_mem" {
			values[r[2]] = r[1]
		}
	}
	require.Equal(t, "7777 kB", values["one"])
	require.NotEmpty(t, values["two"])
	require.Nil(t, rowOf(all["settings"], "max_connections"), "it is the same on both")

	extensions := map[string]string{}
	for _, r := range all["extensions"].Rows {
		if r[0] == "citext" {
			extensions[r[2]] = r[1]
			require.Equal(t, "yes", r[3])
		}
	}
	require.NotEmpty(t, extensions["one"])
	require.Equal(t, "not installed", extensions["two"])
	require.Equal(t, "one, two", rowOf(all["extensions"], "plpgsql")[2])

	require.Len(t, all["versions"].Rows, 1, "the servers of the tests are of one version")
	require.Equal(t, "one, two", all["versions"].Rows[0][1])
	major := strconv.Itoa(shards["one"].Server.Major())
	require.Contains(t, all["versions"].Rows[0][0], major+".")
	require.Contains(t, all["versions"].Rows[0][2], major+".")
	require.NotEmpty(t, all["versions"].Rows[0][3])
}

// Where a role sees little, its shard is not known: it has no setting less.
func TestAShardWhoseRoleSeesLittleIsNotKnown(t *testing.T) {
	t.Parallel()
	b := open(t, 0, "CREATE TABLE t (id int)")
	role := pgtest.Random("plain_")
	b.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'plain-password'")
	t.Cleanup(func() { b.exec("DROP ROLE " + role) })
	plain := reading(t, sampler(t, pgtest.Server(t, 0).URL(role, b.name), "plain-password"))
	all := comparedOf(t, map[string]health.Reading{"one": b.read(), "two": plain})
	require.Contains(t, all["settings"].Reason, "two: the role "+role)
	require.Contains(t, all["settings"].Grant, "GRANT pg_monitor")
	require.Empty(t, all["settings"].Rows)
	require.Empty(t, all["extensions"].Reason)
}

func counted(dbid int64, rows ...[]any) health.Reading {
	r := health.Reading{At: time.Now(), Server: sample.Server{
		Version: 170004, DatabaseOID: uint32(dbid), Monitor: true, Extensions: map[string]sample.Extension{"pg_stat_statements": {Version: "1.11", Schema: "public"}}, //nolint:gosec // a small one
	}, Results: map[string]sample.Result{}}
	r.Results["statements"] = sample.Result{At: r.At, Columns: []string{"dbid", "queryid", "calls", "milliseconds", "since"}, Rows: rows}
	return r
}

func TestAStatementThatIsMuchSlowerOnOneShard(t *testing.T) {
	t.Parallel()
	since := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	texts := map[int64]string{1: "SELECT $1 FROM t", 11: "SELECT $2  FROM t", 21: "SELECT $1 FROM t /* x */", 2: "SELECT a", 22: "SELECT a", 3: "SELECT 3 " + sample.Tag}
	reading := map[string]health.Reading{
		"a": counted(5, []any{int64(5), int64(1), int64(100), 200.0, since}, []any{int64(5), int64(2), int64(9), 900.0, since}, []any{int64(6), int64(1), int64(1), 1e9, since}, []any{int64(5), int64(3), int64(9), 100.0, since}),
		"b": counted(5, []any{int64(5), int64(11), int64(100), 220.0, since}),
		"c": counted(7, []any{int64(7), int64(21), int64(30), 300.0, since.Add(-time.Hour)}, []any{int64(7), int64(21), int64(20), 200.0, since}, []any{int64(7), int64(22), int64(9), 9.0, since}),
		"d": counted(5, []any{int64(5), int64(404), int64(1), 1.0, since}), // its text is not known
		"e": {Err: fault.New(fault.DatabaseUnreachable, "no", "")},
	}
	shards := map[string]health.Compared{}
	for n, r := range reading {
		shards[n] = health.Compared{Reading: r, Texts: func(id int64) (string, bool) { s, ok := texts[id]; return s, ok }}
	}
	v := health.Compare(shards)[0]
	require.Equal(t, "statements", v.Name)
	require.Equal(t, "not known of 1 shard: e: the database does not answer: no", v.Reason)
	at := func(statement, shard string) []string {
		for _, r := range v.Rows {
			if r[1] == statement && r[2] == shard {
				return r[3:]
			}
		}
		t.Fatalf("no row of %s on %s: %v", statement, shard, v.Rows)
		return nil
	}
	require.Len(t, v.Rows, 10, "two statements on five shards; our own and other databases' are left out")
	require.Equal(t, []string{"100", "2", decimals(200.0 / 1200), "6.1", "", "2024-05-06T07:08:09Z"}, at("SELECT $1 FROM t", "a"))
	require.Equal(t, []string{"100", "2.2", "1", "6", "", "2024-05-06T07:08:09Z"}, at("SELECT $1 FROM t", "b"))
	require.Equal(t, []string{"50", "10", decimals(500.0 / 509), "2.1", "4.8 times slower", "2024-05-06T06:08:09Z"}, at("SELECT $1 FROM t", "c"))
	require.Equal(t, []string{"", "", "", "", "not among its 400", ""}, at("SELECT $1 FROM t", "d"))
	require.Equal(t, []string{"", "", "", "", "not known", ""}, at("SELECT $1 FROM t", "e"))
	require.Equal(t, "not counted there", at("SELECT a", "b")[4])
	require.Empty(t, at("SELECT a", "a")[4], "nine calls are too few to say so")
	require.Equal(t, "SELECT $1 FROM t", v.Rows[0][1], "what is slower somewhere comes first")
	require.Equal(t, []int64{1, 2, 3}, health.MostOf(reading["a"]))
}

func decimals(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
