package move

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/renumber"
)

// lens shows the source's rows as the target has them, and back the target's as
// the source has them; nil where the move replaces nothing.
func (r *run) lens(back bool) *renumber.Lens {
	return renumber.Through(r.tm, r.m.ID, r.plan.Values(), back)
}

// replace finds which values are taken on the target, under the fence, and puts
// the list where the copy looks values up. What an earlier try had found is
// thrown away: nothing of it is on the target any more.
func (r *run) replace(ctx context.Context) error {
	values := r.plan.Values()
	if len(values) == 0 {
		return nil
	}
	if err := r.list(ctx, nil, "source", true); err != nil {
		return err
	}
	n, err := r.find(ctx, values, false)
	if err != nil {
		return err
	}
	r.say(ctx, "values that are taken on %s are replaced: %s", r.m.Target, n)
	return nil
}

// replaceBack adds to the list, for a rollback, what the tenant wrote on the
// target and the source has given to somebody else. The target is closed.
func (r *run) replaceBack(ctx context.Context) error {
	values := r.plan.Values()
	if len(values) == 0 {
		return nil
	}
	n, err := r.find(ctx, values, true)
	if err != nil || n == "none" {
		return err
	}
	r.say(ctx, "values of rows that came since the switch are taken on %s and replaced: %s", r.m.Source, n)
	return nil
}

// find finds what is taken and stores it, and says how many of which columns.
func (r *run) find(ctx context.Context, values []renumber.Value, back bool) (string, error) {
	order, n := []string{}, map[string]int64{}
	job := renumber.Job{Source: r.src.db, Target: r.dst.db, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Values: values, Back: back}
	err := renumber.Find(ctx, job, func(ctx context.Context, list []renumber.Change) error {
		name := list[0].Table + "." + list[0].Column
		if n[name] == 0 {
			order = append(order, name)
		}
		n[name] += int64(len(list))
		return r.list(ctx, list, map[bool]string{false: "source", true: "target"}[back], false)
	})
	for _, s := range []*side{r.src, r.dst} {
		if err == nil && len(order) > 0 {
			err = renumber.Settle(ctx, s.fence, r.m.ID, r.lease.Epoch)
		}
	}
	out := make([]string, len(order))
	for i, name := range order {
		out[i] = name + " " + figure.Number(n[name])
	}
	if len(out) > 8 {
		out = append(out[:8], fmt.Sprintf("and %d more columns", len(out)-8))
	}
	if len(out) == 0 {
		return "none", err
	}
	return strings.Join(out, ", "), err
}

// list stores replacements in control, then on both shards; anew throws away what
// there is. A rollback that died between the two finds them again: they are not on
// the shards, and what control has of them is taken over.
func (r *run) list(ctx context.Context, list []renumber.Change, came string, anew bool) error {
	err := r.leased(ctx, func(tx pgx.Tx) error {
		// Under the fence, whose time bounds it.
		if err := conn.Allow(ctx, tx, 0); err != nil {
			return err
		}
		if anew {
			if _, err := tx.Exec(ctx, r.e.record.sql(`DELETE FROM {{schema}}.move_replaced WHERE move_id = $1`), r.m.ID); err != nil {
				return err
			}
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{r.e.deps.Schema, "move_replaced"}, []string{"move_id", "tbl", "col", "source", "target", "came"}, pgx.CopyFromSlice(len(list), func(i int) ([]any, error) {
			return []any{r.m.ID, list[i].Table, list[i].Column, list[i].Source, list[i].Target, came}, nil
		}))
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range []*side{r.src, r.dst} {
		if err := renumber.Place(ctx, s.fence, r.m.ID, r.lease.Epoch, list, anew); err != nil {
			return err
		}
	}
	return nil
}

// relist brings both shards' lists to what control has: a run that died while it
// added to them may have left them behind.
func (r *run) relist(ctx context.Context) error {
	if len(r.plan.Replacing) == 0 {
		return nil
	}
	anew := true
	some := []renumber.Change{}
	place := func() error {
		for _, s := range []*side{r.src, r.dst} {
			if err := renumber.Place(ctx, s.fence, r.m.ID, r.lease.Epoch, some, anew); err != nil {
				return err
			}
		}
		some, anew = some[:0], false
		return nil
	}
	return r.e.record.fault(r.e.deps.Set.Control().Read(ctx, 0, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, r.e.record.sql(`SELECT tbl, col, source, target FROM {{schema}}.move_replaced WHERE move_id = $1`), r.m.ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c renumber.Change
			if err := rows.Scan(&c.Table, &c.Column, &c.Source, &c.Target); err != nil {
				return err
			}
			if some = append(some, c); len(some) == 10_000 {
				if err := place(); err != nil {
					return err
				}
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return place()
	}))
}

// Replaced lists what the values of a move's rows were replaced by: of one table
// when it is given, at most limit when that is more than 0, and only those with
// value on either side when that is given.
func (e *Engine) Replaced(ctx context.Context, id, table string, limit int, value string) (*Move, []renumber.Change, error) {
	m, err := e.record.load(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	list, err := e.record.replaced(ctx, m, table, limit, value)
	return m, list, err
}

func (r *record) replaced(ctx context.Context, m *Move, table string, limit int, value string) ([]renumber.Change, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql(`SELECT tbl, col, source, target FROM {{schema}}.move_replaced
		WHERE move_id = $1 AND ($2 = '' OR tbl = $2) AND ($4 = '' OR source = $4 OR target = $4) ORDER BY tbl, col, length(source), source LIMIT nullif($3::int, 0)`), m.ID, table, limit, value)
	if err != nil {
		return nil, r.fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[renumber.Change])
	if list == nil {
		list = []renumber.Change{}
	}
	return list, r.fault(err)
}
