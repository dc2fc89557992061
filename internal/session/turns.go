package session

import (
	"context"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/job"
)

// turns is work that comes again and again and that one of all workers does: the one
// that holds the lease. A round is given up when the lease is lost.
type turns struct {
	s     *Session
	name  string        // the resource that is leased
	lasts time.Duration // how long the lease lasts without a sign
	often time.Duration
	fails string // what the log says where a round failed
	lease *job.Lease
	known string // why it failed, as it was logged last
}

// run does rounds until the context ends.
func (t *turns) run(ctx context.Context, round func(ctx context.Context, fresh bool) error) {
	defer func() {
		if t.lease != nil {
			_ = t.lease.Release(context.WithoutCancel(ctx))
		}
	}()
	every(ctx, t.often, func() {
		err := t.turn(ctx, round)
		if ctx.Err() != nil {
			return
		}
		why := ""
		if err != nil {
			why = *errorText(err)
		}
		if why != "" && why != t.known {
			t.s.cfg.Log.WarnContext(ctx, t.fails, "error", err)
		}
		t.known = why
	})
}

// turn does a round where no other worker holds the lease; fresh is true in the first
// one of a lease.
func (t *turns) turn(ctx context.Context, round func(ctx context.Context, fresh bool) error) error {
	if err := t.s.works(ctx, &t.lease); err != nil {
		return err
	}
	fresh := t.lease == nil
	if fresh {
		lease, err := t.s.jobs.Acquire(ctx, t.name, t.lasts)
		if fault.CodeOf(err) == fault.LeaseHeld {
			return nil
		}
		if err != nil {
			return err
		}
		t.lease = lease
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.lease.Context(), cancel)()
	return round(ctx, fresh)
}

// works asks before each round of a worker whether it may: a newer version may have
// upgraded the schema meanwhile, whose workers then need the lease that this one holds.
func (s *Session) works(ctx context.Context, lease **job.Lease) error {
	if *lease != nil && (*lease).Context().Err() != nil {
		*lease = nil
	}
	err := s.installed(ctx)
	if fault.CodeOf(err) == fault.SchemaNewer && *lease != nil {
		_ = (*lease).Release(ctx)
		*lease = nil
	}
	return err
}
