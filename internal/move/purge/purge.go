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
	"shardadmin/internal/structure"
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
}

// Row names a row by the text of its key.
type Row struct{ Table, Key string }

func (j Job) write(ctx context.Context, f func(pgx.Tx) error) error {
	return j.Shard.Write(ctx, j.Move, j.Epoch, f)
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
	return j.list(ctx, func(c *tenancy.TableClass) string { return j.owned(c) })
}

// list files keys under the kind purge in one transaction.
func (j Job) list(ctx context.Context, where func(c *tenancy.TableClass) string) error {
	return j.write(ctx, func(tx pgx.Tx) error {
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
	err := j.list(ctx, func(c *tenancy.TableClass) string {
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
		if err := j.write(ctx, func(tx pgx.Tx) error {
			var pointed bool
			if _, err := tx.Exec(ctx, "SELECT FROM "+c.Table.Own()+" t WHERE "+rowcopy.KeyText(c, "t")+" = $1 FOR UPDATE", r.Key); err != nil {
				return err
			}
			for _, p := range j.pointers(c, nil) {
				if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.from+" f JOIN "+c.Table.Own()+" t ON "+p.on+" WHERE "+rowcopy.KeyText(c, "t")+" = $1)", r.Key).Scan(&pointed); err != nil {
					return err
				}
				if pointed {
					return nil
				}
			}
			_, err := tx.Exec(ctx, "DELETE FROM "+c.Table.Own()+" t WHERE "+rowcopy.KeyText(c, "t")+" = $1 AND NOT EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id <> $2 AND o.tbl = $3 AND o.key = $1)", r.Key, j.Move, c.Name())
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
	var total int64
	first := true
	for _, group := range slices.Backward(j.Map.Groups(j.Tables)) {
		for {
			n, err := j.batch(ctx, group)
			if err != nil {
				return total, err
			}
			total += n
			if n == 0 {
				break
			}
			if j.AfterBatch != nil {
				j.AfterBatch(first)
			}
			first = false
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

// pointers are the references to a table, but for those from the group.
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
		if t.Partition || inGroup(name) {
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

// batch deletes some rows of a table, or all of several that hang together. What
// these are only the list says: there may be any number of them.
func (j Job) batch(ctx context.Context, group []*tenancy.TableClass) (int64, error) {
	alone := len(group) == 1 && !slices.ContainsFunc(group[0].Table.ForeignKeys, func(f structure.ForeignKey) bool { return f.RefTable == group[0].Name() })
	var deleted int64
	err := j.write(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'"); err != nil {
			return err
		}
		parts, sum, done := []string{}, []string{}, []string{}
		args := []any{}
		for i, c := range group {
			listed := "FROM shard_admin_move.owned WHERE move_id = " + tenancy.Quote(j.Move) + " AND kind = 'purge' AND tbl = " + tenancy.Quote(c.Name())
			match := j.match(c, "IN (SELECT key%s "+listed+")")
			if alone {
				rows, err := tx.Query(ctx, fmt.Sprintf("SELECT key "+listed+" ORDER BY key LIMIT %d", j.Batch))
				if err != nil {
					return err
				}
				keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					return err
				}
				if len(keys) == 0 {
					continue
				}
				match, args = j.match(c, "= ANY ($1::text[]%s)"), []any{keys}
				listed += " AND key = ANY ($1::text[])"
			} else {
				var some bool
				if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT "+listed+")").Scan(&some); err != nil {
					return err
				}
				if !some {
					continue
				}
			}
			// The lock keeps new references out until the rows are gone.
			if _, err := tx.Exec(ctx, "SELECT FROM "+c.Table.Own()+" t WHERE "+match+" FOR UPDATE", args...); err != nil {
				return err
			}
			for _, p := range j.pointers(c, group) {
				var from *string
				if err := tx.QueryRow(ctx, "SELECT min("+rowcopy.KeyText(c, "t")+") FROM "+c.Table.Own()+" t JOIN "+p.from+" f ON "+p.on+" WHERE "+match+" AND "+p.unlisted, args...).Scan(&from); err != nil {
					return err
				}
				if from != nil {
					return fault.Newf(fault.PurgeUnlisted, "decide what becomes of that row, then "+fault.Change("move resume "+j.Move+" --wait"),
						"%s: a row of %s that the move did not list points at row %s of %s; it was not deleted", j.Shard.DB().Name(), p.name, *from, c.Name())
				}
			}
			parts = append(parts, fmt.Sprintf("d%d AS (DELETE FROM %s t WHERE %s RETURNING 1)", i, c.Table.Own(), match))
			sum = append(sum, fmt.Sprintf("(SELECT count(*) FROM d%d)", i))
			done = append(done, "DELETE "+listed)
		}
		if len(parts) == 0 {
			return nil
		}
		var gone int64
		if err := tx.QueryRow(ctx, "WITH "+strings.Join(parts, ", ")+" SELECT "+strings.Join(sum, " + "), args...).Scan(&gone); err != nil {
			return err
		}
		for _, sql := range done {
			tag, err := tx.Exec(ctx, sql, args...)
			if err != nil {
				return err
			}
			deleted += tag.RowsAffected()
		}
		return nil
	})
	return deleted, err
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
