package carry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

// most is how many rows one question is about.
const most = 5000

// texts are a key's columns as text.
func texts(c *tenancy.TableClass, alias string) []string {
	key := c.Table.Key()
	out := make([]string, len(key))
	for i, col := range key {
		out[i] = alias + "." + pgx.Identifier{col}.Sanitize() + "::text"
	}
	return out
}

func keyText(c *tenancy.TableClass) string { return rowcopy.KeyText(c, "t") }

// given is a list of keys as a relation u with the columns k1, k2 … and i, whose
// arrays are the parameters from first on.
func given(c *tenancy.TableClass, first int) string {
	arrays, names := []string{}, []string{}
	for i := range c.Table.Key() {
		arrays = append(arrays, fmt.Sprintf("$%d::text[]", first+i))
		names = append(names, fmt.Sprintf("k%d", i+1))
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") WITH ORDINALITY AS u (" + strings.Join(names, ", ") + ", i)"
}

// literal is the same with the keys in the text: COPY takes no parameters.
func literal(c *tenancy.TableClass, rows []*row) string {
	arrays, names := []string{}, []string{}
	for i := range c.Table.Key() {
		values := make([]string, len(rows))
		for n, r := range rows {
			values[n] = tenancy.Quote(r.key[i])
		}
		arrays = append(arrays, "ARRAY["+strings.Join(values, ", ")+"]::text[]")
		names = append(names, fmt.Sprintf("k%d", i+1))
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS u (" + strings.Join(names, ", ") + ")"
}

// matches is the condition that alias is the row of the key u. It is written so
// that the key's index serves.
func matches(c *tenancy.TableClass, alias string) string {
	parts := []string{}
	for i, col := range c.Table.Key() {
		parts = append(parts, fmt.Sprintf("%s.%s = u.k%d::%s", alias, pgx.Identifier{col}.Sanitize(), i+1, c.Table.Column(col).SQLType))
	}
	return strings.Join(parts, " AND ")
}

// args are the arrays of given.
func args(c *tenancy.TableClass, rows []*row) []any {
	out := []any{}
	for i := range c.Table.Key() {
		values := make([]string, len(rows))
		for n, r := range rows {
			values[n] = r.key[i]
		}
		out = append(out, values)
	}
	return out
}

// edges are the ways by which rows of a table own others.
func (p *pass) edges(table string) []tenancy.Edge {
	out := []tenancy.Edge{}
	for _, c := range p.j.Tables {
		for _, e := range c.Owners {
			if e.To == table && len(c.Table.Key()) > 0 {
				out = append(out, e)
			}
		}
	}
	return out
}

// asks is the question to a side about rows of a table.
func (p *pass) asks(c *tenancy.TableClass) string {
	points := []string{}
	for _, e := range p.edges(c.Name()) {
		for _, col := range e.ToColumns {
			q := "t." + pgx.Identifier{col}.Sanitize() + "::text"
			if !slices.Contains(points, q) {
				points = append(points, q)
			}
		}
	}
	pointing := "''"
	if len(points) > 0 {
		pointing = "ROW(" + strings.Join(points, ", ") + ")::text"
	}
	n := len(c.Table.Key())
	return fmt.Sprintf(`SELECT u.i, t.%[1]s IS NOT NULL, coalesce(o.ours, false), coalesce(o.others, false), coalesce(%[2]s, ''), coalesce(CASE WHEN t.%[1]s IS NOT NULL THEN %[3]s END, ''), coalesce(%[4]s, '')
		FROM %[5]s LEFT JOIN %[6]s t ON %[7]s
		LEFT JOIN LATERAL (SELECT bool_or(x.owner = $%[8]d) AS ours, bool_or(x.owner <> $%[8]d) AS others FROM (%[9]s) x WHERE t.%[1]s IS NOT NULL) o ON true`,
		pgx.Identifier{c.Table.Key()[0]}.Sanitize(), keyText(c), compare.Hash(c), pointing, given(c, 1), c.Table.Own(), matches(c, "t"), n+1, p.j.Map.Owners(c.Name(), "t"))
}

// ask fills in what a side says of rows.
func (p *pass) ask(ctx context.Context, q pgx.Tx, side *conn.Database, c *tenancy.TableClass, rows []*row, which func(*row) *state) error {
	sql := p.asks(c)
	for some := range slices.Chunk(rows, most) {
		found, err := q.Query(ctx, sql, append(args(c, some), p.j.Tenant)...)
		if err != nil {
			return conn.Fault(err, side.Name()+", table "+c.Name())
		}
		var i int64
		var s state
		if _, err := pgx.ForEachRow(found, []any{&i, &s.there, &s.ours, &s.others, &s.text, &s.hash, &s.points}, func() error {
			*which(some[i-1]) = s
			return nil
		}); err != nil {
			return conn.Fault(err, side.Name()+", table "+c.Name())
		}
	}
	return nil
}

func ofFrom(r *row) *state { return &r.from }
func ofTo(r *row) *state   { return &r.to }

// present says that a side has the row as the tenant's.
func (s state) present() bool { return s.there && s.ours }

// follow asks both sides about every candidate and adds what follows from those
// whose owning changed, until nothing new comes.
func (p *pass) follow(ctx context.Context, from, to pgx.Tx) error {
	for {
		more := false
		for _, c := range p.j.Tables {
			list := []*row{}
			for _, r := range p.rows[c.Name()] {
				if !r.asked {
					r.asked = true
					list = append(list, r)
				}
			}
			if len(list) == 0 {
				continue
			}
			if err := p.ask(ctx, from, p.j.From, c, list, ofFrom); err != nil {
				return err
			}
			if err := p.ask(ctx, to, p.j.To, c, list, ofTo); err != nil {
				return err
			}
			changed := slices.DeleteFunc(slices.Clone(list), func(r *row) bool {
				return r.from.present() == r.to.present() && (!r.from.present() || r.from.points == r.to.points)
			})
			if len(changed) == 0 {
				continue
			}
			for _, e := range p.edges(c.Name()) {
				for _, s := range []struct {
					q  pgx.Tx
					db *conn.Database
				}{{from, p.j.From}, {to, p.j.To}} {
					n, err := p.pointed(ctx, s.q, s.db, c, e, changed)
					if err != nil {
						return err
					}
					p.done.Followed += n
					more = more || n > 0
				}
			}
		}
		if !more {
			return nil
		}
	}
}

// pointed adds the rows of an edge's table that changed rows own on a side.
func (p *pass) pointed(ctx context.Context, q pgx.Tx, side *conn.Database, c *tenancy.TableClass, e tenancy.Edge, changed []*row) (int64, error) {
	of := p.class(e.From)
	sql := "SELECT DISTINCT ARRAY[" + strings.Join(texts(of, "t"), ", ") + "] FROM " + given(c, 1) + " JOIN " + c.Table.Own() + " p ON " + matches(c, "p") +
		" JOIN " + of.Table.Own() + " t ON " + e.Join("t", "p")
	return p.collect(ctx, q, side, of, sql, c, changed)
}

// collect adds what a query about rows finds.
func (p *pass) collect(ctx context.Context, q pgx.Tx, side *conn.Database, of *tenancy.TableClass, sql string, c *tenancy.TableClass, about []*row) (int64, error) {
	var n int64
	for some := range slices.Chunk(about, most) {
		rows, err := q.Query(ctx, sql, args(c, some)...)
		if err != nil {
			return n, conn.Fault(err, side.Name()+", table "+of.Name())
		}
		var key []string
		if _, err := pgx.ForEachRow(rows, []any{&key}, func() error {
			if p.add(of.Name(), slices.Clone(key)) {
				n++
			}
			return nil
		}); err != nil {
			return n, conn.Fault(err, side.Name()+", table "+of.Name())
		}
	}
	return n, nil
}
