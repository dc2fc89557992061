package rowcopy

import (
	"context"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/tenancy"
)

// Shared copies rows of others that the plan lists, parents first: a row that
// the target has stays and has to be the same.
func Shared(ctx context.Context, j Job, c *tenancy.TableClass, keys []string) error {
	return j.selected(ctx, c, KeyText(c, "t")+" = ANY (ARRAY["+literals(keys)+"]::text[])", "shared")
}

// Fresh copies rows that belong to nobody yet. It returns how many came.
func Fresh(ctx context.Context, j Job, c *tenancy.TableClass, where string) (int64, error) {
	var before, after int64
	count := func(n *int64) error {
		return conn.Fault(j.Target.Read(ctx, 0, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM shard_admin_move.owned WHERE move_id = $1 AND kind = 'fresh'", j.Move).Scan(n)
		}), j.Target.Name())
	}
	if err := count(&before); err != nil {
		return 0, err
	}
	if err := j.selected(ctx, c, where, "fresh"); err != nil {
		return 0, err
	}
	err := count(&after)
	return after - before, err
}

// selected copies the rows of a condition through a staging table.
func (j Job) selected(ctx context.Context, c *tenancy.TableClass, where, kind string) error {
	if j.Progress == nil {
		j.Progress = func(string, int64, int64, bool) {}
	}
	w, err := open(ctx, j)
	if err != nil {
		return err
	}
	defer w.close()
	err = pgx.BeginTxFunc(ctx, w.dst, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := fence.Begin(ctx, tx, j.Move, j.Epoch); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TEMP TABLE sa_stage ON COMMIT DROP AS SELECT "+Columns(c, "")+" FROM "+c.Table.Own()+" WHERE false"); err != nil {
			return err
		}
		quiet := *w
		quiet.meter = newMeter(func(string, int64, int64, bool) {}, nil)
		out, in, err := quiet.pipe(ctx, c, "SELECT "+Columns(c, "t.")+" FROM "+c.Table.Own()+" t WHERE "+where, "pg_temp.sa_stage")
		if err != nil {
			return err
		}
		if out != in {
			return fault.Newf(fault.VerifyDifferent, "look for triggers or rules on the target's table", "%s: %d rows left the source and %d arrived", c.Name(), out, in)
		}
		if kind == "fresh" && j.Lens != nil {
			// It belongs to nobody, so that nobody has said what becomes of it.
			if _, err := tx.Exec(ctx, "DELETE FROM pg_temp.sa_stage s WHERE EXISTS (SELECT FROM "+c.Table.Own()+" t WHERE "+KeyText(c, "t")+" = "+KeyText(c, "s")+")"); err != nil {
				return err
			}
		}
		_, err = InsertListed(ctx, tx, c, "pg_temp.sa_stage", j.Move, kind)
		return err
	})
	if err != nil {
		return w.fault(err, c)
	}
	return nil
}

func literals(keys []string) string {
	out := ""
	for i, k := range keys {
		if i > 0 {
			out += ", "
		}
		out += tenancy.Quote(k)
	}
	return out
}
