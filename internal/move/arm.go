package move

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/preflight"
)

// arm makes both shards ready for the fence and ends when every transaction
// sees the fence row. Nothing of the tenant is held up by it.
func (r *run) arm(ctx context.Context) error {
	for _, s := range []*side{r.src, r.dst} {
		if missing, err := s.fence.ProveOwnership(ctx); err != nil {
			return err
		} else if len(missing) > 0 {
			return fault.Newf(fault.RightMissing, missing[0].Grant, "%s: the role lacks %s", s.name, missing[0].Right)
		}
	}
	// What is about to be made on a shard is on record before it is made.
	for _, s := range []*side{r.src, r.dst} {
		if err := r.leased(ctx, func(tx pgx.Tx) error {
			return r.e.record.willMake(ctx, tx, r.m, s.name, "schema, guards, fence")
		}); err != nil {
			return err
		}
	}
	stopAt("cleanup_recorded")
	if err := r.enter(ctx, r.src, r.dst); err != nil {
		return err
	}
	// An assignment that died left its fence; the tenant's lease is ours now.
	for _, s := range []*side{r.src, r.dst} {
		if err := s.fence.Remove(ctx, r.m.Tenant, fence.AssignmentID(r.m.Tenant), r.lease.Epoch); err != nil {
			return err
		}
	}
	stopAt("epoch_bumped")
	for _, s := range []*side{r.src, r.dst} {
		hooks := fence.Hooks{Patience: r.e.deps.Patience, Blocked: func(table string, b []fence.Blocker) {
			r.say(ctx, "guarding %s on %s waits for %s", table, s.name, blockers(b))
		}}
		as := fence.Serving
		if s == r.dst {
			as = fence.Receiving
		}
		if err := s.fence.InstallGuards(ctx, as, hooks); fault.CodeOf(err) == fault.FenceBlocked {
			if down := r.takeDown(ctx); down != nil {
				return down
			}
			return fault.Wrapf(err, fault.FenceBlocked, "end those transactions, then "+fault.Change("move resume "+r.m.ID+" --wait"), "%s", fault.As(err).Message)
		} else if err != nil {
			return err
		}
		if s == r.src {
			stopAt("guards_on_source")
		}
	}
	stopAt("guards_installed")
	if err := r.dst.fence.Arm(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Incoming, r.noting(fence.NoteOnce)); err != nil {
		return err
	}
	if err := r.src.fence.Arm(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Armed, r.noting(fence.NoteEach)); err != nil {
		return err
	}
	stopAt("armed")
	for _, s := range []*side{r.src, r.dst} {
		older, err := s.fence.WaitOlder(ctx, r.e.deps.Patience)
		if err != nil {
			return err
		}
		if len(older) > 0 {
			if err := r.takeDown(ctx); err != nil {
				return err
			}
			return fault.Newf(fault.FenceBlocked, "end those transactions, then "+fault.Change("move resume "+r.m.ID+" --wait"),
				"%s: transactions older than the guards did not end within %s: %s", s.name, figure.Span(r.e.deps.Patience), blockers(older))
		}
	}
	stopAt("older_gone")
	r.say(ctx, "guards are in on both shards, no older transaction is left")
	return r.to(ctx, Planned, stepArmed)
}

// limit is how long the tenant may be closed for a move, and for bringing it back.
func (m *Move) limit() time.Duration { return time.Duration(m.MaxReadOnlyMS) * time.Millisecond }

// compareLimit is how long it may be closed while all rows are compared for a
// rollback: the limit of an online move is for its last pass alone.
func (m *Move) compareLimit() time.Duration {
	if m.online() {
		return max(m.limit(), preflight.DefaultReadOnly)
	}
	return m.limit()
}

// again is what a person asks for when this run has failed: a rollback that did not
// flip back is retained again.
func (r *run) again() Action {
	if r.m.State == RollingBack {
		return ActionRollback
	}
	return ActionResume
}

// closedUntil is when the fence that this run has closed opens by itself.
func (r *run) closedUntil() time.Time { return r.closedAt.Add(r.closedFor) }

// noting is how guards note for this move: not at all for a fenced one.
func (r *run) noting(online fence.Noting) fence.Noting {
	if r.m.online() {
		return online
	}
	return fence.NoteNothing
}

// blockers names sessions that are in the way.
func blockers(list []fence.Blocker) string {
	parts := make([]string, 0, len(list))
	for i, b := range list {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		parts = append(parts, b.String())
	}
	return strings.Join(parts, "; ")
}

// closeFence makes the tenant read-only on a side, retrying while open
// transactions keep the lock; on giving up nothing has changed. between runs
// before each further try, so that what is left to do under the fence does not
// grow; it may be nil. The fence opens by itself when limit has passed.
func (r *run) closeFence(ctx context.Context, s *side, limit time.Duration, between func(context.Context) error) error {
	var last error
	began := time.Now()
	for try, wait := 0, 250*time.Millisecond; try < 12 && (try == 0 || time.Since(began) < r.e.deps.Patience); try, wait = try+1, min(wait*2, 4*time.Second) {
		found, err := s.fence.Close(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, limit)
		if err == nil {
			r.closedAt, r.closedFor = time.Now(), limit
			return nil
		}
		if fault.CodeOf(err) != fault.FenceBlocked {
			return err
		}
		last = fault.Newf(fault.FenceBlocked, "end those transactions, then "+fault.Change("move "+string(r.again())+" "+r.m.ID+" --wait"),
			"%s: open transactions keep the fence from closing: %s", s.name, blockers(found))
		r.say(ctx, "the fence waits for %s", blockers(found))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if between != nil {
			if err := between(ctx); err != nil {
				return err
			}
		}
	}
	return last
}
