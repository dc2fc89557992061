package preflight

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// at most bounds how many rows of one case are listed one by one.
const atMost = 200

// owned is the condition that row t belongs to the tenant.
func (w *planner) owned(table string) string { return w.m.Owned(table, w.m.Literal(w.Tenant.ID)) }

// ask runs queries of a plan side by side and files decisions in a stable
// order.
type ask struct {
	mu   sync.Mutex
	list []Decision
}

func (a *ask) add(d ...Decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, d...)
}

func (a *ask) sorted() []Decision {
	sort.SliceStable(a.list, func(i, j int) bool {
		x, y := a.list[i], a.list[j]
		if x.Table != y.Table {
			return x.Table < y.Table
		}
		if x.Case != y.Case {
			return x.Case < y.Case
		}
		return x.Key < y.Key
	})
	return a.list
}

// owners counts rows without an owner and lists the tenant's rows with two.
func (w *planner) owners(ctx context.Context) error {
	var found ask
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for _, c := range w.m.Moving() {
		where := "NOT EXISTS (SELECT FROM (" + w.m.Owners(c.Name(), "t") + ") o WHERE o.owner IS NOT NULL)"
		kind := "ownerless"
		if c.TenantColumn != "" {
			if c.Table.Column(c.TenantColumn).NotNull {
				continue // every row has exactly one
			}
			where = "t." + pgx.Identifier{c.TenantColumn}.Sanitize() + " IS NULL AND " + where
			kind = "null_tenant"
		}
		if c.Ownerless != "reference" {
			if c.FreshColumn != "" {
				where += fmt.Sprintf(" AND t.%s < clock_timestamp() - interval '%d hours'", pgx.Identifier{c.FreshColumn}.Sanitize(), c.FreshHours)
			}
			g.Go(func() error {
				n, err := w.number(gctx, "SELECT count(*) FROM "+c.Table.Own()+" t WHERE "+where)
				if n > 0 {
					found.add(Decision{Table: c.Name(), Key: "*", Case: kind, Choices: []Choice{Leave, Refuse}, Detail: fmt.Sprintf("%s on %s belong to no tenant", figure.Count(n, "row"), w.Source.Name())})
				}
				return err
			})
		}
		if len(c.Owners) == 0 {
			continue
		}
		g.Go(func() error {
			rows, err := w.keys(gctx, "SELECT "+rowcopy.KeyText(c, "t")+", (SELECT string_agg(DISTINCT o.owner, ', ') FROM ("+w.m.Owners(c.Name(), "t")+") o WHERE o.owner <> $1) FROM "+
				c.Table.Own()+" t WHERE "+w.owned(c.Name())+" AND EXISTS (SELECT FROM ("+w.m.Owners(c.Name(), "t")+") o WHERE o.owner <> $1) ORDER BY 1", w.Tenant.ID)
			for _, r := range rows {
				found.add(Decision{Table: c.Name(), Key: r[0], Case: "two_owners", Choices: []Choice{Share, Refuse}, Detail: "also belongs to tenant " + r[1]})
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	w.p.Decisions = append(w.p.Decisions, found.sorted()...)
	return nil
}

func (w *planner) number(ctx context.Context, sql string, args ...any) (int64, error) {
	var n int64
	err := read(ctx, w.Source, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, args...).Scan(&n) })
	return n, err
}

func (w *planner) keys(ctx context.Context, sql string, args ...any) ([][2]string, error) {
	var out [][2]string
	err := read(ctx, w.Source, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([2]string, error) {
			var a, b *string
			err := row.Scan(&a, &b)
			var r [2]string
			if a != nil {
				r[0] = *a
			}
			if b != nil {
				r[1] = *b
			}
			return r, err
		})
		return err
	})
	return out, err
}

// edges lists rows of others that point at the tenant's and rows of others at
// which the tenant's point.
func (w *planner) edges(ctx context.Context) error {
	var found ask
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for _, e := range w.m.References {
		from, to := w.m.Table(e.From), w.m.Table(e.To)
		g.Go(func() error {
			rows, err := w.keys(gctx, "SELECT "+rowcopy.KeyText(to, "t")+", min("+rowcopy.KeyText(from, "f")+") FROM (SELECT * FROM "+to.Table.Own()+" t WHERE "+w.owned(to.Name())+") t JOIN (SELECT * FROM "+
				from.Table.Own()+" t WHERE ("+w.owned(from.Name())+") IS NOT TRUE) f ON "+e.Join("f", "t")+" GROUP BY 1 ORDER BY 1")
			for _, r := range rows {
				found.add(Decision{Table: to.Name(), Key: r[0], Case: "inbound", Choices: []Choice{Share, Refuse}, Detail: "row " + r[1] + " of " + from.Name() + ", which is not the tenant's, points at it"})
			}
			return err
		})
		g.Go(func() error {
			rows, err := w.keys(gctx, "SELECT "+rowcopy.KeyText(to, "t")+", min("+rowcopy.KeyText(from, "f")+") FROM (SELECT * FROM "+from.Table.Own()+" t WHERE "+w.owned(from.Name())+") f JOIN (SELECT * FROM "+
				to.Table.Own()+" t WHERE ("+w.owned(to.Name())+") IS NOT TRUE) t ON "+e.Join("f", "t")+" GROUP BY 1 ORDER BY 1")
			for _, r := range rows {
				found.add(Decision{Table: to.Name(), Key: r[0], Case: "outbound", Choices: []Choice{Share, Refuse}, Detail: "row " + r[1] + " of " + from.Name() + " points at it"})
			}
			return err
		})
	}
	// Tables that stay may refer to rows that move, and the other way round.
	for _, c := range w.m.Order {
		for _, f := range c.Table.ForeignKeys {
			to := w.m.Table(f.RefTable)
			if to == nil {
				continue
			}
			e := tenancy.Edge{From: c.Name(), FromColumns: f.Columns, To: f.RefTable, ToColumns: f.RefColumns}
			switch {
			case !c.Kind.Moves() && c.Kind != tenancy.Root && to.Kind.Moves():
				g.Go(func() error {
					rows, err := w.keys(gctx, "SELECT "+rowcopy.KeyText(to, "t")+", min("+rowcopy.KeyText(c, "f")+") FROM (SELECT * FROM "+to.Table.Own()+" t WHERE "+w.owned(to.Name())+") t JOIN "+c.Table.Own()+" f ON "+e.Join("f", "t")+" GROUP BY 1 ORDER BY 1")
					for _, r := range rows {
						found.add(Decision{Table: to.Name(), Key: r[0], Case: "inbound", Choices: []Choice{Share, Refuse}, Detail: "row " + r[1] + " of " + c.Name() + ", which stays, points at it"})
					}
					return err
				})
			case c.Kind.Moves() && !to.Kind.Moves():
				g.Go(func() error { return w.stays(gctx, c, to, e) })
			}
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	w.p.Decisions = append(w.p.Decisions, unique(found.sorted())...)
	return nil
}

// unique drops repeated decisions about one row: several edges may lead there.
func unique(list []Decision) []Decision {
	out := []Decision{}
	for _, d := range list {
		if n := len(out); n > 0 && out[n-1].Table == d.Table && out[n-1].Case == d.Case && out[n-1].Key == d.Key {
			out[n-1].Detail += "; " + d.Detail
			continue
		}
		out = append(out, d)
	}
	return out
}

// stays checks that rows which do not move and to which the tenant's rows
// refer are on the target as well.
func (w *planner) stays(ctx context.Context, from, to *tenancy.TableClass, e tenancy.Edge) error {
	if to.Kind == tenancy.Root && len(e.FromColumns) == 1 && e.FromColumns[0] == from.TenantColumn {
		return nil // the root row itself
	}
	cols := make([]string, len(e.ToColumns))
	for i, col := range e.ToColumns {
		cols[i] = "t." + pgx.Identifier{col}.Sanitize() + "::text"
	}
	var values [][]string
	if err := read(ctx, w.Source, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT DISTINCT ARRAY["+strings.Join(cols, ", ")+"] FROM (SELECT * FROM "+from.Table.Own()+" t WHERE "+w.owned(from.Name())+") f JOIN "+to.Table.Own()+" t ON "+e.Join("f", "t"))
		if err != nil {
			return err
		}
		values, err = pgx.CollectRows(rows, pgx.RowTo[[]string])
		return err
	}); err != nil {
		return err
	}
	missing := []string{}
	for _, v := range values {
		if to.Kind == tenancy.Root && v[0] == w.Tenant.ID {
			continue
		}
		cond, args := []string{}, []any{}
		for i, col := range e.ToColumns {
			args = append(args, v[i])
			cond = append(cond, fmt.Sprintf("t.%s = $%d::text::%s", pgx.Identifier{col}.Sanitize(), i+1, to.Table.Column(col).Type))
		}
		var there bool
		if err := w.dst.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+to.Table.Own()+" t WHERE "+strings.Join(cond, " AND ")+")", args...).Scan(&there); err != nil {
			return conn.Fault(err, w.Target.Name())
		}
		if !there {
			missing = append(missing, strings.Join(v, ", "))
		}
	}
	if len(missing) > 0 {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.p.check("reference rows", Blocker, "bring them to "+w.Target.Name()+" first", fmt.Sprintf("%d rows of %s (%s) to which %s refers are not on %s", len(missing), to.Name(), some(missing), from.Name(), w.Target.Name())).seen("%s: %s", to.Name(), strings.Join(missing, "; "))
	}
	return nil
}

// root says what becomes of the tenant's row on the target.
func (w *planner) root(ctx context.Context) error {
	// That there is none is found by reading all of a table where no index tells.
	var has string
	if err := read(ctx, w.Target, func(tx pgx.Tx) (err error) {
		has, err = w.m.HasRows(ctx, tx, w.Tenant.ID)
		return err
	}); err != nil {
		return err
	}
	if has != "" {
		w.p.check("empty target", Blocker, "shard-admin tenants check says whose they are; remove them or point the tenant there", fmt.Sprintf("%s has rows of the tenant already, in %s", w.Target.Name(), has)).seen("the map of %s gives rows of %s to tenant %s", w.Target.Name(), has, w.Tenant.ID)
	} else {
		w.p.check("empty target", OK, "", w.Target.Name()+" has no row of the tenant")
	}
	if w.TargetIsControl {
		w.p.check("root row", OK, "", "the target holds the catalogue's own row")
		return nil
	}
	missing, columns, err := w.Catalogue.CompareRoot(ctx, w.Target, w.Tenant.ID)
	switch {
	case err != nil:
		return err
	case missing:
		w.p.check("root row", OK, "", "the catalogue's row is copied to "+w.Target.Name()+" before the rows that refer to it")
	case len(columns) > 0:
		w.p.check("root row", Warning, "nothing has to be done; whoever changed the row on "+w.Target.Name()+" should change the catalogue's", w.Target.Name()+" has an older copy of the catalogue's row, which is refreshed: "+some(columns)).seen("columns that differ: %s", strings.Join(columns, ", "))
	default:
		w.p.check("root row", OK, "", w.Target.Name()+" has the catalogue's row")
	}
	return nil
}

// fresh counts the young rows without an owner that travel along.
func (w *planner) fresh(ctx context.Context) error {
	for _, c := range w.m.Moving() {
		if c.FreshColumn == "" {
			continue
		}
		n, err := w.number(ctx, "SELECT count(*) FROM "+c.Table.Own()+" t WHERE "+FreshWhere(w.m, c))
		if err != nil {
			return err
		}
		w.p.Fresh = append(w.p.Fresh, Fresh{Table: c.Name(), Column: c.FreshColumn, Hours: c.FreshHours, Rows: n})
		if n > 0 {
			w.p.Notices = append(w.p.Notices, fmt.Sprintf("%s of %s younger than %d h belong to nobody yet; they are copied and kept on both shards", figure.Count(n, "row"), c.Name(), c.FreshHours))
		}
	}
	return nil
}

// FreshWhere is the condition that row t belongs to nobody yet and is young.
func FreshWhere(m *tenancy.Map, c *tenancy.TableClass) string {
	return fmt.Sprintf("t.%s >= clock_timestamp() - interval '%d hours' AND NOT EXISTS (SELECT FROM (%s) o WHERE o.owner IS NOT NULL)", pgx.Identifier{c.FreshColumn}.Sanitize(), c.FreshHours, m.Owners(c.Name(), "t"))
}

// decide applies the operator's choices, follows what shared rows need, and
// files a check for what is open.
func (w *planner) decide(ctx context.Context) error {
	choice := func(d *Decision) {
		for _, given := range w.Decisions {
			if (given.Table == "*" || given.Table == d.Table) && (given.Key == "*" || given.Key == d.Key) && given.Case == d.Case {
				d.Choice = given.Choice
				if given.Table == d.Table && given.Key == d.Key {
					return
				}
			}
		}
	}
	shared := map[Row]bool{}
	for i := 0; i < len(w.p.Decisions); i++ {
		d := &w.p.Decisions[i]
		choice(d)
		if d.Choice != Share {
			continue
		}
		row := Row{d.Table, d.Key}
		switch d.Case {
		case "two_owners", "inbound":
			w.p.KeepOnSource = append(w.p.KeepOnSource, row)
		case "outbound":
			if shared[row] {
				continue
			}
			shared[row] = true
			w.p.SharedCopies = append(w.p.SharedCopies, row)
			more, err := w.needs(ctx, row)
			if err != nil {
				return err
			}
			for _, m := range more {
				known := false
				for _, x := range w.p.Decisions {
					known = known || (x.Table == m.Table && x.Key == m.Key && x.Case == m.Case)
				}
				if !known {
					w.p.Decisions = append(w.p.Decisions, m)
				}
			}
		}
	}
	// Parents come before the rows that need them.
	order := map[string]int{}
	for i, c := range w.m.Order {
		order[c.Name()] = i
	}
	sort.SliceStable(w.p.SharedCopies, func(a, b int) bool {
		return order[w.p.SharedCopies[a].Table] < order[w.p.SharedCopies[b].Table]
	})
	open, refused, wrong := 0, 0, 0
	tables, refusals := map[string]bool{}, []string{}
	for _, d := range w.p.Decisions {
		legal := false
		for _, c := range d.Choices {
			legal = legal || c == d.Choice
		}
		switch {
		case d.Choice == "":
			open++
			tables[d.Table] = true
		case !legal:
			wrong++
			tables[d.Table] = true
		case d.Choice == Refuse:
			refused++
			refusals = append(refusals, d.Table+" "+d.Key+": "+d.Case)
		}
	}
	names := []string{}
	for t := range tables {
		names = append(names, t)
	}
	sort.Strings(names)
	switch {
	case wrong > 0:
		w.p.check("decisions", Blocker, "choose one of the listed choices", fmt.Sprintf("%d decisions have a choice that their case does not have, in %s", wrong, some(names))).seen("in %s", strings.Join(names, ", "))
	case open > 0:
		w.p.check("decisions", Blocker, "decide them: shard-admin move plan lists each, --decisions FILE takes the choices", fmt.Sprintf("%d decisions are open, in %s", open, some(names))).seen("in %s", strings.Join(names, ", "))
	case refused > 0:
		w.p.check("decisions", Blocker, "see to those rows on "+w.Source.Name()+", so that there is nothing to decide, or choose something else in the decisions", fmt.Sprintf("%d decisions say refuse", refused)).seen("%s", some(refusals))
	default:
		for i := range w.p.Checks {
			if c := &w.p.Checks[i]; strings.HasPrefix(c.Fix, decideThem) {
				c.Message += "; each is decided"
				c.Fix = strings.TrimPrefix(strings.TrimPrefix(c.Fix, decideThem), "; ")
			}
		}
		w.p.check("decisions", OK, "", fmt.Sprintf("%d decisions, all made", len(w.p.Decisions)))
	}
	return nil
}

// needs lists what a shared row refers to and the target does not have.
func (w *planner) needs(ctx context.Context, row Row) ([]Decision, error) {
	c := w.m.Table(row.Table)
	out := []Decision{}
	for _, f := range c.Table.ForeignKeys {
		to := w.m.Table(f.RefTable)
		if to == nil {
			continue
		}
		e := tenancy.Edge{From: c.Name(), FromColumns: f.Columns, To: to.Name(), ToColumns: f.RefColumns}
		own := "false"
		if to.Kind.Moves() || to.Kind == tenancy.Root {
			own = w.owned(to.Name())
		}
		rows, err := w.keys(ctx, "SELECT "+rowcopy.KeyText(to, "t")+", '' FROM (SELECT * FROM "+to.Table.Own()+" t WHERE ("+own+") IS NOT TRUE) t JOIN "+c.Table.Own()+" f ON "+e.Join("f", "t")+" WHERE "+rowcopy.KeyText(c, "f")+" = $1", row.Key)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			var there bool
			if err := read(ctx, w.Target, func(tx pgx.Tx) error {
				return tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+to.Table.Own()+" t WHERE "+rowcopy.KeyText(to, "t")+" = $1)", r[0]).Scan(&there)
			}); err != nil {
				return nil, err
			}
			if !there {
				out = append(out, Decision{Table: to.Name(), Key: r[0], Case: "outbound", Choices: []Choice{Share, Refuse}, Detail: "the shared row " + row.Key + " of " + c.Name() + " needs it"})
			}
		}
	}
	return out, nil
}
