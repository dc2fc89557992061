package session

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/tenancy"
)

//go:embed sql/shares.sql
var sharesSQL string

//go:embed sql/whole.sql
var wholeSQL string

// How long estimates of a shard are kept, and the reason why there are none.
const (
	sharesAge    = time.Minute
	noSharesAge  = 15 * time.Second
	sharesLimit  = answerLimit
	enoughTables = 0.5
)

// share is how a table's rows spread over tenants, as the planner knows it:
// the tenants with most rows by name, and the mean of all others.
type share struct {
	most map[string]float64
	rest float64
}

func (s share) of(tenant string) float64 {
	if f, ok := s.most[tenant]; ok {
		return f
	}
	return s.rest
}

// sharesOf is what is known of one shard.
type sharesOf struct {
	tables []tableShare
	reason string // why nothing is known, or why it is not all
	known  bool
	at     time.Time
	// activity is what its tables had read and written at that time.
	activity activity
}

type tableShare struct {
	name string
	share
	rows, bytes float64
	whole       float64 // bytes on disk, with indexes
}

func (s sharesOf) of(tenant string) (rows, bytes int64) {
	var r, b float64
	for _, t := range s.tables {
		f := t.share.of(tenant)
		r += f * t.rows
		b += f * t.bytes
	}
	return int64(math.Round(r)), int64(math.Round(b))
}

// onDisk is what a tenant takes with its part of the indexes.
func (s sharesOf) onDisk(tenant string) int64 {
	b := 0.0
	for _, t := range s.tables {
		b += t.share.of(tenant) * t.whole
	}
	return int64(math.Round(b))
}

// sharesCache keeps estimates for a while: they come from statistics that the
// server itself renews now and then.
type sharesCache struct {
	mu     sync.Mutex
	shards map[string]sharesOf
}

// shares returns the estimates of every shard in names. A shard that does not
// answer has none, and a reason.
func (s *Session) shares(ctx context.Context, names []string) map[string]sharesOf {
	out := map[string]sharesOf{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range names {
		s.sizes.mu.Lock()
		c, ok := s.sizes.shards[name]
		s.sizes.mu.Unlock()
		limit := sharesAge
		switch {
		case !c.known:
			limit = noSharesAge
		case len(c.tables) == 0:
			limit = 0 // who comes to an empty shard is not taken for nothing
		}
		if ok && time.Since(c.at) < limit {
			mu.Lock() // those who read others write to it by now
			out[name] = c
			mu.Unlock()
			continue
		}
		wg.Go(func() {
			c := s.readShares(ctx, name)
			mu.Lock()
			out[name] = c
			mu.Unlock()
			if ctx.Err() != nil {
				return // nobody waits any more: that says nothing about the shard
			}
			s.sizes.mu.Lock()
			defer s.sizes.mu.Unlock()
			if s.sizes.shards == nil {
				s.sizes.shards = map[string]sharesOf{}
			}
			s.sizes.shards[name] = c
		})
	}
	wg.Wait()
	return out
}

func (s *Session) readShares(ctx context.Context, name string) sharesOf {
	defer s.lanes.enterSoon(ctx, name, statistics)()
	ctx, cancel := context.WithTimeout(ctx, sharesLimit)
	defer cancel()
	out := sharesOf{at: time.Now()}
	db, err := s.set.Shard(name)
	if err != nil {
		out.reason = *errorText(err)
		return out
	}
	m, err := s.mapOf(ctx, db)
	if err == nil {
		var direct map[string]share
		var whole map[string]onDisk
		if direct, err = readDirect(ctx, db, m); err == nil {
			whole, err = readWhole(ctx, db, m)
		}
		if err == nil {
			out.activity, err = readActivity(ctx, db, m)
		}
		if err == nil {
			out.fill(m, direct, whole)
			return out
		}
	}
	out.reason = *errorText(err)
	return out
}

// readDirect reads how the tables that carry a tenant column spread.
func readDirect(ctx context.Context, db *conn.Database, m *tenancy.Map) (map[string]share, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	var names, schemas, rels, columns []string
	for _, c := range m.Moving() {
		if c.TenantColumn != "" {
			names, schemas, rels, columns = append(names, c.Name()), append(schemas, c.Table.Schema), append(rels, c.Table.Rel), append(columns, c.TenantColumn)
		}
	}
	rows, err := pool.Query(ctx, sharesSQL, names, schemas, rels, columns)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	defer rows.Close()
	out := map[string]share{}
	for rows.Next() {
		var (
			table           string
			nulls, distinct float64
			values          []string
			freqs           []float64
		)
		if err := rows.Scan(&table, &nulls, &distinct, &values, &freqs); err != nil {
			return nil, conn.Fault(err, db.Name())
		}
		out[table] = newShare(nulls, distinct, float64(m.Table(table).Table.RowsEstimate), values, freqs)
	}
	return out, conn.Fault(rows.Err(), db.Name())
}

// movingTables names the tables that move.
func movingTables(m *tenancy.Map) (names, schemas, rels []string) {
	for _, c := range m.Moving() {
		names, schemas, rels = append(names, c.Name()), append(schemas, c.Table.Schema), append(rels, c.Table.Rel)
	}
	return names, schemas, rels
}

// onDisk is what a table takes with its indexes, and its rows alone.
type onDisk struct{ whole, rows float64 }

// readWhole reads what the tables that move take on disk.
func readWhole(ctx context.Context, db *conn.Database, m *tenancy.Map) (map[string]onDisk, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	names, schemas, rels := movingTables(m)
	rows, err := pool.Query(ctx, wholeSQL, names, schemas, rels)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	out := map[string]onDisk{}
	var name string
	var d onDisk
	_, err = pgx.ForEachRow(rows, []any{&name, &d.whole, &d.rows}, func() error { out[name] = d; return nil })
	return out, conn.Fault(err, db.Name())
}

// newShare reads a column's statistics. A negative distinct is a fraction of
// the rows, as PostgreSQL has it.
func newShare(nulls, distinct, rows float64, values []string, freqs []float64) share {
	s := share{most: make(map[string]float64, len(values))}
	left := 1 - nulls
	for i, v := range values {
		if i < len(freqs) {
			s.most[v] = freqs[i]
			left -= freqs[i]
		}
	}
	if distinct < 0 {
		distinct = -distinct * math.Max(rows, 0)
	}
	if others := distinct - float64(len(s.most)); others >= 1 && left > 0 {
		s.rest = left / others
	}
	return s
}

// fill adds up the tables that move with a tenant. A table without a tenant
// column spreads as the one that owns its rows does. One that has no page yet has no row,
// and nobody has to have analyzed it to know.
func (o *sharesOf) fill(m *tenancy.Map, direct map[string]share, whole map[string]onDisk) {
	known := map[string]share{}
	for name, s := range direct {
		known[name] = s
	}
	moving := m.Moving()
	for range moving {
		more := false
		for _, c := range moving {
			if _, ok := known[c.Name()]; ok {
				continue
			}
			for _, e := range c.Owners {
				if s, ok := known[e.To]; ok {
					known[c.Name()], more = s, true
					break
				}
			}
		}
		if !more {
			break
		}
	}
	without, all := 0, 0
	for _, c := range moving {
		if m.Root != nil && c.Name() == m.Root.Name() {
			continue
		}
		all++
		if d, read := whole[c.Name()]; read && d.rows == 0 {
			continue
		}
		s, ok := known[c.Name()]
		if c.Table.RowsEstimate < 0 || !ok && c.Table.RowsEstimate > 0 {
			without++
			continue
		}
		if c.Table.RowsEstimate > 0 {
			o.tables = append(o.tables, tableShare{c.Name(), s, float64(c.Table.RowsEstimate), float64(c.Table.Bytes), whole[c.Name()].whole})
		}
	}
	o.known = all > 0 && float64(all-without) >= enoughTables*float64(all)
	switch {
	case !o.known:
		o.tables, o.reason = nil, fmt.Sprintf("%d of %d tables have no statistics yet: run ANALYZE on the shard", without, all)
	case without > 0:
		o.reason = fmt.Sprintf("%d of %d tables have no statistics yet and are left out", without, all)
	}
}
