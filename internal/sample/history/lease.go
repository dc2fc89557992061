package history

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"shardadmin/internal/fault"
)

// LeaseTime is how long a lease is valid after it was taken or renewed.
const LeaseTime = 30 * time.Second

// Holder is the program that keeps the samples of a fleet.
type Holder struct {
	// Face is what it is: window, page, worker, api.
	Face string
	PID  int
	// Since is when it took the lease, Until when that ends unless it is renewed.
	Since, Until time.Time
}

// Lease is the right to keep the samples of a fleet.
type Lease struct {
	h            *History
	fleet, token string
}

// Acquire takes the lease of a fleet for a program. Where another one holds it there
// is none, and by is who holds it.
func (h *History) Acquire(ctx context.Context, fleet, face string, pid int) (lease *Lease, by *Holder, err error) {
	// Asking before writing: who waits for its turn takes no lock of the file.
	if by, err = h.Holder(ctx, fleet); err != nil || by != nil {
		return nil, by, err
	}
	l := &Lease{h, fleet, rand.Text()}
	err = h.write(ctx, func(tx *sql.Tx) error {
		if by, err = holder(ctx, tx, fleet, h.now()); err != nil || by != nil {
			return err
		}
		now := h.now()
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO sample_lease (fleet, token, face, pid, since, until) VALUES (?, ?, ?, ?, ?, ?)`,
			fleet, l.token, face, pid, now.UnixMilli(), now.Add(LeaseTime).UnixMilli())
		return err
	})
	if err != nil || by != nil {
		return nil, by, err
	}
	return l, nil, nil
}

// Holder returns who holds the lease of a fleet now; nil where nobody does.
func (h *History) Holder(ctx context.Context, fleet string) (*Holder, error) {
	by, err := holder(ctx, h.db, fleet, h.now())
	return by, broken(err)
}

func holder(ctx context.Context, q querier, fleet string, now time.Time) (*Holder, error) {
	var by Holder
	var since, until int64
	err := q.QueryRowContext(ctx, `SELECT face, pid, since, until FROM sample_lease WHERE fleet = ? AND until > ?`, fleet, now.UnixMilli()).Scan(&by.Face, &by.PID, &since, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	by.Since, by.Until = time.UnixMilli(since).UTC(), time.UnixMilli(until).UTC()
	return &by, err
}

func taken() error {
	return fault.New(fault.LeaseLost, "another program keeps the samples of the fleet on this computer now", "")
}

// Renew makes the lease valid for another LeaseTime. Errors: lease_lost.
func (l *Lease) Renew(ctx context.Context) error {
	return l.h.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE sample_lease SET until = ? WHERE fleet = ? AND token = ?`, l.h.now().Add(LeaseTime).UnixMilli(), l.fleet, l.token)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, taken())
		}
		return nil
	})
}

// Release gives the lease back; it is no error where another program has it already.
func (l *Lease) Release(ctx context.Context) error {
	return l.h.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sample_lease WHERE fleet = ? AND token = ?`, l.fleet, l.token)
		return err
	})
}

// Add is History.Add by who holds the lease: whether it still does is a matter of the
// same transaction, so that no value is there twice. Errors: lease_lost.
func (l *Lease) Add(ctx context.Context, at time.Time, values []Value) error {
	return l.h.write(ctx, func(tx *sql.Tx) error {
		if err := l.held(ctx, tx); err != nil {
			return err
		}
		return add(ctx, tx, l.fleet, at, values)
	})
}

// held refuses who has the lease no more.
func (l *Lease) held(ctx context.Context, tx *sql.Tx) error {
	var mine bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sample_lease WHERE fleet = ? AND token = ?)`, l.fleet, l.token).Scan(&mine); err != nil {
		return err
	}
	if !mine {
		return taken()
	}
	return nil
}
