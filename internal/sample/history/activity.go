package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// keepActivity is how long looks at the activity of tables are kept.
const keepActivity = 25 * time.Hour

// Activity is what the tables of a shard had read and written at one time. Two looks of
// one epoch make a rate; with another the statistics began anew.
type Activity struct {
	Shard  string
	At     time.Time
	Epoch  string
	Counts map[string]float64
}

// AddActivity keeps looks by who holds the lease, and deletes those that are kept no
// longer. Errors: lease_lost.
func (l *Lease) AddActivity(ctx context.Context, looks []Activity) error {
	return l.h.write(ctx, func(tx *sql.Tx) error {
		if err := l.held(ctx, tx); err != nil {
			return err
		}
		return addActivity(ctx, tx, l.fleet, l.h.now(), looks)
	})
}

// AddActivity is Lease.AddActivity, whoever holds the lease.
func (h *History) AddActivity(ctx context.Context, fleet string, looks []Activity) error {
	return h.write(ctx, func(tx *sql.Tx) error { return addActivity(ctx, tx, fleet, h.now(), looks) })
}

func addActivity(ctx context.Context, tx *sql.Tx, fleet string, now time.Time, looks []Activity) error {
	for _, x := range looks {
		counts, err := json.Marshal(x.Counts)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO activity_look (fleet, shard, at, epoch, counts) VALUES (?, ?, ?, ?, ?)`, fleet, x.Shard, x.At.UnixMilli(), x.Epoch, string(counts)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM activity_look WHERE fleet = ? AND at < ?`, fleet, now.Add(-keepActivity).UnixMilli())
	return err
}

// Activity returns the oldest look at a shard since a time that is of an epoch; nil where
// none is kept.
func (h *History) Activity(ctx context.Context, fleet, shard, epoch string, since time.Time) (*Activity, error) {
	rows, err := h.db.QueryContext(ctx, `SELECT at, counts FROM activity_look WHERE fleet = ? AND shard = ? AND epoch = ? AND at >= ? ORDER BY at LIMIT 1`, fleet, shard, epoch, since.UnixMilli())
	if err != nil {
		return nil, broken(err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, broken(rows.Err())
	}
	var at int64
	var counts string
	if err := rows.Scan(&at, &counts); err != nil {
		return nil, broken(err)
	}
	out := Activity{Shard: shard, At: time.UnixMilli(at).UTC(), Epoch: epoch}
	return &out, broken(json.Unmarshal([]byte(counts), &out.Counts))
}
