// Package traffic models the application that a fleet serves: it looks up where
// a tenant lives, reads and writes there, and looks again when a write is
// refused because the tenant moves. It keeps a ledger of every write that was
// acknowledged, so that afterwards each can be looked for.
package traffic

import (
	"context"
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

// Config of the traffic.
type Config struct {
	// URLs lead the application's role to the catalogue ("control") and to each
	// shard by name.
	URLs map[string]string
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
	// Refused counts SA001, each followed by a new look at the catalogue.
	Refused int64
	// Failed counts writes that were given up.
	Failed int64
	// Longest is the longest time that a write of the tenant took, retries
	// included.
	Longest time.Duration
}

// Traffic is running load.
type Traffic struct {
	cfg    Config
	run    string // tells one load's writes from another's
	pools  map[string]*pgxpool.Pool
	stop   context.CancelFunc
	done   sync.WaitGroup
	writes atomic.Int64
	reads  atomic.Int64
	refuse atomic.Int64
	failed atomic.Int64
	long   atomic.Int64

	mu     sync.Mutex
	ledger map[string]int // title of an acknowledged message → tenant
	first  error
	routes map[int]route
}

type route struct {
	shard string
	until time.Time
}

// Start begins the load.
func Start(ctx context.Context, cfg Config) (*Traffic, error) {
	t := &Traffic{cfg: cfg, run: fmt.Sprintf("%08x", rand.Uint32()), pools: map[string]*pgxpool.Pool{}, ledger: map[string]int{}, routes: map[int]route{}}
	for name, url := range cfg.URLs {
		c, err := pgxpool.ParseConfig(url)
		if err != nil {
			return nil, fmt.Errorf("traffic: the url of %s cannot be read: %w", name, err)
		}
		c.MaxConns = int32(cfg.Writers)
		c.ConnConfig.RuntimeParams["application_name"] = "sample-application"
		if t.pools[name], err = pgxpool.NewWithConfig(ctx, c); err != nil {
			return nil, err
		}
	}
	run, stop := context.WithCancel(ctx)
	t.stop = stop
	pause := time.Second * time.Duration(cfg.Writers) / time.Duration(max(1, cfg.Rate))
	for w := range cfg.Writers {
		t.done.Go(func() { t.write(run, w, pause) })
	}
	return t, nil
}

// Stop ends the load and returns what it saw.
func (t *Traffic) Stop() Stats {
	t.stop()
	t.done.Wait()
	for _, p := range t.pools {
		p.Close()
	}
	return t.Stats()
}

// Stats returns what was seen so far.
func (t *Traffic) Stats() Stats {
	return Stats{t.writes.Load(), t.reads.Load(), t.refuse.Load(), t.failed.Load(), time.Duration(t.long.Load())}
}

// Err is the first error that a write was given up for.
func (t *Traffic) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

// routeTTL is how long a route is kept, well below the profile's routing_ttl.
const routeTTL = time.Second

func (t *Traffic) where(ctx context.Context, tenant int, fresh bool) (string, error) {
	t.mu.Lock()
	r, ok := t.routes[tenant]
	t.mu.Unlock()
	if ok && !fresh && time.Now().Before(r.until) {
		return r.shard, nil
	}
	var shard string
	if err := t.pools["control"].QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = $1", tenant).Scan(&shard); err != nil {
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
		title := fmt.Sprintf("traffic %s %d-%d", t.run, worker, n)
		begin := time.Now()
		err := t.one(ctx, tenant, title)
		switch {
		case err == nil:
			t.writes.Add(1)
			t.mu.Lock()
			t.ledger[title] = tenant
			t.mu.Unlock()
			if tenant == t.cfg.Tenant {
				if d := int64(time.Since(begin)); d > t.long.Load() {
					t.long.Store(d)
				}
			}
		case ctx.Err() == nil:
			t.failed.Add(1)
			t.mu.Lock()
			if t.first == nil {
				t.first = err
			}
			t.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(float64(pause) * (0.5 + rand.Float64()))):
		}
	}
}

// one carries out a request of the application: look up, read, write in one
// transaction; a refusal means that the tenant moves, so look again.
func (t *Traffic) one(ctx context.Context, tenant int, title string) error {
	// A request that has begun is carried to its end.
	ctx = context.WithoutCancel(ctx)
	deadline := time.Now().Add(60 * time.Second)
	fresh := false
	for wait := 10 * time.Millisecond; ; wait = min(wait*2, 200*time.Millisecond) {
		shard, err := t.where(ctx, tenant, fresh)
		if err == nil {
			err = t.request(ctx, shard, tenant, title)
		}
		if err == nil {
			return nil
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "SA001" {
			t.refuse.Add(1)
		} else if !retryable(err) {
			return err
		}
		if time.Now().After(deadline) {
			return err
		}
		fresh = true
		time.Sleep(wait)
	}
}

// retryable reports whether the server has certainly not stored the write and
// another try may succeed.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "55P03"
	}
	return pgconn.SafeToRetry(err)
}

func (t *Traffic) request(ctx context.Context, shard string, tenant int, title string) error {
	name := shard
	if name == "default" {
		name = "control"
	}
	pool := t.pools[name]
	if pool == nil {
		return fmt.Errorf("traffic: the application knows no shard %s", shard)
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM pwb_contacts WHERE website_id = $1", tenant).Scan(&n); err != nil {
			return err
		}
		t.reads.Add(1)
		_, err := tx.Exec(ctx, "INSERT INTO pwb_messages (title, content, website_id, created_at, updated_at) VALUES ($1, 'from the sample application', $2, now(), now())", title, tenant)
		return err
	})
}

// Lost looks for every acknowledged write where its tenant lives now and
// returns those that are not there exactly once.
func (t *Traffic) Lost(ctx context.Context) ([]string, error) {
	bad := []string{}
	pools := map[string]*pgx.Conn{}
	defer func() {
		for _, c := range pools {
			_ = c.Close(ctx)
		}
	}()
	open := func(name string) (*pgx.Conn, error) {
		if c := pools[name]; c != nil {
			return c, nil
		}
		c, err := pgx.Connect(ctx, t.cfg.URLs[name])
		if err == nil {
			pools[name] = c
		}
		return c, err
	}
	byTenant := map[int][]string{}
	for title, tenant := range t.ledger {
		byTenant[tenant] = append(byTenant[tenant], title)
	}
	control, err := open("control")
	if err != nil {
		return nil, err
	}
	for tenant, titles := range byTenant {
		var shard string
		if err := control.QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = $1", tenant).Scan(&shard); err != nil {
			return nil, err
		}
		if shard == "default" {
			shard = "control"
		}
		c, err := open(shard)
		if err != nil {
			return nil, err
		}
		rows, err := c.Query(ctx, "SELECT u.title, count(m.id) FROM unnest($1::text[]) AS u (title) LEFT JOIN pwb_messages m ON m.title = u.title AND m.website_id = $2 GROUP BY 1 HAVING count(m.id) <> 1", titles, tenant)
		if err != nil {
			return nil, err
		}
		var title string
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&title, &n}, func() error {
			bad = append(bad, fmt.Sprintf("tenant %d, %s: %d times on %s", tenant, title, n, shard))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return bad, nil
}
