package history

import (
	"context"
	"database/sql"
	"time"
)

// tier is how finely values are kept and for how long.
type tier struct {
	// step is the length of a bucket; 0 is the values as they came.
	step time.Duration
	keep time.Duration
}

// late is how long after its end a bucket waits for values.
const late = time.Minute

const day = 24 * time.Hour

// tiers are what is kept, the finest first.
func tiers() []tier {
	return []tier{
		{0, 2 * day},
		{5 * time.Minute, 14 * day},
		{time.Hour, 90 * day},
		{day, 730 * day},
	}
}

// Roll makes the buckets that have ended and deletes what is kept no longer.
func (h *History) Roll(ctx context.Context) error {
	now := h.now()
	return h.write(ctx, func(tx *sql.Tx) error {
		list := tiers()
		for i, t := range list {
			if t.step > 0 {
				if err := roll(ctx, tx, list[i-1], t, now); err != nil {
					return err
				}
			}
		}
		for _, t := range list {
			sql, args := `DELETE FROM sample_raw WHERE at < ?`, []any{now.Add(-t.keep).UnixMilli()}
			if t.step > 0 {
				sql, args = `DELETE FROM sample_bucket WHERE step = ? AND at < ?`, []any{t.step.Milliseconds(), now.Add(-t.keep).UnixMilli()}
			}
			if _, err := tx.ExecContext(ctx, sql, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// roll makes the buckets of a tier from the one below.
func roll(ctx context.Context, tx *sql.Tx, from, to tier, now time.Time) error {
	step := to.step.Milliseconds()
	end := now.Add(-late).UnixMilli() / step * step
	begin, err := rolled(ctx, tx, to)
	if err != nil || begin >= end {
		return err
	}
	if from.step > 0 {
		// No further than the tier below has come.
		below, err := rolled(ctx, tx, from)
		if err != nil {
			return err
		}
		if end = min(end, below/step*step); begin >= end {
			return nil
		}
	}
	if from.step == 0 {
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO sample_bucket (step, series, at, n, least, most, total)
			SELECT ?1, series, at / ?1 * ?1, count(*), min(value), max(value), sum(value) FROM sample_raw WHERE at >= ?2 AND at < ?3 GROUP BY series, at / ?1`, step, begin, end)
	} else {
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO sample_bucket (step, series, at, n, least, most, total)
			SELECT ?1, series, at / ?1 * ?1, sum(n), min(least), max(most), sum(total) FROM sample_bucket WHERE step = ?4 AND at >= ?2 AND at < ?3 GROUP BY series, at / ?1`, step, begin, end, from.step.Milliseconds())
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sample_rolled (step, until) VALUES (?, ?) ON CONFLICT (step) DO UPDATE SET until = excluded.until`, step, end)
	return err
}

// querier is a transaction or the store itself.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// rolled is up to when the buckets of a tier are made, in milliseconds.
func rolled(ctx context.Context, q querier, t tier) (int64, error) {
	var until int64
	err := q.QueryRowContext(ctx, `SELECT coalesce(max(until), 0) FROM sample_rolled WHERE step = ?`, t.step.Milliseconds()).Scan(&until)
	return until, err
}
