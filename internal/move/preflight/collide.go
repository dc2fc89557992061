package preflight

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

//go:embed uniques.sql
var uniquesSQL string

// unique index of a table, expressions included.
type uniqueIndex struct {
	Table, Name string
	Expressions []string
	Types       []string
	Predicate   string
	Primary     bool
}

// collisions looks for rows of the target that have a key or a unique value
// of a row that would come.
func (w *planner) collisions(ctx context.Context) error {
	rows, err := w.src.Query(ctx, uniquesSQL)
	if err != nil {
		return conn.Fault(err, w.Source.Name())
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (uniqueIndex, error) {
		var u uniqueIndex
		var schema, rel string
		err := row.Scan(&schema, &rel, &u.Name, &u.Expressions, &u.Types, &u.Predicate, &u.Primary)
		u.Table = rel
		if schema != "public" {
			u.Table = schema + "." + rel
		}
		return u, err
	})
	if err != nil {
		return conn.Fault(err, w.Source.Name())
	}
	w.ways = map[renumber.Value]int64{}
	total, hopeless := 0, 0
	var found ask
	for _, u := range list {
		c := w.m.Table(u.Table)
		if c == nil || !(c.Kind.Moves() || (c.Kind == tenancy.Root && !w.TargetIsControl && !u.Primary)) {
			continue
		}
		if c.TenantColumn != "" && c.Kind != tenancy.Root && contains(u.Expressions, pgx.Identifier{c.TenantColumn}.Sanitize(), c.TenantColumn) && c.Table.Column(c.TenantColumn).NotNull {
			continue // the value holds the tenant
		}
		how, err := w.way(ctx, c, u)
		if err != nil {
			return err
		}
		n, bad, err := w.collide(ctx, c, u, how, &found)
		if err != nil {
			return err
		}
		total += n
		hopeless += bad
	}
	if total > 0 {
		c := w.p.check("collisions", Blocker, "choose a shard where they do not collide", fmt.Sprintf("%s would collide with rows that are on %s already", figure.Count(int64(total), "row"), w.Target.Name()))
		if hopeless == 0 {
			c.Status, c.Fix = Warning, decideThem
		} else if hopeless < total {
			c.Message += fmt.Sprintf("; %s of them can get no other value", figure.Number(int64(hopeless)))
		}
		overlap, err := w.overlapping(ctx, &found)
		if err != nil {
			return err
		}
		tables := map[string]bool{}
		for _, d := range found.list {
			tables[d.Table] = true
		}
		c.seen("rows of %s; the decisions list them", strings.Join(slices.Sorted(maps.Keys(tables)), ", "))
		if len(overlap) > 0 {
			c.Fix += "; so that new ids collide no more: shard-admin fleet stripe-sequences --plan"
			c.Evidence += "; the sequences of both shards hand out the same ids: " + some(overlap)
		}
	} else {
		w.p.check("collisions", OK, "", "no key and no unique value is taken on "+w.Target.Name())
	}
	w.p.Decisions = append(w.p.Decisions, unique(found.sorted())...)
	return nil
}

// decideThem is what to do about rows that collide while their decisions are open.
const decideThem = "decide them: renumber gives a row a new id, rename a unique value another name"

// way is how rows that collide by an index can get another value there.
type way struct {
	// follows says that a column of the index refers to a row that has an id of
	// its own to give: the row collides because that one does.
	follows bool
	choice  Choice
	value   renumber.Value
	// fixed are rows, by the text of their keys, that cannot get one.
	fixed map[string]bool
	why   string
}

// way finds it; the zero way is none.
func (w *planner) way(ctx context.Context, c *tenancy.TableClass, u uniqueIndex) (way, error) {
	if c.Kind == tenancy.Root {
		return way{}, nil
	}
	columns := []string{} // those that are plain columns
	for _, e := range u.Expressions {
		for _, col := range c.Table.Columns {
			if quoted := (pgx.Identifier{col.Name}).Sanitize(); e == quoted || e == col.Name {
				columns = append(columns, col.Name)
			}
		}
	}
	for _, name := range columns {
		if renumber.Refers(w.m, c.Name(), name) {
			continue
		}
		col, there := c.Table.Column(name), w.there.Tables[c.Name()]
		if there == nil || there.Column(name) == nil || there.Column(name).Sequence != col.Sequence || col.Sequence == "" || !whole(col.Type) {
			continue
		}
		return w.fixed(ctx, c, way{choice: Renumber, value: renumber.Value{Table: c.Name(), Column: name, Rule: renumber.Sequence, Predicate: u.Predicate}})
	}
	for _, name := range columns {
		for _, r := range renumber.Owners(w.m, c.Name(), name) {
			if to := w.m.Table(r.Table); to != nil && to.Kind.Moves() && to.Table.Column(r.Column) != nil && to.Table.Column(r.Column).Sequence != "" {
				return way{follows: true}, nil
			}
		}
	}
	if len(u.Expressions) != 1 {
		return way{}, nil
	}
	for _, col := range c.Table.Columns {
		q, fold := pgx.Identifier{col.Name}.Sanitize(), true
		switch u.Expressions[0] {
		case col.Name, q:
			fold = col.Type == "citext"
		case "lower(" + col.Name + ")", "lower(" + q + ")", "lower(" + col.Name + "::text)", "lower(" + q + "::text)":
		default:
			continue
		}
		if (rowcopy.Textual(&col) || col.Type == "citext") && !renumber.Refers(w.m, c.Name(), col.Name) {
			return w.fixed(ctx, c, way{choice: Rename, value: renumber.Value{Table: c.Name(), Column: col.Name, Rule: renumber.Rename, Fold: fold, Predicate: u.Predicate}})
		}
	}
	return way{}, nil
}

func whole(typ string) bool { return typ == "smallint" || typ == "integer" || typ == "bigint" }

// fixed finds the rows that cannot get another value, because the tenant's own
// row refers to them: it is read on both shards.
func (w *planner) fixed(ctx context.Context, c *tenancy.TableClass, how way) (way, error) {
	how.fixed = map[string]bool{}
	_, fixed := renumber.Uses(w.m, []renumber.Value{how.value})
	for _, f := range fixed {
		from := w.m.Table(f.Table)
		if from == nil || from.Kind != tenancy.Root {
			continue // what stays on the source goes on referring to its row there
		}
		how.why = f.Table + "." + f.Column + " refers to it, which is read on both shards"
		col := pgx.Identifier{f.Column}.Sanitize()
		rows, err := w.keys(ctx, "SELECT "+rowcopy.KeyText(c, "t")+", '' FROM "+from.Table.Own()+" f JOIN "+c.Table.Own()+" t ON t."+pgx.Identifier{how.value.Column}.Sanitize()+"::text = f."+col+"::text WHERE f."+
			pgx.Identifier{w.Profile.Tenants.Key}.Sanitize()+" = "+w.m.Literal(w.Tenant.ID))
		if err != nil {
			return how, err
		}
		for _, r := range rows {
			how.fixed[r[0]] = true
		}
	}
	return how, nil
}

func contains(list []string, any ...string) bool {
	for _, x := range list {
		for _, y := range any {
			if x == y {
				return true
			}
		}
	}
	return false
}

// collide compares one unique index in chunks: values of the tenant's rows go
// from the source as text and are looked up on the target by their type. It
// returns how many rows collide, and how many of them can get no other value.
func (w *planner) collide(ctx context.Context, c *tenancy.TableClass, u uniqueIndex, how way, found *ask) (total, hopeless int, err error) {
	where := w.owned(c.Name())
	if u.Predicate != "" {
		where += " AND (" + u.Predicate + ")"
	}
	values := make([]string, len(u.Expressions))
	some, lookup, cols := []string{}, []string{}, []string{}
	for i, e := range u.Expressions {
		values[i] = "(" + e + ")::text"
		some = append(some, "("+e+") IS NOT NULL")
		cols = append(cols, fmt.Sprintf("sa_v%d", i))
		lookup = append(lookup, fmt.Sprintf("(%s) = u.sa_v%d::%s", e, i, u.Types[i]))
	}
	listed, can := []Decision{}, int64(0)
	batch, keys := make([][]string, len(u.Expressions)), []string{}
	params := make([]string, len(cols)+1)
	for i := range cols {
		params[i] = fmt.Sprintf("$%d::text[]", i+1)
	}
	params[len(cols)] = fmt.Sprintf("$%d::text[]", len(cols)+1)
	predicate := ""
	if u.Predicate != "" {
		predicate = " AND (" + u.Predicate + ")"
	}
	// A row that is owned by reference may be there already when it is the
	// same: it is not copied again then.
	mayBeThere := c.Listed()
	if c.Kind == tenancy.Root {
		predicate += " AND t." + pgx.Identifier{w.Profile.Tenants.Key}.Sanitize() + "::text <> '" + strings.ReplaceAll(w.Tenant.ID, "'", "''") + "'"
	}
	sql := "SELECT u.sa_k, " + rowcopy.KeyText(c, "t") + " FROM unnest(" + strings.Join(params, ", ") + ") AS u(" + strings.Join(append(cols, "sa_k"), ", ") + ") JOIN " + c.Table.Own() + " t ON " + strings.Join(lookup, " AND ") + predicate + " ORDER BY 1"
	flush := func() error {
		if len(keys) == 0 {
			return nil
		}
		args := make([]any, 0, len(batch)+1)
		for i := range batch {
			args = append(args, batch[i])
		}
		args = append(args, keys)
		type hit struct{ mine, theirs string }
		var hits []hit
		if err := read(ctx, w.Target, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			hits, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h hit, err error) { return h, row.Scan(&h.mine, &h.theirs) })
			return err
		}); err != nil {
			return err
		}
		for _, h := range hits {
			mine, theirs := h.mine, h.theirs
			if mayBeThere && mine == theirs {
				equal, err := w.equal(ctx, c, mine)
				if err != nil {
					return err
				}
				if equal {
					continue
				}
			}
			if how.follows {
				continue // it gets another value with the row to which it refers
			}
			total++
			kind := "collision_unique"
			if u.Primary {
				kind = "collision_key"
			}
			d := Decision{Table: c.Name(), Key: mine, Case: kind, Choices: []Choice{Refuse}, Detail: fmt.Sprintf("row %s of %s has the same %s", theirs, w.Target.Name(), strings.Join(u.Expressions, ", "))}
			switch {
			case how.choice == "":
				hopeless++
			case how.fixed[mine]:
				hopeless++
				d.Detail += "; it can get no other one: " + how.why
			default:
				d.Choices = []Choice{how.choice, Refuse}
				can++
			}
			if len(listed) <= atMost {
				listed = append(listed, d)
			}
		}
		batch, keys = make([][]string, len(u.Expressions)), keys[:0]
		return nil
	}
	if err := read(ctx, w.Source, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT ARRAY["+strings.Join(values, ", ")+"], "+rowcopy.KeyText(c, "t")+" FROM "+c.Table.Own()+" t WHERE "+where+" AND "+strings.Join(some, " AND "))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v []string
			var k string
			if err := rows.Scan(&v, &k); err != nil {
				return err
			}
			for i := range v {
				batch[i] = append(batch[i], v[i])
			}
			keys = append(keys, k)
			if len(keys) == 5000 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return flush()
	}); err != nil {
		return 0, 0, err
	}
	if total > atMost {
		// One by one nobody decides so many.
		d := listed[0]
		d.Key, d.Detail = "*", figure.Count(int64(total), "row")+", for example: "+d.Detail
		if hopeless > 0 {
			d.Choices = []Choice{Refuse}
		}
		listed = []Decision{d}
	}
	if can > 0 {
		w.ways[how.value] = max(w.ways[how.value], can)
	}
	found.add(listed...)
	return total, hopeless, nil
}

// equal reports whether a row is the same on both sides.
func (w *planner) equal(ctx context.Context, c *tenancy.TableClass, key string) (bool, error) {
	cols := make([]string, 0, len(c.Table.Columns))
	for _, name := range c.Table.Copyable() {
		cols = append(cols, "t."+pgx.Identifier{name}.Sanitize()+"::text")
	}
	sql := "SELECT ARRAY[" + strings.Join(cols, ", ") + "]::text FROM " + c.Table.Own() + " t WHERE " + rowcopy.KeyText(c, "t") + " = $1"
	var a, b string
	if err := read(ctx, w.Source, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, key).Scan(&a) }); err != nil {
		return false, err
	}
	err := read(ctx, w.Target, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, key).Scan(&b) })
	return a == b, err
}

// overlapping lists those sequences by which rows collide that can hand out the
// same values on both shards: they do not count by the same steps, or they do
// in the same stripe.
func (w *planner) overlapping(ctx context.Context, found *ask) ([]string, error) {
	out := []string{}
	seen := map[string]bool{}
	for _, d := range found.sorted() {
		c := w.m.Table(d.Table)
		if d.Case != "collision_key" || seen[d.Table] || c == nil || w.there.Tables[d.Table] == nil {
			continue
		}
		seen[d.Table] = true
		for _, name := range c.Table.PrimaryKey {
			here, there := c.Table.Column(name), w.there.Tables[d.Table].Column(name)
			if here == nil || there == nil || here.Sequence == "" || there.Sequence == "" {
				continue
			}
			a, err := structure.ReadSequence(ctx, w.src, here.Sequence)
			if err != nil {
				return nil, conn.Fault(err, w.Source.Name())
			}
			b, err := structure.ReadSequence(ctx, w.dst, there.Sequence)
			if err != nil {
				return nil, conn.Fault(err, w.Target.Name())
			}
			if a.Increment != b.Increment || (a.Last-b.Last)%a.Increment == 0 {
				out = append(out, d.Table+"."+name)
			}
		}
	}
	return out, nil
}

// replacing says which columns get other values, after the choices were made, and
// that this takes a fenced move.
func (w *planner) replacing(context.Context) error {
	chosen := map[string]bool{}
	for _, d := range w.p.Decisions {
		if d.Choice == Renumber || d.Choice == Rename {
			chosen[d.Table+" "+string(d.Choice)] = true
		}
	}
	// Several indexes may lie on one column.
	columns, rows := map[renumber.Column]renumber.Value{}, map[renumber.Column]int64{}
	for v, n := range w.ways {
		choice := Renumber
		if v.Rule == renumber.Rename {
			choice = Rename
		}
		if !chosen[v.Table+" "+string(choice)] {
			continue
		}
		at := renumber.Column{Table: v.Table, Column: v.Column}
		if before, there := columns[at]; there {
			v.Fold = v.Fold || before.Fold
			if v.Predicate != before.Predicate {
				v.Predicate = ""
			}
		}
		columns[at], rows[at] = v, max(rows[at], n)
	}
	list := slices.Collect(maps.Values(columns))
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b renumber.Value) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	names := []string{}
	for _, v := range list {
		uses, _ := renumber.Uses(w.m, []renumber.Value{v})
		r := Replacing{Value: v, Rows: rows[renumber.Column{Table: v.Table, Column: v.Column}], References: []string{}}
		for _, u := range uses {
			if u.Table != v.Table || u.Column != v.Column {
				r.References = append(r.References, u.String())
			}
		}
		w.p.Replacing = append(w.p.Replacing, r)
		names = append(names, v.Table+"."+v.Column)
	}
	uses, _ := renumber.Uses(w.m, list)
	if unclear := renumber.Ambiguous(uses); len(unclear) > 0 {
		w.p.check("references", Blocker, "say in the profile to which table they refer", "nobody can say whose ids they hold: "+some(unclear)+" refer to two tables whose rows would get new ones").seen("they are in %s", strings.Join(unclear, ", "))
	}
	w.p.Notices = append(w.p.Notices, "values of "+some(names)+" are replaced where "+w.Target.Name()+" has them, and in every column that refers to them; outside of such columns the old ones stay: in URLs, in signed ids of uploads, in caches, in text and JSON")
	switch {
	case w.Mode == "online":
		w.p.check("mode", Blocker, "use --mode fenced, or choose a shard where nothing collides", "an online move cannot give new ids").seen("decided to be replaced: %s", strings.Join(names, ", "))
	case w.p.Mode == "online":
		w.p.Mode, w.p.ModeReason = "fenced", "rows get new ids, which are found while the tenant is closed; reads go on"
	}
	return nil
}
