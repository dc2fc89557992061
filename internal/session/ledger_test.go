//go:build faults && unix

package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// ledgerSQL is what the writers of the ledger write to: rows with the tenant's
// column and without, unique values, cascades, rows owned by who points at them.
const ledgerSQL = `
CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, shard text);
CREATE TABLE entries (id bigint PRIMARY KEY, account_id bigint NOT NULL, mark text UNIQUE, note text);
CREATE TABLE counters (id bigint PRIMARY KEY, account_id bigint NOT NULL, n bigint NOT NULL, pad text);
CREATE TABLE boxes (id bigint PRIMARY KEY, account_id bigint NOT NULL, name text);
CREATE TABLE things (id bigint PRIMARY KEY, box_id bigint NOT NULL REFERENCES boxes ON UPDATE CASCADE ON DELETE CASCADE, mark text UNIQUE);
CREATE TABLE files (id bigint PRIMARY KEY, mark text UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE uses (id bigint PRIMARY KEY, account_id bigint NOT NULL, file_id bigint NOT NULL REFERENCES files);
CREATE INDEX ON entries (account_id); CREATE INDEX ON things (box_id); CREATE INDEX ON uses (file_id);
`

const ledgerProfile = `name = "ledger"
tenant_columns = ["account_id"]
pointer = "accounts.shard"
follows = "true"
routing_ttl = "0s"
[tenants]
table = "accounts"
key = "id"
labels = ["name"]
[[backward]]
table = "files"
from = ["uses.file_id"]
created = "created_at"
fresh_hours = 48
`

// entries is a fleet of the ledger's schema, ready to move, with the rows of a
// tenant that some SQL writes on the shard default.
func entries(t *testing.T, sql string) (*fixture, *session.Session) {
	t.Helper()
	return entriesOver(t, []int{0, 1}, sql)
}

// entriesOver is entries with a database on each of these servers.
func entriesOver(t *testing.T, on []int, sql string) (*fixture, *session.Session) {
	t.Helper()
	return entriesAs(t, on, ledgerProfile, sql)
}

// entriesAs is entriesOver with a profile of the test's own.
func entriesAs(t *testing.T, on []int, profile, sql string) (*fixture, *session.Session) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.toml")
	require.NoError(t, os.WriteFile(path, []byte(profile), 0o600))
	f := newFixtureOver(t, on, ledgerSQL, path)
	s := f.open()
	f.grant(s)
	_, err := f.super(0).Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	for n := range on {
		_, err := f.super(n).Exec(t.Context(), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+pgtest.AppRole)
		require.NoError(t, err)
	}
	_, err = s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
	f.grant(s)
	return f, s
}

// ledger is what writers were told and what they could not know.
type ledger struct {
	mu sync.Mutex
	// there are marks that were acknowledged, gone those whose deletion was,
	// never those that were rolled back; unsure are marks and counts of which the
	// answer never came.
	there, gone, never, unsure map[string]bool
	count, maybe               map[int]int64
	acked, retried             atomic.Int64
	failed                     error
}

func (l *ledger) put(list map[string]bool, mark string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list[mark] = true
}

// writer is one session of the application.
type writer struct {
	f     *fixture
	l     *ledger
	n     int
	level pgx.TxIsoLevel
	pools []*pgxpool.Pool
	ids   *atomic.Int64
	rand  *rand.Rand
	mine  []string // marks of entries that are there
	route int
	until time.Time
}

// where is the shard of the tenant, as a catalogue that is kept for a moment
// says.
func (w *writer) where(ctx context.Context, anew bool) (*pgxpool.Pool, error) {
	if anew || time.Now().After(w.until) {
		var shard string
		if err := w.pools[0].QueryRow(ctx, "SELECT shard FROM accounts WHERE id = 1").Scan(&shard); err != nil {
			return nil, err
		}
		w.route, w.until = sideOf(shard), time.Now().Add(200*time.Millisecond)
	}
	return w.pools[w.route], nil
}

// try carries out a transaction until it is acknowledged or certainly not:
// done, unsure.
func (w *writer) try(ctx context.Context, f func(tx pgx.Tx) error) (bool, bool) {
	for n := 0; n < 200; n++ {
		pool, err := w.where(ctx, n > 0)
		committing := false
		if err == nil {
			var tx pgx.Tx
			tx, err = pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: w.level})
			if err == nil {
				if err = f(tx); err == nil {
					committing = true
					err = tx.Commit(ctx)
				}
				if err != nil {
					_ = tx.Rollback(ctx)
				}
			}
		}
		if err == nil {
			w.l.acked.Add(1)
			return true, false
		}
		var pg *pgconn.PgError
		switch {
		case errors.Is(err, errRolledBack):
			return false, false
		case !errors.As(err, &pg) || pg.Code == "57P01" || pg.Code[:2] == "08":
			if committing {
				return false, true
			}
		case pg.Code == "SA001", pg.Code == "40001", pg.Code == "40P01", pg.Code == "55P03", pg.Code == "57P02", pg.Code == "57P03":
		default:
			w.l.mu.Lock()
			if w.l.failed == nil {
				w.l.failed = fmt.Errorf("writer %d: %w", w.n, err)
			}
			w.l.mu.Unlock()
			return false, false
		}
		w.l.retried.Add(1)
		time.Sleep(time.Duration(5+w.rand.IntN(40)) * time.Millisecond)
	}
	return false, false
}

var errRolledBack = errors.New("rolled back on purpose")

// step is one request of the application.
func (w *writer) step(ctx context.Context) {
	id := w.ids.Add(1)
	mark := fmt.Sprintf("w%d-%d", w.n, id)
	write := func(tx pgx.Tx, sql string, args ...any) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	}
	record := func(done, unsure bool) {
		switch {
		case done:
			w.l.put(w.l.there, mark)
		case unsure:
			w.l.put(w.l.unsure, mark)
		}
	}
	switch k := w.rand.IntN(20); {
	case k < 5: // a row, sometimes in a long transaction
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			if k == 0 {
				if err := write(tx, "UPDATE counters SET pad = pad WHERE id = $1", 100+w.n); err != nil {
					return err
				}
				time.Sleep(time.Duration(w.rand.IntN(300)) * time.Millisecond)
			}
			return write(tx, "INSERT INTO entries VALUES ($1, 1, $2, 'n')", id, mark)
		})
		record(done, unsure)
		if done {
			w.mine = append(w.mine, mark)
		}
	case k < 9: // a count that no replay may double and no crash may lose
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			return write(tx, "UPDATE counters SET n = n + 1 WHERE id = $1", 100+w.n)
		})
		w.l.mu.Lock()
		if done {
			w.l.count[w.n]++
		} else if unsure {
			w.l.maybe[w.n]++
		}
		w.l.mu.Unlock()
	case k < 11 && len(w.mine) > 0: // a deletion
		i := w.rand.IntN(len(w.mine))
		mark := w.mine[i]
		w.mine[i] = w.mine[len(w.mine)-1]
		w.mine = w.mine[:len(w.mine)-1]
		done, unsure := w.try(ctx, func(tx pgx.Tx) error { return write(tx, "DELETE FROM entries WHERE mark = $1", mark) })
		w.l.mu.Lock()
		if done || unsure {
			delete(w.l.there, mark)
		}
		if done {
			w.l.gone[mark] = true
		} else if unsure {
			w.l.unsure[mark] = true
		}
		w.l.mu.Unlock()
	case k < 12: // a savepoint that is rolled back
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			if err := write(tx, "SAVEPOINT a"); err != nil {
				return err
			}
			if err := write(tx, "INSERT INTO entries VALUES ($1, 1, $2, 'n')", -id, "never-"+mark); err != nil {
				return err
			}
			if err := write(tx, "ROLLBACK TO SAVEPOINT a"); err != nil {
				return err
			}
			return write(tx, "INSERT INTO entries VALUES ($1, 1, $2, 'n')", id, mark)
		})
		w.l.put(w.l.never, "never-"+mark)
		record(done, unsure)
	case k < 13: // a transaction that is rolled back
		w.try(ctx, func(tx pgx.Tx) error {
			if err := write(tx, "INSERT INTO entries VALUES ($1, 1, $2, 'n')", id, "never-"+mark); err != nil {
				return err
			}
			return errRolledBack
		})
		w.l.put(w.l.never, "never-"+mark)
	case k < 15: // a row below another, whose key changes now and then
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			if w.rand.IntN(3) == 0 {
				if err := write(tx, "UPDATE boxes SET id = $1 WHERE account_id = 1 AND name = $2", id, fmt.Sprintf("box%d", w.n)); err != nil {
					return err
				}
			}
			return write(tx, "INSERT INTO things SELECT $1, id, $2 FROM boxes WHERE account_id = 1 AND name = $3", id, mark, fmt.Sprintf("box%d", w.n))
		})
		record(done, unsure)
	case k < 16: // a row that comes with another and goes by its cascade
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			if err := write(tx, "INSERT INTO boxes VALUES ($1, 1, 'short')", id); err != nil {
				return err
			}
			return write(tx, "INSERT INTO things VALUES ($1, $1, $2)", id, mark)
		})
		if done {
			done, _ = w.try(ctx, func(tx pgx.Tx) error { return write(tx, "DELETE FROM boxes WHERE id = $1", id) })
			if done {
				w.l.put(w.l.gone, mark)
			} else {
				w.l.put(w.l.unsure, mark)
			}
		} else if unsure {
			w.l.put(w.l.unsure, mark)
		}
	case k < 18: // a file, and who points at it
		done, unsure := w.try(ctx, func(tx pgx.Tx) error {
			if err := write(tx, "INSERT INTO files VALUES ($1, $2)", id, mark); err != nil {
				return err
			}
			return write(tx, "INSERT INTO uses VALUES ($1, 1, $1)", id)
		})
		record(done, unsure)
	case k < 19: // a statement over the whole shard; it may be refused
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if pool, err := w.where(ctx, false); err == nil {
			_, _ = pool.Exec(ctx, "UPDATE counters SET pad = 'p' WHERE id % 7 = $1", w.n%7)
		}
	default: // a session that is idle in its transaction
		w.try(ctx, func(tx pgx.Tx) error {
			if err := write(tx, "UPDATE counters SET pad = pad WHERE id = $1", 100+w.n); err != nil {
				return err
			}
			time.Sleep(time.Duration(w.rand.IntN(200)) * time.Millisecond)
			return nil
		})
	}
}

func runsOf(t *testing.T, usual int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("LEDGER_RUNS"))
	if err != nil {
		return usual
	}
	return n
}

// Writers in every isolation level, moves there and back, four of five online, processes that
// are killed and sessions that are cut at random: every acknowledged write is on
// the open side once, nothing that was rolled back is, and nobody else's row has
// changed.
func TestLedger(t *testing.T) {
	t.Parallel()
	oldest := 14
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		oldest = 15
	}
	points := map[string][]string{}
	for _, p := range move.Points() {
		if p.State != move.Finalizing && p.Name != "held" && p.Name != "cancel_begun" && p.Name != "source_reopened" && p.Name != "copy_removed" && p.Name != "cancel_cleaned" {
			for _, mode := range []string{"online", "fenced"} {
				if p.Mode == "" || p.Mode == mode {
					points[mode] = append(points[mode], p.Name)
				}
			}
		}
	}
	for _, v := range [][2]int{{oldest, 18}, {15, 15}, {17, 16}, {18, oldest}} {
		t.Run(fmt.Sprintf("%d to %d", v[0], v[1]), func(t *testing.T) {
			t.Parallel()
			on := [2]int{pgtest.Of(v[0]), pgtest.Of(v[1])}
			if v[0] == v[1] {
				on = [2]int{0, 1}
			}
			for run := range runsOf(t, 5) {
				seed, mode := uint64(time.Now().UnixNano()), "online"
				if run%5 == 4 {
					mode = "fenced"
				}
				t.Logf("run %d, %s, seed %d", run, mode, seed)
				f, s := entriesOver(t, on[:], "")
				f.ledgerRun(s, mode, points[mode], rand.New(rand.NewPCG(seed, 1)))
			}
		})
	}
}

// books are the ledger of an account that goes from one shard to another and back,
// with the writers that keep it.
type books struct {
	f        *fixture
	l        *ledger
	from, to int
	writers  int             // up to 12
	pools    []*pgxpool.Pool // of the application, by database
	ids      atomic.Int64
	rand     *rand.Rand
	before   map[int][]string // what belongs to others, by database
}

// theirs are the rows of other accounts.
const theirs = "SELECT x::text FROM entries x WHERE account_id <> 1 UNION ALL SELECT x::text FROM boxes x WHERE account_id <> 1 UNION ALL SELECT x::text FROM things x WHERE mark = 'theirs' UNION ALL SELECT (id, account_id, n)::text FROM counters WHERE account_id <> 1 ORDER BY 1"

// books fills a fleet of the ledger's schema: account 1 and another on the first
// shard, one on the second.
func (f *fixture) books(from, to, writers int, r *rand.Rand) *books {
	f.t.Helper()
	t := f.t
	b := &books{f: f, from: from, to: to, writers: writers, rand: r, before: map[int][]string{}}
	b.l = &ledger{there: map[string]bool{}, gone: map[string]bool{}, never: map[string]bool{}, unsure: map[string]bool{}, count: map[int]int64{}, maybe: map[int]int64{}}
	b.ids.Store(10_000)
	accounts := map[int][]string{from: {fmt.Sprintf("(1, 'mine', '%s')", f.fleet.Shards[from].Name), fmt.Sprintf("(2, 'other', '%s')", f.fleet.Shards[from].Name)}}
	accounts[to] = []string{fmt.Sprintf("(9, 'there', '%s')", f.fleet.Shards[to].Name)}
	accounts[0] = append(append([]string{}, accounts[from]...), accounts[to]...)
	for n, list := range accounts {
		f.exec(n, "INSERT INTO accounts VALUES "+strings.Join(list, ", "))
	}
	_, err := f.super(from).Exec(t.Context(), `INSERT INTO counters SELECT 100 + i, 1, 0, repeat('x', 50) FROM generate_series(0, 11) i; INSERT INTO counters SELECT 200 + i, 2, 0, 'x' FROM generate_series(0, 11) i;
		INSERT INTO boxes SELECT i, 1, 'box' || i FROM generate_series(0, 11) i; INSERT INTO boxes VALUES (50, 2, 'b'); INSERT INTO things VALUES (50, 50, 'theirs');
		INSERT INTO entries SELECT 1000000 + i, 1, 'old' || i, repeat('o', 100) FROM generate_series(1, 3000) i; INSERT INTO entries VALUES (51, 2, 'theirs', 'n')`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	_, err = f.super(to).Exec(t.Context(), `INSERT INTO counters SELECT 300 + i, 9, 0, 'x' FROM generate_series(0, 11) i; INSERT INTO boxes VALUES (60, 9, 'b'); INSERT INTO things VALUES (60, 60, 'theirs'); INSERT INTO entries VALUES (61, 9, 'theirs', 'n')`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	for _, n := range []int{from, to} {
		b.before[n] = b.column(n, theirs)
	}
	for n := range f.dbs {
		cfg, err := pgxpool.ParseConfig(f.server(n).URL(pgtest.AppRole, f.dbs[n]) + "&password=" + pgtest.AppPassword)
		require.NoError(t, err)
		cfg.MaxConns = int32(b.writers)
		pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		b.pools = append(b.pools, pool)
	}
	return b
}

func (b *books) column(n int, sql string) []string {
	b.f.t.Helper()
	rows, err := b.f.super(n).Query(b.f.t.Context(), sql)
	require.NoError(b.f.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.f.t, err)
	return out
}

// patience is for how long the writers go as fast as they can. What they write grows, and
// a change of a box's id changes all that is in it: on a machine that is too slow to carry
// it over as fast as that, no move would come to its end. From then on they go slower and
// slower.
const patience = 45 * time.Second

// write lets the writers go until stop is called.
func (b *books) write() (stop func()) {
	done, began := make(chan struct{}), time.Now()
	var wg sync.WaitGroup
	for n := range b.writers {
		w := &writer{f: b.f, l: b.l, n: n, level: []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}[n%3], pools: b.pools, ids: &b.ids, rand: rand.New(rand.NewPCG(b.rand.Uint64(), uint64(n)))}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-done:
					return
				default:
					w.step(context.Background())
					time.Sleep(time.Duration(w.rand.IntN(20))*time.Millisecond + max(0, time.Since(began)-patience)/50)
				}
			}
		}()
	}
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// check demands, while nobody writes, that what was acknowledged is on the open side
// once, what was not is not, and that nobody else's row has changed.
func (b *books) check(m session.MoveView, story any) {
	t, f, l := b.f.t, b.f, b.l
	t.Helper()
	require.NoError(t, l.failed, "%v", story)
	at := sideOf(b.column(0, "SELECT shard FROM accounts WHERE id = 1")[0])
	marks := map[string]int{}
	for _, mark := range b.column(at, "SELECT mark FROM entries WHERE account_id = 1 AND mark NOT LIKE 'old%' UNION ALL SELECT t.mark FROM things t JOIN boxes b ON b.id = t.box_id WHERE b.account_id = 1 UNION ALL SELECT f.mark FROM files f JOIN uses u ON u.file_id = f.id WHERE u.account_id = 1") {
		marks[mark]++
	}
	for mark := range l.there {
		require.Equal(t, 1, marks[mark], "%s was acknowledged; %v", mark, story)
	}
	for mark, n := range marks {
		require.Equal(t, 1, n, mark)
		require.True(t, l.there[mark] || l.unsure[mark], "%s is there; gone %v, never %v; %v", mark, l.gone[mark], l.never[mark], story)
	}
	for n := range b.writers {
		got, err := strconv.ParseInt(b.column(at, fmt.Sprintf("SELECT n::text FROM counters WHERE id = %d", 100+n))[0], 10, 64)
		require.NoError(t, err)
		require.GreaterOrEqual(t, got, l.count[n], "counter %d; %v", n, story)
		require.LessOrEqual(t, got, l.count[n]+l.maybe[n], "counter %d; %v", n, story)
	}
	require.Equal(t, []string{"3000"}, b.column(at, "SELECT count(*)::text FROM entries WHERE account_id = 1 AND mark LIKE 'old%'"))
	for n, rows := range b.before {
		require.Equal(t, rows, b.column(n, theirs), "%v", story)
	}
	if m.State == "rolled_back" {
		require.Empty(t, b.column(b.to, "SELECT id::text FROM entries WHERE account_id = 1 UNION ALL SELECT t.id::text FROM things t WHERE mark <> 'theirs' UNION ALL SELECT id::text FROM files"))
		require.Empty(t, f.leftovers(b.from))
		require.Empty(t, f.leftovers(b.to))
	}
	pause := "none"
	if m.WritePauseMS != nil {
		pause = fmt.Sprint(*m.WritePauseMS)
	}
	f.t.Logf("%v: %d writes acknowledged, %d tries again, %d unsure, pause %s ms", story, l.acked.Load(), l.retried.Load(), len(l.unsure), pause)
	require.Greater(t, l.acked.Load(), int64(100))
}

func (f *fixture) ledgerRun(s *session.Session, mode string, points []string, r *rand.Rand) {
	t := f.t.(*testing.T)
	b := f.books(0, 1, 12, r)
	stop := b.write()
	defer stop()

	// The operator's part: a move there, killed or cut somewhere, perhaps again on
	// its way on, then back, or not.
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: mode, Note: "ledger"})
	require.NoError(t, err)
	story := f.chaos(s, m.ID, "start", points, r)
	m = f.shown(s, m.ID)
	require.Equal(t, "retained", m.State, "%v %+v", story, m.Log)
	time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
	if r.IntN(3) > 0 {
		story = append(story, f.chaos(s, m.ID, "rollback", points, r)...)
		m = f.shown(s, m.ID)
		require.Equal(t, "rolled_back", m.State, "%v %+v", story, m.Log)
	}
	time.Sleep(100 * time.Millisecond)
	stop()
	b.check(m, story)
	f.concluded("1")
}

// shown reads a move; the sessions that were cut may be the reader's own.
func (f *fixture) shown(s *session.Session, id string) session.MoveView {
	f.t.Helper()
	var m session.MoveView
	var err error
	for range 20 {
		if m, err = s.Move(f.t.Context(), id); err == nil {
			return m
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.NoError(f.t, err)
	return m
}

// chaos carries an action to its end through what happens to whoever does it.
func (f *fixture) chaos(s *session.Session, id, action string, points []string, r *rand.Rand) []string {
	t := f.t.(*testing.T)
	story := []string{action}
	for range r.IntN(3) {
		point := points[r.IntN(len(points))]
		cmd, out := f.child(action, id, "SHARD_ADMIN_STOP_AT", point)
		story = append(story, "killed at "+point)
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		for cut := r.IntN(4) == 0; ; {
			select {
			case <-ended:
			case <-time.After(time.Duration(50+r.IntN(400)) * time.Millisecond):
				if cut { // the sessions of whoever moves end, on both sides
					for n := range 2 {
						_, _ = f.super(n).Exec(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shard-admin%' AND random() < 0.5")
					}
					story = append(story, "cut")
					cut = false
				}
				continue
			}
			break
		}
		t.Logf("%s: %s", story[len(story)-1], out)
		m := f.shown(s, id)
		// An owner that lost its sessions has stored its error: it stands somewhere on
		// the way.
		if m.State == "rolled_back" || m.State == "retained" && story[0] == "start" {
			return story
		}
		if action == "start" && m.State != "planned" {
			action = "resume"
		}
		if action == "rollback" && m.State == "rolling_back" {
			action = "resume"
		} else if m.State == "retained" {
			action = "rollback"
		}
	}
	for try := 0; ; try++ {
		m := f.shown(s, id)
		next := action
		switch m.State {
		case "retained":
			next = "rollback"
			if story[0] == "start" {
				return story
			}
		case "rolled_back":
			return story
		case "planned", "failed", "copying", "catching_up", "ready", "switching", "switched", "rolling_back":
			next = "resume"
		}
		require.Less(t, try, 5, "%v %s %+v", story, m.State, m.Log)
		if _, err := s.ActOnMove(t.Context(), next, session.MoveAction{ID: id, Note: "ledger", Wait: true}); err == nil {
			_, err = s.Await(t.Context(), id, nil)
			story = append(story, fmt.Sprintf("%s: %v", next, err))
		} else {
			story = append(story, fmt.Sprintf("%s: %v", next, err))
			time.Sleep(time.Second)
		}
	}
}
