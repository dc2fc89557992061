package health_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
)

// since is a reading as it would be after so many days in which nobody used an index:
// what the server knows of its past is so much longer.
func since(r health.Reading, days float64) health.Reading {
	const column = "known_seconds"
	by := time.Duration(days * 24 * float64(time.Hour))
	r.At = r.At.Add(by)
	r.Results = maps.Clone(r.Results)
	known := r.Results["unused_indexes"]
	i := slices.Index(known.Columns, column)
	rows := [][]any{}
	for k, row := range known.Rows {
		line := slices.Clone(row)
		line[i] = known.Row(k).FloatOr(column, 0) + by.Seconds()
		rows = append(rows, line)
	}
	known.Rows = rows
	r.Results["unused_indexes"] = known
	return r
}

// An index is unused when no shard has used it for 35 days and all know that much of
// their past; it is used again as soon as one shard has.
func anIndexThatNoShardUses(t *testing.T) {
	schema := "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT n, n FROM generate_series(1, 5000) n"
	for _, servers := range [][2]int{{0, 1}, {pgtest.Of(16), pgtest.Of(17)}} {
		one, two := open(t, servers[0], schema), open(t, servers[1], schema)
		one.exec("ANALYZE t")
		two.exec("ANALYZE t")
		says := func(days float64, more map[string]health.Reading) []health.Finding {
			t.Helper()
			shards := map[string]health.Reading{"one": since(one.read(), days), "two": since(two.read(), days)}
			maps.Copy(shards, more)
			return between(t, "unused_indexes", shards, health.Defaults())
		}
		use := func(b *bench, column string) {
			t.Helper()
			used := func() (n int64) {
				for r := range b.read().Results["unused_indexes"].All() {
					if r.Text("index") == "t_a" {
						n = r.IntOr("scans", 0)
					}
				}
				return n
			}
			was := used()
			c := b.session()
			exec(t, c, "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT a FROM t WHERE "+column+" = 5")
			_ = c.Close(t.Context())
			require.Eventually(t, func() bool { return used() > was }, 30*time.Second, 20*time.Millisecond, "the scan is counted a moment after")
		}
		require.Empty(t, says(0, nil), "the past that is known is too short")
		require.Empty(t, says(34.9, nil))
		f := says(35, nil)
		require.Len(t, f, 1)
		require.Equal(t, []any{"t_a", health.Info, `DROP INDEX CONCURRENTLY "public"."t_a"`}, []any{f[0].Subject, f[0].Severity, f[0].Statement}, "that of the key is needed")
		require.Len(t, f[0].Evidence.Rows, 2)
		require.Empty(t, says(35, map[string]health.Reading{"silent": {Err: fault.New(fault.DatabaseUnreachable, "it is off", "")}}), "a shard that does not say may use it")
		require.Empty(t, says(35, map[string]health.Reading{"new": one.read()}), "a shard whose past is short may have used it")
		use(two, "a")
		if two.read().Server.Major() >= 16 {
			require.Empty(t, says(34.9, nil))
			require.Len(t, says(35.1, nil), 1, "the last use is longer ago")
			require.Empty(t, says(34.9, nil))
		} else {
			require.Empty(t, says(400, nil), "when it was used is not known")
			require.Empty(t, says(35, nil))
		}
		one.exec(f[0].Statement)
		two.exec(f[0].Statement)
		require.Empty(t, says(100, nil))
	}
}

// A setting and an extension that differ between two shards are found until they are
// made equal.
func shardsThatDrift(t *testing.T) {
	one, two := open(t, 0, ""), open(t, 1, "")
	l := health.Defaults()
	about := func(check, subject string) []health.Finding {
		t.Helper()
		shards := map[string]health.Reading{"one": reading(t, sampler(t, one.url(), "")), "two": two.read()}
		all := of(health.Report{Findings: health.Fleet(shards, l)}, check)
		return saw(t, "between "+check, l, slices.DeleteFunc(all, func(f health.Finding) bool { return f.Subject != subject }))
	}
	require.Empty(t, about("settings", "work_mem"))
	one.exec("ALTER DATABASE " + one.name + " SET work_mem = '7777kB'")
	f := about("settings", "work_mem")
	require.Len(t, f, 1)
	require.Equal(t, health.Info, f[0].Severity)
	require.Contains(t, f[0].Message, "setting work_mem differs between shards: 7777 kB on one; ")
	one.exec("ALTER DATABASE " + one.name + " RESET work_mem")
	require.Empty(t, about("settings", "work_mem"))

	require.Empty(t, about("extensions", "citext"))
	two.exec("CREATE EXTENSION citext")
	f = about("extensions", "citext")
	require.Len(t, f, 1)
	require.Contains(t, f[0].Message, "not installed on one; ")
	one.exec("CREATE EXTENSION citext")
	require.Empty(t, about("extensions", "citext"))
}

// A server at the end of its support, and two of one major version whose minor
// versions differ.
func versionsThatAreOldOrDiffer(t *testing.T) {
	l := health.Defaults()
	day, err := time.Parse(time.DateOnly, "2026-12-01")
	require.NoError(t, err)
	on := func(b *bench) health.Reading {
		r := b.read()
		r.At = day
		return r
	}
	newer, old, older := open(t, pgtest.Of(17), ""), open(t, pgtest.Of(oldest()), ""), open(t, pgtest.OlderMinor, "")
	require.Empty(t, examined(t, "version", on(newer), health.Reading{}, l))
	f := examined(t, "version", on(older), health.Reading{}, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Info, f[0].Severity)
	require.Contains(t, f[0].Message, "17.9 is older than 17.10")
	require.Empty(t, examined(t, "version", on(newer), health.Reading{}, l), "after the upgrade")
	if oldest() == 14 {
		f = examined(t, "version", on(old), health.Reading{}, l)
		require.Len(t, f, 1)
		require.Equal(t, "support for PostgreSQL 14 ended on 2026-11-12", f[0].Message)
	}

	require.Empty(t, between(t, "version", map[string]health.Reading{"one": newer.read(), "two": old.read()}, l), "that their major versions differ is no drift")
	f = between(t, "version", map[string]health.Reading{"one": newer.read(), "two": older.read(), "three": old.read()}, l)
	require.Len(t, f, 1)
	require.Equal(t, "shards run different minor versions: 17.10 on one; 17.9 on two", f[0].Message)
	require.Empty(t, between(t, "version", map[string]health.Reading{"one": newer.read(), "two": newer.read()}, l), "after the upgrade")
}
