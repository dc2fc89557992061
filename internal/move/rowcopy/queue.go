package rowcopy

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// task is what one transaction of the target copies: a table, a part of one,
// or tables that hang together.
type task struct {
	group []*tenancy.TableClass
	// part is the condition of a part's rows, or "".
	part string
	size int64
	// large is set for a part of a large table, or one that is not divided.
	large bool
}

// queue hands out tables: largest first of those whose owners are there, and
// for a plain role whose parents are. A copy may end at any moment, and what it
// leaves has to be found by its owners. Tables that lead round in a circle go
// together.
type queue struct {
	mu      sync.Mutex
	waiting []*task
	open    map[string]int // table → tasks not finished
	plain   bool
	tm      *tenancy.Map
	change  chan struct{}
	meter   *meter
	climb   *climb
}

func newQueue(j Job, parts map[string][]string) *queue {
	q := &queue{open: map[string]int{}, plain: !j.ReplicaRole, tm: j.Map, change: make(chan struct{}), climb: newClimb(j.Streams)}
	whole := j.PartBytes
	if whole <= 0 {
		whole = partBytes
	}
	for _, group := range j.Map.Groups(j.Tables) {
		size := int64(0)
		for _, c := range group {
			size += j.Bytes[c.Name()]
		}
		conditions := parts[group[0].Name()]
		if len(group) > 1 || len(conditions) == 0 {
			conditions = []string{""}
		}
		for _, part := range conditions {
			q.waiting = append(q.waiting, &task{group: group, part: part, size: size, large: size >= whole})
			for _, c := range group {
				q.open[c.Name()]++
			}
		}
	}
	sort.SliceStable(q.waiting, func(a, b int) bool { return q.waiting[a].size > q.waiting[b].size })
	q.meter = newMeter(j.Progress, q.open)
	return q
}

func (q *queue) next(ctx context.Context) (*task, error) {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.mu.Unlock()
			return nil, nil
		}
		if i := slices.IndexFunc(q.waiting, func(t *task) bool { return q.ready(t.group) && (!t.large || q.climb.begin()) }); i >= 0 {
			t := q.waiting[i]
			q.waiting = slices.Delete(q.waiting, i, i+1)
			q.mu.Unlock()
			return t, nil
		}
		change := q.change
		q.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-change:
		}
	}
}

func (q *queue) ready(group []*tenancy.TableClass) bool {
	waits := func(table string) bool {
		return q.open[table] > 0 && !slices.ContainsFunc(group, func(g *tenancy.TableClass) bool { return g.Name() == table })
	}
	for _, c := range group {
		if slices.ContainsFunc(q.tm.OwnerTables(c), waits) {
			return false
		}
		if q.plain && slices.ContainsFunc(c.Table.ForeignKeys, func(f structure.ForeignKey) bool { return waits(f.RefTable) }) {
			return false
		}
	}
	return true
}

func (q *queue) finished(t *task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range t.group {
		q.open[c.Name()]--
	}
	if t.large {
		q.climb.end()
	}
	q.changed()
}

// passed counts bytes of a task on their way.
func (q *queue) passed(t *task, bytes int64, held bool) {
	if t.large && bytes > 0 && q.climb.passed(bytes, held) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed()
	}
}

// changed wakes who waits for a task.
func (q *queue) changed() {
	close(q.change)
	q.change = make(chan struct{})
}

// meter adds up what the parts of a table have brought.
type meter struct {
	mu    sync.Mutex
	tell  func(table string, rows, bytes int64, done bool)
	rows  map[string]int64
	bytes map[string]int64
	left  map[string]int
}

func newMeter(tell func(string, int64, int64, bool), parts map[string]int) *meter {
	m := &meter{tell: tell, rows: map[string]int64{}, bytes: map[string]int64{}, left: map[string]int{}}
	for name, n := range parts {
		m.left[name] = n
	}
	return m
}

// add tells of more rows and bytes of a table; done ends one of its parts.
func (m *meter) add(table string, rows, bytes int64, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows[table] += rows
	m.bytes[table] += bytes
	if done {
		m.left[table]--
	}
	m.tell(table, m.rows[table], m.bytes[table], done && m.left[table] <= 0)
}

const (
	// partBytes is how much of a table makes a part unless the job says it: with
	// less, what each part costs at its beginning would count.
	partBytes = 16 << 20
	// partsPerStream bounds how many parts a table has for each stream, because
	// each finds the tenant's rows anew. Where a governor may slow them down they
	// have to be short, because each is a transaction: there a part grows beyond its
	// size only in tables of more than 8 GB.
	partsPerStream, partsPerGoverned = 4, 64
	// sampleBytes is how much of a table is read to find where to cut it into
	// sampleParts; for more parts it is more.
	sampleBytes, sampleParts = 8 << 20, 64
)

// cut finds conditions that cut large tables into parts of about the same
// number of the tenant's rows. The target's inserts are the limit of a copy,
// and one session uses one processor for them.
func cut(ctx context.Context, j Job) (map[string][]string, error) {
	out := map[string][]string{}
	if j.Streams < 2 {
		return out, nil
	}
	if j.PartBytes <= 0 {
		j.PartBytes = partBytes
	}
	most := j.Streams * partsPerStream
	if j.Governor != nil {
		most = j.Streams * partsPerGoverned
	}
	for _, c := range j.Tables {
		by := cutBy(c)
		n := int(min(j.Bytes[c.Name()]/j.PartBytes, int64(most)))
		if by == "" || n < 2 {
			continue
		}
		parts, err := Parts(ctx, j.Source, j.Map, j.Tenant, c, by, n)
		if err != nil {
			return nil, err
		}
		out[c.Name()] = parts
	}
	return out, nil
}

// Parts finds at most n conditions of which every row of a table fits exactly
// one, with about as many of the tenant's rows on db each; none when nothing
// separates them. The column must not hold nulls. Text is ordered by its bytes,
// so that the same rows fit on servers that sort differently.
func Parts(ctx context.Context, db *conn.Database, m *tenancy.Map, tenant string, c *tenancy.TableClass, by string, n int) ([]string, error) {
	at := make([]string, n-1)
	for i := range at {
		at[i] = fmt.Sprintf("%.4f", float64(i+1)/float64(n))
	}
	col := "t." + pgx.Identifier{by}.Sanitize()
	if Textual(c.Table.Column(by)) {
		col += ` COLLATE "C"`
	}
	sample := int64(sampleBytes * max(1, n/sampleParts))
	share := 100 * float64(sample) / float64(max(c.Table.Bytes, sample))
	var bounds []string
	sql := fmt.Sprintf("SELECT coalesce((percentile_disc(ARRAY[%s]::float8[]) WITHIN GROUP (ORDER BY %s))::text[], '{}') FROM %s t TABLESAMPLE SYSTEM (%.4f) WHERE %s",
		strings.Join(at, ", "), col, c.Table.Own(), share, m.Owned(c.Name(), m.Literal(tenant)))
	if err := db.Read(ctx, 0, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql).Scan(&bounds) }); err != nil {
		return nil, conn.Fault(err, db.Name()+", table "+c.Name())
	}
	return between(col, c.Table.Column(by).SQLType, slices.Compact(bounds)), nil
}

// Textual says that a column's values are ordered by a collation.
func Textual(col *structure.Column) bool {
	name, _, _ := strings.Cut(col.Type, "(")
	return name == "text" || name == "character varying" || name == "character"
}

// cutBy is the column by whose values a table may be cut, or "". Rows that
// refer to rows of their own table have to come together, and so do those that
// go through a staging table.
func cutBy(c *tenancy.TableClass) string {
	if c.Listed() || slices.ContainsFunc(c.Table.ForeignKeys, func(f structure.ForeignKey) bool { return f.RefTable == c.Name() }) {
		return ""
	}
	for _, col := range c.Table.PrimaryKey {
		if col != c.TenantColumn {
			return col
		}
	}
	return ""
}

// between turns bounds into conditions that every row without a null fits
// exactly one of.
func between(col, typ string, bounds []string) []string {
	if len(bounds) == 0 {
		return nil
	}
	out := []string{}
	for i := range len(bounds) + 1 {
		parts := []string{}
		if i > 0 {
			parts = append(parts, col+" >= "+tenancy.Quote(bounds[i-1])+"::"+typ)
		}
		if i < len(bounds) {
			parts = append(parts, col+" < "+tenancy.Quote(bounds[i])+"::"+typ)
		}
		out = append(out, "("+strings.Join(parts, " AND ")+")")
	}
	return out
}
