package backend

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
)

var (
	//go:embed cancel.sql
	cancelSQL string
	//go:embed terminate.sql
	terminateSQL string
)

// obeyLimit is how long a session is watched after it was told to end, obeyPoll how
// often.
const (
	obeyLimit = 3 * time.Second
	obeyPoll  = 50 * time.Millisecond
)

// Request names a session to end.
type Request struct {
	PID int
	// Started and Asked are when the session and its statement began, as they were
	// seen; nil means whatever has the number now.
	Started, Asked *time.Time
	// OursToo is true where the session may be one of this program's.
	OursToo bool
}

// Result is what became of it.
type Result struct {
	Backend
	// Obeyed is false where the session had not done it yet when it was last seen.
	Obeyed     bool
	AuditEvent string
}

// Cancel ends the statement that a session runs, and Terminate the session; which
// of them the permit says. Errors: not_found, session_changed, session_ours,
// session_idle, right_missing, and those of the trail.
func Cancel(ctx context.Context, db *conn.Database, trail *audit.Trail, permit policy.Permit, r Request) (Result, error) {
	return end(ctx, db, trail, permit, policy.SessionCancel, r)
}

// Terminate ends a session. See Cancel.
func Terminate(ctx context.Context, db *conn.Database, trail *audit.Trail, permit policy.Permit, r Request) (Result, error) {
	return end(ctx, db, trail, permit, policy.SessionTerminate, r)
}

func end(ctx context.Context, db *conn.Database, trail *audit.Trail, permit policy.Permit, a policy.Action, r Request) (Result, error) {
	if permit.Action() != a {
		return Result{}, fault.Newf(fault.Internal, "", "a permit for %s does not allow %s", permit.Action(), a)
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return Result{}, err
	}
	b, err := meant(ctx, pool, db.Name(), a, r)
	if err != nil {
		return Result{}, conn.Fault(err, db.Name())
	}
	out := Result{Backend: b}
	// What it runs is not recorded: it may hold anybody's data.
	intent, err := trail.Begin(ctx, permit, audit.Intent{Target: db.Name(), Details: map[string]any{
		"pid": b.PID, "started": b.Started.UTC().Format(time.RFC3339Nano), "user": b.User, "application": b.Application, "client": b.Client,
		"state": b.State, "ours": b.Ours(),
	}})
	if err != nil {
		return out, err
	}
	err = signal(ctx, pool, db.Name(), a, b)
	if err == nil {
		out.Obeyed = obeyed(ctx, pool, a, b)
	}
	outcome := audit.Outcome{Details: map[string]any{"obeyed": out.Obeyed}, Err: err}
	if err != nil && !fault.NothingChanged(err) && fault.CodeOf(err) != fault.RightMissing {
		// The answer may be what was lost: the intent alone says that it is unknown.
		return out, err
	}
	event, ferr := intent.Finish(ctx, outcome)
	out.AuditEvent = event
	if err != nil {
		return out, err
	}
	return out, ferr
}

// meant returns the session that a request names, if it may be ended.
func meant(ctx context.Context, q querier, shard string, a policy.Action, r Request) (Backend, error) {
	const look = "shard-admin shards sessions lists those that there are"
	list, err := read(ctx, q, r.PID)
	switch {
	case err != nil:
		return Backend{}, err
	case len(list) == 0 || r.PID <= 0:
		return Backend{}, fault.Newf(fault.NotFound, look, "%s has no client session %d", shard, r.PID)
	}
	b := list[0]
	switch {
	case !b.Visible():
		return b, fault.Newf(fault.RightMissing, "grant it: GRANT pg_monitor TO the role", "the role may not see what session %d of %s is, so it does not end it", r.PID, shard)
	case r.Started != nil && !r.Started.Equal(*b.Started):
		return b, fault.Newf(fault.SessionChanged, look, "session %d of %s has ended; its number belongs to another by now", r.PID, shard)
	case b.Ours() && !r.OursToo:
		return b, fault.Newf(fault.SessionOurs, "a move's own commands stop it safely: shard-admin move list; --ours ends the session all the same",
			"session %d of %s belongs to this program (%s): a move that runs may break off where it stands", r.PID, shard, b.Application)
	case a == policy.SessionTerminate:
		return b, nil
	case b.State != "active" || b.Asked == nil:
		return b, fault.Newf(fault.SessionIdle, "terminate it to end its transaction, or leave it", "session %d of %s is %s: it runs nothing that could be cancelled", r.PID, shard, b.State)
	case r.Asked != nil && !r.Asked.Equal(*b.Asked):
		return b, fault.Newf(fault.SessionChanged, look, "session %d of %s runs another statement by now", r.PID, shard)
	}
	return b, nil
}

// signal tells the session to end, if it still is the one that was looked at.
func signal(ctx context.Context, pool interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, shard string, a policy.Action, b Backend,
) error {
	sent := false
	var err error
	if a == policy.SessionCancel {
		err = pool.QueryRow(ctx, cancelSQL, b.PID, b.Started, b.Asked).Scan(&sent)
	} else {
		err = pool.QueryRow(ctx, terminateSQL, b.PID, b.Started).Scan(&sent)
	}
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && !sent:
		return fault.Newf(fault.SessionChanged, "look again: shard-admin shards sessions "+shard, "session %d of %s had ended, or went on to something else, before it was told to", b.PID, shard)
	case errors.As(err, &pg) && pg.Code == "42501" && b.Superuser:
		return fault.Wrapf(err, fault.RightMissing, "connect as a superuser to end it; pg_signal_backend reaches no superuser's session",
			"session %d of %s belongs to %s, a superuser: only a superuser may end it", b.PID, shard, b.User)
	case errors.As(err, &pg) && pg.Code == "42501":
		return fault.Wrap(err, fault.RightMissing, "the role may not end sessions of "+b.User+" on "+shard,
			"shard-admin fleet check prints the statement: GRANT pg_signal_backend")
	}
	return conn.Fault(err, shard)
}

// obeyed waits until the session did as it was told; it may be in a call that
// cannot be interrupted.
func obeyed(ctx context.Context, q querier, a policy.Action, b Backend) bool {
	ctx, cancel := context.WithTimeout(ctx, obeyLimit)
	defer cancel()
	for {
		list, err := read(ctx, q, b.PID)
		switch {
		case err != nil:
			return false
		case len(list) == 0 || list[0].Started == nil || !list[0].Started.Equal(*b.Started):
			return true
		case a == policy.SessionCancel && (list[0].State != "active" || list[0].Asked == nil || !list[0].Asked.Equal(*b.Asked)):
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(obeyPoll):
		}
	}
}
