package alert

import (
	"context"
	"database/sql"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// Shown remembers, in the local store, which alerts were shown on this computer's
// desktop.
type Shown struct{ db *sql.DB }

// NewShown returns what a store remembers.
func NewShown(s *store.Store) *Shown { return &Shown{s.DB()} }

// Once reports whether the caller is the first to show what a key of a fleet names; all
// programs of the computer are asked together.
func (s *Shown) Once(ctx context.Context, fleet, key string) (bool, error) {
	fail := func(err error) (bool, error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, fault.Wrap(err, fault.Internal, "what was shown on the desktop cannot be noted in the local store", "make room on the disk")
	}
	// Asking before writing: most were shown long ago.
	var there bool
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM alert_shown WHERE fleet = ? AND key = ?)`, fleet, key).Scan(&there); err != nil {
		return fail(err)
	}
	if there {
		return false, nil
	}
	now := time.Now()
	if _, err := s.db.ExecContext(ctx, `DELETE FROM alert_shown WHERE at < ?`, now.Add(-keepAlerts).UnixMilli()); err != nil {
		return fail(err)
	}
	r, err := s.db.ExecContext(ctx, `INSERT INTO alert_shown (fleet, key, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, fleet, key, now.UnixMilli())
	if err != nil {
		return fail(err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return fail(err)
	}
	return n == 1, nil
}
