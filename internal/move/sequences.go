package move

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/structure"
)

// raiseSequences lifts every sequence that fills a column of a moved table
// above the highest moved value, to the next value of the shard's own stripe,
// and never lowers one. ALTER SEQUENCE takes the lock that keeps nextval out
// while the value is read and set. only names the tables that got rows; nil is
// all of them.
func (r *run) raiseSequences(ctx context.Context, s *side, only map[string]bool) error {
	highest := map[string]int64{}
	// No index has the highest of one tenant: all that it has of a table is read.
	if err := s.db.Read(ctx, 0, func(tx pgx.Tx) error {
		for _, class := range r.copied() {
			if only != nil && !only[class.Name()] {
				continue
			}
			for _, col := range class.Table.Columns {
				if col.Sequence == "" {
					continue
				}
				var is *int64
				if err := tx.QueryRow(ctx, "SELECT max("+pgx.Identifier{col.Name}.Sanitize()+")::bigint FROM "+class.Table.Quoted()+" t WHERE "+r.tm.Owned(class.Name(), r.tm.Literal(r.m.Tenant))).Scan(&is); err != nil {
					return err
				}
				if before, there := highest[col.Sequence]; is != nil && (!there || before < *is) {
					highest[col.Sequence] = *is
				}
			}
		}
		return nil
	}); err != nil {
		return conn.Fault(err, s.name)
	}
	for _, sequence := range slices.Sorted(maps.Keys(highest)) {
		if err := r.raise(ctx, s, sequence, highest[sequence]); err != nil {
			return err
		}
	}
	return nil
}

// raise lifts one sequence above a value; sequence is its quoted, qualified name.
func (r *run) raise(ctx context.Context, s *side, sequence string, highest int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	at, err := structure.ReadSequence(ctx, pool, sequence)
	if err != nil || !below(at, highest) {
		return conn.Fault(err, s.name)
	}
	err = r.sideWrite(ctx, s, func(tx pgx.Tx) error {
		var cache int64
		if err := tx.QueryRow(ctx, `SELECT seqcache FROM pg_sequence WHERE seqrelid = $1::regclass`, sequence).Scan(&cache); err != nil {
			return err
		}
		// It stays as it was; nobody draws from it or restarts it before this is over.
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s CACHE %d", sequence, cache)); err != nil {
			return err
		}
		// Somebody may have striped it meanwhile.
		at, err := structure.ReadSequence(ctx, tx, sequence)
		if err != nil || !below(at, highest) {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %d", sequence, nextOnStripe(at.Last, at.Increment, highest)))
		return err
	})
	return conn.Fault(err, s.name)
}

// below reports whether a sequence that counts up could draw a value that is not
// above floor.
func below(at structure.Sequence, floor int64) bool {
	return at.Increment > 0 && (at.Last < floor || at.Last == floor && !at.Called)
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
