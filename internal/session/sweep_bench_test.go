//go:build unix

package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

// farAway starts a proxy before each of two servers that holds every answer back by a
// time, and returns its address by theirs.
func farAway(b *testing.B, by time.Duration, servers ...string) map[string]string {
	b.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	out := map[string]string{}
	for _, upstream := range servers {
		p := toxiproxy.NewProxy(api, upstream, "127.0.0.1:0", upstream)
		require.NoError(b, p.Start())
		b.Cleanup(p.Stop)
		_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": "far", "type": "latency", "stream": "downstream", "attributes": {"latency": %d}}`, by.Milliseconds())))
		require.NoError(b, err)
		out[upstream] = p.Listen
	}
	return out
}

// sweeper is a role of the servers who sees what the superuser does, and has a password:
// over the network the servers ask for one.
const sweeper = "sweeper"

// overTCP is a URL that leads to the server by the loopback network and not by a socket.
func overTCP(b *testing.B, socket string) (text, address string) {
	b.Helper()
	cfg, err := pgx.ParseConfig(socket)
	require.NoError(b, err)
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(int(cfg.Port)))
	u := url.URL{Scheme: "postgres", User: url.UserPassword(sweeper, sweeper), Host: address, Path: "/" + cfg.Database, RawQuery: "sslmode=disable"}
	return u.String(), address
}

// connections counts, until it is ended, how many connections each of the databases has at
// the most.
func connections(b *testing.B, databases []string, socket ...string) (end func() (most int)) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	most := make([]int, len(socket))
	var wg sync.WaitGroup
	for i, text := range socket {
		c := pgtest.Connect(b, text)
		// Those of who looked before are not ended the moment they are closed.
		require.Eventually(b, func() bool {
			n := -1
			err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = ANY ($1)", databases).Scan(&n)
			return err == nil && n == 0
		}, time.Minute, 50*time.Millisecond)
		wg.Go(func() {
			for ctx.Err() == nil {
				n := 0
				err := c.QueryRow(context.WithoutCancel(ctx), `SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM pg_stat_activity
					WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = ANY ($1) GROUP BY datname) AS of`, databases).Scan(&n)
				if err != nil {
					b.Errorf("count the connections: %v", err)
					return
				}
				most[i] = max(most[i], n)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return func() int { cancel(); wg.Wait(); return slices.Max(most) }
}

// resident is the memory that this process has: of its own, and with the pages of the
// program's file, which here is the tests' and may be given back at any time.
func resident(b *testing.B) (own, all int64) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil { // not Linux: what the runtime took of the system
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		return int64(mem.Sys), int64(mem.Sys) //nolint:gosec // it has no such memory
	}
	for line := range strings.Lines(string(text)) {
		for name, to := range map[string]*int64{"RssAnon:": &own, "VmRSS:": &all} {
			if strings.HasPrefix(line, name) {
				kib, err := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
				require.NoError(b, err)
				*to = kib << 10
			}
		}
	}
	require.Positive(b, own)
	return own, all
}

// BenchmarkSweep looks at a hundred databases, near and over a network of 20 ms,
// and measures what the sampler itself costs.
func BenchmarkSweep(b *testing.B) {
	count := benchNumber(b, "BENCH_SHARDS", 100)
	urls, servers, databases := make([]string, count), []string{}, []string{}
	for i := range urls {
		var address string
		name := pgtest.Database(b, i%2, "pwb")
		urls[i], address = overTCP(b, pgtest.Server(b, i%2).URL("", name))
		databases = append(databases, name)
		if !slices.Contains(servers, address) {
			_, err := pgtest.Connect(b, pgtest.Server(b, i%2).URL("", "postgres")).Exec(b.Context(), "DROP ROLE IF EXISTS "+sweeper+"; CREATE ROLE "+sweeper+" LOGIN SUPERUSER PASSWORD '"+sweeper+"'")
			require.NoError(b, err)
			servers = append(servers, address)
		}
	}
	const away = 20 * time.Millisecond
	proxies := farAway(b, away, servers...)
	var opened atomic.Int64
	nobody := silent(b)
	sources := func(by time.Duration, hung int) []sample.Source {
		out := []sample.Source{}
		for i, text := range urls {
			out = append(out, sample.Source{Name: strconv.Itoa(i), Open: func(ctx context.Context) (*pgx.Conn, error) {
				cfg, err := pgx.ParseConfig(text)
				if err != nil {
					return nil, err
				}
				for k, v := range sample.Settings() {
					cfg.RuntimeParams[k] = v
				}
				cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
					opened.Add(1)
					switch {
					case i < hung:
						addr = nobody
					case by > 0:
						addr = proxies[addr]
					}
					return (&net.Dialer{}).DialContext(ctx, network, addr)
				}
				return pgx.ConnectConfig(ctx, cfg)
			}})
		}
		return out
	}
	for b.Loop() {
		for _, at := range []struct {
			name string
			by   time.Duration
			most time.Duration
		}{{"near", 0, 500 * time.Millisecond}, {"20 ms away", away, time.Second}} {
			conns := make([]*pgx.Conn, count)
			known := make([]sample.Server, count)
			each(b, count, func(i int) error {
				var err error
				if conns[i], err = sources(at.by, 0)[i].Open(b.Context()); err != nil {
					return err
				}
				known[i], err = sample.Identify(b.Context(), conns[i])
				return err
			})
			if slices.Contains(conns, nil) {
				b.FailNow()
			}
			// The tier of ten seconds, and with the one of a minute, which is due each
			// sixth time.
			for _, tiers := range [][]sample.Tier{{sample.Live}, {sample.Live, sample.Minute}} {
				list := []time.Duration{}
				for range 9 {
					begin := time.Now()
					each(b, count, func(i int) error {
						_, err := sample.Collect(b.Context(), conns[i], known[i], health.Queries(tiers...))
						return err
					})
					list = append(list, time.Since(begin))
				}
				slices.Sort(list)
				say("%d databases in one sweep of %v, %s: median %d ms, worst %d ms, promised < %d ms", count, tiers, at.name, list[4].Milliseconds(), list[8].Milliseconds(), at.most.Milliseconds())
				if len(tiers) == 1 {
					b.ReportMetric(float64(list[4].Milliseconds()), strings.ReplaceAll(at.name, " ", "-")+"-ms")
				}
				// The far ones are farther, or the proxy would be none.
				if at.by > 0 && list[0] < at.by {
					b.Errorf("a sweep of databases that are %s away takes %s", at.by, list[0])
				}
				if list[4] >= at.most {
					b.Errorf("a sweep of %d databases takes %s, %s", count, list[4], at.name)
				}
			}
			for _, c := range conns {
				_ = c.Close(context.Background())
			}
		}

		perDatabase(b, urls[:min(count, 10)])

		// The sampler as it runs, first with databases that all answer and then with one
		// that never says a word.
		together := sampled(b, sources(0, 0), count, 0, 0, func() {})
		debug.FreeOSMemory() // the proxies' and the sweeps'
		runs := time.Duration(benchNumber(b, "BENCH_SECONDS", 60)) * time.Second
		var begun time.Duration
		most := connections(b, databases, pgtest.Server(b, 0).URL("", "postgres"), pgtest.Server(b, 1).URL("", "postgres"))
		hung := sampled(b, sources(0, 1), count-1, 30*time.Second, runs, func() {
			opened.Store(0) // counted without the sessions that are kept
			begun = processCPU(b)
		})
		perShard := (processCPU(b) - begun).Seconds() / runs.Seconds() / float64(count) * 100
		held := most()
		memory, all := resident(b)
		say("  the sampler: %d databases seen after %d ms; beside one that hangs after %d ms, and each looked at again after %.1f s at the most", count, together.first.Milliseconds(), hung.first.Milliseconds(), hung.gap.Seconds())
		say("  %.3f %% of a processor per shard, promised < 0.1; %d MB of memory, promised < 120, %d with the pages of the tests' program; %d connections to a database at the most, promised 2", perShard, memory>>20, all>>20, held)
		say("  connections opened in %d s: %d for %d databases, the hung one tried again and again", int(runs.Seconds()), opened.Load(), count)
		b.ReportMetric(perShard, "%cpu-per-shard")
		b.ReportMetric(float64(memory>>20), "MB")
		b.ReportMetric(float64(held), "connections")
		b.ReportMetric(float64(hung.first.Milliseconds()), "first-beside-hung-ms")
		if perShard >= 0.1 {
			b.Errorf("the sampler takes %.3f %% of a processor for a shard", perShard)
		}
		if memory >= 120<<20 {
			b.Errorf("the process has %d MB", memory>>20)
		}
		if held < 1 || held > 2 {
			b.Errorf("a database had %d connections", held)
		}
		// A look has two seconds; who waited for the hung one would wait for those.
		if hung.first >= together.first+2*time.Second {
			b.Errorf("beside a database that hangs the others were seen after %s, without it after %s", hung.first, together.first)
		}
		if limit := sample.Live.Every() + sample.Live.Every()/20 + 2*time.Second; hung.gap >= limit {
			b.Errorf("a database was looked at again after %s only, beside one that hangs", hung.gap)
		}
	}
}

// sampledFor is how a sampler did.
type sampledFor struct {
	first time.Duration // until all that answer had been seen
	gap   time.Duration // the longest time between two answers of one of them
}

// sampled runs a sampler until all that answer were seen, a time for its slower tiers, and
// another that begins with a call.
func sampled(b *testing.B, sources []sample.Source, answering int, settles, runs time.Duration, begins func()) sampledFor {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	var mu sync.Mutex
	last, out := map[string]time.Time{}, sampledFor{}
	s := sample.NewSampler(sources, health.Queries(), sample.Rules{}, func(r sample.Reading) {
		mu.Lock()
		defer mu.Unlock()
		if was, ok := last[r.Source]; ok && r.State == sample.Up {
			out.gap = max(out.gap, r.At.Sub(was))
		}
		if r.State == sample.Up {
			last[r.Source] = r.At
		}
	})
	done := make(chan struct{})
	begin := time.Now()
	go func() { defer close(done); s.Run(ctx) }()
	defer func() { end(); <-done }()
	up := func() (n int) {
		for _, r := range s.Latest() {
			if r.State == sample.Up {
				n++
			}
		}
		return n
	}
	for up() < answering && time.Since(begin) < time.Minute {
		time.Sleep(5 * time.Millisecond)
	}
	out.first = time.Since(begin)
	time.Sleep(settles)
	begins()
	time.Sleep(runs)
	require.Equal(b, answering, up(), "all that answer are up, and no other")
	mu.Lock()
	defer mu.Unlock()
	return out
}

// perDatabase measures one look at a database, one after the other, and beside it
// how long Prometheus' exporter takes for the same one. Both look each for
// themselves at what they think matters, so that this is no race.
func perDatabase(b *testing.B, urls []string) {
	b.Helper()
	const looks = 5
	ours, theirs := []time.Duration{}, []time.Duration{}
	for _, url := range urls {
		c := pgtest.Connect(b, url)
		server, err := sample.Identify(b.Context(), c)
		require.NoError(b, err)
		for range looks {
			begin := time.Now()
			_, err := sample.Collect(b.Context(), c, server, health.Queries(sample.Live, sample.Minute))
			require.NoError(b, err)
			ours = append(ours, time.Since(begin))
		}
		require.NoError(b, c.Close(b.Context()))
	}
	slices.Sort(ours)
	say("  one database at a time: median %.1f ms for all that is looked at each minute", milliseconds(ours[len(ours)/2]))
	exporter := os.Getenv("SHARD_ADMIN_TEST_EXPORTER")
	if exporter == "" {
		say("  postgres_exporter was not built: nothing to compare with")
		return
	}
	for _, url := range urls {
		theirs = append(theirs, scrapes(b, exporter, url, looks)...)
	}
	slices.Sort(theirs)
	say("  postgres_exporter beside it: median %.1f ms for a scrape of one database, ours takes %.2f of that", milliseconds(theirs[len(theirs)/2]), float64(ours[len(ours)/2])/float64(theirs[len(theirs)/2]))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// scrapes starts the exporter for a database and returns how long each of its
// answers took after the first, which connects.
func scrapes(b *testing.B, exporter, url string, count int) []time.Duration {
	b.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := free.Addr().String()
	require.NoError(b, free.Close())
	cmd := exec.CommandContext(b.Context(), exporter, "--web.listen-address="+address, "--log.level=error")
	cmd.Env = append(os.Environ(), "DATA_SOURCE_NAME="+url)
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	scrape := func() (time.Duration, error) {
		begin := time.Now()
		r, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return 0, err
		}
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		if err == nil && !strings.Contains(string(text), "\npg_up 1\n") {
			err = errors.New("the exporter does not reach the database")
		}
		return time.Since(begin), err
	}
	require.Eventually(b, func() bool { _, err = scrape(); return err == nil }, 20*time.Second, 20*time.Millisecond)
	out := []time.Duration{}
	for range count {
		d, err := scrape()
		require.NoError(b, err)
		out = append(out, d)
	}
	return out
}

func each(b *testing.B, count int, do func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			if err := do(i); err != nil {
				b.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// processCPU is the processor time of this process so far.
func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
