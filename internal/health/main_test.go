package health_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// oldest is the oldest major version that there are binaries of.
func oldest() int {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return 15 // build/postgres/versions has no 14 there
	}
	return 14
}

// bench is one database with a session that samples it.
type bench struct {
	t      *testing.T
	server int
	name   string
	c      *pgx.Conn
}

func open(t *testing.T, server int, schema string) *bench {
	t.Helper()
	b := &bench{t: t, server: server, name: pgtest.Database(t, server, schema)}
	b.c = sampler(t, b.url(), "")
	return b
}

func (b *bench) url() string { return pgtest.Server(b.t, b.server).URL("", b.name) }

func sampler(t *testing.T, url, password string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	if password != "" {
		cfg.Password = password
	}
	for k, v := range sample.Settings() {
		cfg.RuntimeParams[k] = v
	}
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func (b *bench) exec(sql string) {
	b.t.Helper()
	pgtest.Exec(b.t, pgtest.Server(b.t, b.server), b.name, sql)
}

// session is somebody else's.
func (b *bench) session() *pgx.Conn { return pgtest.Connect(b.t, b.url()) }

func reading(t *testing.T, c *pgx.Conn) health.Reading {
	t.Helper()
	server, err := sample.Identify(t.Context(), c)
	require.NoError(t, err)
	results, err := sample.Collect(t.Context(), c, server, health.Queries())
	require.NoError(t, err)
	return health.Reading{At: time.Now(), Server: server, Results: results}
}

func (b *bench) read() health.Reading { return reading(b.t, b.c) }

func of(r health.Report, check string) []health.Finding {
	out := []health.Finding{}
	for _, f := range r.Findings {
		if f.Check == check {
			out = append(out, f)
		}
	}
	return out
}

// examine is what a check says now; it must have been able to look.
func (b *bench) examine(check string, before health.Reading, l health.Limits) []health.Finding {
	b.t.Helper()
	return examined(b.t, check, b.read(), before, l)
}

// examined is what a check says of a reading; it must have been able to look.
func examined(t *testing.T, check string, now, before health.Reading, l health.Limits) []health.Finding {
	t.Helper()
	r := health.Examine(now, before, l)
	for _, u := range r.Unavailable {
		require.NotEqual(t, check, u.Check, u.Reason)
	}
	return saw(t, check, l, of(r, check))
}

// becomes waits until a check says so many things; what it says is returned.
func (b *bench) becomes(check string, l health.Limits, n int) []health.Finding {
	b.t.Helper()
	var last []health.Finding
	require.Eventually(b.t, func() bool {
		last = b.examine(check, health.Reading{}, l)
		return len(last) == n
	}, 30*time.Second, 20*time.Millisecond, "%s does not become %d: %+v", check, n, &last)
	return last
}
