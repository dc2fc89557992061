package history

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// Point is what was measured in a bucket.
type Point struct {
	// At is the begin of the bucket, or the time of the value.
	At             time.Time
	Min, Mean, Max float64
	// N is how many values the point stands for.
	N int
}

// Series is a course over time.
type Series struct {
	// Step is the length of a bucket; 0 when the values are as they came.
	Step   time.Duration
	Points []Point
}

// Range returns the course of one value from a time until before another, in at
// most about most points; buckets without a value are left out.
func (h *History) Range(ctx context.Context, fleet, shard, name string, from, to time.Time, most int) (Series, error) {
	t := h.choose(from, to, most)
	out := Series{Step: t.step, Points: []Point{}}
	tx, err := h.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return out, broken(err)
	}
	defer func() { _ = tx.Rollback() }()
	var series int64
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM sample_series WHERE fleet = ? AND shard = ? AND name = ?`, fleet, shard, name).Scan(&series)
	if err != nil || series == 0 {
		return out, broken(err)
	}
	begin, end := from.UnixMilli(), to.UnixMilli()
	if t.step == 0 {
		out.Points, err = values(ctx, tx, series, begin, end)
		return out, broken(err)
	}
	// What is not rolled up to the tier is taken from those below.
	step := t.step.Milliseconds()
	begin = begin / step * step
	list := tiers()
	at := slices.Index(list, t)
	sums := map[int64]*sum{}
	for ; at >= 0 && begin < end; at-- {
		until := end
		if list[at].step > 0 {
			r, err := rolled(ctx, tx, list[at])
			if err != nil {
				return out, broken(err)
			}
			if until = min(end, r); until <= begin {
				continue
			}
		}
		if err := gather(ctx, tx, series, list[at], begin, until, step, sums); err != nil {
			return out, broken(err)
		}
		begin = until
	}
	for at, s := range sums {
		out.Points = append(out.Points, Point{At: time.UnixMilli(at).UTC(), Min: s.least, Mean: s.total / float64(s.n), Max: s.most, N: s.n})
	}
	slices.SortFunc(out.Points, func(a, b Point) int { return a.At.Compare(b.At) })
	return out, nil
}

// choose takes the finest tier that still has the begin of the period and not too
// many points; the coarsest when none does.
func (h *History) choose(from, to time.Time, most int) tier {
	list := tiers()
	for i, t := range list {
		if i == len(list)-1 {
			return t
		}
		step := t.step
		if step == 0 {
			step = 10 * time.Second // the shortest interval at which anything is measured
		}
		if !from.Before(h.now().Add(-t.keep)) && to.Sub(from) <= time.Duration(most)*step {
			return t
		}
	}
	return list[len(list)-1]
}

// sum is a bucket that is being made.
type sum struct {
	n                  int
	least, most, total float64
}

func (s *sum) add(n int, least, most, total float64) {
	if s.n == 0 {
		s.least, s.most = least, most
	}
	s.n, s.least, s.most, s.total = s.n+n, min(s.least, least), max(s.most, most), s.total+total
}

func values(ctx context.Context, q querier, series, begin, end int64) ([]Point, error) {
	out := []Point{}
	rows, err := q.QueryContext(ctx, `SELECT at, value FROM sample_raw WHERE series = ? AND at >= ? AND at < ? ORDER BY at`, series, begin, end)
	if err != nil {
		return out, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var at int64
		var v float64
		if err := rows.Scan(&at, &v); err != nil {
			return out, err
		}
		out = append(out, Point{At: time.UnixMilli(at).UTC(), Min: v, Mean: v, Max: v, N: 1})
	}
	return out, rows.Err()
}

// gather adds what a tier has of a period to buckets of a step.
func gather(ctx context.Context, q querier, series int64, t tier, begin, end, step int64, sums map[int64]*sum) error {
	text, args := `SELECT at, 1, value, value, value FROM sample_raw WHERE series = ? AND at >= ? AND at < ?`, []any{series, begin, end}
	if t.step > 0 {
		text, args = `SELECT at, n, least, most, total FROM sample_bucket WHERE series = ? AND at >= ? AND at < ? AND step = ?`, []any{series, begin, end, t.step.Milliseconds()}
	}
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var at int64
		var n int
		var least, most, total float64
		if err := rows.Scan(&at, &n, &least, &most, &total); err != nil {
			return err
		}
		key := at / step * step
		if sums[key] == nil {
			sums[key] = &sum{}
		}
		sums[key].add(n, least, most, total)
	}
	return rows.Err()
}
