package sample_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

func query(name, sql string, args ...any) sample.Query {
	return sample.Query{Name: name, Tier: sample.Live, SQL: sample.Always(sql), Args: args}
}

// sampler opens a session as whoever samples does.
func sampler(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	for k, v := range sample.Settings() {
		cfg.RuntimeParams[k] = v
	}
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func direct(t *testing.T) *pgx.Conn {
	t.Helper()
	return sampler(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))
}

func collect(t *testing.T, c *pgx.Conn, s sample.Server, queries ...sample.Query) map[string]sample.Result {
	t.Helper()
	out, err := sample.Collect(t.Context(), c, s, queries)
	require.NoError(t, err)
	require.Len(t, out, len(queries))
	return out
}

func TestEachQueryHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	c := direct(t)
	bad := []string{
		"SELEC 1", "SELECT * FROM no_such_view", "SELECT 1 / 0", "SELECT 1 / (3 - g) FROM generate_series(1, 5) g", "SELECT $1::int",
		"CREATE TABLE t (id int)", "SELECT 1; SELECT 2", "",
	}
	for _, pooled := range []bool{false, true} {
		t.Run(fmt.Sprintf("pooled %v", pooled), func(t *testing.T) {
			queries := []sample.Query{}
			for i, sql := range bad {
				q := query("bad"+strconv.Itoa(i), sql)
				if strings.Contains(sql, "$1") {
					q.Args = []any{"no number"}
				}
				queries = append(queries, query("good"+strconv.Itoa(i), "SELECT $1::int AS n, 'it''s' AS word", i), q)
			}
			out := collect(t, c, sample.Server{Pooled: pooled}, queries...)
			for i := range bad {
				r := out["good"+strconv.Itoa(i)]
				require.NoError(t, r.Err)
				require.Equal(t, []string{"n", "word"}, r.Columns)
				require.Equal(t, [][]any{{int64(i), "it's"}}, r.Rows)
				require.False(t, r.At.IsZero())
				b := out["bad"+strconv.Itoa(i)]
				if bad[i] != "" {
					require.Error(t, b.Err, bad[i])
					require.NotNil(t, fault.As(b.Err), bad[i])
				}
				require.Empty(t, b.Rows, bad[i])
			}
			require.Equal(t, fault.DatabaseReadOnly, fault.CodeOf(out["bad5"].Err))
			require.Equal(t, byte('I'), c.PgConn().TxStatus())
		})
	}
}

func TestValuesHaveTheTypesOfTheirColumns(t *testing.T) {
	t.Parallel()
	c := direct(t)
	out := collect(t, c, sample.Server{}, query("v", `SELECT true AS yes, 7::int2 AS small, 8 AS whole, 9::int8 AS large, 4294967295::oid AS oid, '12'::xid AS xid,
		1.5::float4 AS half, 2.5::float8 AS float, 3.25::numeric AS numeric, 'NaN'::numeric AS nan, 'x'::text AS text, 'n'::name AS name, '0/16B3748'::pg_lsn AS lsn,
		'2026-01-02 03:04:05.678+00'::timestamptz AS at, 'infinity'::timestamptz AS never, ARRAY['a', 'b,"c'] AS texts, ARRAY['n']::name[] AS names, ARRAY[1, 2] AS ints,
		NULL::int AS nothing, '{"a": 1}'::jsonb AS json, interval '1 day' AS span`))
	require.NoError(t, out["v"].Err)
	r := out["v"].Row(0)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for column, want := range map[string]any{
		"yes": true, "small": int64(7), "whole": int64(8), "large": int64(9), "oid": int64(4294967295), "xid": int64(12), "half": 1.5, "float": 2.5, "numeric": 3.25,
		"text": "x", "name": "n", "lsn": "0/16B3748", "at": at, "never": "infinity", "texts": []string{"a", `b,"c`}, "names": []string{"n"}, "ints": []int64{1, 2},
		"nothing": nil, "json": `{"a": 1}`, "span": "1 day", "no such column": nil,
	} {
		require.Equal(t, want, r.Value(column), column)
	}
	got, ok := r.Time("at")
	require.True(t, ok)
	require.Equal(t, at, got)
	_, ok = r.Time("never")
	require.False(t, ok, "infinity is no point in time")
	_, ok = r.Int("nothing")
	require.False(t, ok, "null is not zero")
	_, ok = r.Float("nothing")
	require.False(t, ok)
	whole, ok := r.Float("whole")
	require.True(t, ok)
	require.InDelta(t, 8.0, whole, 0)
	require.Equal(t, int64(-1), r.IntOr("nothing", -1))
	require.True(t, r.Is("yes"))
	require.False(t, r.Is("nothing"))
	require.Equal(t, []string{"a", `b,"c`}, r.Texts("texts"))
	require.Equal(t, []int64{1, 2}, r.Ints("ints"))
}

func TestArgumentsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	c := direct(t)
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.StringMatching(`[^\x00]{0,20}`).Draw(r, "word")
		words := rapid.SliceOfN(rapid.StringMatching(`[^\x00]{0,8}`), 0, 5).Draw(r, "words")
		n, f, b := rapid.Int64().Draw(r, "n"), rapid.Float64().Draw(r, "f"), rapid.Bool().Draw(r, "b")
		ints := rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(r, "ints")
		out, err := sample.Collect(context.Background(), c, sample.Server{Pooled: rapid.Bool().Draw(r, "pooled")}, []sample.Query{
			query("v", "SELECT $1::text, $2::text[], $3::int8, $4::float8, $5::bool, $6::int8[], $7::text", word, words, n, f, b, ints, nil),
		})
		require.NoError(r, err)
		require.NoError(r, out["v"].Err)
		require.Equal(r, []any{word, append([]string{}, words...), n, f, b, append([]int64{}, ints...), nil}, out["v"].Rows[0])
	})
	_, err := sample.Collect(t.Context(), c, sample.Server{}, []sample.Query{query("v", "SELECT $1", struct{}{})})
	require.Equal(t, fault.Internal, fault.CodeOf(err))
	_, err = sample.Collect(t.Context(), c, sample.Server{}, []sample.Query{query("v", "SELECT 1"), query("v", "SELECT 2")})
	require.ErrorContains(t, err, "two queries are called v")
}

// counted counts how often something was sent.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func TestAllIsAskedInOneRoundTrip(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	cfg, err := pgx.ParseConfig(s.URL("", "postgres"))
	require.NoError(t, err)
	var writes atomic.Int64
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return counted{c, &writes}, err
	}
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	before := writes.Load()
	queries := []sample.Query{}
	for i := range 60 {
		queries = append(queries, query(strconv.Itoa(i), "SELECT count(*) FROM pg_class WHERE oid = $1", i))
	}
	collect(t, c, sample.Server{}, queries...)
	require.Equal(t, int64(1), writes.Load()-before)
	_, err = sample.Identify(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, int64(2), writes.Load()-before)
	collect(t, c, sample.Server{})
	require.Equal(t, int64(2), writes.Load()-before, "who asks nothing sends nothing")
}

// A great deal is sent before it is read; the answers are larger than what
// lies between the two.
func TestManyLargeAnswersDoNotBlockWhatIsSent(t *testing.T) {
	t.Parallel()
	c := direct(t)
	queries := []sample.Query{}
	for i := range 200 {
		queries = append(queries, query(strconv.Itoa(i), "SELECT repeat('x', 200000), $1::text", strings.Repeat("y", 50000)))
	}
	for name, r := range collect(t, c, sample.Server{}, queries...) {
		require.NoError(t, r.Err, name)
		require.Len(t, r.Rows[0][0], 200000)
	}
}

func TestWhatCannotBeAskedHasItsReason(t *testing.T) {
	t.Parallel()
	out := collect(t, direct(t), sample.Server{}, query("there", "SELECT 1"), sample.Query{Name: "not there", SQL: func(sample.Server) (string, string) {
		return "", "needs PostgreSQL 16"
	}})
	require.NoError(t, out["there"].Err)
	require.Equal(t, fault.NotAvailable, fault.CodeOf(out["not there"].Err))
	require.EqualError(t, out["not there"].Err, "needs PostgreSQL 16")
}

func TestAStatementHasTheTagAndTheLimits(t *testing.T) {
	t.Parallel()
	c := direct(t)
	mine := query("mine", "SELECT query, current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock, current_setting('transaction_read_only') AS ro FROM pg_stat_activity WHERE pid = pg_backend_pid()")
	check := func(s sample.Server, c *pgx.Conn) {
		t.Helper()
		r := collect(t, c, s, mine)["mine"]
		require.NoError(t, r.Err)
		require.Contains(t, r.Row(0).Text("query"), sample.Tag)
		require.Equal(t, []string{"5s", "100ms", "on"}, []string{r.Row(0).Text("statement"), r.Row(0).Text("lock"), r.Row(0).Text("ro")})
	}
	check(sample.Server{}, c)
	plain := pgtest.Connect(t, c.Config().ConnString())
	check(sample.Server{Pooled: true}, plain)
	var lock string
	require.NoError(t, plain.QueryRow(t.Context(), "SHOW lock_timeout").Scan(&lock))
	require.Equal(t, "0", lock, "nothing stays on a session that belongs to a pooler")
}

// Who reads the size of a table that somebody changes waits for a moment, not
// until they are done.
func TestALockThatIsNotFreeCostsOneAnswerAndNoTime(t *testing.T) {
	t.Parallel()
	name := pgtest.Database(t, 0, "CREATE TABLE held (id int)")
	url := pgtest.Server(t, 0).URL("", name)
	c, holder := sampler(t, url), pgtest.Connect(t, url)
	tx, err := holder.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK held IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	for _, pooled := range []bool{false, true} {
		out := collect(t, c, sample.Server{Pooled: pooled}, query("size", "SELECT pg_catalog.pg_total_relation_size('held')"), query("next", "SELECT 1"))
		require.Equal(t, fault.LockTimeout, fault.CodeOf(out["size"].Err))
		require.NoError(t, out["next"].Err)
		require.GreaterOrEqual(t, out["size"].Took, sample.LockTimeout)
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, collect(t, c, sample.Server{}, query("size", "SELECT pg_catalog.pg_total_relation_size('held')"))["size"].Err)
}

func TestALostConnectionEndsTheLook(t *testing.T) {
	t.Parallel()
	url := pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, ""))
	for _, pooled := range []bool{false, true} {
		c := sampler(t, url)
		out, err := sample.Collect(t.Context(), c, sample.Server{Pooled: pooled}, []sample.Query{
			query("before", "SELECT 1"), query("end", "SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"), query("after", "SELECT 2"),
		})
		require.Equal(t, fault.DatabaseGone, fault.CodeOf(err), "%v", err)
		require.NoError(t, out["before"].Err)
		require.Len(t, out["before"].Rows, 1)
		require.Equal(t, fault.DatabaseGone, fault.CodeOf(out["after"].Err))
		require.True(t, c.IsClosed())
		_, err = sample.Collect(t.Context(), c, sample.Server{}, []sample.Query{query("again", "SELECT 1")})
		require.Equal(t, fault.DatabaseGone, fault.CodeOf(err), "%v", err)
	}
}

func TestAnEndedContextEndsTheLook(t *testing.T) {
	t.Parallel()
	c := direct(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	out, err := sample.Collect(ctx, c, sample.Server{}, []sample.Query{query("slow", "SELECT pg_catalog.pg_sleep(4)"), query("after", "SELECT 1")})
	require.Equal(t, fault.TimedOut, fault.CodeOf(err), "%v", err)
	require.Error(t, out["slow"].Err)
	require.Error(t, out["after"].Err)
	require.True(t, c.IsClosed(), "an answer may still come, so nobody may use it again")
}

func TestServersOfEveryVersionSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	oldest := 14
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		oldest = 15 // build/postgres/versions has no 14 there
	}
	seen := map[string]bool{}
	for major := oldest; major <= 18; major++ {
		s := pgtest.Server(t, pgtest.Of(major))
		name := pgtest.Database(t, pgtest.Of(major), "")
		v, err := sample.Identify(t.Context(), sampler(t, s.URL("", name)))
		require.NoError(t, err)
		require.Equal(t, major, v.Major())
		require.True(t, strings.HasPrefix(v.VersionText, strconv.Itoa(major)+"."), v.VersionText)
		require.False(t, v.InRecovery)
		require.WithinRange(t, v.Started, time.Now().Add(-time.Hour), time.Now())
		require.Len(t, v.SystemIdentifier, 19)
		require.Equal(t, name, v.Database)
		require.NotZero(t, v.DatabaseOID)
		require.Equal(t, "postgres", v.Role)
		require.True(t, v.Monitor)
		require.False(t, v.Pooled)
		require.Equal(t, "public", v.Extensions["pgcrypto"].Schema)
		require.NotEmpty(t, v.Extensions["pgcrypto"].Version)
		again, err := sample.Identify(t.Context(), sampler(t, s.URL("", "postgres")))
		require.NoError(t, err)
		require.Equal(t, v.Instance(), again.Instance())
		require.False(t, seen[v.Instance()])
		seen[v.Instance()] = true
	}
}

func TestARoleWithFewRightsIsToldFromOne(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	name, role := pgtest.Database(t, 0, ""), pgtest.Random("r_")
	pgtest.Exec(t, s, name, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'; REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM PUBLIC")
	t.Cleanup(func() { pgtest.Exec(t, s, "postgres", "DROP ROLE "+role) })
	cfg, err := pgx.ParseConfig(s.URL(role, name))
	require.NoError(t, err)
	cfg.Password = "x"
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	v, err := sample.Identify(t.Context(), c)
	require.NoError(t, err)
	require.False(t, v.Monitor)
	require.Equal(t, role, v.Role)
	require.Empty(t, v.SystemIdentifier)
	pgtest.Exec(t, s, name, "GRANT pg_monitor TO "+role)
	v, err = sample.Identify(t.Context(), c)
	require.NoError(t, err)
	require.True(t, v.Monitor)
}

func TestEveryTierHasAnInterval(t *testing.T) {
	t.Parallel()
	var last time.Duration
	for _, tier := range sample.Tiers() {
		require.Greater(t, tier.Every(), last, tier)
		last = tier.Every()
	}
	require.Zero(t, sample.Tier("never").Every())
}

// The server counts what is rolled back, and a check says so: looks are none of it.
func TestALookThatBringsItsSettingsRollsNothingBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	name := pgtest.Database(t, 0, "")
	super := pgtest.Connect(t, server.URL("", "postgres"))
	counted := func() (committed, rolledBack int64) {
		require.NoError(t, super.QueryRow(t.Context(), "SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = $1", name).Scan(&committed, &rolledBack))
		return committed, rolledBack
	}
	c, err := pgx.Connect(t.Context(), server.URL("", name))
	require.NoError(t, err)
	before, was := counted()
	queries := []sample.Query{}
	for i := range 20 {
		queries = append(queries, sample.Query{Name: strconv.Itoa(i), Tier: sample.Live, SQL: sample.Always("SELECT 1 AS one")})
	}
	results, err := sample.Collect(t.Context(), c, sample.Server{Pooled: true}, queries)
	require.NoError(t, err)
	for _, q := range queries {
		require.NoError(t, results[q.Name].Err)
	}
	require.NoError(t, c.Close(t.Context())) // the server counts at the latest then
	require.Eventually(t, func() bool { committed, _ := counted(); return committed >= before+20 }, 20*time.Second, 50*time.Millisecond)
	_, rolledBack := counted()
	require.Equal(t, was, rolledBack)
}
