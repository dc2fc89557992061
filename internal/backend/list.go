package backend

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
)

//go:embed list.sql
var listSQL string

// ours is how the application_name of every session of this program begins.
const ours = "shard-admin"

// Backend is one client session of a database. Figures that are not known, or do
// not apply, are nil.
type Backend struct {
	PID int
	// Started is when the session began, Asked when its last statement did; nil
	// where the connected role may not see it.
	Started, Asked            *time.Time
	User, Application, Client string
	// Superuser is true where the user is one: pg_signal_backend does not reach it.
	Superuser bool
	// State is active, idle, idle in transaction, …; "" where it may not be seen.
	State, Waits string
	// Query is what it runs or ran last, in the server's words: it may hold
	// anybody's data.
	Query string
	// Transaction, Statement and Since are seconds: since the transaction began,
	// since the statement that runs did, since the state is what it is.
	Transaction, Statement, Since *float64
	// BlockedBy are the sessions that it waits for, Blocks is how many wait for it.
	BlockedBy []int
	Blocks    int
}

// Ours reports whether the session says that it belongs to this program.
func (b Backend) Ours() bool { return strings.HasPrefix(b.Application, ours) }

// Visible reports whether the connected role sees what the session does.
func (b Backend) Visible() bool { return b.Started != nil }

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// List returns the client sessions of a database but the one that asks: those that
// keep others waiting first, then those whose transaction is the oldest.
func List(ctx context.Context, db *conn.Database) ([]Backend, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	list, err := read(ctx, pool, 0)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	blocks := map[int]int{}
	for _, b := range list {
		for _, pid := range b.BlockedBy {
			blocks[pid]++
		}
	}
	for i := range list {
		list[i].Blocks = blocks[list[i].PID]
	}
	slices.SortStableFunc(list, func(a, b Backend) int { return b.Blocks - a.Blocks })
	return list, nil
}

// read returns all sessions, or with a number that one.
func read(ctx context.Context, q querier, pid int) ([]Backend, error) {
	rows, err := q.Query(ctx, listSQL, pid)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Backend, error) {
		var b Backend
		err := row.Scan(&b.PID, &b.Started, &b.Asked, &b.User, &b.Superuser, &b.Application, &b.Client, &b.State, &b.Waits, &b.Query,
			&b.Transaction, &b.Statement, &b.Since, &b.BlockedBy)
		// Several locks of one session are one wait for it.
		slices.Sort(b.BlockedBy)
		b.BlockedBy = slices.Compact(b.BlockedBy)
		return b, err
	})
}
