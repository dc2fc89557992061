//go:build unix

package session_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

// far is a network in which every answer takes longer by a time.
type far struct {
	net.Conn
	by time.Duration
	at atomic.Int64 // when what was written last can be answered
}

func (f *far) Write(b []byte) (int, error) {
	f.at.Store(time.Now().Add(f.by).UnixNano())
	return f.Conn.Write(b)
}

func (f *far) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	time.Sleep(time.Until(time.Unix(0, f.at.Load())))
	return n, err
}

// BenchmarkSweep looks at a hundred databases, near and over a network of 20 ms,
// and measures what the sampler itself costs.
func BenchmarkSweep(b *testing.B) {
	count := benchNumber(b, "BENCH_SHARDS", 100)
	urls := make([]string, count)
	for i := range urls {
		urls[i] = pgtest.Server(b, i%2).URL("", pgtest.Database(b, i%2, "pwb"))
	}
	var opened atomic.Int64
	nobody := silent(b)
	sources := func(by time.Duration, hung int) []sample.Source {
		out := []sample.Source{}
		for i, url := range urls {
			out = append(out, sample.Source{Name: strconv.Itoa(i), Open: func(ctx context.Context) (*pgx.Conn, error) {
				cfg, err := pgx.ParseConfig(url)
				if err != nil {
					return nil, err
				}
				for k, v := range sample.Settings() {
					cfg.RuntimeParams[k] = v
				}
				cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
					opened.Add(1)
					if i < hung {
						addr = nobody
					}
					c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
					if err != nil || by == 0 {
						return c, err
					}
					return &far{Conn: c, by: by}, nil
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
		}{{"near", 0, 500 * time.Millisecond}, {"20 ms away", 20 * time.Millisecond, time.Second}} {
			conns := make([]*pgx.Conn, count)
			servers := make([]sample.Server, count)
			each(b, count, func(i int) error {
				var err error
				if conns[i], err = sources(at.by, 0)[i].Open(b.Context()); err != nil {
					return err
				}
				servers[i], err = sample.Identify(b.Context(), conns[i])
				return err
			})
			// The tier of ten seconds, and with the one of a minute, which is due each
			// sixth time.
			for _, tiers := range [][]sample.Tier{{sample.Live}, {sample.Live, sample.Minute}} {
				list := []time.Duration{}
				for range 9 {
					begin := time.Now()
					each(b, count, func(i int) error {
						_, err := sample.Collect(b.Context(), conns[i], servers[i], health.Queries(tiers...))
						return err
					})
					list = append(list, time.Since(begin))
				}
				slices.Sort(list)
				say("%d databases in one sweep of %v, %s: median %d ms, worst %d ms, promised < %d ms", count, tiers, at.name, list[4].Milliseconds(), list[8].Milliseconds(), at.most.Milliseconds())
				if len(tiers) == 1 {
					b.ReportMetric(float64(list[4].Milliseconds()), strings.ReplaceAll(at.name, " ", "-")+"-ms")
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

		// The sampler as it runs, with one database that never says a word.
		ctx, end := context.WithCancel(b.Context())
		opened.Store(0)
		s := sample.NewSampler(sources(0, 1), health.Queries(), sample.Rules{}, nil)
		done := make(chan struct{})
		begin := time.Now()
		go func() { defer close(done); s.Run(ctx) }()
		up := func() (n int) {
			for _, r := range s.Latest() {
				if r.State == sample.Up {
					n++
				}
			}
			return n
		}
		for up() < count-1 {
			time.Sleep(5 * time.Millisecond)
		}
		first := time.Since(begin)
		time.Sleep(30 * time.Second) // the first looks at the slow tiers
		seconds := benchNumber(b, "BENCH_SECONDS", 60)
		cpu, most := processCPU(b), opened.Load()
		time.Sleep(time.Duration(seconds) * time.Second)
		perShard := (processCPU(b) - cpu).Seconds() / float64(seconds) / float64(count) * 100
		require.Equal(b, count-1, up(), "the one that hangs delays none")
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		end()
		<-done
		say("  the sampler: all but the hung one seen after %d ms, %.3f %% of a processor per shard, promised < 0.1; %.0f MB of memory in use, promised < 120", first.Milliseconds(), perShard, float64(mem.Sys)/(1<<20))
		say("  connections opened in %d s: %d for %d databases, the hung one tried again and again", seconds+30, most, count)
		b.ReportMetric(perShard, "%cpu-per-shard")
		if perShard >= 0.1 {
			b.Errorf("the sampler takes %.3f %% of a processor for a shard", perShard)
		}
		if mem.Sys >= 120<<20 {
			b.Errorf("the sampler has %d MB", mem.Sys>>20)
		}
	}
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
