package session_test

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/cli"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// These benchmarks hold the product to its promises about speed. What is
// promised as a ratio is measured against a peer in the same run, turn by
// turn, so that a busy machine slows both; build/bench runs them.

//go:embed testdata/bench.sql
var benchSQL string

const benchProfile = `name = "bench"
tenant_columns = ["account_id"]
pointer = "accounts.shard"
follows = "true"
routing_ttl = "0s"
[tenants]
table = "accounts"
key = "id"
labels = ["name"]
`

// benchNumber is a size that the environment may make smaller for a trial.
func benchNumber(b *testing.B, name string, usual int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err, name)
	return n
}

func say(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

func median(list []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(list))
	return s[len(s)/2]
}

func perSecond(rows int, d time.Duration) float64 { return float64(rows) / d.Seconds() }

// benchFleet is a source with a large tenant among others and a role that owns
// the tables and is nobody's superuser.
type benchFleet struct {
	*fixture
	rows    int
	replica string // a role that may set session_replication_role, or ""
}

func newBenchFleet(b *testing.B, rows int) *benchFleet {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.toml")
	require.NoError(b, os.WriteFile(path, []byte(benchProfile), 0o600))
	f := &benchFleet{fixture: newFixture(b, benchSQL, path), rows: rows}
	for n := range 2 {
		pgtest.Exec(b, pgtest.Server(b, n), "postgres", "GRANT "+pgtest.Owner+" TO "+f.role)
	}
	// The tenant's rows lie between those of another, as they would.
	pgtest.Exec(b, pgtest.Server(b, 0), f.dbs[0], fmt.Sprintf(
		"INSERT INTO accounts VALUES (1, 'large', 'default'), (2, 'other', 'default'); SELECT fill(1, 0, %d, 2); SELECT fill(2, 1, %d, 8)", rows, rows/4))
	pgtest.Exec(b, pgtest.Server(b, 0), f.dbs[0], "VACUUM ANALYZE")
	return f
}

// target is a fresh target that holds another tenant's rows and, with parents,
// the rows that those of the large table refer to.
func (f *benchFleet) target(parents bool) string {
	f.t.Helper()
	more := ""
	if parents {
		more = "INSERT INTO accounts VALUES (1, 'large', 'default'); SELECT fill(1, 0, 0, 1);"
	}
	name := pgtest.Database(f.t, 1, benchSQL+"INSERT INTO accounts VALUES (9, 'there', 'shard_1'); SELECT fill(9, 100000000, 200000, 1);"+more)
	pgtest.Exec(f.t, pgtest.Server(f.t, 1), name, "ANALYZE; CHECKPOINT")
	return name
}

func (f *benchFleet) drop(name string) {
	f.t.Helper()
	pgtest.Exec(f.t, pgtest.Server(f.t, 1), "postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// set opens the source and a target as a role.
func (f *benchFleet) set(role, target string) *conn.Set {
	f.t.Helper()
	fl := *f.fleet
	fl.Control.URL = pgtest.Server(f.t, 0).URL(role, f.dbs[0])
	fl.Shards = slices.Clone(fl.Shards)
	fl.Shards[1].Endpoint.URL = pgtest.Server(f.t, 1).URL(role, target)
	return conn.Open(&fl, conn.Options{Resolver: fixedResolver{role}, MaxConns: 4})
}

func (f *benchFleet) arrived(target string, rows int) {
	f.t.Helper()
	c, err := pgx.Connect(context.Background(), pgtest.Server(f.t, 1).URL("", target))
	require.NoError(f.t, err)
	defer func() { _ = c.Close(context.Background()) }()
	var n int
	require.NoError(f.t, c.QueryRow(context.Background(), "SELECT count(*) FROM notes WHERE account_id = 1").Scan(&n))
	require.Equal(f.t, rows, n)
}

// product copies the large table as a move does: by the engine's own copier,
// from an exported snapshot into a guarded table.
func (f *benchFleet) product(role string) time.Duration {
	b, ctx := f.t, context.Background()
	b.Helper()
	target := f.target(true)
	defer f.drop(target)
	set := f.set(role, target)
	defer set.Close()
	src, err := set.Shard("default")
	require.NoError(b, err)
	dst, err := set.Shard("shard_1")
	require.NoError(b, err)
	move := uuid.NewString()
	guarded := fence.New(dst, f.map_)
	require.NoError(b, guarded.Enter(ctx, move, 1))
	require.NoError(b, guarded.InstallGuards(ctx, fence.Receiving, fence.Hooks{}))
	require.NoError(b, guarded.Arm(ctx, "1", move, 1, fence.Incoming, fence.NoteNothing))
	snapshot, err := fence.New(src, f.map_).Snapshot(ctx, move, 1)
	require.NoError(b, err)
	defer snapshot.Close(ctx)
	begin := time.Now()
	require.NoError(b, rowcopy.Run(ctx, rowcopy.Job{
		Source: src, Snapshot: snapshot.ID, Target: dst, Map: f.map_, Tenant: "1", Move: move, Epoch: 1,
		Tables: []*tenancy.TableClass{f.map_.Table("notes")}, Bytes: map[string]int64{"notes": int64(f.rows) * 300}, Streams: 4, ReplicaRole: role == f.replica,
	}))
	took := time.Since(begin)
	f.arrived(target, f.rows)
	return took
}

const benchColumns = "id, account_id, author_id, title, body, price, meta, done, created_at, updated_at"

// psql is the peer: what somebody types who has nothing but psql.
func (f *benchFleet) psql() time.Duration {
	b := f.t
	b.Helper()
	target := f.target(true)
	defer f.drop(target)
	sh := fmt.Sprintf(`set -o pipefail; psql -qX %q -c "COPY (SELECT %s FROM notes WHERE account_id = 1) TO STDOUT (FORMAT binary)" | psql -qX %q -v ON_ERROR_STOP=1 -c "COPY notes (%s) FROM STDIN (FORMAT binary)"`,
		pgtest.Server(b, 0).URL(f.role, f.dbs[0]), benchColumns, pgtest.Server(b, 1).URL(f.role, target), benchColumns)
	cmd := exec.CommandContext(context.Background(), "bash", "-c", sh)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	require.NoError(b, cmd.Run(), out.String())
	took := time.Since(begin)
	f.arrived(target, f.rows)
	return took
}

// batches is the barest form of such a mover, printed beside it: 500 rows at a
// time, read and inserted, by a client in Go that costs next to nothing. It is
// bound by the target's indexes and key, as COPY is: psql's pipe itself runs at
// three times its pace, so that no copy could run at eight.
func (f *benchFleet) batches(rows int) time.Duration {
	b, ctx := f.t, context.Background()
	b.Helper()
	target := f.target(true)
	defer f.drop(target)
	set := f.set(f.role, target)
	defer set.Close()
	src, err := set.Control().Pool(ctx)
	require.NoError(b, err)
	db, err := set.Shard("shard_1")
	require.NoError(b, err)
	dst, err := db.Pool(ctx)
	require.NoError(b, err)
	begin := time.Now()
	last := int64(-1)
	for done := 0; done < rows; done += 500 {
		list, err := src.Query(ctx, "SELECT "+strings.Replace(benchColumns, "price, meta", "price::text, meta::text", 1)+" FROM notes WHERE account_id = 1 AND id > $1 ORDER BY id LIMIT 500", last)
		require.NoError(b, err)
		tuples, args := []string{}, []any{}
		for list.Next() {
			v, err := list.Values()
			require.NoError(b, err)
			marks := make([]string, len(v))
			for i := range v {
				args = append(args, v[i])
				marks[i] = "$" + strconv.Itoa(len(args))
			}
			tuples = append(tuples, "("+strings.Join(marks, ", ")+")")
			last = v[0].(int64)
		}
		require.NoError(b, list.Err())
		// As text with the values in it, as frameworks send it.
		_, err = dst.Exec(ctx, "INSERT INTO notes ("+benchColumns+") VALUES "+strings.Join(tuples, ", "), append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
		require.NoError(b, err)
	}
	took := time.Since(begin)
	f.arrived(target, rows)
	return took
}

//go:embed testdata/batches.rb
var batchesRuby string

// rails is what an application does that has its own mover, by the means of the
// reference application: in_batches and insert_all, 500 rows at a time. This is
// the peer of the promise. It tells its own time, without its start.
func (f *benchFleet) rails(rows int) time.Duration {
	b := f.t
	b.Helper()
	target := f.target(true)
	defer f.drop(target)
	withPassword := func(raw string) string {
		u, err := url.Parse(raw)
		require.NoError(b, err)
		u.User = url.UserPassword(f.role, password)
		return u.String()
	}
	cmd := exec.CommandContext(context.Background(), "ruby", "-", withPassword(pgtest.Server(b, 0).URL(f.role, f.dbs[0])), withPassword(pgtest.Server(b, 1).URL(f.role, target)), strconv.Itoa(rows))
	cmd.Stdin = strings.NewReader(batchesRuby)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	require.NoError(b, err, failed.String())
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(b, err)
	f.arrived(target, rows)
	return time.Duration(seconds * float64(time.Second))
}

// replicaRole makes a role that may leave out row by row checks of keys.
func (f *benchFleet) replicaRole() {
	f.t.Helper()
	f.replica = pgtest.Random("rep_")
	for n := range 2 {
		s := pgtest.Server(f.t, n)
		pgtest.Exec(f.t, s, "postgres", "CREATE ROLE "+f.replica+" LOGIN NOSUPERUSER PASSWORD '"+password+"'; GRANT "+pgtest.Owner+" TO "+f.replica+"; GRANT SET ON PARAMETER session_replication_role TO "+f.replica)
		f.t.Cleanup(func() {
			c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
			if err != nil {
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			_, _ = c.Exec(context.Background(), "DROP OWNED BY "+f.replica+"; DROP ROLE IF EXISTS "+f.replica, pgx.QueryExecModeSimpleProtocol)
		})
	}
}

// ratio is the median of the rounds' ratios: the machine's own speed drifts from one
// round to the next.
func ratio(of, to []time.Duration) float64 {
	list := make([]float64, len(of))
	for i := range of {
		list[i] = of[i].Seconds() / to[i].Seconds()
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

func BenchmarkCopyAgainstPsqlAndInserts(b *testing.B) {
	rows := benchNumber(b, "BENCH_ROWS", 800_000)
	rounds := benchNumber(b, "BENCH_ROUNDS", 5)
	few := min(rows, 50_000) / 500 * 500
	f := newBenchFleet(b, rows)
	f.replicaRole()
	for b.Loop() {
		var ours, peer, plain, active, without []time.Duration
		for i := range rounds {
			turns := []func(){
				func() { ours = append(ours, f.product(f.role)) },
				func() { peer = append(peer, f.psql()) },
				func() { without = append(without, f.product(f.replica)) },
			}
			if i%2 == 1 {
				slices.Reverse(turns)
			}
			for _, turn := range turns {
				turn()
			}
			plain, active = append(plain, f.batches(few)), append(active, f.rails(few))
			say("round %d: psql %.1f s, shard-admin %.1f s, with the replica role %.1f s", i+1, peer[i].Seconds(), ours[i].Seconds(), without[i].Seconds())
		}
		toPsql := ratio(peer, ours)
		each := float64(rows) / float64(few) // a batch costs the same wherever it comes
		toInserts, toPlain := each*ratio(active, ours), each*ratio(plain, ours)
		say("copy %d rows, three indexes, one foreign key, median of %d, plain role:", rows, rounds)
		say("  shard-admin               %8.0f rows/s", perSecond(rows, median(ours)))
		say("  psql binary COPY pipe     %8.0f rows/s   ratio %.2f, promised ≥ 1.0", perSecond(rows, median(peer)), toPsql)
		say("  500-row INSERTs by Rails  %8.0f rows/s   ratio %.1f, promised ≥ 8", perSecond(few, median(active)), toInserts)
		say("  the same, bare, in Go     %8.0f rows/s   ratio %.1f", perSecond(few, median(plain)), toPlain)
		toReplica := ratio(peer, without)
		say("  shard-admin, replica role %8.0f rows/s   ratio %.2f to psql, promised ≥ 2.0", perSecond(rows, median(without)), toReplica)
		b.ReportMetric(toPsql, "of-psql")
		b.ReportMetric(toReplica, "replica-of-psql")
		b.ReportMetric(toInserts, "of-inserts")
		if toPsql < 1 {
			b.Errorf("the copy runs at %.2f of psql, promised is 1.0", toPsql)
		}
		if toReplica < 2 {
			b.Errorf("the copy runs at %.2f of psql where the replica role may be set, promised is 2.0", toReplica)
		}
		if toInserts < 8 {
			b.Errorf("the copy runs at %.1f times the INSERT batches of an application, promised is 8", toInserts)
		}
	}
}

func BenchmarkWholeMoveAndVerification(b *testing.B) {
	rows := benchNumber(b, "BENCH_MOVE_ROWS", 200_000)
	f := newBenchFleet(b, rows)
	f.dbs[1] = f.target(false)
	f.fleet.Shards[1].Endpoint.URL = pgtest.Server(b, 1).URL(f.role, f.dbs[1])
	s := f.open()
	f.grant(s)
	_, err := s.Install(b.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(b, err)
	f.grant(s)
	for b.Loop() {
		begin := time.Now()
		m := f.moved(s, "1", "shard_1")
		took := time.Since(begin)
		say("whole fenced move of %d rows: %.1f s, %.0f rows/s, write_pause_ms %d", m.Rows, took.Seconds(), perSecond(int(m.Rows), took), *m.WritePauseMS)
		for _, l := range m.Log {
			say("  %s %s", l.At[11:23], l.Message)
		}
		b.ReportMetric(float64(*m.WritePauseMS), "pause-ms")
		b.ReportMetric(perSecond(int(m.Rows), took), "rows/s")

		set := f.set(f.role, f.dbs[1])
		src, err := set.Shard("default")
		require.NoError(b, err)
		dst, err := set.Shard("shard_1")
		require.NoError(b, err)
		begin = time.Now()
		res, err := compare.Verify(b.Context(), compare.Job{Source: src, Target: dst, Map: f.map_, Tenant: "1", Move: m.ID, Epoch: 1, Tables: f.map_.Moving(), Streams: 4})
		took = time.Since(begin)
		set.Close()
		require.NoError(b, err)
		require.Empty(b, res.Differences)
		say("verification of %d rows on both sides: %.0f rows/s", m.Rows, perSecond(int(m.Rows), took))
		b.ReportMetric(perSecond(int(m.Rows), took), "verified-rows/s")
		m = act2(b, s, "rollback", m.ID)
		require.Equal(b, "rolled_back", m.State)
	}
}

// onlineLoad writes for a tenant as an application does that asks the catalogue
// where it is: updates of single rows, on time whatever the last one took.
type onlineLoad struct {
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	all  []time.Duration
	err  error
}

func (f *benchFleet) load(perSecond, rows int) *onlineLoad {
	return f.writes(perSecond, func(ctx context.Context, pools []*pgxpool.Pool, i int) error {
		var shard string
		if err := pools[0].QueryRow(ctx, "SELECT shard FROM accounts WHERE id = 1").Scan(&shard); err != nil {
			return err
		}
		_, err := pools[map[string]int{"default": 0, "shard_1": 1}[shard]].Exec(ctx, "UPDATE notes SET price = price + 1, updated_at = now() WHERE id = 2 * (1 + $1::bigint)", i*7919%rows)
		return err
	})
}

// writes begins so many a second, whatever the last one took; one that is refused
// by a fence is tried again.
func (f *benchFleet) writes(perSecond int, write func(ctx context.Context, pools []*pgxpool.Pool, i int) error) *onlineLoad {
	b := f.t
	b.Helper()
	pools := []*pgxpool.Pool{}
	for n := range 2 {
		cfg, err := pgxpool.ParseConfig(pgtest.Server(b, n).URL(pgtest.AppRole, f.dbs[n]) + "&password=" + pgtest.AppPassword)
		require.NoError(b, err)
		cfg.MaxConns = 24
		pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
		require.NoError(b, err)
		pools = append(pools, pool)
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &onlineLoad{stop: stop}
	slots := make(chan struct{}, 20)
	l.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				for range cap(slots) {
					slots <- struct{}{}
				}
				for _, p := range pools {
					p.Close()
				}
				return
			case <-tick.C:
			}
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				begin := time.Now()
				for {
					err := write(context.Background(), pools, i)
					var pg *pgconn.PgError
					if errors.As(err, &pg) && pg.Code == "SA001" {
						time.Sleep(5 * time.Millisecond)
						continue
					}
					l.mu.Lock()
					defer l.mu.Unlock()
					if err != nil && l.err == nil {
						l.err = err
					}
					l.all = append(l.all, time.Since(begin))
					return
				}
			}()
		}
	})
	return l
}

// took returns how long the writes took that ended since the last call.
func (l *onlineLoad) took() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	slices.Sort(all)
	return all
}

// How long a tenant's writes wait for the switch of an online move.
func BenchmarkOnlineMoves(b *testing.B) {
	rows, moves, rate := benchNumber(b, "BENCH_ONLINE_ROWS", 20_000), benchNumber(b, "BENCH_ONLINE_MOVES", 30), benchNumber(b, "BENCH_ONLINE_RATE", 500)
	f := newBenchFleet(b, rows)
	f.dbs[1] = f.target(false)
	f.fleet.Shards[1].Endpoint.URL = pgtest.Server(b, 1).URL(f.role, f.dbs[1])
	s := f.open()
	f.grant(s)
	for n := range 2 {
		pgtest.Exec(b, pgtest.Server(b, n), f.dbs[n], "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+pgtest.AppRole)
	}
	_, err := s.Install(b.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(b, err)
	f.grant(s)
	for b.Loop() {
		l := f.load(rate, rows)
		time.Sleep(time.Second)
		before := l.took()
		var pauses, longest []time.Duration
		var whole time.Duration
		for range moves {
			begin := time.Now()
			m, err := s.StartMove(b.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online", Note: "bench"})
			require.NoError(b, err)
			m, err = s.Await(b.Context(), m.ID, nil)
			require.NoError(b, err, "%+v", m.Log)
			require.Equal(b, "retained", m.State)
			whole += time.Since(begin)
			pauses = append(pauses, time.Duration(*m.WritePauseMS)*time.Millisecond)
			during := l.took()
			longest = append(longest, during[len(during)-1])
			m = act2(b, s, "rollback", m.ID)
			require.Equal(b, "rolled_back", m.State)
			l.took()
		}
		l.stop()
		l.done.Wait()
		require.NoError(b, l.err)
		slices.Sort(pauses)
		slices.Sort(longest)
		say("%d online moves of %d rows at %d writes/s (without a move p95 %d ms), %.1f s each:", moves, rows, rate, before[len(before)*95/100].Milliseconds(), whole.Seconds()/float64(moves))
		say("  write pause   median %4d ms, promised < 300; longest %4d ms, promised < 1000", median(pauses).Milliseconds(), pauses[len(pauses)-1].Milliseconds())
		say("  slowest write median %4d ms, longest %4d ms, tries again included", median(longest).Milliseconds(), longest[len(longest)-1].Milliseconds())
		b.ReportMetric(float64(median(pauses).Milliseconds()), "pause-ms")
		if median(pauses) >= 300*time.Millisecond || pauses[len(pauses)-1] >= time.Second {
			b.Errorf("writes wait %d ms at the median, %d ms at the longest", median(pauses).Milliseconds(), pauses[len(pauses)-1].Milliseconds())
		}
	}
}

// What other tenants of the source feel while a tenant is copied: their writes at
// half of what the server can take, before, with guards alone, and while rows are
// copied.
func BenchmarkOthersWhileCopying(b *testing.B) {
	rows, seconds := benchNumber(b, "BENCH_OTHERS_ROWS", 150_000), benchNumber(b, "BENCH_OTHERS_SECONDS", 10)
	f := newBenchFleet(b, rows)
	f.dbs[1] = f.target(false)
	f.fleet.Shards[1].Endpoint.URL = pgtest.Server(b, 1).URL(f.role, f.dbs[1])
	f.exec(0, "INSERT INTO accounts VALUES (3, 'held', 'default'); SELECT fill(3, 200000000, 10, 1)")
	s := f.open()
	f.grant(s)
	pgtest.Exec(b, pgtest.Server(b, 0), f.dbs[0], "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+pgtest.AppRole)
	pgtest.Exec(b, pgtest.Server(b, 1), f.dbs[1], "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+pgtest.AppRole)
	_, err := s.Install(b.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(b, err)
	f.grant(s)
	write := func(ctx context.Context, pools []*pgxpool.Pool, i int) error {
		_, err := pools[0].Exec(ctx, "UPDATE notes SET price = price + 1, updated_at = now() WHERE id = 8 * (1 + $1::bigint) + 1", i*7919%(rows/4))
		return err
	}
	p95 := func(l *onlineLoad) time.Duration {
		all := l.took()
		require.NotEmpty(b, all)
		return all[len(all)*95/100]
	}
	for b.Loop() {
		// As many as keep half of the processors busy, those who write included:
		// half of the most that twenty writers do when each begins anew is more,
		// because then many commit together.
		full := f.writes(100_000, write)
		time.Sleep(3 * time.Second)
		full.took()
		time.Sleep(time.Duration(seconds) * time.Second)
		most := len(full.took()) / seconds
		full.stop()
		full.done.Wait()
		require.NoError(b, full.err)
		asked, rate := most/2, 0
		var l *onlineLoad
		for try := range 5 {
			l = f.writes(max(1, asked), write)
			time.Sleep(2 * time.Second)
			l.took()
			idle := idleProcessors(b)
			time.Sleep(time.Duration(seconds) * time.Second)
			busy := 1 - (idleProcessors(b)-idle)/float64(seconds)/float64(runtime.NumCPU())
			require.NoError(b, l.err)
			rate = len(l.took()) / seconds
			if busy > 0.45 && busy < 0.57 || try == 4 {
				say("%.0f %% of the processors are busy", busy*100)
				break
			}
			l.stop()
			l.done.Wait()
			asked = int(float64(asked) * 0.52 / busy)
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		before := p95(l)
		held, err := s.StartMove(b.Context(), session.MoveRequest{Tenant: "3", Target: "shard_1", Mode: "online", Note: "guards", Hold: true})
		require.NoError(b, err)
		held, err = s.Await(b.Context(), held.ID, nil)
		require.NoError(b, err, "%+v", held.Log)
		l.took()
		time.Sleep(time.Duration(seconds) * time.Second)
		guarded := p95(l)
		begin := time.Now()
		m, err := s.StartMove(b.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online", Note: "bench"})
		require.NoError(b, err)
		phases, in := map[string][]time.Duration{}, ""
		var mu sync.Mutex
		m, err = s.Await(b.Context(), m.ID, func(v session.MoveView) {
			mu.Lock()
			defer mu.Unlock()
			if v.Phase != in {
				phases[in] = append(phases[in], l.took()...)
				in = v.Phase
			}
		})
		took := time.Since(begin)
		require.NoError(b, err, "%+v", m.Log)
		phases[in] = append(phases[in], l.took()...)
		l.stop()
		l.done.Wait()
		require.NoError(b, l.err)
		all := []time.Duration{}
		say("others' writes at %d/s of at most %d, half of the processors: p95 %.2f ms; with guards alone %.2f ms (%.2f times)",
			rate, most, before.Seconds()*1000, guarded.Seconds()*1000, float64(guarded)/float64(before))
		for _, name := range slices.Sorted(maps.Keys(phases)) {
			list := slices.Sorted(slices.Values(phases[name]))
			all = append(all, list...)
			if len(list) > 0 {
				say("    in %-8s %6.1f s of them: p95 %.2f ms (%.2f times)", name, float64(len(list))/float64(rate), list[len(list)*95/100].Seconds()*1000, float64(list[len(list)*95/100])/float64(before))
			}
		}
		slices.Sort(all)
		copying := all[len(all)*95/100]
		ratio := float64(copying) / float64(guarded)
		say("  while %d rows are copied, compared and switched in %.1f s: %.2f ms, %.2f times what it is with guards alone (promised < 1.5), %.2f times what it was before", rows, took.Seconds(), copying.Seconds()*1000, ratio, float64(copying)/float64(before))
		for _, line := range m.Log {
			if strings.Contains(line.Message, "making way:") || os.Getenv("BENCH_LOG") != "" {
				say("    %s %s", line.At[11:23], line.Message)
			}
		}
		b.ReportMetric(ratio, "p95/guarded")
		if ratio >= 1.5 {
			b.Errorf("others' p95 is %.2f times what it is with guards alone", ratio)
		}
	}
}

// idleProcessors is for how many seconds the processors were idle, all together,
// since the computer began.
func idleProcessors(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Skip("how busy the processors are is read from /proc/stat")
	}
	fields := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	idle := 0.0
	for _, field := range fields[4:6] { // idle, and waiting for the disk
		n, err := strconv.ParseFloat(field, 64)
		require.NoError(b, err)
		idle += n / 100
	}
	return idle
}

// A whole online move with its verification, nobody writing, by a role that may
// leave out the checks of foreign keys, beside a psql pipe of the same rows.
func BenchmarkWholeOnlineMoveAgainstPsql(b *testing.B) {
	rows := benchNumber(b, "BENCH_ROWS", 800_000)
	f := newBenchFleet(b, rows)
	for n := range 2 {
		pgtest.Exec(b, pgtest.Server(b, n), "postgres", "GRANT SET ON PARAMETER session_replication_role TO "+f.role)
	}
	for b.Loop() {
		var ours, peer []time.Duration
		for range 3 {
			peer = append(peer, f.psql())
			f.dbs[1] = f.target(false)
			f.fleet.Shards[1].Endpoint.URL = pgtest.Server(b, 1).URL(f.role, f.dbs[1])
			s := f.open()
			f.grant(s)
			_, err := s.Install(b.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
			require.NoError(b, err)
			f.grant(s)
			begin := time.Now()
			m, err := s.StartMove(b.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online", Note: "bench"})
			require.NoError(b, err)
			m, err = s.Await(b.Context(), m.ID, nil)
			require.NoError(b, err, "%+v", m.Log)
			require.Equal(b, "retained", m.State)
			ours = append(ours, time.Since(begin))
			for _, l := range m.Log {
				say("    %s %s", l.At[11:23], l.Message)
			}
			m = act2(b, s, "rollback", m.ID)
			require.Equal(b, "rolled_back", m.State)
			f.drop(f.dbs[1])
		}
		ratio := median(ours).Seconds() / median(peer).Seconds()
		say("whole online move of %d rows, replica role: %.1f s, psql pipe %.1f s: %.2f times, promised ≤ 1.6", rows, median(ours).Seconds(), median(peer).Seconds(), ratio)
		b.ReportMetric(ratio, "of-psql")
		if ratio > 1.6 {
			b.Errorf("a whole online move takes %.2f times the pipe", ratio)
		}
	}
}

// act2 queues an action and waits until it is settled.
func act2(b *testing.B, s *session.Session, action, id string) session.MoveView {
	b.Helper()
	_, err := s.ActOnMove(b.Context(), action, session.MoveAction{ID: id, Note: "a benchmark"})
	require.NoError(b, err)
	m, err := s.Await(b.Context(), id, nil)
	require.NoError(b, err, "%+v", m.Log)
	return m
}

// silent listens and never says a word, which is worse than a refusal.
func silent(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// promised is within how long the Fleet screen has what it shows, whatever a shard does.
const promised = 2500 * time.Millisecond

// screenOf is what the Fleet screen asks for, by what its methods are called.
func screenOf(s *session.Session) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"status":       func(ctx context.Context) error { _, err := s.Status(ctx); return err },
		"health":       func(ctx context.Context) error { _, err := s.Health(ctx, ""); return err },
		"distribution": func(ctx context.Context) error { _, err := s.Distribution(ctx); return err },
		"moves":        func(ctx context.Context) error { _, err := s.Moves(ctx, "", 100); return err },
		"recent":       func(ctx context.Context) error { _, err := s.Events(ctx, session.AuditFilter{Limit: 8}); return err },
		"history": func(ctx context.Context) error {
			_, err := s.History(ctx, session.HistoryRequest{Metrics: []string{"latency_ms", "size_bytes"}, Since: "24h", Points: 120})
			return err
		},
		"compare": func(ctx context.Context) error { _, err := s.CompareSoon(ctx); return err },
	}
}

func shardNames(f *fleet.Fleet) []string {
	out := []string{}
	for _, s := range f.Shards {
		out = append(out, s.Name)
	}
	return out
}

func BenchmarkFleetScreen(b *testing.B) {
	// A fleet that is installed, with 200 tenants' rows, a trail and two moves.
	five := fleettest.New(b, 4)
	for _, t := range five.On("default")[:2] {
		m, err := five.Session.StartMove(b.Context(), session.MoveRequest{Tenant: strconv.Itoa(t.ID), Target: "shard_1", Note: "a benchmark"})
		require.NoError(b, err)
		_, err = five.Session.Await(b.Context(), m.ID, nil)
		require.NoError(b, err)
	}
	f := newFixture(b, "pwb", "property_web_builder_demo")
	for n := range 3 {
		name := pgtest.Database(b, n%2, "pwb")
		f.fleet.Shards[2] = fleet.Shard{Name: "shard_2"}
		f.fleet.Shards = append(f.fleet.Shards, fleet.Shard{Name: fmt.Sprintf("more_%d", n), Endpoint: fleet.Endpoint{URL: pgtest.Server(b, n%2).URL(f.role, name)}})
		pgtest.Exec(b, pgtest.Server(b, n%2), name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+f.role)
	}
	f.fleet.Shards = slices.Delete(f.fleet.Shards, 2, 3)
	for n := range 2 {
		pgtest.Exec(b, pgtest.Server(b, n), f.dbs[n], "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+f.role)
	}
	for b.Loop() {
		// All that the screen asks for but its tab of comparisons, at once.
		calls := screenOf(five.Session)
		delete(calls, "compare")
		all := []time.Duration{}
		for range 50 {
			var asked errgroup.Group
			begin := time.Now()
			for _, call := range calls {
				asked.Go(func() error { return call(b.Context()) })
			}
			require.NoError(b, asked.Wait())
			all = append(all, time.Since(begin))
		}
		st, err := five.Session.Status(b.Context())
		require.NoError(b, err)
		require.Equal(b, st.Configured, st.Answering)
		slices.Sort(all)
		p95 := all[(len(all)*95+99)/100-1] // of 50, the 48th
		say("Fleet screen, %d shards up: p95 of %d times all of its data %d ms, promised < 300", st.Answering, len(all), p95.Milliseconds())
		b.ReportMetric(float64(p95.Milliseconds()), "p95-ms")
		if p95 >= 300*time.Millisecond {
			b.Errorf("the Fleet screen's data take %s", p95)
		}

		down := *f.fleet
		down.Shards = slices.Clone(down.Shards)
		down.Shards[4].Endpoint.URL = "postgres://" + f.role + "@" + silent(b) + "/gone?sslmode=disable"
		d := session.Open(session.Config{Fleet: &down, Resolver: fixedResolver{f.role}, Email: "ann@example.com", Source: "cli", DBPath: f.dbPath, Flag: func(policy.Flag) (bool, string) { return true, "bench" }})
		// What the screen asks for, all at once, of a fleet that was just opened. It is
		// not installed, so that it has neither moves nor a trail.
		calls = screenOf(d)
		delete(calls, "moves")
		delete(calls, "recent")
		names := slices.Sorted(maps.Keys(calls))
		failed := make([]error, len(names))
		var wg sync.WaitGroup
		begin := time.Now()
		for i, name := range names {
			wg.Go(func() { failed[i] = calls[name](b.Context()) })
		}
		wg.Wait()
		took := time.Since(begin)
		require.NoError(b, errors.Join(failed...))
		st, err = d.Status(b.Context())
		require.NoError(b, err)
		require.Equal(b, 4, st.Answering)
		d.Close()
		var reason string
		for _, sh := range st.Shards {
			if sh.Name == down.Shards[4].Name {
				require.False(b, sh.Reachable)
				require.NotNil(b, sh.Error)
				reason = *sh.Error
			}
		}
		require.NotEmpty(b, reason)
		say("Fleet screen, one of five shards silent, %s: %d ms, promised < 2500; says %q", strings.Join(names, ", "), took.Milliseconds(), reason)
		b.ReportMetric(float64(took.Milliseconds()), "one-down-ms")
		if took >= promised {
			b.Errorf("with one shard down the Fleet screen's data take %s", took)
		}

		dir := filepath.Join(b.TempDir(), "home")
		h, err := home.Open(home.Options{Dir: dir})
		require.NoError(b, err)
		require.NoError(b, h.AddFleet(&down))
		require.NoError(b, h.Close())
		for _, name := range append([]string{fleet.ControlName}, shardNames(&down)...) {
			b.Setenv(credential.Variable(down.Name, name), password)
		}
		var out, errs bytes.Buffer
		begin = time.Now()
		exit := cli.Main(b.Context(), cli.Faces{}, []string{"--home", dir, "shards", "status"}, &bytes.Buffer{}, &out, &errs)
		took = time.Since(begin)
		require.Zero(b, exit, errs.String())
		require.Contains(b, out.String(), "4 of 5 shards answer")
		say("shards status, one of five shards silent: %d ms, promised < 2500", took.Milliseconds())
		b.ReportMetric(float64(took.Milliseconds()), "one-down-status-ms")
		if took >= promised {
			b.Errorf("with one shard down shards status takes %s", took)
		}
	}
}

func BenchmarkProposalAndMapOfASchemaNeverSeen(b *testing.B) {
	c := pgtest.Connect(b, pgtest.Server(b, 0).URL("", pgtest.Database(b, 0, unseenSchema())))
	for b.Loop() {
		begin := time.Now()
		s, err := structure.Read(b.Context(), c, nil)
		require.NoError(b, err)
		p, _, err := tenancy.Propose(s, "")
		require.NoError(b, err)
		// Two commands: each reads the catalogue.
		s, err = structure.Read(b.Context(), c, nil)
		require.NoError(b, err)
		_, err = tenancy.BuildMap(s, p)
		require.NoError(b, err)
		took := time.Since(begin)
		keys := 0
		for _, t := range s.Tables {
			keys += len(t.ForeignKeys)
		}
		say("proposal and map of %d tables with %d foreign keys: %d ms, promised < 1000", len(s.Tables), keys, took.Milliseconds())
		if took >= time.Second {
			b.Errorf("a proposal takes %s", took)
		}
	}
}

// What tenants that are not being moved pay while guards are in.
func BenchmarkGuardsForOthers(b *testing.B) {
	rows := benchNumber(b, "BENCH_GUARD_ROWS", 20_000)
	f := newBenchFleet(b, rows)
	set := f.set(f.role, f.dbs[1])
	defer set.Close()
	src, err := set.Shard("default")
	require.NoError(b, err)
	guards, move := fence.New(src, f.map_), uuid.NewString()
	require.NoError(b, guards.Enter(b.Context(), move, 1))
	app := pgtest.Connect(b, pgtest.Server(b, 0).URL(pgtest.AppRole, f.dbs[0])+"&password="+pgtest.AppPassword)
	update := func(sql string, times int) time.Duration {
		begin := time.Now()
		for i := range times {
			_, err := app.Exec(b.Context(), sql, i)
			require.NoError(b, err)
		}
		return time.Since(begin)
	}
	one := func() time.Duration {
		return update("UPDATE notes SET price = price + 1 WHERE id = 8 * (1 + $1::int) + 1", 1000)
	}
	many := func() time.Duration {
		return update("UPDATE notes SET price = price + $1::int WHERE account_id = 2", 1)
	}
	for b.Loop() {
		var oneFree, oneGuarded, manyFree, manyGuarded []time.Duration
		for range 5 {
			oneFree, manyFree = append(oneFree, one()), append(manyFree, many())
			require.NoError(b, guards.InstallGuards(b.Context(), fence.Serving, fence.Hooks{}))
			oneGuarded, manyGuarded = append(oneGuarded, one()), append(manyGuarded, many())
			pgtest.Exec(b, pgtest.Server(b, 0), f.dbs[0], "DROP TRIGGER zzzz_shard_admin_guard ON notes; DROP TRIGGER zzzz_shard_admin_guard ON authors; DROP TRIGGER zzzz_shard_admin_truncate ON notes; DROP TRIGGER zzzz_shard_admin_truncate ON authors")
		}
		each := (median(manyGuarded) - median(manyFree)) / time.Duration(rows/4)
		say("UPDATE of a tenant without fence row: one row a statement %d µs, guarded %d µs; %d rows at once %d ms, guarded %d ms: %.1f µs a row",
			median(oneFree).Microseconds()/1000, median(oneGuarded).Microseconds()/1000, rows/4, median(manyFree).Milliseconds(), median(manyGuarded).Milliseconds(), float64(each.Nanoseconds())/1000)
		b.ReportMetric(float64(each.Nanoseconds())/1000, "guard-µs/row")
	}
}
