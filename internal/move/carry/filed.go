package carry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/tenancy"
)

// filing makes the temporary tables, for one transaction: each commit of a session
// takes the longer the more of them it has to empty. What is said of a row is filed
// when all of it is known, so that nothing is changed there but by settle.
//
// An id is the key with the number of its table before it, and is there once: an
// index by its hash, because a key may be longer than a page of any other holds.
const filing = `
CREATE TEMP TABLE sa_carry_ids (
	n bigint GENERATED ALWAYS AS IDENTITY, tbl int NOT NULL, id text[] COLLATE "C" NOT NULL, shared boolean NOT NULL, EXCLUDE USING hash (id WITH =)
) ON COMMIT DROP;
CREATE INDEX sa_carry_ids_n ON pg_temp.sa_carry_ids (tbl, n);
CREATE TEMP TABLE sa_carry_said (
	n bigint NOT NULL, tbl int NOT NULL, id text[] COLLATE "C" NOT NULL, shared boolean NOT NULL, remove boolean NOT NULL, place boolean NOT NULL,
	from_there boolean NOT NULL, from_ours boolean NOT NULL, from_hash text NOT NULL, to_there boolean NOT NULL, to_ours boolean NOT NULL, to_text text NOT NULL
) ON COMMIT DROP;
CREATE INDEX sa_carry_said_n ON pg_temp.sa_carry_said (tbl, n);
CREATE TEMP TABLE sa_carry_out (
	i bigint GENERATED ALWAYS AS IDENTITY, n bigint PRIMARY KEY, tbl int NOT NULL, id text[] COLLATE "C" NOT NULL
) ON COMMIT DROP;
`

// planned lets a statement be planned with its values each time: the tables grow
// from nothing, and a plan that was good then is not later.
const planned = pgx.QueryExecModeCacheDescribe

// filed keeps candidates in temporary tables of the side written to, in the
// transaction that writes.
type filed struct {
	p *pass
	// waiting counts those of a table that are to be asked about, last is the
	// number of the last that was.
	waiting, last map[string]int64
	// seen is up to where what is taken out has been in a front.
	seen map[string]int64
}

func (f *filed) open(ctx context.Context) error {
	_, err := f.p.to.Exec(ctx, filing, pgx.QueryExecModeSimpleProtocol)
	return err
}

// number is a table's in the ids.
func (f *filed) number(c *tenancy.TableClass) int { return slices.Index(f.p.j.Tables, c) }

// fields are the columns k1, k2 … of an id.
func fields(c *tenancy.TableClass) string {
	out := []string{}
	for i := range c.Table.Key() {
		out = append(out, fmt.Sprintf("id[%d] AS k%d", i+2, i+1))
	}
	return strings.Join(out, ", ")
}

func (f *filed) file(ctx context.Context, c *tenancy.TableClass, shared bool, key, from string, args []any) (int64, error) {
	tag, err := f.p.to.Exec(ctx, fmt.Sprintf("INSERT INTO pg_temp.sa_carry_ids (tbl, id, shared) SELECT %d, ARRAY['%[1]d'] || %s, %t FROM %s ON CONFLICT DO NOTHING", f.number(c), key, shared, from), slices.Concat(f.p.how, args)...)
	if err != nil {
		return 0, f.p.to.fault(err, c)
	}
	f.waiting[c.Name()] += tag.RowsAffected()
	return tag.RowsAffected(), nil
}

func (f *filed) add(ctx context.Context, c *tenancy.TableClass, keys [][]string, shared bool) (int64, error) {
	names := []string{}
	for i := range c.Table.Key() {
		names = append(names, fmt.Sprintf("u.k%d", i+1))
	}
	rows := make([]*row, len(keys))
	for i, key := range keys {
		rows[i] = &row{key: key}
	}
	return f.file(ctx, c, shared, "ARRAY["+strings.Join(names, ", ")+"]", given(c, 1), args(c, rows))
}

func (f *filed) find(ctx context.Context, of side, c *tenancy.TableClass, sql string, args []any) (int64, error) {
	if of == f.p.to {
		return f.file(ctx, c, false, "x.key", "("+sql+") AS x (key)", args)
	}
	var n int64
	b := f.p.batches(func(c *tenancy.TableClass, keys [][]string) error {
		more, err := f.add(ctx, c, keys, false)
		n += more
		return err
	})
	rows, err := of.Query(ctx, sql, slices.Concat(f.p.how, args)...)
	if err != nil {
		return 0, of.fault(err, c)
	}
	var key []string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error { return b.add(c, slices.Clone(key)) })
	if err == nil {
		err = b.flush()
	}
	return n, of.fault(err, c)
}

// some reads rows until there are enough.
func (f *filed) some(rows pgx.Rows, err error, fields func(*row) []any) ([]*row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []*row{}
	for bytes := 0; len(out) < f.p.most && bytes < mostBytes && rows.Next(); {
		r := &row{}
		if err := rows.Scan(fields(r)...); err != nil {
			return nil, err
		}
		r.key = r.key[1:]
		bytes += length(r.key)
		out = append(out, r)
	}
	rows.Close()
	return out, rows.Err()
}

func (f *filed) next(ctx context.Context, c *tenancy.TableClass) ([]*row, error) {
	if f.waiting[c.Name()] == 0 {
		return nil, nil
	}
	rows, err := f.p.to.Query(ctx, fmt.Sprintf("SELECT n, id, shared FROM pg_temp.sa_carry_ids WHERE tbl = $1 AND n > $2 ORDER BY n LIMIT %d", f.p.most), planned, f.number(c), f.last[c.Name()])
	some, err := f.some(rows, err, func(r *row) []any { return []any{&r.number, &r.key, &r.shared} })
	if err != nil || len(some) == 0 {
		return nil, f.p.to.fault(err, c)
	}
	f.waiting[c.Name()] -= int64(len(some))
	f.last[c.Name()] = some[len(some)-1].number
	return some, nil
}

func (f *filed) keep(ctx context.Context, c *tenancy.TableClass, rows []*row) error {
	number := f.number(c)
	first := []string{fmt.Sprint(number)}
	_, err := f.p.to.CopyFrom(ctx, pgx.Identifier{"pg_temp", "sa_carry_said"},
		[]string{"n", "tbl", "id", "shared", "remove", "place", "from_there", "from_ours", "from_hash", "to_there", "to_ours", "to_text"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			return []any{r.number, number, slices.Concat(first, r.key), r.shared, r.remove, r.place, r.from.there, r.from.ours, r.from.hash, r.to.there, r.to.ours, r.to.text}, nil
		}))
	return f.p.to.fault(err, c)
}

func (f *filed) work(ctx context.Context) (map[string]work, error) {
	// Statistics for what goes by these tables as a whole.
	if _, err := f.p.to.Exec(ctx, "ANALYZE pg_temp.sa_carry_said"); err != nil {
		return nil, err
	}
	rows, err := f.p.to.Query(ctx, "SELECT tbl, count(*) FILTER (WHERE remove), count(*) FILTER (WHERE place) FROM pg_temp.sa_carry_said GROUP BY tbl", planned)
	if err != nil {
		return nil, err
	}
	out := map[string]work{}
	var number int
	var w work
	_, err = pgx.ForEachRow(rows, []any{&number, &w.remove, &w.place}, func() error {
		out[f.p.j.Tables[number].Name()] = w
		return nil
	})
	return out, err
}

func (f *filed) each(ctx context.Context, c *tenancy.TableClass, which set, each func([]*row) error) error {
	where := map[set]string{all: "", removed: " AND remove", placed: " AND place"}[which]
	for last := int64(0); ; {
		rows, err := f.p.to.Query(ctx, fmt.Sprintf("SELECT n, id, shared, remove, place, from_there, from_ours, from_hash, to_text FROM pg_temp.sa_carry_said WHERE tbl = $1 AND n > $2%s ORDER BY n LIMIT %d", where, f.p.most),
			planned, f.number(c), last)
		some, err := f.some(rows, err, func(r *row) []any {
			return []any{&r.number, &r.key, &r.shared, &r.remove, &r.place, &r.from.there, &r.from.ours, &r.from.hash, &r.to.text}
		})
		if err != nil || len(some) == 0 {
			return f.p.to.fault(err, c)
		}
		if err := each(some); err != nil {
			return err
		}
		last = some[len(some)-1].number
	}
}

func (f *filed) removed(c *tenancy.TableClass) keys {
	return keys{sql: fmt.Sprintf("(SELECT %s FROM pg_temp.sa_carry_said WHERE tbl = %d AND remove) AS u", fields(c), f.number(c))}
}

func (f *filed) block(ctx context.Context) error {
	f.seen = map[string]int64{}
	_, err := f.p.to.Exec(ctx, "INSERT INTO pg_temp.sa_carry_out (n, tbl, id) SELECT n, tbl, id FROM pg_temp.sa_carry_said WHERE (remove OR place) AND to_there")
	return err
}

func (f *filed) front(ctx context.Context, c *tenancy.TableClass) (keys, bool, error) {
	number, seen := f.number(c), f.seen[c.Name()]
	if _, err := f.p.to.Exec(ctx, "ANALYZE pg_temp.sa_carry_out"); err != nil {
		return keys{}, false, err
	}
	var last int64
	if err := f.p.to.QueryRow(ctx, "SELECT coalesce(max(i), 0) FROM pg_temp.sa_carry_out WHERE tbl = $1", planned, number).Scan(&last); err != nil || last <= seen {
		return keys{}, false, err
	}
	f.seen[c.Name()] = last
	return keys{sql: fmt.Sprintf("(SELECT %s FROM pg_temp.sa_carry_out WHERE tbl = %d AND i > %d AND i <= %d) AS u", fields(c), number, seen, last)}, true, nil
}

func (f *filed) refer(ctx context.Context, c *tenancy.TableClass, sql string, args []any, follow func() error) error {
	n, err := f.find(ctx, f.p.to, c, sql, args)
	if err != nil {
		return err
	}
	if n > 0 {
		if err := follow(); err != nil {
			return err
		}
	}
	_, err = f.p.to.Exec(ctx, fmt.Sprintf("INSERT INTO pg_temp.sa_carry_out (n, tbl, id) SELECT s.n, s.tbl, s.id FROM (%s) AS x (key) JOIN pg_temp.sa_carry_said s ON s.id = ARRAY['%d'] || x.key WHERE s.to_there AND s.to_ours ON CONFLICT DO NOTHING", sql, f.number(c)), args...)
	return err
}

func (f *filed) settle(ctx context.Context) error {
	const gone = "EXISTS (SELECT FROM pg_temp.sa_carry_out o WHERE o.n = s.n)"
	_, err := f.p.to.Exec(ctx, "UPDATE pg_temp.sa_carry_said s SET remove = "+gone+", place = from_there AND (from_ours OR shared) AND ("+gone+" OR NOT to_there AND NOT shared)")
	return err
}
