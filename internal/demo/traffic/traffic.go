// Package traffic models the application that a fleet serves: it looks up where
// a tenant lives, reads and writes there, and looks again when a write is
// refused because the tenant moves or when a connection breaks. It keeps a
// ledger of every write, so that afterwards each can be looked for: one that
// was acknowledged has to be there once, one whose answer never came at most
// once.
package traffic

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed findings.sql
var findingsSQL string

// Refused is the SQLSTATE of a write to a tenant that moves.
const Refused = "SA001"

// Config of the traffic.
type Config struct {
	// URLs lead the application's role to each shard by the catalogue's name.
	URLs map[string]string
	// Catalogue is the shard whose database has the pointers.
	Catalogue string
	// Tenant writes most; Others write beside it.
	Tenant int
	Others []int
	// Writers run at once; Rate is their writes per second together.
	Writers int
	Rate    int
}

// Stats are what the traffic has seen so far.
type Stats struct {
	// Writes were acknowledged, Reads answered.
	Writes, Reads int64
	// Retries counts requests that were made again after a new look at the
	// catalogue; Refused those among them that met SA001.
	Retries, Refused int64
	// Failed counts requests that were given up.
	Failed int64
	// LongestWrite and LongestRead are the longest times that a request of the
	// tenant took, retries included.
	LongestWrite, LongestRead time.Duration
	// Elapsed is how long the traffic ran.
	Elapsed time.Duration
}

// Rate is the number of acknowledged writes per second.
func (s Stats) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Writes) / s.Elapsed.Seconds()
}

// Traffic is running load.
type Traffic struct {
	cfg     Config
	run     string // tells one load's writes from another's
	pools   map[string]*pgxpool.Pool
	stop    context.CancelFunc
	done    sync.WaitGroup
	begin   time.Time
	elapsed atomic.Int64

	writes, reads, retries, refused, failed atomic.Int64
	longWrite, longRead                     atomic.Int64

	mu     sync.Mutex
	acked  map[string]int // mark of an acknowledged write → tenant
	unsure map[string]int // mark of a write whose answer never came → tenant
	first  error
	routes map[int]route
}

type route struct {
	shard string
	until time.Time
}

const (
	// routeTTL is how long a route is kept: half the demo profile's
	// routing_ttl.
	routeTTL = time.Second
	// patience is how long a request is made again.
	patience = 60 * time.Second
)

// Start begins the load: Writers writers and one reader.
func Start(ctx context.Context, cfg Config) (*Traffic, error) {
	t := &Traffic{
		cfg: cfg, run: fmt.Sprintf("%08x", rand.Uint32()), pools: map[string]*pgxpool.Pool{}, begin: time.Now(),
		acked: map[string]int{}, unsure: map[string]int{}, routes: map[int]route{},
	}
	if cfg.URLs[cfg.Catalogue] == "" {
		return nil, fmt.Errorf("traffic: no url leads to the catalogue on %q", cfg.Catalogue)
	}
	for name, url := range cfg.URLs {
		c, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.close()
			return nil, fmt.Errorf("traffic: the url of %s cannot be read", name)
		}
		c.MaxConns = int32(cfg.Writers) + 1
		c.ConnConfig.RuntimeParams["application_name"] = "sample-application"
		if t.pools[name], err = pgxpool.NewWithConfig(ctx, c); err != nil {
			t.close()
			return nil, err
		}
	}
	run, stop := context.WithCancel(ctx)
	t.stop = stop
	pause := time.Second * time.Duration(cfg.Writers) / time.Duration(max(1, cfg.Rate))
	for w := range cfg.Writers {
		t.done.Go(func() { t.write(run, w, pause) })
	}
	t.done.Go(func() { t.read(run) })
	return t, nil
}

// Stop ends the load when what was begun is done, and returns what it saw.
func (t *Traffic) Stop() Stats {
	t.stop()
	t.done.Wait()
	t.elapsed.CompareAndSwap(0, int64(time.Since(t.begin)))
	t.close()
	return t.Stats()
}

func (t *Traffic) close() {
	for _, p := range t.pools {
		p.Close()
	}
}

// Stats returns what was seen so far.
func (t *Traffic) Stats() Stats {
	s := Stats{
		Writes: t.writes.Load(), Reads: t.reads.Load(), Retries: t.retries.Load(), Refused: t.refused.Load(), Failed: t.failed.Load(),
		LongestWrite: time.Duration(t.longWrite.Load()), LongestRead: time.Duration(t.longRead.Load()), Elapsed: time.Duration(t.elapsed.Load()),
	}
	if s.Elapsed == 0 {
		s.Elapsed = time.Since(t.begin)
	}
	return s
}

// Err is the first error that a request was given up for.
func (t *Traffic) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

func (t *Traffic) where(ctx context.Context, tenant int, fresh bool) (string, error) {
	t.mu.Lock()
	r, ok := t.routes[tenant]
	t.mu.Unlock()
	if ok && !fresh && time.Now().Before(r.until) {
		return r.shard, nil
	}
	var shard string
	if err := t.pools[t.cfg.Catalogue].QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = $1", tenant).Scan(&shard); err != nil {
		return "", err
	}
	t.mu.Lock()
	t.routes[tenant] = route{shard, time.Now().Add(routeTTL)}
	t.mu.Unlock()
	return shard, nil
}

func (t *Traffic) write(ctx context.Context, worker int, pause time.Duration) {
	for n := 0; ctx.Err() == nil; n++ {
		tenant := t.cfg.Tenant
		if len(t.cfg.Others) > 0 && worker%2 == 1 {
			tenant = t.cfg.Others[rand.IntN(len(t.cfg.Others))]
		}
		begin := time.Now()
		mark := ""
		err := t.carry(ctx, tenant, func(ctx context.Context, pool *pgxpool.Pool, try int) error {
			// Each try is a write of its own, so that one which was stored
			// although its answer got lost is not taken for the next.
			mark = fmt.Sprintf("traffic %s %d-%d-%d", t.run, worker, n, try)
			err := insert(ctx, pool, tenant, mark)
			if err != nil && !undone(err) {
				t.note(t.unsure, mark, tenant)
			}
			return err
		})
		if err == nil {
			t.writes.Add(1)
			t.note(t.acked, mark, tenant)
			if tenant == t.cfg.Tenant {
				raise(&t.longWrite, time.Since(begin))
			}
		} else {
			t.giveUp(err)
		}
		wait(ctx, time.Duration(float64(pause)*(0.5+rand.Float64())))
	}
}

func (t *Traffic) read(ctx context.Context) {
	for ctx.Err() == nil {
		begin := time.Now()
		err := t.carry(ctx, t.cfg.Tenant, func(ctx context.Context, pool *pgxpool.Pool, _ int) error {
			var n int
			return pool.QueryRow(ctx, "SELECT count(*) FROM pwb_contacts WHERE website_id = $1", t.cfg.Tenant).Scan(&n)
		})
		if err == nil {
			t.reads.Add(1)
			raise(&t.longRead, time.Since(begin))
		} else {
			t.giveUp(err)
		}
		wait(ctx, 20*time.Millisecond)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func raise(v *atomic.Int64, d time.Duration) {
	for old := v.Load(); int64(d) > old && !v.CompareAndSwap(old, int64(d)); old = v.Load() {
	}
}

func (t *Traffic) note(ledger map[string]int, mark string, tenant int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ledger[mark] = tenant
}

func (t *Traffic) giveUp(err error) {
	t.failed.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil {
		t.first = err
	}
}

// carry carries out a request: look up, do, and when the tenant moves or a
// connection breaks, look again. A request that has begun is carried to its
// end.
func (t *Traffic) carry(ctx context.Context, tenant int, do func(ctx context.Context, pool *pgxpool.Pool, try int) error) error {
	ctx = context.WithoutCancel(ctx)
	deadline := time.Now().Add(patience)
	pause := 10 * time.Millisecond
	for try := 0; ; try++ {
		shard, err := t.where(ctx, tenant, try > 0)
		if err == nil {
			pool := t.pools[shard]
			if pool == nil {
				return fmt.Errorf("traffic: the application knows no shard %q", shard)
			}
			err = do(ctx, pool, try)
		}
		if err == nil {
			return nil
		}
		if !again(err) || time.Now().After(deadline) {
			return err
		}
		t.retries.Add(1)
		if state(err) == Refused {
			t.refused.Add(1)
		}
		time.Sleep(pause)
		pause = min(pause*2, 200*time.Millisecond)
	}
}

// insert writes as a request does: it reads and writes in one transaction.
func insert(ctx context.Context, pool *pgxpool.Pool, tenant int, mark string) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var contact *int
		if err := tx.QueryRow(ctx, "SELECT max(id) FROM pwb_contacts WHERE website_id = $1", tenant).Scan(&contact); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO pwb_messages (title, content, contact_id, website_id, created_at, updated_at) VALUES ($1, 'from the sample application', $2, $3, now(), now())", mark, contact, tenant)
		return err
	})
}

func state(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// again reports whether another try may succeed: the tenant moves, a lock or
// a server was in the way, or the connection broke.
func again(err error) bool {
	switch code := state(err); code {
	case "":
		return true
	case Refused, "40001", "40P01", "55P03", "57014":
		return true
	default:
		return broken(code)
	}
}

// broken reports whether the server ended or refused the connection.
func broken(code string) bool { return code[:2] == "08" || code[:3] == "57P" || code == "53300" }

// undone reports whether the server has certainly not stored the write: it
// refused a statement, or was never reached.
func undone(err error) bool {
	code := state(err)
	return code != "" && !broken(code) || pgconn.SafeToRetry(err)
}

// Findings compares the ledger with what the databases hold, where each tenant
// lives now, and returns what is wrong; nothing when every acknowledged write
// is there once and no write is there twice. It wants a stopped load.
func (t *Traffic) Findings(ctx context.Context) ([]string, error) {
	conns := map[string]*pgx.Conn{}
	defer func() {
		for _, c := range conns {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	}()
	open := func(name string) (*pgx.Conn, error) {
		if c := conns[name]; c != nil {
			return c, nil
		}
		c, err := pgx.Connect(ctx, t.cfg.URLs[name])
		if err == nil {
			conns[name] = c
		}
		return c, err
	}
	type marks struct{ acked, unsure []string }
	tenants := map[int]*marks{}
	of := func(tenant int) *marks {
		if tenants[tenant] == nil {
			tenants[tenant] = &marks{acked: []string{}, unsure: []string{}}
		}
		return tenants[tenant]
	}
	t.mu.Lock()
	for mark, tenant := range t.acked {
		of(tenant).acked = append(of(tenant).acked, mark)
	}
	for mark, tenant := range t.unsure {
		of(tenant).unsure = append(of(tenant).unsure, mark)
	}
	t.mu.Unlock()
	control, err := open(t.cfg.Catalogue)
	if err != nil {
		return nil, err
	}
	bad := []string{}
	for tenant, m := range tenants {
		var shard string
		if err := control.QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = $1", tenant).Scan(&shard); err != nil {
			return nil, err
		}
		c, err := open(shard)
		if err != nil {
			return nil, err
		}
		rows, err := c.Query(ctx, findingsSQL, m.acked, m.unsure, tenant)
		if err != nil {
			return nil, err
		}
		var mark string
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&mark, &n}, func() error {
			bad = append(bad, fmt.Sprintf("tenant %d, %s: %d times on %s", tenant, mark, n, shard))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return bad, nil
}
