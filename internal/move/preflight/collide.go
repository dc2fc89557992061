package preflight

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/rowcopy"
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
	total := 0
	var found ask
	for _, u := range list {
		c := w.m.Table(u.Table)
		if c == nil || !(c.Kind.Moves() || (c.Kind == tenancy.Root && !w.TargetIsControl && !u.Primary)) {
			continue
		}
		if c.TenantColumn != "" && c.Kind != tenancy.Root && contains(u.Expressions, pgx.Identifier{c.TenantColumn}.Sanitize(), c.TenantColumn) && c.Table.Column(c.TenantColumn).NotNull {
			continue // the value holds the tenant
		}
		n, err := w.collide(ctx, c, u, &found)
		if err != nil {
			return err
		}
		total += n
	}
	if total > 0 {
		c := w.p.check("collisions", Blocker, "this version cannot give rows new ids; choose a shard where they do not collide", fmt.Sprintf("%s would collide with rows that are on %s already", figure.Count(int64(total), "row"), w.Target.Name()))
		overlap, err := w.overlapping(ctx, &found)
		if err != nil {
			return err
		}
		if len(overlap) > 0 {
			c.Fix += "; so that new ids collide no more: shard-admin fleet stripe-sequences --plan"
			c.Evidence = "the sequences of both shards hand out the same ids: " + some(overlap)
		}
	} else {
		w.p.check("collisions", OK, "", "no key and no unique value is taken on "+w.Target.Name())
	}
	w.p.Decisions = append(w.p.Decisions, unique(found.sorted())...)
	return nil
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
// from the source as text and are looked up on the target by their type.
func (w *planner) collide(ctx context.Context, c *tenancy.TableClass, u uniqueIndex, found *ask) (int, error) {
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
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	rows, err := w.src.Query(ctx, "SELECT ARRAY["+strings.Join(values, ", ")+"], "+rowcopy.KeyText(c, "t")+" FROM "+c.Table.Own()+" t WHERE "+where+" AND "+strings.Join(some, " AND "))
	if err != nil {
		return 0, conn.Fault(err, w.Source.Name())
	}
	defer rows.Close()
	total := 0
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
		hits, err := w.dst.Query(ctx, sql, args...)
		if err != nil {
			return conn.Fault(err, w.Target.Name())
		}
		var mine, theirs string
		_, err = pgx.ForEachRow(hits, []any{&mine, &theirs}, func() error {
			if mayBeThere && mine == theirs {
				equal, err := w.equal(ctx, c, mine)
				if err != nil || equal {
					return err
				}
			}
			total++
			if total <= atMost {
				kind := "collision_unique"
				if u.Primary {
					kind = "collision_key"
				}
				found.add(Decision{Table: c.Name(), Key: mine, Case: kind, Choices: []Choice{Refuse}, Choice: "", Detail: fmt.Sprintf("row %s of %s has the same %s", theirs, w.Target.Name(), strings.Join(u.Expressions, ", "))})
			}
			return nil
		})
		batch, keys = make([][]string, len(u.Expressions)), keys[:0]
		return conn.Fault(err, w.Target.Name())
	}
	for rows.Next() {
		var v []string
		var k string
		if err := rows.Scan(&v, &k); err != nil {
			return 0, conn.Fault(err, w.Source.Name())
		}
		for i := range v {
			batch[i] = append(batch[i], v[i])
		}
		keys = append(keys, k)
		if len(keys) == 5000 {
			if err := flush(); err != nil {
				return 0, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return 0, conn.Fault(err, w.Source.Name())
	}
	return total, flush()
}

// equal reports whether a row is the same on both sides.
func (w *planner) equal(ctx context.Context, c *tenancy.TableClass, key string) (bool, error) {
	cols := make([]string, 0, len(c.Table.Columns))
	for _, name := range c.Table.Copyable() {
		cols = append(cols, "t."+pgx.Identifier{name}.Sanitize()+"::text")
	}
	sql := "SELECT ARRAY[" + strings.Join(cols, ", ") + "]::text FROM " + c.Table.Own() + " t WHERE " + rowcopy.KeyText(c, "t") + " = $1"
	var a, b string
	if err := w.src.QueryRow(ctx, sql, key).Scan(&a); err != nil {
		return false, conn.Fault(err, w.Source.Name())
	}
	if err := w.dst.QueryRow(ctx, sql, key).Scan(&b); err != nil {
		return false, conn.Fault(err, w.Target.Name())
	}
	return a == b, nil
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
			a, err := counts(ctx, w.src, here.Sequence)
			if err != nil {
				return nil, conn.Fault(err, w.Source.Name())
			}
			b, err := counts(ctx, w.dst, there.Sequence)
			if err != nil {
				return nil, conn.Fault(err, w.Target.Name())
			}
			if a.increment != b.increment || (a.last-b.last)%a.increment == 0 {
				out = append(out, d.Table+"."+name)
			}
		}
	}
	return out, nil
}

// counting is how a sequence counts.
type counting struct{ increment, last int64 }

func counts(ctx context.Context, q *pgxpool.Pool, sequence string) (counting, error) {
	var c counting
	err := q.QueryRow(ctx, "SELECT s.seqincrement, q.last_value FROM pg_catalog.pg_sequence s, "+sequence+" q WHERE s.seqrelid = $1::regclass", sequence).Scan(&c.increment, &c.last)
	return c, err
}
