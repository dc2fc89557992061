package purge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// Job is one purge of one side.
type Job struct {
	Shard  *fence.Shard
	Map    *tenancy.Map
	Tenant string
	Move   string
	Epoch  int64
	Tables []*tenancy.TableClass // parents first
	// Lens shows the rows as they were verified; nil shows them as they are.
	Lens *renumber.Lens
	// Root lets the tenant's replica of the root row go last.
	Root bool
	// Keep are rows that others need here.
	Keep []Row
	// Batch is how many rows go at once; 1000 when 0.
	Batch int
	// Pause between two batches lets other work through; 10 ms when 0.
	Pause time.Duration
	// AfterBatch is called after each batch; first for the first of all.
	AfterBatch func(first bool)

	session *fence.Session
}

const (
	// batchLimit bounds each statement of a batch: where no index serves a foreign
	// key the server reads a whole table for each row that goes.
	batchLimit = 10 * time.Minute
	// The first batch has as many rows as first at the most. One that took longer than
	// slow is followed by one of half the rows, but no fewer than fewest; one that was
	// quicker than quick by one of twice as many.
	first, fewest = 100, 10
	slow, quick   = 2 * time.Second, time.Second / 2
	// Of rows that refer to one another those that nothing refers to are looked for
	// so many times at least and not once for each batch: one look reads all of them.
	share = 50
	// mostAhead bounds how many of them are known ahead.
	mostAhead = 100_000
)

// Row names a row by the text of its key.
type Row struct{ Table, Key string }

// open gives the job a session until the caller has closed it.
func (j *Job) open(ctx context.Context) (closed func(), err error) {
	if j.session != nil {
		return func() {}, nil
	}
	j.session, err = j.Shard.Session(ctx, j.Move, j.Epoch)
	if err != nil {
		return nil, err
	}
	return j.session.Close, nil
}

func (j Job) write(ctx context.Context, f func(pgx.Tx) error) error {
	return j.session.Write(ctx, batchLimit, f)
}

func (j Job) fault(err error) error { return conn.Fault(err, j.Shard.DB().Name()) }

func (j Job) owned(c *tenancy.TableClass) string {
	return j.Map.Owned(c.Name(), j.Map.Literal(j.Tenant))
}

// List stores the keys of every row that is to go from the source of a
// finished move, after it has compared the rows with what was verified:
// purge_unlisted_rows when they are not the same, with nothing listed.
func List(ctx context.Context, j Job, verified map[string]compare.Digest) error {
	for _, c := range j.Tables {
		now, err := compare.Amount(ctx, j.Shard.DB(), j.Map, j.Lens, c, j.Tenant)
		if err != nil {
			return err
		}
		if want, ok := verified[c.Name()]; !ok || want != now {
			return fault.Newf(fault.PurgeUnlisted, "find out who wrote them past the guards, then copy them by hand or roll the move back",
				"%s: the %s of the tenant in %s are not the %s that were verified; nothing was deleted", j.Shard.DB().Name(), figure.Count(now.Rows, "row"), c.Name(), figure.Number(want.Rows))
		}
	}
	closed, err := j.open(ctx)
	if err != nil {
		return err
	}
	defer closed()
	return j.list(ctx, func(c *tenancy.TableClass) string { return j.owned(c) })
}

// list files keys under the kind purge in one transaction, which takes as long as
// the tenant is large.
func (j Job) list(ctx context.Context, where func(c *tenancy.TableClass) string) error {
	return j.session.Write(ctx, 0, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move.owned WHERE move_id = $1 AND kind = 'purge'", j.Move); err != nil {
			return err
		}
		for _, c := range j.Tables {
			if _, err := tx.Exec(ctx, "INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) SELECT $1, $2, "+rowcopy.KeyText(c, "t")+", 'purge' FROM "+c.Table.Own()+" t WHERE "+where(c)+" ON CONFLICT DO NOTHING",
				j.Move, c.Name()); err != nil {
				return err
			}
		}
		for _, r := range j.Keep {
			if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move.owned WHERE move_id = $1 AND kind = 'purge' AND tbl = $2 AND key = $3", j.Move, r.Table, r.Key); err != nil {
				return err
			}
		}
		// Without statistics each batch would sort all that is listed.
		_, err := tx.Exec(ctx, "ANALYZE shard_admin_move.owned")
		return err
	})
}

// Undo removes what a move brought to its target, and what the tenant has
// written there since. Rows that were there before, and rows that other
// tenants own as well, stay. With all, shared and fresh copies go too unless
// somebody points at them; otherwise they stay.
func Undo(ctx context.Context, j Job, all bool) (int64, error) {
	closed, err := j.open(ctx)
	if err != nil {
		return 0, err
	}
	defer closed()
	err = j.list(ctx, func(c *tenancy.TableClass) string {
		if !c.Listed() {
			return j.owned(c)
		}
		key := rowcopy.KeyText(c, "t")
		mine := "EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id = $1 AND o.tbl = $2 AND o.kind = 'own' AND o.key = " + key + ")"
		found := "EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id = $1 AND o.tbl = $2 AND o.kind IN ('found', 'shared', 'fresh') AND o.key = " + key + ")"
		other := "EXISTS (SELECT FROM (" + j.Map.Owners(c.Name(), "t") + ") o WHERE o.owner <> " + tenancy.Quote(j.Tenant) + ")"
		return "(" + mine + " OR (" + j.owned(c) + " AND NOT " + found + ")) AND NOT " + other
	})
	if err != nil {
		return 0, err
	}
	n, err := Listed(ctx, j)
	if err != nil || !all {
		return n, err
	}
	return n, j.lent(ctx)
}

// lent removes shared and fresh copies that nobody refers to and no other open
// move has brought as well.
func (j Job) lent(ctx context.Context) error {
	pool, err := j.Shard.DB().Pool(ctx)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, "SELECT tbl, key FROM shard_admin_move.owned WHERE move_id = $1 AND kind IN ('shared', 'fresh')", j.Move)
	if err != nil {
		return j.fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Row])
	if err != nil {
		return j.fault(err)
	}
	order := map[string]int{}
	for i, c := range j.Map.Order {
		order[c.Name()] = i
	}
	slices.SortStableFunc(list, func(a, b Row) int { return order[b.Table] - order[a.Table] })
	for _, r := range list {
		c := j.Map.Table(r.Table)
		if c == nil {
			continue
		}
		this := j.match(c, "= ANY (ARRAY[$1::text]%s)")
		if err := j.write(ctx, func(tx pgx.Tx) error {
			var pointed bool
			if _, err := tx.Exec(ctx, "SELECT FROM "+c.Table.Own()+" t WHERE "+this+" FOR UPDATE", r.Key); err != nil {
				return err
			}
			for _, p := range j.pointers(c, nil) {
				if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.from+" f JOIN "+c.Table.Own()+" t ON "+p.on+" WHERE "+this+")", r.Key).Scan(&pointed); err != nil {
					return err
				}
				if pointed {
					return nil
				}
			}
			_, err := tx.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t WHERE "+this+" AND NOT EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id <> $2 AND o.tbl = $3 AND o.key = $1)", r.Key, j.Move, c.Name())
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Listed deletes what List or Undo has listed, children and what is owned
// first, so that Undo can list the rest after a crash, and the root replica
// last. It can be repeated.
func Listed(ctx context.Context, j Job) (int64, error) {
	if j.Batch <= 0 {
		j.Batch = 1000
	}
	if j.Pause <= 0 {
		j.Pause = 10 * time.Millisecond
	}
	closed, err := j.open(ctx)
	if err != nil {
		return 0, err
	}
	defer closed()
	var total int64
	begun := true
	size := min(first, j.Batch)
	for _, group := range slices.Backward(j.Map.Groups(j.Tables)) {
		ahead := choice{}
		for {
			began := time.Now()
			n, err := j.batch(ctx, group, &ahead, size)
			if err != nil {
				return total, err
			}
			total += n
			if n == 0 {
				break
			}
			switch took := time.Since(began); {
			case took > slow:
				size = min(size, max(size/2, fewest))
			case took < quick:
				size = min(size*2, j.Batch)
			}
			if j.AfterBatch != nil {
				j.AfterBatch(begun)
			}
			begun = false
			select {
			case <-ctx.Done():
				return total, ctx.Err()
			case <-time.After(j.Pause):
			}
		}
	}
	if j.Root {
		n, err := j.root(ctx)
		return total + n, err
	}
	return total, nil
}

// pointer is a way in which rows of a table point at a row.
type pointer struct {
	from, name, on string
	// unlisted is the condition that the pointing row is not to go itself.
	unlisted string
}

// pointers are the references to a table, but for those from the group that have no
// constraint: with them nothing breaks that goes a batch later.
func (j Job) pointers(c *tenancy.TableClass, group []*tenancy.TableClass) []pointer {
	out := []pointer{}
	unlisted := func(name string) string {
		from := j.Map.Table(name)
		if from == nil {
			return "true"
		}
		return "NOT EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id = " + tenancy.Quote(j.Move) + " AND o.kind = 'purge' AND o.tbl = " + tenancy.Quote(name) + " AND o.key = " + rowcopy.KeyText(from, "f") + ")"
	}
	inGroup := func(name string) bool {
		return slices.ContainsFunc(group, func(g *tenancy.TableClass) bool { return g.Name() == name })
	}
	for _, name := range j.Map.Schema.Names {
		t := j.Map.Schema.Tables[name]
		if t.Partition {
			continue
		}
		for _, f := range t.ForeignKeys {
			if f.RefTable == c.Name() {
				e := tenancy.Edge{FromColumns: f.Columns, ToColumns: f.RefColumns}
				out = append(out, pointer{t.Own(), name, e.Join("f", "t"), unlisted(name)})
			}
		}
	}
	for _, e := range j.Map.References {
		if e.To == c.Name() && e.Soft && !inGroup(e.From) {
			out = append(out, pointer{j.Map.Table(e.From).Table.Own(), e.From, e.Join("f", "t"), unlisted(e.From)})
		}
	}
	return out
}

// batch deletes some rows of a table, or of several that hang together.
// ahead are rows of which it is known that nothing needs them.
func (j Job) batch(ctx context.Context, group []*tenancy.TableClass, ahead *choice, size int) (int64, error) {
	edges, direct := j.edges(group)
	var deleted int64
	err := j.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'"); err != nil {
			return err
		}
		var err error
		chosen := ahead.take(size)
		if chosen.count() == 0 {
			if chosen, err = j.choose(ctx, tx, group, edges, direct, size); chosen.apart {
				*ahead = chosen
				chosen = ahead.take(size)
			}
		}
		for err == nil && (chosen.all || chosen.count() > 0) {
			var next choice
			if !chosen.all {
				next, err = j.needed(ctx, tx, edges, chosen)
			}
			var n int64
			if err == nil {
				n, err = j.remove(ctx, tx, group, chosen)
			}
			if deleted += n; err != nil || deleted >= int64(size) {
				return err
			}
			// A long chain has one row at a time that nothing needs.
			chosen, err = j.unneeded(ctx, tx, edges, next)
		}
		return err
	})
	return deleted, err
}

// remove deletes what was chosen and takes it off the list.
func (j Job) remove(ctx context.Context, tx pgx.Tx, group []*tenancy.TableClass, chosen choice) (deleted int64, err error) {
	parts, sum, args := []string{}, []string{}, []any{}
	for i, c := range group {
		keys := chosen.keys[c.Name()]
		if len(keys) == 0 && !chosen.all {
			continue
		}
		match, own := j.match(c, "= ANY ($1::text[]%s)"), []any{keys}
		if chosen.all {
			match, own = j.match(c, "IN (SELECT key%s "+j.listed(c)+")"), nil
		}
		// The lock keeps new references out until the rows are gone.
		if _, err := tx.Exec(ctx, "SELECT FROM "+c.Table.Own()+" t WHERE "+match+" FOR UPDATE", own...); err != nil {
			return 0, err
		}
		for _, p := range j.pointers(c, group) {
			var from *string
			if err := tx.QueryRow(ctx, "SELECT min("+rowcopy.KeyText(c, "t")+") FROM "+c.Table.Own()+" t JOIN "+p.from+" f ON "+p.on+" WHERE "+match+" AND "+p.unlisted, own...).Scan(&from); err != nil {
				return 0, err
			}
			if from != nil {
				return 0, fault.Newf(fault.PurgeUnlisted, "decide what becomes of that row, then "+fault.Change("move resume "+j.Move+" --wait"),
					"%s: a row of %s that the move did not list points at row %s of %s; it was not deleted", j.Shard.DB().Name(), p.name, *from, c.Name())
			}
		}
		if !chosen.all {
			args = append(args, keys)
			match = j.match(c, fmt.Sprintf("= ANY ($%d::text[]%%s)", len(args)))
		}
		parts = append(parts, fmt.Sprintf("d%d AS (DELETE FROM %s t WHERE %s RETURNING 1)", i, c.Table.Own(), match))
		sum = append(sum, fmt.Sprintf("(SELECT count(*) FROM d%d)", i))
	}
	var gone int64
	if err := tx.QueryRow(ctx, "WITH "+strings.Join(parts, ", ")+" SELECT "+strings.Join(sum, " + "), args...).Scan(&gone); err != nil {
		return 0, err
	}
	for _, c := range group {
		sql, own := "DELETE "+j.listed(c)+" AND key = ANY ($1::text[])", []any{chosen.keys[c.Name()]}
		if chosen.all {
			sql, own = "DELETE "+j.listed(c), nil
		}
		tag, err := tx.Exec(ctx, sql, own...)
		if err != nil {
			return 0, err
		}
		deleted += tag.RowsAffected()
	}
	return deleted, nil
}

// listed is where the list of a table is, behind SELECT key or DELETE.
func (j Job) listed(c *tenancy.TableClass) string {
	return "FROM shard_admin_move.owned WHERE move_id = " + tenancy.Quote(j.Move) + " AND kind = 'purge' AND tbl = " + tenancy.Quote(c.Name())
}

// choice is which rows go next: some of each table, or all that are listed.
type choice struct {
	keys map[string][]string
	all  bool
	// apart is true where each may go without the others.
	apart bool
}

// take takes some rows out.
func (x *choice) take(n int) choice {
	out := choice{keys: map[string][]string{}}
	for table, keys := range x.keys {
		some := min(n, len(keys))
		n -= some
		out.keys[table], x.keys[table] = keys[:some], keys[some:]
	}
	return out
}

func (x choice) count() (n int) {
	for _, keys := range x.keys {
		n += len(keys)
	}
	return n
}

// edges are the ways in which rows of a group need one another: by a foreign key,
// or because one says whose the other is, which has to be found again after a
// crash. direct is false where a row does so from afar.
func (j Job) edges(group []*tenancy.TableClass) (edges []tenancy.Edge, direct bool) {
	in := func(name string) bool {
		return slices.ContainsFunc(group, func(g *tenancy.TableClass) bool { return g.Name() == name })
	}
	for _, c := range group {
		for _, f := range c.Table.ForeignKeys {
			if in(f.RefTable) {
				edges = append(edges, tenancy.Edge{From: c.Name(), FromColumns: f.Columns, To: f.RefTable, ToColumns: f.RefColumns})
			}
		}
		for _, owner := range j.Map.OwnerTables(c) {
			if !in(owner) {
				continue
			}
			found := false
			for _, e := range c.Owners {
				if e.To == owner && !e.Backward {
					edges, found = append(edges, e), true
				}
			}
			if !found {
				return nil, false
			}
		}
	}
	return edges, true
}

// choose finds what goes next. Of rows that need one another those go first that
// nothing needs; rows in a circle go with all that needs them, in one statement,
// because their keys are checked at its end. Where that is too much for memory all
// that is left goes at once.
func (j Job) choose(ctx context.Context, tx pgx.Tx, group []*tenancy.TableClass, edges []tenancy.Edge, direct bool, size int) (choice, error) {
	out := choice{keys: map[string][]string{}}
	read := func(sql string, args ...any) ([]string, error) { return texts(ctx, tx, sql, args...) }
	if direct && len(edges) == 0 {
		var err error
		out.keys[group[0].Name()], err = read(fmt.Sprintf("SELECT key "+j.listed(group[0])+" ORDER BY key LIMIT %d", size))
		return out, err
	}
	some := ""
	for _, c := range group {
		var n int
		if err := tx.QueryRow(ctx, "SELECT count(*) "+j.listed(c)).Scan(&n); err != nil {
			return out, err
		}
		if n == 0 {
			continue
		}
		some = c.Name()
		if !direct {
			return choice{all: true}, nil
		}
		free := ""
		for _, e := range edges {
			if e.To == c.Name() {
				free += " AND NOT EXISTS (SELECT FROM " + c.Table.Own() + " t JOIN " + j.Map.Table(e.From).Table.Own() + " f ON " + e.Join("f", "t") + " WHERE " + j.has(c, "owned.key") + ")"
			}
		}
		keys, err := read("SELECT key " + j.listed(c) + free + fmt.Sprintf(" LIMIT %d", max(size, min(n/share, mostAhead))))
		if err != nil {
			return out, err
		}
		out.keys[c.Name()] = keys
	}
	if some == "" || out.count() > 0 {
		out.apart = true
		return out, nil
	}
	// Everything that is left is in a circle, or a circle refers to it.
	seeds, err := read(fmt.Sprintf("SELECT key "+j.listed(j.Map.Table(some))+" ORDER BY key LIMIT %d", size))
	if err != nil {
		return out, err
	}
	known := map[string]map[string]bool{}
	fresh := map[string][]string{}
	add := func(table string, keys []string) {
		if known[table] == nil {
			known[table] = map[string]bool{}
		}
		for _, k := range keys {
			if !known[table][k] {
				known[table][k] = true
				out.keys[table], fresh[table] = append(out.keys[table], k), append(fresh[table], k)
			}
		}
	}
	for add(some, seeds); len(fresh) > 0; {
		if out.count() > share*size {
			return choice{all: true}, nil
		}
		last := fresh
		fresh = map[string][]string{}
		for _, e := range edges {
			if len(last[e.To]) == 0 {
				continue
			}
			from, to := j.Map.Table(e.From), j.Map.Table(e.To)
			keys, err := read("SELECT DISTINCT "+rowcopy.KeyText(from, "f")+" FROM "+from.Table.Own()+" f JOIN "+to.Table.Own()+" t ON "+e.Join("f", "t")+" WHERE "+j.match(to, "= ANY ($1::text[]%s)")+
				" AND "+rowcopy.KeyText(from, "f")+" IN (SELECT key "+j.listed(from)+")", last[e.To])
			if err != nil {
				return out, err
			}
			add(e.From, keys)
		}
	}
	return out, nil
}

// needed are the rows that chosen ones need.
func (j Job) needed(ctx context.Context, tx pgx.Tx, edges []tenancy.Edge, chosen choice) (choice, error) {
	out := choice{keys: map[string][]string{}}
	for _, e := range edges {
		if len(chosen.keys[e.From]) == 0 {
			continue
		}
		from, to := j.Map.Table(e.From), j.Map.Table(e.To)
		keys, err := texts(ctx, tx, "SELECT DISTINCT "+rowcopy.KeyText(to, "p")+" FROM "+from.Table.Own()+" t JOIN "+to.Table.Own()+" p ON "+e.Join("t", "p")+" WHERE "+j.match(from, "= ANY ($1::text[]%s)"), chosen.keys[e.From])
		if err != nil {
			return out, err
		}
		out.keys[e.To] = append(out.keys[e.To], keys...)
	}
	return out, nil
}

// unneeded are those of some rows that are listed and that nothing needs.
func (j Job) unneeded(ctx context.Context, tx pgx.Tx, edges []tenancy.Edge, of choice) (choice, error) {
	out := choice{keys: map[string][]string{}}
	for table, keys := range of.keys {
		c := j.Map.Table(table)
		sql := "SELECT " + rowcopy.KeyText(c, "t") + " FROM " + c.Table.Own() + " t WHERE " + j.match(c, "= ANY ($1::text[]%s)") + " AND " + rowcopy.KeyText(c, "t") + " IN (SELECT key " + j.listed(c) + " AND key = ANY ($1::text[]))"
		for _, e := range edges {
			if e.To == table {
				sql += " AND NOT EXISTS (SELECT FROM " + j.Map.Table(e.From).Table.Own() + " f WHERE " + e.Join("f", "t") + ")"
			}
		}
		found, err := texts(ctx, tx, sql, keys)
		if err != nil {
			return out, err
		}
		out.keys[table] = found
	}
	return out, nil
}

func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// has is the condition that row t has the key of a text expression.
func (j Job) has(c *tenancy.TableClass, text string) string {
	if k := c.Table.Key(); len(k) == 1 {
		return "t." + pgx.Identifier{k[0]}.Sanitize() + " = " + text + "::" + c.Table.Column(k[0]).Type
	}
	return rowcopy.KeyText(c, "t") + " = " + text
}

// match is the condition that row t has one of some keys, which are texts; %s in
// them is where they are cast. A key of one column is compared by its own type, so
// that its index serves.
func (j Job) match(c *tenancy.TableClass, keys string) string {
	k := c.Table.Key()
	if len(k) != 1 {
		return rowcopy.KeyText(c, "t") + " " + strings.Replace(keys, "%s", "", 1)
	}
	typ := "::" + c.Table.Column(k[0]).Type
	if strings.HasPrefix(keys, "= ANY") {
		typ += "[]"
	}
	return "t." + pgx.Identifier{k[0]}.Sanitize() + " " + strings.Replace(keys, "%s", typ, 1)
}

// root deletes the tenant's replica of the root row when nothing refers to it
// any more. On the target of a move that found it there it stays.
func (j Job) root(ctx context.Context) (int64, error) {
	var n int64
	c := j.Map.Root
	err := j.write(ctx, func(tx pgx.Tx) error {
		key := "t." + pgx.Identifier{j.Map.Profile.Tenants.Key}.Sanitize() + " = " + j.Map.Literal(j.Tenant)
		if _, err := tx.Exec(ctx, "SELECT FROM "+c.Table.Own()+" t WHERE "+key+" FOR UPDATE"); err != nil {
			return err
		}
		for _, p := range j.pointers(c, nil) {
			var pointed bool
			if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.from+" f JOIN "+c.Table.Own()+" t ON "+p.on+" WHERE "+key+")").Scan(&pointed); err != nil {
				return err
			}
			if pointed {
				return nil // rows that were kept need it
			}
		}
		tag, err := tx.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t WHERE "+key)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
