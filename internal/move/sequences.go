package move

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
)

// raiseSequences lifts every sequence that fills a column of a moved table
// above the highest moved value, to the next value of the shard's own stripe,
// and never lowers one. ALTER SEQUENCE takes the lock that keeps nextval out
// while the value is read and set. only names the tables that got rows; nil is
// all of them.
func (r *run) raiseSequences(ctx context.Context, s *side, only map[string]bool) error {
	for _, class := range r.copied() {
		if only != nil && !only[class.Name()] {
			continue
		}
		for _, col := range class.Table.Columns {
			if col.Sequence == "" {
				continue
			}
			if err := r.raise(ctx, s, class.Table.Quoted(), pgx.Identifier{col.Name}.Sanitize(), col.Sequence, class.Table.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// raise lifts one sequence; sequence is its quoted, qualified name.
func (r *run) raise(ctx context.Context, s *side, table, column, sequence, name string) error {
	var highest *int64
	// No index has the highest of one tenant: all that it has of the table is read.
	if err := s.db.Read(ctx, 0, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT max("+column+")::bigint FROM "+table+" t WHERE "+r.tm.Owned(name, r.tm.Literal(r.m.Tenant))).Scan(&highest)
	}); err != nil {
		return conn.Fault(err, s.name)
	}
	if highest == nil {
		return nil
	}
	err := r.sideWrite(ctx, s, func(tx pgx.Tx) error {
		var last, increment, cache int64
		var called bool
		if err := tx.QueryRow(ctx, `SELECT seqincrement, seqcache FROM pg_sequence WHERE seqrelid = $1::regclass`, sequence).Scan(&increment, &cache); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT last_value, is_called FROM "+sequence).Scan(&last, &called); err != nil {
			return err
		}
		if increment <= 0 || last > *highest || (last == *highest && called) {
			return nil
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s CACHE %d", sequence, cache)); err != nil {
			return err
		}
		// Somebody may have striped it meanwhile.
		if err := tx.QueryRow(ctx, `SELECT s.seqincrement, q.last_value, q.is_called FROM pg_sequence s, `+sequence+` q WHERE s.seqrelid = $1::regclass`, sequence).Scan(&increment, &last, &called); err != nil {
			return err
		}
		next := nextOnStripe(last, increment, *highest)
		if last > *highest || (last == *highest && called) {
			return nil
		}
		_, err := tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %d", sequence, next))
		return err
	})
	return conn.Fault(err, s.name)
}

// nextOnStripe returns the smallest value above floor that the sequence would
// reach from last in steps of increment.
func nextOnStripe(last, increment, floor int64) int64 {
	if last > floor {
		return last
	}
	return last + ((floor-last)/increment+1)*increment
}

func (r *run) sideWrite(ctx context.Context, s *side, f func(pgx.Tx) error) error {
	return s.fence.Write(ctx, r.m.ID, r.lease.Epoch, f)
}
