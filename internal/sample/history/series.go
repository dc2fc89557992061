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
	t, length := h.choose(from, to, most)
	out := Series{Step: length, Points: []Point{}}
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
	if length == 0 {
		out.Points, err = values(ctx, tx, series, begin, end)
		return out, broken(err)
	}
	// What is not rolled up to the tier is taken from those below.
	step := length.Milliseconds()
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

// often is the shortest interval at which anything is measured.
const often = 10 * time.Second

// choose takes the coarsest tier that still has the begin of the period and makes at
// least a quarter of the points, else the finest that has it; and how long a bucket is:
// several of the tier's together where there would be too many points, 0 for the values
// as they came.
func (h *History) choose(from, to time.Time, most int) (t tier, length time.Duration) {
	most = max(1, most)
	list := tiers()
	t = list[len(list)-1]
	for _, one := range slices.Backward(list) {
		if from.Before(h.now().Add(-one.keep)) {
			break // and finer ones are kept for a shorter time
		}
		t = one
		if int64(to.Sub(from)/max(one.step, often)) >= int64(most/4) {
			break
		}
	}
	step := max(t.step, often)
	if n := int64((to.Sub(from) + step - 1) / step); n > int64(most) {
		return t, step * time.Duration((n+int64(most)-1)/int64(most))
	}
	return t, t.step
}

// First returns when the oldest value of a shard was measured that is kept, or of
// a bucket of it the begin; nil where none is.
func (h *History) First(ctx context.Context, fleet, shard string) (*time.Time, error) {
	var at sql.NullInt64
	err := h.db.QueryRowContext(ctx, `SELECT min(least) FROM (
		SELECT (SELECT min(at) FROM sample_raw r WHERE r.series = s.id) AS least FROM sample_series s WHERE s.fleet = ?1 AND s.shard = ?2
		UNION ALL
		SELECT (SELECT min(at) FROM sample_bucket b WHERE b.series = s.id AND b.step = x.step) FROM sample_series s, sample_rolled x WHERE s.fleet = ?1 AND s.shard = ?2)`, fleet, shard).Scan(&at)
	if err != nil || !at.Valid {
		return nil, broken(err)
	}
	first := time.UnixMilli(at.Int64).UTC()
	return &first, nil
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
