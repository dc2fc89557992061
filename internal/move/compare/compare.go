package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// Job is one comparison of a tenant's rows.
type Job struct {
	Source, Target *conn.Database
	// Snapshot is an exported one of the source to read there; "" reads what is.
	Snapshot string
	Map      *tenancy.Map
	Tenant   string
	Move     string
	Epoch    int64
	Tables   []*tenancy.TableClass
	// Lens shows the source's rows as the target has them; nil shows them as they
	// are.
	Lens *renumber.Lens
	// Bytes estimates the tenant's part of each table, to cut large ones.
	Bytes   map[string]int64
	Streams int
	// ChunkBytes is how much of a large table makes a chunk; 16 MB when 0.
	ChunkBytes int64
	// Governor lets the comparison make way for others; nil lets it go as fast as
	// it can.
	Governor *rowcopy.Governor
	// Limit bounds how many differing rows are described; 20 when 0.
	Limit int
	// Progress hears which share of a table has been compared, 1 at its end.
	Progress func(table string, share float64)
}

// Difference is one row that is not the same on both sides.
type Difference struct {
	Table  string `json:"table"`
	Key    string `json:"key"`
	Kind   string `json:"kind"` // missing (on the target), extra, different
	Column string `json:"column,omitempty"`
}

// String describes the difference in a few words, without values.
func (d Difference) String() string {
	if d.Column != "" {
		return fmt.Sprintf("%s %s: %s differs", d.Table, d.Key, d.Column)
	}
	return fmt.Sprintf("%s %s: %s", d.Table, d.Key, d.Kind)
}

// Result of a verification.
type Result struct {
	Digests     map[string]Digest
	Differences []Difference
	// More says that further rows may differ than are described.
	More bool
}

// The seeds of the two hashes of a row. PostgreSQL's own hash of a text is the
// same in every version from 11 on: rows of hash partitions lie by it.
const seedA, seedB = 0, 7_140_361

// Hash is the expression of both hashes, 16 hexadecimal digits each, of a row t
// over its columns by name.
func Hash(c *tenancy.TableClass) string { return hash(c, nil) }

func hash(c *tenancy.TableClass, l *renumber.Lens) string {
	half := func(seed int) string {
		return fmt.Sprintf("pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashtextextended(sa_h.r, %d)), 16, '0')", seed)
	}
	return "(SELECT " + half(seedA) + " || " + half(seedB) + " FROM (SELECT " + rowText(c, l) + " AS r OFFSET 0) sa_h)"
}

// rowText is a row t as a text of which no two rows have the same: columns by name,
// with quotes where a comma, a quote or nothing at all stands, and nothing for null.
// Generated columns are left out of a table that looks different through the lens:
// what they are made of is compared, and the lens cannot make them anew.
func rowText(c *tenancy.TableClass, l *renumber.Lens) string {
	cols := []string{}
	for _, col := range c.Table.Columns { // generated ones too: they must agree
		if !col.Generated || !l.Touches(c.Name()) {
			cols = append(cols, "t."+pgx.Identifier{col.Name}.Sanitize())
		}
	}
	sort.Strings(cols)
	return "ROW(" + strings.Join(cols, ", ") + `)::text COLLATE "C"`
}

// Amount computes the digest of a tenant's rows of a table on a side, as the lens
// shows them, under the pinned settings.
func Amount(ctx context.Context, db *conn.Database, m *tenancy.Map, l *renumber.Lens, c *tenancy.TableClass, tenant string) (d Digest, err error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return d, err
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, Pinned(true), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		d, err = digest(ctx, tx, rowText(c, l), l.Rows(c, m.Owned(c.Name(), m.Literal(tenant))))
		return err
	})
	return d, conn.Fault(err, db.Name())
}

// pinned are the settings that change how values look as text.
const pinned = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = content; SET row_security = off; SET statement_timeout = 0`

// Pinned returns the settings under which rows are hashed, for a session or
// for one transaction.
func Pinned(local bool) string {
	if local {
		return strings.ReplaceAll(pinned, "SET ", "SET LOCAL ")
	}
	return pinned
}

// pair is a session on each side with one snapshot each.
type pair struct {
	j        Job
	src, dst *pgx.Conn
}

func open(ctx context.Context, j Job) (*pair, error) {
	p := &pair{j: j}
	var err error
	o := conn.DirectOptions{Purpose: fence.Purpose(j.Move), Epoch: j.Epoch}
	if p.src, err = j.Source.Direct(ctx, o); err != nil {
		return nil, err
	}
	if p.dst, err = j.Target.Direct(ctx, o); err != nil {
		p.close()
		return nil, err
	}
	for _, s := range []struct {
		c    *pgx.Conn
		name string
	}{{p.src, j.Source.Name()}, {p.dst, j.Target.Name()}} {
		if _, err := s.c.Exec(ctx, pinned, pgx.QueryExecModeSimpleProtocol); err != nil {
			p.close()
			return nil, conn.Fault(err, s.name)
		}
	}
	if j.Snapshot != "" {
		if _, err := p.src.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '"+strings.ReplaceAll(j.Snapshot, "'", "")+"'", pgx.QueryExecModeSimpleProtocol); err != nil {
			p.close()
			return nil, conn.Fault(err, j.Source.Name())
		}
	}
	return p, nil
}

func (p *pair) close() {
	for _, c := range []*pgx.Conn{p.src, p.dst} {
		if c != nil {
			_ = c.Close(context.Background())
		}
	}
}

// Verify compares every row of every table. The tenant must be closed on the
// side that serves it, or the job name the snapshot of it that the other holds.
func Verify(ctx context.Context, j Job) (*Result, error) {
	if j.Limit == 0 {
		j.Limit = 20
	}
	chunks, left, err := cut(ctx, j)
	if err != nil {
		return nil, err
	}
	res, parts := &Result{Digests: map[string]Digest{}}, maps.Clone(left)
	var mu sync.Mutex
	err = each(ctx, j, chunks, func(ctx context.Context, p *pair, k chunk) error {
		where := k.where(j)
		var a, b Digest
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			a, err = p.digest(gctx, p.src, k.table, where)
			return conn.Fault(err, j.Source.Name())
		})
		g.Go(func() (err error) {
			b, err = p.digest(gctx, p.dst, k.table, where)
			return conn.Fault(err, j.Target.Name())
		})
		if err := g.Wait(); err != nil {
			return err
		}
		var found []Difference
		if a != b {
			var err error
			if found, err = p.differences(ctx, k.table, where); err != nil {
				return err
			}
			if len(found) == 0 {
				found = []Difference{{Table: k.table.Name(), Key: "*", Kind: "different"}}
			}
		}
		name := k.table.Name()
		mu.Lock()
		defer mu.Unlock()
		sum, err := res.Digests[name].plus(a)
		if err != nil {
			return err
		}
		res.Digests[name] = sum
		res.Differences = append(res.Differences, found...)
		res.More = res.More || len(found) >= j.Limit
		if left[name]--; j.Progress != nil {
			j.Progress(name, 1-float64(left[name])/float64(parts[name]))
		}
		return nil
	})
	sort.Slice(res.Differences, func(a, b int) bool { return res.Differences[a].String() < res.Differences[b].String() })
	if len(res.Differences) > j.Limit {
		res.Differences, res.More = res.Differences[:j.Limit], true
	}
	return res, err
}

// row is one row's key and hash.
type row struct{ key, hash string }

// rows is what follows FROM to read rows t on a side: those of the source through
// the lens.
func (p *pair) rows(q *pgx.Conn, c *tenancy.TableClass, where string) string {
	if q == p.src {
		return p.j.Lens.Rows(c, where)
	}
	return c.Table.Own() + " t WHERE " + where
}

func (p *pair) digest(ctx context.Context, q *pgx.Conn, c *tenancy.TableClass, where string) (d Digest, err error) {
	if p.j.Governor == nil || q == p.src && p.j.Snapshot != "" {
		return digestBy(ctx, q, p.j.Governor, rowText(c, p.j.Lens), p.rows(q, c, where))
	}
	// A cursor needs a transaction.
	err = pgx.BeginFunc(ctx, q, func(tx pgx.Tx) error {
		d, err = digestBy(ctx, tx, p.j.Governor, rowText(c, p.j.Lens), p.rows(q, c, where))
		return err
	})
	return d, err
}

// stream reads keys and hashes in the order of the keys' bytes.
func (p *pair) stream(ctx context.Context, q *pgx.Conn, c *tenancy.TableClass, where string) (pgx.Rows, error) {
	return q.Query(ctx, "SELECT "+rowcopy.KeyText(c, "t")+" COLLATE \"C\" AS k, "+hash(c, p.j.Lens)+" FROM "+p.rows(q, c, where)+" ORDER BY 1, 2")
}

// merge walks both sides and calls f for every key that is not the same on
// both; a nil side has no such row. Memory does not grow with the rows.
func (p *pair) merge(ctx context.Context, c *tenancy.TableClass, where string, f func(key string, src, dst bool) error) error {
	a, err := p.stream(ctx, p.src, c, where)
	if err != nil {
		return conn.Fault(err, p.j.Source.Name())
	}
	defer a.Close()
	b, err := p.stream(ctx, p.dst, c, where)
	if err != nil {
		return conn.Fault(err, p.j.Target.Name())
	}
	defer b.Close()
	next := func(r pgx.Rows, where string) (*row, error) {
		if !r.Next() {
			return nil, conn.Fault(r.Err(), where)
		}
		var x row
		return &x, conn.Fault(r.Scan(&x.key, &x.hash), where)
	}
	ra, err := next(a, p.j.Source.Name())
	if err != nil {
		return err
	}
	rb, err := next(b, p.j.Target.Name())
	if err != nil {
		return err
	}
	for ra != nil || rb != nil {
		left := ra != nil && (rb == nil || ra.key <= rb.key)
		right := rb != nil && (ra == nil || rb.key <= ra.key)
		switch {
		case left && right && ra.hash == rb.hash:
		case left && right:
			err = f(ra.key, true, true)
		case left:
			err = f(ra.key, true, false)
		default:
			err = f(rb.key, false, true)
		}
		if err != nil {
			return err
		}
		if left {
			if ra, err = next(a, p.j.Source.Name()); err != nil {
				return err
			}
		}
		if right {
			if rb, err = next(b, p.j.Target.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

type enough struct{}

func (enough) Error() string { return "enough" }

func (p *pair) differences(ctx context.Context, c *tenancy.TableClass, where string) ([]Difference, error) {
	out := []Difference{}
	err := p.merge(ctx, c, where, func(key string, src, dst bool) error {
		d := Difference{Table: c.Name(), Key: key, Kind: "different"}
		switch {
		case !dst:
			d.Kind = "missing"
		case !src:
			d.Kind = "extra"
		}
		out = append(out, d)
		if len(out) >= p.j.Limit {
			return enough{}
		}
		return nil
	})
	if _, ok := err.(enough); err != nil && !ok { //nolint:errorlint // our own value
		return nil, err
	}
	for i := range out {
		if out[i].Kind != "different" {
			continue
		}
		col, err := p.column(ctx, c, out[i].Key)
		if err != nil {
			return nil, err
		}
		out[i].Column = col
	}
	return out, nil
}

// column names the first column in which a row differs.
func (p *pair) column(ctx context.Context, c *tenancy.TableClass, key string) (string, error) {
	read := func(q *pgx.Conn, where string) (map[string]json.RawMessage, error) {
		cols := []string{}
		for _, col := range c.Table.Columns {
			if !col.Generated || !p.j.Lens.Touches(c.Name()) {
				cols = append(cols, "'"+strings.ReplaceAll(col.Name, "'", "''")+"', t."+pgx.Identifier{col.Name}.Sanitize()+"::text")
			}
		}
		out := map[string]json.RawMessage{}
		var text *string
		err := q.QueryRow(ctx, "SELECT (SELECT json_object_agg(k, v) FROM unnest(ARRAY["+odd(cols)+"], ARRAY["+even(cols)+"]) AS u(k, v))::text FROM "+p.rows(q, c, p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant)))+" AND "+rowcopy.KeyText(c, "t")+" = $1 LIMIT 1", key).Scan(&text)
		if err != nil || text == nil {
			return out, conn.Fault(err, where)
		}
		return out, json.Unmarshal([]byte(*text), &out)
	}
	a, err := read(p.src, p.j.Source.Name())
	if err != nil {
		return "", err
	}
	b, err := read(p.dst, p.j.Target.Name())
	if err != nil {
		return "", err
	}
	names := []string{}
	for k := range a {
		if string(a[k]) != string(b[k]) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", nil
	}
	return names[0], nil
}

func odd(pairs []string) string {
	out := []string{}
	for _, p := range pairs {
		out = append(out, p[:strings.Index(p, "', t.")+1])
	}
	return strings.Join(out, ", ")
}

func even(pairs []string) string {
	out := []string{}
	for _, p := range pairs {
		out = append(out, p[strings.Index(p, "', t.")+3:])
	}
	return strings.Join(out, ", ")
}

// Brought counts what BringUp did to the target.
type Brought struct{ Inserted, Updated, Deleted int64 }

// BringUp makes the tenant's rows on the target of the job those of its
// source: what was inserted, changed or deleted on the source since. Parents
// are inserted first and deleted last. It can be repeated.
func BringUp(ctx context.Context, j Job, replicaRole bool) (Brought, error) {
	var total Brought
	p, err := open(ctx, j)
	if err != nil {
		return total, err
	}
	defer p.close()
	writer, err := j.Target.Direct(ctx, conn.DirectOptions{Purpose: fence.Purpose(j.Move), Epoch: j.Epoch})
	if err != nil {
		return total, err
	}
	defer func() { _ = writer.Close(context.WithoutCancel(ctx)) }()
	// One transaction: the source of a rollback is either as it was or up to
	// date, and deferrable keys may be checked at its end.
	err = pgx.BeginTxFunc(ctx, writer, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := fence.Begin(ctx, tx, j.Move, j.Epoch); err != nil {
			return err
		}
		settings := "SET CONSTRAINTS ALL DEFERRED"
		if replicaRole {
			settings += "; SET LOCAL session_replication_role = replica"
		}
		// What differs is filed there: it may be more than memory should hold.
		if _, err := tx.Exec(ctx, settings+"; DROP TABLE IF EXISTS pg_temp.sa_changed; CREATE TEMP TABLE sa_changed (n bigint, tbl int, gone boolean, key text) ON COMMIT DROP", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		gone, come := make([]int64, len(j.Tables)), make([]int64, len(j.Tables))
		for i, c := range j.Tables {
			if gone[i], come[i], err = p.file(ctx, tx, i, c); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "CREATE INDEX ON pg_temp.sa_changed (tbl, gone, n); ANALYZE pg_temp.sa_changed", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		for i, c := range slices.Backward(j.Tables) {
			if gone[i] == 0 {
				continue
			}
			sql, args := "DELETE FROM "+c.Table.Own()+" t USING pg_temp.sa_changed s WHERE s.tbl = $1 AND s.gone AND "+isKey(c, "s.key"), []any{i}
			if len(c.Table.Key()) == 0 {
				sql, args = "DELETE FROM "+c.Table.Own()+" t WHERE "+j.Map.Owned(c.Name(), j.Map.Literal(j.Tenant)), nil
			}
			tag, err := tx.Exec(ctx, sql, args...)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name(), err)
			}
			total.Deleted += tag.RowsAffected()
		}
		for i, c := range j.Tables {
			if come[i] == 0 {
				continue
			}
			ins, upd, err := p.upsert(ctx, tx, i, c)
			if err != nil {
				return err
			}
			total.Inserted += ins
			total.Updated += upd
		}
		return nil
	})
	return total, conn.Fault(err, j.Target.Name())
}

// isKey is the condition that row t has the key of a text expression. A key of one
// column is compared by its own type, so that its index serves.
func isKey(c *tenancy.TableClass, text string) string {
	if k := c.Table.Key(); len(k) == 1 {
		return "t." + pgx.Identifier{k[0]}.Sanitize() + " = " + text + "::" + c.Table.Column(k[0]).SQLType
	}
	return rowcopy.KeyText(c, "t") + " = " + text
}

// file files the keys of a table that are not the same on both sides, the n-th of
// the job: those that are gone on the source, and those that come from there. Of a
// table without a key everything goes and comes.
func (p *pair) file(ctx context.Context, tx pgx.Tx, n int, c *tenancy.TableClass) (gone, come int64, err error) {
	where := p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant))
	a, err := p.digest(ctx, p.src, c, where)
	if err != nil {
		return 0, 0, conn.Fault(err, p.j.Source.Name())
	}
	b, err := p.digest(ctx, p.dst, c, where)
	if err != nil {
		return 0, 0, conn.Fault(err, p.j.Target.Name())
	}
	switch {
	case a == b:
		return 0, 0, nil
	case len(c.Table.Key()) == 0:
		return 1, 1, nil
	}
	type change struct {
		key  string
		gone bool
	}
	some, filed := []change{}, int64(0)
	put := func() error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "sa_changed"}, []string{"n", "tbl", "gone", "key"}, pgx.CopyFromSlice(len(some), func(i int) ([]any, error) {
			filed++
			return []any{filed, int32(n), some[i].gone, some[i].key}, nil //nolint:gosec // the number of a table
		}))
		some = some[:0]
		return err
	}
	err = p.merge(ctx, c, where, func(key string, src, _ bool) error {
		if src {
			come++
		} else {
			gone++
		}
		if some = append(some, change{key, !src}); len(some) < 5000 {
			return nil
		}
		return put()
	})
	if err == nil {
		err = put()
	}
	return gone, come, err
}

// others is the condition that row t belongs to another tenant, too.
func (p *pair) others(c *tenancy.TableClass) string {
	return "EXISTS (SELECT FROM (" + p.j.Map.Owners(c.Name(), "t") + ") o WHERE o.owner <> '" + strings.ReplaceAll(p.j.Tenant, "'", "''") + "')"
}

// strangers refuses to write staged rows over rows that are not, or not only,
// the tenant's: the servers hand out the same ids, or a shared row was changed
// on either side. A row without an owner that the move once brought from here
// is the same row.
func (p *pair) strangers(ctx context.Context, tx pgx.Tx, c *tenancy.TableClass) error {
	key := rowcopy.KeyText(c, "t")
	rows, err := tx.Query(ctx, "SELECT "+key+", "+p.others(c)+" FROM "+c.Table.Quoted()+" t JOIN pg_temp.sa_stage s ON "+key+" = "+rowcopy.KeyText(c, "s")+
		" WHERE "+p.others(c)+" OR ("+p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant))+") IS NOT TRUE ORDER BY 1")
	if err != nil {
		return err
	}
	var theirs Few
	nobodys := []string{}
	var k string
	var other bool
	if _, err := pgx.ForEachRow(rows, []any{&k, &other}, func() error {
		if other {
			theirs.Add(k)
		} else {
			nobodys = append(nobodys, k)
		}
		return nil
	}); err != nil {
		return err
	}
	if len(nobodys) > 0 {
		known := []string{}
		if c.Listed() {
			// The list has the keys of its own side.
			if err := p.src.QueryRow(ctx, "SELECT coalesce(array_agg(DISTINCT k), '{}') FROM (SELECT "+p.j.Lens.Key(c, "key")+" AS k FROM shard_admin_move.owned WHERE move_id = $1 AND tbl = $2 AND kind IN ('own', 'found', 'shared', 'fresh')) x WHERE k = ANY ($3)",
				p.j.Move, c.Name(), nobodys).Scan(&known); err != nil {
				return conn.Fault(err, p.j.Source.Name())
			}
		}
		for _, k := range nobodys {
			if !slices.Contains(known, k) {
				theirs.Add(k)
			}
		}
	}
	if theirs.Count() == 0 {
		return nil
	}
	return fault.Newf(fault.MoveBlocked, "give the tenant's row another key on "+p.j.Source.Name()+", or make both rows equal, then try again; nothing was changed",
		"%s: keys of the tenant's rows in %s belong there to rows that are not, or not only, the tenant's: %s", p.j.Target.Name(), c.Name(), &theirs)
}

// Few keeps the first keys of a list, in order, and counts the others, so that
// a message does not grow with what is wrong.
type Few struct {
	first []string
	count int
}

// Add adds a key.
func (f *Few) Add(key string) {
	const most = 5
	f.count++
	at, _ := slices.BinarySearch(f.first, key)
	if at == most {
		return
	}
	f.first = slices.Insert(f.first, at, key)
	f.first = f.first[:min(len(f.first), most)]
}

// Count returns how many keys were added.
func (f *Few) Count() int { return f.count }

// String lists the first keys and tells how many more there are.
func (f *Few) String() string {
	list := strings.Join(f.first, ", ")
	if more := f.count - len(f.first); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// filedKeys reads the next keys that come from the source to the n-th table.
func filedKeys(ctx context.Context, tx pgx.Tx, n int, after int64, most int) (keys []string, last int64, err error) {
	rows, err := tx.Query(ctx, "SELECT n, key FROM pg_temp.sa_changed WHERE tbl = $1 AND NOT gone AND n > $2 ORDER BY n LIMIT $3", n, after, most)
	if err != nil {
		return nil, 0, err
	}
	var key string
	_, err = pgx.ForEachRow(rows, []any{&last, &key}, func() error {
		keys = append(keys, key)
		return nil
	})
	return keys, last, err
}

// upsert carries the filed rows of the n-th table through a staging table.
func (p *pair) upsert(ctx context.Context, tx pgx.Tx, n int, c *tenancy.TableClass) (inserted, updated int64, err error) {
	cols := rowcopy.Columns(c, "")
	for _, sql := range []string{
		"DROP TABLE IF EXISTS pg_temp.sa_stage",
		"CREATE TEMP TABLE sa_stage ON COMMIT DROP AS SELECT " + cols + " FROM " + c.Table.Own() + " WHERE false",
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return 0, 0, err
		}
	}
	names := c.Table.Copyable()
	owned, size := p.j.Map.Owned(c.Name(), p.j.Map.Literal(p.j.Tenant)), 2000
	match := rowcopy.KeyText(c, "t") + " = ANY ($1::text[])"
	switch key := c.Table.Key(); {
	case p.j.Lens.Touches(c.Name()):
		size = 50_000 // no index finds a row by what the lens shows
	case len(key) == 1:
		match = "t." + pgx.Identifier{key[0]}.Sanitize() + " = ANY ($1::text[]::" + c.Table.Column(key[0]).SQLType + "[])"
	}
	for after := int64(0); ; {
		from, args := p.rows(p.src, c, owned), []any(nil)
		if len(c.Table.Key()) > 0 {
			keys, last, err := filedKeys(ctx, tx, n, after, size)
			if err != nil {
				return 0, 0, err
			}
			if len(keys) == 0 {
				break
			}
			from, args, after = from+" AND "+match, []any{keys}, last
		}
		// Text travels between servers whose types have other numbers.
		texts := make([]string, len(names))
		for i, n := range names {
			texts[i] = "t." + pgx.Identifier{n}.Sanitize() + "::text"
		}
		rows, err := p.src.Query(ctx, "SELECT ARRAY["+strings.Join(texts, ", ")+"] FROM "+from, args...)
		if err != nil {
			return 0, 0, conn.Fault(err, p.j.Source.Name())
		}
		batch := &pgx.Batch{}
		casts := make([]string, len(names))
		for i, n := range names {
			casts[i] = fmt.Sprintf("$%d::text::%s", i+1, c.Table.Column(n).Type)
		}
		insert := "INSERT INTO pg_temp.sa_stage (" + cols + ") VALUES (" + strings.Join(casts, ", ") + ")"
		for rows.Next() {
			var v []*string
			if err := rows.Scan(&v); err != nil {
				rows.Close()
				return 0, 0, conn.Fault(err, p.j.Source.Name())
			}
			args := make([]any, len(v))
			for i := range v {
				args[i] = v[i]
			}
			batch.Queue(insert, args...)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return 0, 0, conn.Fault(err, p.j.Source.Name())
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return 0, 0, err
		}
		if len(c.Table.Key()) == 0 {
			break
		}
	}
	set := []string{}
	for _, n := range names {
		if col := c.Table.Column(n); col.Identity != "a" && !slices.Contains(c.Table.Key(), n) {
			q := pgx.Identifier{n}.Sanitize()
			set = append(set, q+" = s."+q)
		}
	}
	if len(c.Table.Key()) > 0 {
		if err := p.strangers(ctx, tx, c); err != nil {
			return 0, 0, err
		}
	}
	if len(set) > 0 && len(c.Table.Key()) > 0 {
		tag, err := tx.Exec(ctx, "UPDATE "+c.Table.Own()+" t SET "+strings.Join(set, ", ")+" FROM pg_temp.sa_stage s WHERE "+rowcopy.KeyText(c, "t")+" = "+rowcopy.KeyText(c, "s"))
		if err != nil {
			return 0, 0, err
		}
		updated = tag.RowsAffected()
	}
	where := ""
	if len(c.Table.Key()) > 0 {
		where = " WHERE NOT EXISTS (SELECT FROM " + c.Table.Own() + " t WHERE " + rowcopy.KeyText(c, "t") + " = " + rowcopy.KeyText(c, "s") + ")"
	}
	tag, err := tx.Exec(ctx, "INSERT INTO "+c.Table.Quoted()+" ("+cols+") OVERRIDING SYSTEM VALUE SELECT "+cols+" FROM pg_temp.sa_stage s"+where)
	if err != nil {
		return 0, 0, err
	}
	return tag.RowsAffected(), updated, nil
}
