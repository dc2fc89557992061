package structure

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Sequence is where a sequence stands and how it counts.
type Sequence struct {
	Increment, Last int64
	// Called says that Last has been drawn; else it is what is drawn next.
	Called bool
}

// ReadSequence reads a sequence by its quoted, qualified name. Whoever restarts one
// gives it another file and empties the one before: a reader that has just opened
// that finds nothing in it, or not as much as it saw, and asks again. A transaction
// that has failed so can not: there, lock the sequence first.
func ReadSequence(ctx context.Context, q Querier, quoted string) (Sequence, error) {
	for tries := 1; ; tries++ {
		var s Sequence
		rows, err := q.Query(ctx, "SELECT s.seqincrement, q.last_value, q.is_called FROM pg_catalog.pg_sequence s, "+quoted+" q WHERE s.seqrelid = $1::regclass", quoted)
		if err == nil {
			s, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Sequence])
		}
		if !emptied(err) || tries == restarts {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, err
		case <-time.After(time.Duration(tries) * time.Millisecond):
		}
	}
}

// restarts is how often a sequence may be restarted between opening and reading it.
const restarts = 20

// emptied reports whether a reader found the file empty, shorter than it was a moment
// before, or gone.
func emptied(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, pgx.ErrNoRows) || errors.As(err, &pg) && (pg.Code == "XX001" || pg.Code == "58P01") // data_corrupted, undefined_file
}
