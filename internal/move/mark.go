package move

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
)

//go:embed sql/standbys.sql
var standbysSQL string

// mark makes what was brought to a side outlive a crash and a failover of its
// server. The copy does not wait for the disk; the marker does, and what is
// written before it is on the disk, and on any standby, before it is there. A
// server that later does not know the marker has lost rows with it: marked
// says so before the pointer moves. Standbys that applications read from are
// waited for, else they would serve the tenant without its rows.
func (r *run) mark(ctx context.Context, s *side) error {
	marker := uuid.Must(uuid.NewV7()).String()
	if err := r.sideWrite(ctx, s, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM shard_admin_move.owned WHERE move_id = $1 AND kind = 'marker'`, r.m.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) VALUES ($1, '', $2, 'marker')`, r.m.ID, marker)
		return err
	}); err != nil {
		return err
	}
	r.marker = marker
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	var lsn string
	if err := pool.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn()::text`).Scan(&lsn); err != nil {
		return conn.Fault(err, s.name)
	}
	limit := r.e.deps.Patience / 2
	deadline := time.Now().Add(limit)
	for said := false; ; {
		rows, err := pool.Query(ctx, standbysSQL, lsn)
		if err != nil {
			return conn.Fault(err, s.name)
		}
		behind, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return conn.Fault(err, s.name)
		}
		if len(behind) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fault.Newf(fault.StandbyBehind, "wait until they have caught up, or take them out of service; then "+fault.Change("move resume "+r.m.ID+" --wait"),
				"%s: standbys have not replayed the tenant's rows within %s: %s", s.name, figure.Span(limit), strings.Join(behind, "; "))
		}
		if !said {
			said = true
			r.say(ctx, "%s: waiting for %s to replay the rows", s.name, strings.Join(behind, "; "))
		}
		// A standby tells how far it has replayed when it next receives something.
		if _, err := pool.Exec(ctx, `SELECT pg_logical_emit_message(true, 'shard_admin', '')`); err != nil {
			return conn.Fault(err, s.name)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// marked fails when a side's server does not hold the marker of this run.
func (r *run) marked(ctx context.Context, s *side) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM shard_admin_move.owned WHERE move_id = $1 AND kind = 'marker' AND key = $2)`, r.m.ID, r.marker).Scan(&there); err != nil {
		return conn.Fault(err, s.name)
	}
	if !there {
		return fault.Newf(fault.VerifyDifferent, "find out what happened to that server, then "+fault.Change("move resume "+r.m.ID+" --wait")+" copies anew",
			"%s: the server has lost what was written to it; it was restored, or failed over to a standby that lagged", s.name)
	}
	return nil
}
