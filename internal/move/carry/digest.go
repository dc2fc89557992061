package carry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
)

// Keep stores the digests that later passes to a side change.
func Keep(ctx context.Context, s *fence.Shard, move string, epoch int64, digests map[string]compare.Digest) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for table, d := range digests {
			batch.Queue(`INSERT INTO shard_admin_move.digest (move_id, tbl, rows, a, b) VALUES ($1, $2, $3, $4::text::numeric, $5::text::numeric)
				ON CONFLICT (move_id, tbl) DO UPDATE SET rows = excluded.rows, a = excluded.a, b = excluded.b`, move, table, d.Rows, zero(d.SumA), zero(d.SumB))
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}

func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// Kept reads the digests of a side; none when nothing was kept there.
func Kept(ctx context.Context, db *conn.Database, move string) (map[string]compare.Digest, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, `SELECT tbl, rows::bigint, a::text, b::text FROM shard_admin_move.digest WHERE move_id = $1`, move)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	out := map[string]compare.Digest{}
	var table string
	var d compare.Digest
	_, err = pgx.ForEachRow(rows, []any{&table, &d.Rows, &d.SumA, &d.SumB}, func() error {
		out[table] = d
		return nil
	})
	return out, conn.Fault(err, db.Name())
}
