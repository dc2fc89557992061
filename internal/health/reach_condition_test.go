package health_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/bouncertest"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/sample"
)

// login is a role with a password that may see what a monitor may.
func (b *bench) login() (role, password string) {
	b.t.Helper()
	role, password = pgtest.Random("monitor_"), "monitor-password"
	b.exec("CREATE ROLE " + role + " LOGIN PASSWORD '" + password + "' IN ROLE pg_monitor")
	b.t.Cleanup(func() { pgtest.Exec(b.t, pgtest.Server(b.t, b.server), "postgres", "DROP ROLE "+role) })
	return role, password
}

// What the sampler finds of a server that it reaches over a long way, or not at all.
func aServerThatIsFarOrGone(t *testing.T) {
	b := open(t, 0, "")
	role, password := b.login()
	server := pgtest.Server(t, 0)
	way := cable.New(t, fmt.Sprintf("127.0.0.1:%d", server.Port()))
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: way.Address(), Path: "/" + b.name, RawQuery: "sslmode=disable"}
	source := sample.Source{Name: "one", Open: func(ctx context.Context) (*pgx.Conn, error) {
		cfg, err := pgx.ParseConfig(u.String())
		if err != nil {
			return nil, err
		}
		maps.Copy(cfg.RuntimeParams, sample.Settings())
		return pgx.ConnectConfig(ctx, cfg)
	}}
	rules := sample.Rules{
		Every: func(tier sample.Tier) time.Duration {
			if tier == sample.Live {
				return 20 * time.Millisecond
			}
			return time.Hour
		},
		Deadline: 10 * time.Second, Again: 20 * time.Millisecond,
	}
	s := sample.NewSampler([]sample.Source{source}, health.Queries(sample.Live), rules, func(sample.Reading) {})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	says := func(check string, want health.Severity) (last []health.Finding) {
		t.Helper()
		require.Eventually(t, func() bool {
			r, _ := s.Reading("one")
			if r.State == sample.Waiting || r.State == sample.Failing {
				return false
			}
			now := health.Reading{At: r.At, Server: r.Server, RoundTrip: r.Latency, Results: r.Results}
			if r.State == sample.Down {
				now.Err = r.Err
			}
			last = of(health.Examine(now, health.Reading{}, health.Defaults()), check)
			if (want == "") != (len(last) == 0) || want != "" && last[0].Severity != want {
				return false
			}
			saw(t, check, health.Defaults(), last)
			return true
		}, 60*time.Second, 20*time.Millisecond, "%s does not become %q: %+v", check, want, &last)
		return last
	}
	says("latency", "")
	way.Delay(300 * time.Millisecond)
	says("latency", health.Warning)
	way.Delay(1100 * time.Millisecond)
	says("latency", health.Critical)
	says("reachable", "")
	way.Mend()
	says("latency", "")
	way.Cut()
	require.Contains(t, says("reachable", health.Critical)[0].Message, "the database does not answer: ")
	says("latency", "")
	way.Mend()
	says("reachable", "")
}

// Whoever holds the one connection of a pool keeps the others waiting.
func clientsThatWaitForThePooler(t *testing.T) {
	b := open(t, 0, "")
	role, password := b.login()
	dir, err := os.MkdirTemp("", "shard-admin-pooler-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // the pooler's user enters it
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := bouncertest.Start(t, dir, pgtest.Server(t, 0), map[string]string{role: password}, "default_pool_size = 1\nstats_users = "+role+"\nquery_wait_timeout = 60")
	through := func(database string) string {
		return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", role, password, port, database)
	}
	console, err := pgconn.Connect(t.Context(), through("pgbouncer"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = console.Close(context.Background()) })
	says := func() []health.Finding {
		now := b.read()
		maps.Copy(now.Results, health.PoolerOf(sample.Ask(t.Context(), console, health.PoolerStatements()), b.name))
		return examined(t, "pooler", now, health.Reading{}, health.Defaults())
	}
	client := func() *pgx.Conn { return pgtest.Connect(t, through(b.name)+"&default_query_exec_mode=simple_protocol") }
	first := client()
	exec(t, first, "SELECT 1")
	require.Eventually(t, func() bool { return len(says()) == 0 }, 30*time.Second, 50*time.Millisecond)
	exec(t, first, "BEGIN")
	f := says()
	require.Len(t, f, 1)
	require.Equal(t, health.Info, f[0].Severity, "nobody waits yet")
	served := run(t, client(), "SELECT 2")
	require.Eventually(t, func() bool {
		f = says()
		return len(f) == 1 && f[0].Severity == health.Warning
	}, 30*time.Second, 50*time.Millisecond)
	exec(t, first, "COMMIT")
	require.NoError(t, <-served)
	require.Eventually(t, func() bool { return len(says()) == 0 }, 30*time.Second, 50*time.Millisecond)
}
