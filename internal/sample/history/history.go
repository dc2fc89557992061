package history

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// Value is one thing that was measured.
type Value struct {
	Shard string
	// Name says what, and in which unit, such as "size_bytes".
	Name  string
	Value float64
}

// History reads and writes the samples of every fleet.
type History struct {
	db  *sql.DB
	now func() time.Time
}

// New returns the history that a store holds; now tells the time.
func New(s *store.Store, now func() time.Time) *History { return &History{db: s.DB(), now: now} }

func broken(err error) error {
	if err == nil || fault.As(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrap(err, fault.Internal, "the samples in the local store cannot be read or written", "make room on the disk, or move the file away: it is made again")
}

// Add keeps values of a fleet that were measured at one time, whoever holds its lease:
// what is measured over and over goes through Lease.Add. A value that is not a number
// is left out: what is not known is not kept.
func (h *History) Add(ctx context.Context, fleet string, at time.Time, values []Value) error {
	return h.write(ctx, func(tx *sql.Tx) error { return add(ctx, tx, fleet, at, values) })
}

func add(ctx context.Context, tx *sql.Tx, fleet string, at time.Time, values []Value) error {
	for _, v := range values {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sample_series (fleet, shard, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, fleet, v.Shard, v.Name); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sample_raw (series, at, value) SELECT id, ?, ? FROM sample_series WHERE fleet = ? AND shard = ? AND name = ?
			ON CONFLICT (series, at) DO UPDATE SET value = excluded.value`, at.UnixMilli(), v.Value, fleet, v.Shard, v.Name); err != nil {
			return err
		}
	}
	return nil
}

// Forget deletes the samples of a fleet: it was removed from this computer.
func (h *History) Forget(ctx context.Context, fleet string) error {
	return h.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM activity_look WHERE fleet = ?`, fleet); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM sample_series WHERE fleet = ?`, fleet)
		return err
	})
}

func (h *History) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return broken(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return broken(err)
	}
	return broken(tx.Commit())
}
