package renumber

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// chunk is how many values one query asks about.
const chunk = 5000

// Job says whose values are looked for.
type Job struct {
	Source, Target *conn.Database
	Map            *tenancy.Map
	Tenant         string
	Move           string
	Values         []Value
	// Back looks for values of the target that are taken on the source, for a
	// rollback; those that are on the list already are left out.
	Back bool
}

// Change is one line of the list.
type Change struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Source string `json:"source"`
	Target string `json:"target"`
}

// Find finds the values that are taken on the side to which rows go, and a new
// one for each, and hands them over a few thousand at a time. The tenant must be
// closed on the side that serves it. Sequences of the other side move on; nothing
// else is written.
func Find(ctx context.Context, j Job, put func(ctx context.Context, list []Change) error) error {
	from, to := j.Source, j.Target
	if j.Back {
		from, to = to, from
	}
	f := finder{Job: j, from: from, to: to}
	var err error
	if f.dst, err = to.Pool(ctx); err != nil {
		return err
	}
	for _, v := range j.Values {
		c := j.Map.Table(v.Table)
		if c == nil || c.Table.Column(v.Column) == nil {
			return fault.Newf(fault.SchemaDifferent, "plan the move anew", "%s.%s, whose values were to be replaced, is gone", v.Table, v.Column)
		}
		f.given = map[string]bool{}
		if err := f.taken(ctx, c, v, func(taken []string) error {
			fresh, err := f.fresh(ctx, c, v, taken)
			if err != nil {
				return err
			}
			list := make([]Change, len(taken))
			for i := range taken {
				list[i] = Change{Table: v.Table, Column: v.Column, Source: taken[i], Target: fresh[i]}
				if j.Back {
					list[i].Source, list[i].Target = fresh[i], taken[i]
				}
			}
			return put(ctx, list)
		}); err != nil {
			return err
		}
	}
	return nil
}

type finder struct {
	Job
	from, to *conn.Database
	dst      *pgxpool.Pool
	// given are the names that were given already, in lower case.
	given map[string]bool
}

func (f finder) owned(c *tenancy.TableClass) string {
	return f.Map.Owned(c.Name(), f.Map.Literal(f.Tenant))
}

// on is the condition that a text of one side, source or target, is on the list.
func (f finder) on(v Value, side, text string) string {
	return "EXISTS (SELECT FROM shard_admin_move.replaced sa_r WHERE sa_r.move_id = " + tenancy.Quote(f.Move) + " AND sa_r.tbl = " + tenancy.Quote(v.Table) +
		" AND sa_r.col = " + tenancy.Quote(v.Column) + " AND sa_r." + side + " = " + text + ")"
}

// is is the condition that column col has the value of the text expression.
func is(c *tenancy.TableClass, v Value, text string) string {
	col := "t." + pgx.Identifier{v.Column}.Sanitize()
	if v.Fold {
		return "lower(" + col + "::text) = lower(" + text + ")"
	}
	return col + " = " + text + "::" + c.Table.Column(v.Column).SQLType
}

// taken finds the tenant's values, as text, that rows of the other side have.
func (f finder) taken(ctx context.Context, c *tenancy.TableClass, v Value, put func([]string) error) error {
	col := "t." + pgx.Identifier{v.Column}.Sanitize()
	mine, theirs := "source", "target"
	if f.Back {
		mine, theirs = theirs, mine
	}
	content := "''"
	if c.Listed() && !f.Back {
		content = "pg_catalog.md5(ARRAY[" + strings.Join(texts(c), ", ") + "]::text)"
	}
	// A row that is owned by reference may be there already when it is the same.
	other := ""
	switch {
	case f.Back:
		// The tenant's own row is no stranger, unless its value is another's by now.
		other = " AND (NOT coalesce(" + f.owned(c) + ", false) OR " + f.on(v, theirs, col+"::text") + ")"
	case c.Listed():
		other = " AND " + content + " <> u.h"
	}
	sql := "SELECT u.v FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u(v, h, n) WHERE EXISTS (SELECT FROM " + c.Table.Own() + " t WHERE " + is(c, v, "u.v") + v.and() + other + ") ORDER BY u.n"
	values, hashes := []string{}, []string{}
	flush := func() error {
		found, err := f.read(ctx, f.to, sql, values, hashes)
		values, hashes = values[:0], hashes[:0]
		if err != nil || len(found) == 0 {
			return err
		}
		return put(found)
	}
	// One statement hands over all that the tenant has, for as long as that takes:
	// the time for which the tenant may be closed bounds it.
	return conn.Fault(f.from.Read(ctx, 0, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+col+"::text, "+content+" FROM "+c.Table.Own()+" t WHERE "+f.owned(c)+" AND "+col+" IS NOT NULL"+v.and()+" AND NOT "+f.on(v, mine, col+"::text")+" ORDER BY "+col)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a, h string
			if err := rows.Scan(&a, &h); err != nil {
				return err
			}
			if values, hashes = append(values, a), append(hashes, h); len(values) == chunk {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return flush()
	}), f.from.Name())
}

// read reads values of a side.
func (f finder) read(ctx context.Context, db *conn.Database, sql string, args ...any) (out []string, err error) {
	err = db.Read(ctx, 0, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out, conn.Fault(err, db.Name())
}

func texts(c *tenancy.TableClass) []string {
	out := []string{}
	for _, n := range c.Table.Copyable() {
		out = append(out, "t."+pgx.Identifier{n}.Sanitize()+"::text")
	}
	return out
}

// free keeps those of some values that neither side has: not the other one in any
// row, and not the tenant, which would bring it along.
func (f finder) free(ctx context.Context, c *tenancy.TableClass, v Value, list []string) ([]string, error) {
	for _, s := range []struct {
		db    *conn.Database
		other string
	}{{f.to, ""}, {f.from, " AND " + f.owned(c)}} {
		out := []string{}
		for some := range slices.Chunk(list, chunk) {
			found, err := f.read(ctx, s.db, "SELECT u.v FROM unnest($1::text[]) WITH ORDINALITY u(v, n) WHERE NOT EXISTS (SELECT FROM "+c.Table.Own()+" t WHERE "+is(c, v, "u.v")+s.other+") ORDER BY u.n", some)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
		list = out
	}
	return list, nil
}

// fresh finds a new value for each of the taken ones.
func (f finder) fresh(ctx context.Context, c *tenancy.TableClass, v Value, taken []string) ([]string, error) {
	if v.Rule == Rename {
		return f.renamed(ctx, c, v, taken)
	}
	col := c.Table.Column(v.Column)
	out := make([]string, 0, len(taken))
	for len(out) < len(taken) {
		rows, err := f.dst.Query(ctx, "SELECT nextval($1::regclass)::text FROM generate_series(1, $2::int)", col.Sequence, min(len(taken)-len(out), 20*chunk))
		if err != nil {
			return nil, conn.Fault(err, f.to.Name())
		}
		next, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && len(next) > 0 {
			err = fits(col, next[len(next)-1])
		}
		if err == nil {
			next, err = f.free(ctx, c, v, next)
		}
		if err != nil {
			return nil, fault.Wrapf(conn.Fault(err, f.to.Name()), fault.MoveBlocked, "give the column a wider type on every shard, or choose a shard where the ids do not collide",
				"%s: its sequence has no new ids for %s.%s", f.to.Name(), v.Table, v.Column)
		}
		out = append(out, next...)
	}
	return out, nil
}

// fits reports whether a column can hold an id.
func fits(col *structure.Column, id string) error {
	bits := map[string]int{"smallint": 16, "integer": 32, "bigint": 64}[col.Type]
	if bits == 0 {
		return nil
	}
	_, err := strconv.ParseInt(id, 10, bits)
	return err
}

func (f finder) renamed(ctx context.Context, c *tenancy.TableClass, v Value, taken []string) ([]string, error) {
	out := make([]string, len(taken))
	for i, old := range taken {
		for n := 1; out[i] == ""; n++ {
			if n > 1000 {
				return nil, fault.Newf(fault.MoveBlocked, "rename the row on the source, then plan anew", "%s.%s: no free value was found for %q", v.Table, v.Column, old)
			}
			name := Renamed(old, f.Tenant, n, most(c.Table.Column(v.Column)))
			if f.given[strings.ToLower(name)] {
				continue
			}
			free, err := f.free(ctx, c, v, []string{name})
			if err != nil {
				return nil, err
			}
			if len(free) == 1 {
				out[i], f.given[strings.ToLower(name)] = name, true
			}
		}
	}
	return out, nil
}

// most is how many characters a column holds; 0 is any number.
func most(col *structure.Column) int {
	var n int
	if i := strings.Index(col.Type, "("); i > 0 {
		_, _ = fmt.Sscanf(col.Type[i:], "(%d)", &n)
	}
	return n
}

// Renamed is the n-th name, from 1, that a taken text of a tenant gets: the tenant
// behind a hyphen, in an e-mail address behind a plus sign before the @, with a
// number from the second on. No name is longer than most characters, 0 being any
// number.
func Renamed(old, tenant string, n, most int) string {
	mark := tenant
	if n > 1 {
		mark += "-" + strconv.Itoa(n)
	}
	local, rest, sign := old, "", "-"
	if i := strings.LastIndex(old, "@"); i > 0 {
		local, rest, sign = old[:i], old[i:], "+"
	}
	tail := sign + mark + rest
	room := most - len([]rune(tail))
	if r := []rune(local); most > 0 && len(r) > room {
		local = string(r[:max(room, 0)])
	}
	name := local + tail
	if r := []rune(name); most > 0 && len(r) > most {
		name = string(r[len(r)-most:]) // a tenant's key longer than the column
	}
	return name
}
