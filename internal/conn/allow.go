package conn

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// grace is how much later than the caller's context the server ends a statement:
// the caller is to find its own time over, and says what that means.
const grace = time.Second

// Allow lets the statements of a transaction take as long as limit each, in place
// of what the pool allows, and hardly longer than the caller's context: what a
// fence bounds ends on the server even where the caller is gone. Nothing but the
// context bounds them where limit is 0.
func Allow(ctx context.Context, tx interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, limit time.Duration,
) error {
	if until, there := ctx.Deadline(); there {
		if left := time.Until(until) + grace; limit == 0 || left < limit {
			limit = max(left, time.Millisecond)
		}
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", limit.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
	return err
}

// Read reads in a transaction whose statements may take as long as limit each, as
// Allow has it. Errors are the driver's.
func (d *Database) Read(ctx context.Context, limit time.Duration, f func(pgx.Tx) error) error {
	pool, err := d.Pool(ctx)
	if err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := Allow(ctx, tx, limit); err != nil {
			return err
		}
		// What was read is worked on before the transaction ends.
		if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return f(tx)
	})
}
