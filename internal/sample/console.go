package sample

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"shardadmin/internal/conn"
)

// Ask asks a console, which takes the simple protocol alone, one statement after
// the other and returns a result for each, by name.
func Ask(ctx context.Context, c *pgconn.PgConn, statements map[string]string) map[string]Result {
	out, types := map[string]Result{}, pgtype.NewMap()
	for name, sql := range statements {
		began := time.Now()
		r, err := answer(ctx, c, types, sql)
		if err != nil {
			r = Result{Err: conn.Fault(err, name)}
		}
		r.At = time.Now()
		r.Took = r.At.Sub(began)
		out[name] = r
	}
	return out
}

// answer is the last result of a statement.
func answer(ctx context.Context, c *pgconn.PgConn, types *pgtype.Map, sql string) (r Result, err error) {
	m := c.Exec(ctx, sql)
	for m.NextResult() && err == nil {
		r, err = rows(types, m.ResultReader())
	}
	if closing := m.Close(); err == nil {
		err = closing
	}
	return r, err
}
