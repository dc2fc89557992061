package renumber

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/fence"
)

// placeLimit bounds each statement that writes a list; the tenant is closed, and
// its fence's time bounds them as well.
const placeLimit = 5 * time.Minute

// Place writes a list to a shard on which the move is open; anew throws away what
// is there before.
func Place(ctx context.Context, s *fence.Shard, move string, epoch int64, list []Change, anew bool) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		if err := conn.Allow(ctx, tx, placeLimit); err != nil {
			return err
		}
		if anew {
			if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move.replaced WHERE move_id = $1", move); err != nil {
				return err
			}
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"shard_admin_move", "replaced"}, []string{"move_id", "tbl", "col", "source", "target"},
			pgx.CopyFromSlice(len(list), func(i int) ([]any, error) {
				return []any{move, list[i].Table, list[i].Column, list[i].Source, list[i].Target}, nil
			}))
		return err
	})
}

// Settle lets the server know what the list is like, before each row that is read
// looks values up in it.
func Settle(ctx context.Context, s *fence.Shard, move string, epoch int64) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		if err := conn.Allow(ctx, tx, placeLimit); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "ANALYZE shard_admin_move.replaced")
		return err
	})
}
