package move

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/preflight"
)

const (
	// viewsLimit bounds the refresh of a shard's materialized views where no fence is
	// closed: nobody waits for it then but the move's next step.
	viewsLimit = 10 * time.Minute
	// viewTries is how often one is tried that somebody was in the way of.
	viewTries = 10
)

// refreshUnderFence refreshes the target's views while the tenant is read-only, so
// that its listings are there when it is. They get half of the time that the fence
// has left: what has to be done before the flip has to fit, too, and the refresh of
// what did not is tried again when the tenant writes on the target. It reports
// whether all are fresh.
func (r *run) refreshUnderFence(ctx context.Context) bool {
	return len(r.refresh(ctx, r.dst, time.Until(r.closedUntil())/2, 2, func(v preflight.View, err error) {
		r.say(ctx, "%s on %s was not refreshed while the tenant is read-only: %s; it is tried again after the switch", v.Name, r.dst.name, err)
	})) == 0
}

// refreshAhead does most of what a refresh after the switch would leave undone for
// a while, before the fence closes; what fails is tried again after the switch.
func (r *run) refreshAhead(ctx context.Context) {
	r.refresh(ctx, r.dst, viewsLimit, viewTries, func(v preflight.View, err error) {
		r.say(ctx, "%s on %s was not refreshed: %s; it is tried again after the switch", v.Name, r.dst.name, err)
	})
}

// refreshViews refreshes a side's views when the tenant does not wait for them.
// A view that cannot be refreshed does not hold the move up, since its rows are
// derived, but it is a warning of the move with what makes it fresh; lacks says
// what its readers miss, or see that is gone.
func (r *run) refreshViews(ctx context.Context, s *side, lacks string) {
	r.refresh(ctx, s, viewsLimit, viewTries, func(v preflight.View, err error) {
		r.e.record.log(ctx, r.m, "warning", "%s on %s is stale: %s. It could not be refreshed: %s. On %s run: %s", v.Name, s.name, lacks, err, s.name, statement(v))
		r.tell("")
	})
}

// came and went are what a view is short of that was not refreshed.
func (r *run) came() string { return "rows of " + r.called() + " are missing from it, or are old" }
func (r *run) went() string { return "it still shows rows of " + r.called() + " that are gone" }

func (r *run) called() string {
	if r.m.Label != "" {
		return r.m.Label
	}
	return "tenant " + r.m.Tenant
}

// refresh refreshes the views over the moved tables that a side has, within limit,
// and returns those that are not fresh after it, each told to failed.
func (r *run) refresh(ctx context.Context, s *side, limit time.Duration, tries int, failed func(preflight.View, error)) []preflight.View {
	if len(r.plan.Views) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stale := []preflight.View{}
	// A session of its own: the pool's limits are those of queries that a person
	// waits for. A later owner of the move finds it by its name and ends it.
	c, err := s.db.Direct(within, conn.DirectOptions{Purpose: fence.Purpose(r.m.ID), Epoch: r.lease.Epoch})
	if err == nil {
		defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	}
	for _, v := range r.plan.Views {
		cause := err
		if cause == nil {
			v, cause = r.refreshOne(within, c, s, v, tries)
		}
		if cause != nil && ctx.Err() == nil {
			if within.Err() != nil {
				cause = fmt.Errorf("it did not end within %s", figure.Span(limit.Round(100*time.Millisecond)))
			}
			failed(v, cause)
		}
		if cause != nil {
			stale = append(stale, v)
		}
	}
	return stale
}

// refreshOne refreshes one view the way that it can be refreshed on this side just
// now: beside its readers where it has rows and a unique index, else with a lock
// that keeps them out. A view that nobody has filled has no readers: a dump of the
// schema alone leaves it so. What a lock keeps waiting queues its readers behind
// it, so that is waited for briefly and often.
func (r *run) refreshOne(ctx context.Context, c *pgx.Conn, s *side, v preflight.View, tries int) (preflight.View, error) {
	for n := 1; ; n++ {
		var populated, unique bool
		err := c.QueryRow(ctx, preflight.ViewSQL, v.Quoted).Scan(&populated, &unique)
		if errors.Is(err, pgx.ErrNoRows) {
			return v, nil // it is on the other shard alone, which the plan has said
		}
		v.Concurrently = populated && unique
		wait := 2 * time.Second
		if v.Concurrently {
			wait = 0 // who reads it neither waits nor is waited for
		}
		if err == nil {
			left := time.Minute
			if d, ok := ctx.Deadline(); ok {
				left = max(time.Until(d), time.Millisecond)
			}
			// The server is told as well: it would go on after its client has left.
			_, err = c.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d; SET lock_timeout = %d; SET work_mem = '64MB'", left.Milliseconds()+1, wait.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
		}
		if err == nil {
			_, err = c.Exec(ctx, statement(v), pgx.QueryExecModeSimpleProtocol)
		}
		if err == nil || n >= tries || !inTheWay(err) {
			return v, conn.Fault(err, s.name)
		}
		select {
		case <-ctx.Done():
			return v, conn.Fault(err, s.name)
		case <-r.opt.Park:
			return v, conn.Fault(err, s.name)
		case <-time.After(time.Second):
		}
	}
}

// inTheWay reports whether somebody else kept a statement from a lock, so that it
// may do better in a moment.
func inTheWay(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01") && !fault.Unreachable(err)
}

func statement(v preflight.View) string {
	how := ""
	if v.Concurrently {
		how = "CONCURRENTLY "
	}
	return "REFRESH MATERIALIZED VIEW " + how + v.Quoted
}
