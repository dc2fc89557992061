package health_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/capacity"
	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
)

// restart starts the server of a bench anew, with settings.
func (b *bench) restart(settings ...string) {
	b.t.Helper()
	for _, set := range settings {
		exec(b.t, b.session(), "ALTER SYSTEM SET "+set)
	}
	_ = b.c.Close(b.t.Context())
	require.NoError(b.t, pgtest.Server(b.t, b.server).Restart(b.t.Context()))
	b.c = sampler(b.t, b.url(), "")
}

// One statement that takes all the time, and so many that the counted ones are
// displaced; what they read is what the disk has to bear.
func statementsThatTakeMostAndAreDisplaced(t *testing.T) {
	b := open(t, pgtest.Own(17), "")
	b.exec("CREATE EXTENSION pg_stat_statements")
	b.restart("pg_stat_statements.max = 100")
	l := health.Defaults()
	l.IOBytes = 1e5
	still := func(check string) {
		t.Helper()
		require.Eventually(t, func() bool { return len(b.examine(check, b.read(), l)) == 0 }, 30*time.Second, 50*time.Millisecond, check)
	}
	still("statements")
	before := b.read()
	one, two := run(t, b.session(), "SELECT pg_sleep(6)"), run(t, b.session(), "SELECT pg_sleep(6)")
	require.NoError(t, <-one)
	require.NoError(t, <-two)
	f := b.examine("statements", before, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Info, f[0].Severity)
	require.Contains(t, f[0].Message, "in 2 calls")
	var text string
	require.NoError(t, b.session().QueryRow(t.Context(), f[0].Statement).Scan(&text))
	require.Equal(t, "SELECT pg_sleep($1)", text, "the statement that is offered shows which it is")
	still("statements")

	before = b.read()
	c := b.session()
	for n := 1; n <= 300; n++ {
		exec(t, c, "SELECT 1"+strings.Repeat(", 1", n))
	}
	f = b.examine("statements", before, l)
	require.Len(t, f, 1)
	require.Equal(t, health.Warning, f[0].Severity)
	require.Contains(t, f[0].Message, "at this pace all counted statements are displaced within ")
	// The remedy: values that are bound are one statement.
	before = b.read()
	for n := range 300 {
		_, err := c.Exec(t.Context(), "SELECT $1::int", n)
		require.NoError(t, err)
	}
	require.Empty(t, b.examine("statements", before, l))

	still("io")
	before = b.read()
	readCold(t, b)
	require.Eventually(t, func() bool { return len(b.examine("io", before, l)) == 1 }, 30*time.Second, 50*time.Millisecond)
	still("io")
}

// A block that the disk gave back as something else than what was written.
func blocksThatAreDamaged(t *testing.T) {
	b := open(t, pgtest.Own(18), "CREATE TABLE t (id int, v text); INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g")
	l := health.Defaults()
	var path, on string
	c := b.session()
	require.NoError(t, c.QueryRow(t.Context(), "SELECT pg_relation_filepath('t'), current_setting('data_checksums')").Scan(&path, &on))
	require.Equal(t, "on", on)
	exec(t, c, "SELECT count(*) FROM t; CHECKPOINT")
	require.Empty(t, b.examine("checksums", health.Reading{}, l))
	server := pgtest.Server(t, b.server)
	damaged := filepath.Join(server.Dir(), "data", path)
	whole, err := os.ReadFile(damaged)
	require.NoError(t, err)
	write := func(at int, is []byte) {
		t.Helper()
		_ = b.c.Close(t.Context())
		require.NoError(t, server.Stop(t.Context()))
		file, err := os.OpenFile(damaged, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteAt(is, int64(at))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.NoError(t, server.Restart(t.Context()))
		b.c = sampler(t, b.url(), "")
	}
	const at = 8192 + 4000
	write(at, []byte("something else"))
	_, err = b.session().Exec(t.Context(), "SELECT count(*) FROM t")
	require.ErrorContains(t, err, "invalid page in block 1")
	f := b.becomes("checksums", l, 1)
	require.Equal(t, health.Critical, f[0].Severity)
	require.Contains(t, f[0].Message, "1 checksum failure since the statistics were reset, the last at ")
	// It is restored, and whoever did that begins to count anew.
	write(at, whole[at:at+20])
	exec(t, b.session(), "SELECT count(*) FROM t; SELECT pg_stat_reset()")
	b.becomes("checksums", l, 0)
}

// Rows come every day until the shard will be full within the month, and leave again.
func aShardThatGrows(t *testing.T) {
	b := open(t, 0, "CREATE TABLE t (id int, v text)")
	l := health.Defaults()
	const day = 24 * time.Hour
	from := time.Now().Add(-40 * day)
	points := []capacity.Point{}
	most := int64(0)
	says := func(days int, moved ...time.Time) []health.Finding {
		t.Helper()
		now := b.read()
		now.At = from.Add(time.Duration(days) * day)
		bytes := float64(now.Results["database"].Row(0).IntOr("bytes", 0))
		points = append(points, capacity.Point{At: now.At, Bytes: bytes})
		if most == 0 {
			most = int64(bytes) + 40<<20
		}
		now.CapacityBytes = most
		f := capacity.Make(points, moved, float64(most))
		now.FullSoonest, now.FullLatest = f.Soonest, f.Latest
		return examined(t, "capacity", now, health.Reading{}, l)
	}
	grow := func() {
		b.exec("INSERT INTO t SELECT g, repeat('x', 970) FROM generate_series(1, 1000) g")
	}
	// About a megabyte a day, of which there are forty. Three quarters are not reached.
	require.Empty(t, says(0))
	days, f := 0, []health.Finding{}
	for len(f) == 0 && days < 20 {
		days++
		grow()
		f = says(days)
		require.True(t, len(f) == 0 || days > 5, "so few days say nothing")
	}
	require.Len(t, f, 1)
	require.Equal(t, health.Warning, f[0].Severity)
	require.Contains(t, f[0].Message, "as it grows, the database reaches its capacity of ")
	require.Regexp(t, `in (2\d|30) days at the soonest`, f[0].Message)
	for days < 40 && f[0].Severity != health.Critical {
		grow()
		days++
		f = says(days)
		require.Len(t, f, 1)
	}
	require.Equal(t, health.Critical, f[0].Severity)
	// Its tenants are moved away, and nothing is added.
	b.exec("TRUNCATE t")
	gone := from.Add(time.Duration(days) * day)
	for range 40 {
		days++
		if f = says(days, gone); len(f) == 0 {
			break
		}
	}
	require.Empty(t, f, "%v", points)
}
