package tenancy

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/structure"
)

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

// Quote makes a text a literal, for statements that take no parameters.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// KeyType returns the type of the tenant's key.
func (m *Map) KeyType() string {
	return m.Root.Table.Column(m.Profile.Tenants.Key).SQLType
}

// Literal returns a tenant's key as SQL, for statements that take no
// parameters.
func (m *Map) Literal(tenant string) string { return Quote(tenant) + "::" + m.KeyType() }

// Param returns a text parameter as the key's type.
func (m *Map) Param(n int) string { return fmt.Sprintf("$%d::text::%s", n, m.KeyType()) }

// names hands out aliases that do not clash in nested conditions.
type names struct{ n int }

func (a *names) next() string { a.n++; return fmt.Sprintf("r%d", a.n) }

// Owned returns the condition that row t of a table belongs to the tenant.
// tenant is SQL of the key's type: Literal or Param.
func (m *Map) Owned(table, tenant string) string {
	return m.owned(m.byName[table], "t", tenant, &names{})
}

func (m *Map) owned(c *TableClass, alias, tenant string, a *names) string {
	if c.TenantColumn != "" {
		direct := alias + "." + ident(c.TenantColumn) + " = " + tenant
		if c.Kind == Root || len(c.Owners) == 0 {
			return direct
		}
		return "(" + direct + " OR (" + alias + "." + ident(c.TenantColumn) + " IS NULL AND " + m.byEdges(c, alias, tenant, a) + "))"
	}
	return m.byEdges(c, alias, tenant, a)
}

// byEdges is the condition for a row whose tenant column does not decide.
func (m *Map) byEdges(c *TableClass, alias, tenant string, a *names) string {
	if c.Cycle > 0 {
		return m.inClosure(c, alias, tenant, a)
	}
	parts := []string{}
	for _, e := range c.Owners {
		parts = append(parts, m.reaches(e, alias, tenant, a))
	}
	if len(parts) == 0 {
		return "(" + tenant + " IS NULL)" // never; keeps the parameter in use
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// reaches is the condition that the edge leads to a row of the tenant. With
// one owner column IN lets the planner choose between a hash and an index.
func (m *Map) reaches(e Edge, alias, tenant string, a *names) string {
	to := m.byName[e.To]
	r := a.next()
	text := ""
	if len(e.FromColumns) == 1 {
		left, right := alias+"."+ident(e.FromColumns[0]), r+"."+ident(e.ToColumns[0])
		if e.asText {
			left, right = left+"::text", right+"::text"
		}
		text = left + " IN (SELECT " + right + " FROM " + to.Table.Own() + " " + r + " WHERE " + m.owned(to, r, tenant, a) + ")"
	} else {
		text = "EXISTS (SELECT FROM " + to.Table.Own() + " " + r + " WHERE " + join(e, alias, r) + " AND " + m.owned(to, r, tenant, a) + ")"
	}
	if t := typed(e, alias); t != "" {
		return "(" + t + " AND " + text + ")"
	}
	return text
}

// join is the condition that an edge leads from a row to another.
func join(e Edge, from, to string) string {
	parts := []string{}
	for i := range e.FromColumns {
		l, r := from+"."+ident(e.FromColumns[i]), to+"."+ident(e.ToColumns[i])
		if e.asText {
			l, r = l+"::text", r+"::text"
		}
		parts = append(parts, r+" = "+l)
	}
	return strings.Join(parts, " AND ")
}

// typed is the condition on a polymorphic edge's type column, or "".
func typed(e Edge, alias string) string {
	if e.TypeColumn == "" {
		return ""
	}
	values := make([]string, len(e.TypeValues))
	for i, v := range e.TypeValues {
		values[i] = Quote(v)
	}
	return alias + "." + ident(e.TypeColumn) + " IN (" + strings.Join(values, ", ") + ")"
}

// place is how a closure names the rows of a table.
type place struct {
	table *structure.Table
	// by are the columns, casts read their values back from a text in k.
	by, casts []string
}

// placeOf names rows by a key of one column, so that its index serves. Without
// one a row goes by where it lies, which is stable within one statement; in
// partitions of one table rows lie at the same places.
func placeOf(c *TableClass) place {
	if k := c.Table.Key(); len(k) == 1 {
		return place{c.Table, []string{ident(k[0])}, []string{"%s::" + strings.ReplaceAll(c.Table.Column(k[0]).SQLType, "%", "%%")}}
	}
	if c.Table.Kind == "p" {
		return place{c.Table, []string{"tableoid", "ctid"}, []string{"split_part(%s, '/', 1)::oid", "split_part(%s, '/', 2)::tid"}}
	}
	return place{c.Table, []string{"ctid"}, []string{"%s::tid"}}
}

// name is the text that names the row of alias.
func (p place) name(alias string) string {
	parts := make([]string, len(p.by))
	for i, col := range p.by {
		parts[i] = alias + "." + col + "::text"
	}
	return strings.Join(parts, " || '/' || ")
}

// is the condition that the row of alias is the n-th table's row that from
// names. The CASE keeps names of other tables from being read as this one's.
func (p place) is(alias, from string, n int) string {
	parts := make([]string, len(p.by))
	for i, col := range p.by {
		parts[i] = fmt.Sprintf("%s.%s = CASE WHEN %s.n = %d THEN %s END", alias, col, from, n, fmt.Sprintf(p.casts[i], from+".k"))
	}
	return strings.Join(parts, " AND ")
}

// in is the condition that the row of alias is among the n-th table's rows of
// a closure, which with and from are.
func (p place) in(alias, with, from string, n int) string {
	left, right := make([]string, len(p.by)), make([]string, len(p.by))
	for i, col := range p.by {
		left[i], right[i] = alias+"."+col, fmt.Sprintf(p.casts[i], "k")
	}
	return fmt.Sprintf("(%s) IN (%sSELECT %s FROM %s WHERE n = %d)", strings.Join(left, ", "), with, strings.Join(right, ", "), from, n)
}

// undecided is the condition that a row's tenant column leaves the edges to
// decide, or "".
func undecided(c *TableClass, alias string) string {
	if c.TenantColumn == "" {
		return ""
	}
	return " AND " + alias + "." + ident(c.TenantColumn) + " IS NULL"
}

// inClosure is the condition for a table of a cycle: the row is reached from
// rows that belong to the tenant without the cycle.
func (m *Map) inClosure(c *TableClass, alias, tenant string, a *names) string {
	part := m.cycles[c.Cycle]
	number := map[string]int{}
	for i, p := range part {
		number[p.Name()] = i + 1
	}
	seeds, steps := []string{}, []string{}
	own := a.next()
	for _, p := range part {
		r := a.next()
		conditions := []string{}
		if p.TenantColumn != "" {
			conditions = append(conditions, r+"."+ident(p.TenantColumn)+" = "+tenant)
		}
		for _, e := range p.Owners {
			if number[e.To] == 0 {
				cond := m.reaches(e, r, tenant, a) + undecided(p, r)
				conditions = append(conditions, "("+cond+")")
			}
		}
		id := placeOf(p).name(r)
		if len(conditions) > 0 {
			seeds = append(seeds, fmt.Sprintf("SELECT %d, %s FROM %s %s WHERE %s", number[p.Name()], id, p.Table.Own(), r, strings.Join(conditions, " OR ")))
		}
		for _, e := range p.Owners {
			if number[e.To] == 0 {
				continue
			}
			// p's rows that the edge leads from, given the owner in own.k.
			to := m.byName[e.To]
			o := a.next()
			cond := placeOf(to).is(o, own, number[e.To]) + " AND " + join(e, r, o) + undecided(p, r)
			if t := typed(e, r); t != "" {
				cond += " AND " + t
			}
			steps = append(steps, fmt.Sprintf("SELECT %d AS n, %s AS k FROM %s %s, %s %s WHERE %s", number[p.Name()], id, to.Table.Own(), o, p.Table.Own(), r, cond))
		}
	}
	if len(seeds) == 0 {
		return "(" + tenant + " IS NULL)"
	}
	x := a.next()
	if len(steps) == 0 {
		return placeOf(c).in(alias, "", fmt.Sprintf("(%s) AS %s (n, k)", strings.Join(seeds, " UNION ALL "), own), number[c.Name()])
	}
	with := fmt.Sprintf("WITH RECURSIVE %s (n, k) AS ((%s) UNION SELECT %s.n, %s.k FROM %s CROSS JOIN LATERAL (%s) %s) ",
		own, strings.Join(seeds, " UNION ALL "), x, x, own, strings.Join(steps, " UNION ALL "), x)
	return placeOf(c).in(alias, with, own, number[c.Name()])
}

// Owners returns a query with one column, owner (text): the owners of the row
// that alias names, which may be a trigger's NEW or OLD and need not be in its
// table. A row may appear more than once.
func (m *Map) Owners(table, alias string) string {
	return m.owners(m.byName[table], alias, &names{})
}

func (m *Map) owners(c *TableClass, alias string, a *names) string {
	parts := []string{}
	if c.TenantColumn != "" {
		tc := alias + "." + ident(c.TenantColumn)
		parts = append(parts, "SELECT "+tc+"::text AS owner WHERE "+tc+" IS NOT NULL")
	}
	if c.Kind != Root && len(c.Owners) > 0 {
		if c.Cycle > 0 {
			parts = append(parts, m.external(c, alias, a)...)
			parts = append(parts, m.climb(c, alias, a))
		} else {
			for _, e := range c.Owners {
				parts = append(parts, m.ownersBy(c, e, alias, a))
			}
		}
	}
	if len(parts) == 0 {
		return "SELECT NULL::text AS owner WHERE false"
	}
	return strings.Join(parts, " UNION ALL ")
}

// ownersBy are the owners of the rows that one edge leads to.
func (m *Map) ownersBy(c *TableClass, e Edge, alias string, a *names) string {
	to := m.byName[e.To]
	r, x := a.next(), a.next()
	cond := join(e, alias, r) + undecided(c, alias)
	if t := typed(e, alias); t != "" {
		cond = t + " AND " + cond
	}
	return fmt.Sprintf("SELECT %s.owner FROM %s %s CROSS JOIN LATERAL (%s) %s WHERE %s", x, to.Table.Own(), r, m.owners(to, r, a), x, cond)
}

// external are the owners by edges that leave the cycle.
func (m *Map) external(c *TableClass, alias string, a *names) []string {
	out := []string{}
	for _, e := range c.Owners {
		if m.byName[e.To].Cycle != c.Cycle {
			out = append(out, m.ownersBy(c, e, alias, a))
		}
	}
	return out
}

// climb walks from a row up through its cycle and gathers the owners that
// leave it.
func (m *Map) climb(c *TableClass, alias string, a *names) string {
	part := m.cycles[c.Cycle]
	number := map[string]int{}
	for i, p := range part {
		number[p.Name()] = i + 1
	}
	up := a.next()
	first, steps, leave := []string{}, []string{}, []string{}
	for _, p := range part {
		for _, e := range p.Owners {
			if number[e.To] == 0 {
				continue
			}
			to := m.byName[e.To]
			if p == c {
				o := a.next()
				id := placeOf(to).name(o)
				cond := join(e, alias, o) + undecided(c, alias)
				if t := typed(e, alias); t != "" {
					cond = t + " AND " + cond
				}
				first = append(first, fmt.Sprintf("SELECT %d AS n, %s AS k FROM %s %s WHERE %s", number[e.To], id, to.Table.Own(), o, cond))
			}
			r, o := a.next(), a.next()
			id := placeOf(to).name(o)
			cond := placeOf(p).is(r, up, number[p.Name()]) + " AND " + join(e, r, o) + undecided(p, r)
			if t := typed(e, r); t != "" {
				cond += " AND " + t
			}
			steps = append(steps, fmt.Sprintf("SELECT %d AS n, %s AS k FROM %s %s, %s %s WHERE %s", number[e.To], id, p.Table.Own(), r, to.Table.Own(), o, cond))
		}
		r := a.next()
		own := []string{}
		if p.TenantColumn != "" {
			tc := r + "." + ident(p.TenantColumn)
			own = append(own, "SELECT "+tc+"::text AS owner WHERE "+tc+" IS NOT NULL")
		}
		own = append(own, m.external(p, r, a)...)
		if len(own) > 0 {
			x := a.next()
			leave = append(leave, fmt.Sprintf("SELECT %s.owner FROM %s %s CROSS JOIN LATERAL (%s) %s WHERE %s",
				x, p.Table.Own(), r, strings.Join(own, " UNION ALL "), x, placeOf(p).is(r, up, number[p.Name()])))
		}
	}
	if len(first) == 0 || len(leave) == 0 {
		return "SELECT NULL::text AS owner WHERE false"
	}
	x, y := a.next(), a.next()
	return fmt.Sprintf("SELECT %s.owner FROM (WITH RECURSIVE %s (n, k) AS ((%s) UNION SELECT %s.n, %s.k FROM %s CROSS JOIN LATERAL (%s) %s) SELECT %s.owner FROM %s CROSS JOIN LATERAL (%s) %s) %s",
		y, up, strings.Join(first, " UNION ALL "), x, x, up, strings.Join(steps, " UNION ALL "), x, x, up, strings.Join(leave, " UNION ALL "), x, y)
}

// Join returns the condition that the edge leads from row from to row to; both
// are aliases.
func (e Edge) Join(from, to string) string {
	text := join(e, from, to)
	if t := typed(e, from); t != "" {
		return t + " AND " + text
	}
	return text
}

// Set returns the condition that no column of the edge is null in a row.
func (e Edge) Set(alias string) string {
	parts := make([]string, len(e.FromColumns))
	for i, col := range e.FromColumns {
		parts[i] = alias + "." + ident(col) + " IS NOT NULL"
	}
	return strings.Join(parts, " AND ")
}
