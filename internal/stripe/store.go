package stripe

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// stored is what control knows of the fleet's stripes.
type stored struct {
	stripes  int // 0: not chosen
	residues map[string]int
	// notes are the highest old ids, by shard and column.
	notes map[string]map[string]int64
	// above are the old ids above which a shard's column was raised.
	above map[string]map[string]int64
}

func (d Deps) sql(text string) string {
	return strings.ReplaceAll(text, "{{schema}}", pgx.Identifier{d.Schema}.Sanitize())
}

// load reads what is stored; nothing where the schema is missing or older.
func (d Deps) load(ctx context.Context) (stored, error) {
	out := stored{residues: map[string]int{}, notes: map[string]map[string]int64{}, above: map[string]map[string]int64{}}
	pool, err := d.Set.Control().Pool(ctx)
	if err != nil {
		return out, err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'stripe_column')`, d.Schema).Scan(&there); err != nil || !there {
		return out, conn.Fault(err, fleet.ControlName)
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, d.sql(`SELECT coalesce(max(stripes), 0) FROM {{schema}}.stripe_count`)).Scan(&out.stripes); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, d.sql(`SELECT shard, residue FROM {{schema}}.stripe`))
		if err != nil {
			return err
		}
		var shard, name string
		var residue int
		if _, err := pgx.ForEachRow(rows, []any{&shard, &residue}, func() error { out.residues[shard] = residue; return nil }); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, d.sql(`SELECT shard, name, highest, above FROM {{schema}}.stripe_column`)); err != nil {
			return err
		}
		var highest int64
		var above *int64
		_, err = pgx.ForEachRow(rows, []any{&shard, &name, &highest, &above}, func() error {
			if out.notes[shard] == nil {
				out.notes[shard], out.above[shard] = map[string]int64{}, map[string]int64{}
			}
			out.notes[shard][name] = highest
			if above != nil {
				out.above[shard][name] = *above
			}
			return nil
		})
		return err
	})
	return out, conn.Fault(err, fleet.ControlName)
}

// inControl runs f in a transaction that only the owner of the lease can commit.
func (w *work) inControl(ctx context.Context, f func(tx pgx.Tx) error) error {
	pool, err := w.Set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := w.lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	}), fleet.ControlName)
}

// give stores the number of stripes and the residues that are new.
func (w *work) give(ctx context.Context) error {
	return w.inControl(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, w.sql(`INSERT INTO {{schema}}.stripe_count (stripes, chosen_by) VALUES ($1, $2) ON CONFLICT (one) DO NOTHING`), w.plan.Stripes, w.permit.Operator()); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(ctx, w.sql(`SELECT stripes FROM {{schema}}.stripe_count`)).Scan(&n); err != nil {
			return err
		}
		if n != w.plan.Stripes {
			return fault.Newf(fault.StripesFixed, "plan again", "the fleet has %d stripes, not %d", n, w.plan.Stripes)
		}
		for _, s := range w.plan.Shards {
			if !s.counts() || s.Given {
				continue
			}
			if _, err := tx.Exec(ctx, w.sql(`INSERT INTO {{schema}}.stripe (shard, stripes, residue, given_by) VALUES ($1, $2, $3, $4)`), s.Name, n, *s.Residue, w.permit.Operator()); err != nil {
				return err
			}
		}
		return nil
	})
}

// note stores the highest old ids of a shard's columns; what is noted is not
// lowered.
func (w *work) note(ctx context.Context, shard string, highest map[string]int64) error {
	if len(highest) == 0 {
		return nil
	}
	names, values := []string{}, []int64{}
	for n, v := range highest {
		names, values = append(names, n), append(values, v)
	}
	return w.inControl(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, w.sql(`INSERT INTO {{schema}}.stripe_column AS c (shard, name, highest)
			SELECT $1, n, v FROM unnest($2::text[], $3::bigint[]) AS x (n, v)
			ON CONFLICT (shard, name) DO UPDATE SET highest = greatest(c.highest, excluded.highest), noted_at = clock_timestamp()`), shard, names, values)
		return err
	})
}

// raised stores above which old ids of the fleet a shard's columns are.
func (w *work) raised(ctx context.Context, shard string, above map[string]int64) error {
	names, values := []string{}, []int64{}
	for n, v := range above {
		names, values = append(names, n), append(values, v)
	}
	return w.inControl(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, w.sql(`UPDATE {{schema}}.stripe_column c SET above = greatest(c.above, x.v), noted_at = clock_timestamp()
			FROM unnest($2::text[], $3::bigint[]) AS x (n, v) WHERE c.shard = $1 AND c.name = x.n AND (c.above IS NULL OR c.above < x.v)`), shard, names, values)
		return err
	})
}
