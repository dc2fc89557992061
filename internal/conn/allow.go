package conn

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// grace is how much later than the caller's context the server ends a statement:
// the caller is to find its own time over, and says what that means.
const grace = time.Second

// Allow lets the statements of a transaction take as long as limit each, in place
// of what the pool allows, and hardly longer than the caller's context: what a
// fence bounds ends on the server even where the caller is gone. Nothing but the
// context bounds them where limit is 0.
func Allow(ctx context.Context, tx pgx.Tx, limit time.Duration) error {
	_, err := tx.Exec(ctx, allowed(ctx, limit), pgx.QueryExecModeSimpleProtocol)
	return err
}

func allowed(ctx context.Context, limit time.Duration) string {
	if until, there := ctx.Deadline(); there {
		if left := time.Until(until) + grace; limit == 0 || left < limit {
			limit = max(left, time.Millisecond)
		}
	}
	return fmt.Sprintf("SET LOCAL statement_timeout = %d", limit.Milliseconds())
}

// Read reads in a transaction whose statements may take as long as limit each, as
// Allow has it. Errors are the driver's.
func (d *Database) Read(ctx context.Context, limit time.Duration, f func(pgx.Tx) error) error {
	pool, err := d.Pool(ctx)
	if err != nil {
		return err
	}
	// In one message, for a server may be far away. What was read is worked on before
	// the transaction ends, so that it may be idle.
	begin := "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; " + allowed(ctx, limit) + "; SET LOCAL idle_in_transaction_session_timeout = 0"
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: begin}, f)
}
