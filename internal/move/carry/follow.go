package carry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/tenancy"
)

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
			if e.To == table {
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

// ask returns what a side says of rows.
func (p *pass) ask(ctx context.Context, of side, c *tenancy.TableClass, rows []*row) ([]state, error) {
	found, err := of.Query(ctx, p.asks(c), slices.Concat(p.how, args(c, rows), []any{p.j.Tenant})...)
	if err != nil {
		return nil, of.fault(err, c)
	}
	out := make([]state, len(rows))
	var i int64
	var s state
	_, err = pgx.ForEachRow(found, []any{&i, &s.there, &s.ours, &s.others, &s.text, &s.hash, &s.points}, func() error {
		out[i-1] = s
		return nil
	})
	return out, of.fault(err, c)
}

// follow asks both sides about every candidate, decides what becomes of it, and
// adds what follows from those whose owning changed, until nothing new comes.
func (p *pass) follow(ctx context.Context) error {
	for more := true; more; {
		more = false
		for _, c := range p.j.Tables {
			for {
				some, err := p.rows.next(ctx, c)
				if err != nil {
					return err
				}
				if len(some) == 0 {
					break
				}
				changed, err := p.learn(ctx, c, some)
				if err != nil {
					return err
				}
				if err := p.rows.keep(ctx, c, some); err != nil {
					return err
				}
				n, err := p.pointed(ctx, c, changed)
				if err != nil {
					return err
				}
				p.done.Followed += n
				more = more || n > 0
			}
		}
	}
	for _, c := range p.j.Tables {
		if keys := p.strangers[c.Name()]; keys != nil {
			return p.stranger(c, keys)
		}
	}
	return nil
}

// learn asks both sides about some candidates, decides what becomes of them, and
// returns those whose owning changed.
func (p *pass) learn(ctx context.Context, c *tenancy.TableClass, rows []*row) ([]*row, error) {
	here, err := p.ask(ctx, p.from, c, rows)
	if err != nil {
		return nil, err
	}
	there, err := p.ask(ctx, p.to, c, rows)
	if err != nil {
		return nil, err
	}
	changed := []*row{}
	for i, r := range rows {
		r.from, r.to = here[i], there[i]
		if r.from.present() != r.to.present() || r.from.present() && r.from.points != r.to.points {
			changed = append(changed, r)
		}
		r.from.points, r.to.points = "", ""
	}
	p.count(c, rows)
	return changed, p.decide(ctx, c, rows)
}

// pointed adds the rows that changed rows own on either side.
func (p *pass) pointed(ctx context.Context, c *tenancy.TableClass, changed []*row) (int64, error) {
	var all int64
	if len(changed) == 0 {
		return 0, nil
	}
	for _, e := range p.edges(c.Name()) {
		of := p.class(e.From)
		if len(of.Table.Key()) == 0 {
			p.whole[e.From] = true // none of its rows can be named
			continue
		}
		sql := "SELECT DISTINCT ARRAY[" + strings.Join(texts(of, "t"), ", ") + "] FROM " + given(c, 1) + " JOIN " + c.Table.Own() + " p ON " + matches(c, "p") +
			" JOIN " + of.Table.Own() + " t ON " + e.Join("t", "p")
		for _, s := range []side{p.from, p.to} {
			n, err := p.rows.find(ctx, s, of, sql, args(c, changed))
			if err != nil {
				return all, err
			}
			all += n
		}
	}
	return all, nil
}
