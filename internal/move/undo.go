package move

import (
	"context"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/purge"
	"shardadmin/internal/tenancy"
)

// undo brings an unswitched move back to planned: the tenant writes on the
// source, the target holds nothing of it, guards may stay. Control has said
// that the pointer did not move, and the lease's epoch keeps an old owner's
// flip from succeeding.
func (r *run) undo(ctx context.Context) error {
	if err := r.neverSwitched(ctx); err != nil {
		return err
	}
	if r.m.State == Planned {
		return r.removeCopy(ctx)
	}
	// Said before the first row goes: whoever takes over would else go on from
	// the notes with a copy that is half gone.
	if r.m.keepsCopy() {
		if err := r.to(ctx, r.m.State, stepUndoing); err != nil {
			return err
		}
	}
	if err := r.reopenSource(ctx); err != nil {
		return err
	}
	if err := r.removeCopy(ctx); err != nil {
		return err
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `verified = false, verified_at = NULL, read_only_since = NULL, write_pause_ms = NULL`); err != nil {
		return err
	}
	r.m.Verified = false
	return r.to(ctx, Planned, "")
}

// goOn brings an unswitched online move back to catching_up: the tenant writes
// on the source, what the target holds stays, and the notes say what it lacks.
func (r *run) goOn(ctx context.Context) error {
	if err := r.neverSwitched(ctx); err != nil {
		return err
	}
	if err := r.reopenSource(ctx); err != nil {
		return err
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = NULL, write_pause_ms = NULL`); err != nil {
		return err
	}
	return r.to(ctx, CatchingUp, "")
}

// neverSwitched refuses to undo a move that the shards know as switched. Control
// alone decides, but a control database that was restored to an earlier moment
// has forgotten: what the target holds is then the tenant's only copy of what
// was written there.
func (r *run) neverSwitched(ctx context.Context) error {
	for _, x := range []struct {
		s     *side
		after fence.State
	}{{r.src, fence.Moved}, {r.dst, fence.Open}} {
		state, err := x.s.fence.State(ctx, r.m.Tenant)
		if err != nil {
			return err
		}
		if state.Move == r.m.ID && state.State == x.after {
			return fault.Newf(fault.PlacementDisagrees, "docs/break-glass.md says how to set control forward: \"Control was restored from a backup\"",
				"control says that move %s is %s, but the fence on %s is %s: the tenant was switched to %s; nothing was undone", r.m.ID, r.m.State, x.s.name, state.State, r.m.Target)
		}
	}
	return nil
}

// removeCopy deletes what this move brought to the target: the rows that the
// map gives the tenant there, what the owned list names, and the root replica
// when this move placed it.
func (r *run) removeCopy(ctx context.Context) error {
	shards, err := r.e.record.toClean(ctx, r.m)
	if err != nil {
		return err
	}
	for _, name := range shards {
		if name != r.m.Target {
			continue
		}
		if begun, err := r.begun(ctx); err != nil {
			return err
		} else if !begun {
			continue // what is there came without this move
		}
		root, err := r.rootPlaced(ctx)
		if err != nil {
			return err
		}
		n, err := purge.Undo(ctx, purge.Job{
			Shard: r.dst.fence, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch,
			Tables: r.copied(), Root: root,
		}, true)
		if err != nil {
			return err
		}
		if n > 0 {
			r.removed = true
			r.say(ctx, "%s removed from %s", figure.Count(n, "copied row"), r.m.Target)
		}
		// A later copy finds out anew what is there and what it brings.
		if err := r.dst.fence.WriteLong(ctx, r.m.ID, r.lease.Epoch, func(tx pgx.Tx) error {
			for _, n := range []string{"owned", "digest"} {
				if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move."+n+" WHERE move_id = $1", r.m.ID); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		stopAt("copy_removed")
		for i := range r.m.Tables {
			t := &r.m.Tables[i]
			t.RowsCopied, t.BytesCopied, t.Verified, t.Digest = 0, 0, false, nil
			if err := r.e.record.progress(ctx, r.ctl, r.m, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// begun reports whether this move has brought anything to the target.
func (r *run) begun(ctx context.Context) (bool, error) {
	return r.listed(ctx, "begun")
}

// rootPlaced reports whether this move put the root row on the target.
func (r *run) rootPlaced(ctx context.Context) (bool, error) {
	if r.dst.home {
		return false, nil
	}
	return r.listed(ctx, "root")
}

// listed reports whether the target's list of this move has an entry of a kind.
func (r *run) listed(ctx context.Context, kind string) (bool, error) {
	pool, err := r.dst.db.Pool(ctx)
	if err != nil {
		return false, err
	}
	var there bool
	err = pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM shard_admin_move.owned WHERE move_id = $1 AND kind = $2)`, r.m.ID, kind).Scan(&there)
	return there, conn.Fault(err, r.dst.name)
}

// takeDown removes fence rows, guards and schema of this move from both
// shards; guards stay where another open move needs them.
func (r *run) takeDown(ctx context.Context) error {
	shards, err := r.e.record.toClean(ctx, r.m)
	if err != nil {
		return err
	}
	for _, s := range []*side{r.src, r.dst} {
		for _, name := range shards {
			if name != s.name {
				continue
			}
			if err := r.keepRefused(ctx, s); err != nil {
				return err
			}
			if err := s.fence.Remove(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch); err != nil {
				return err
			}
			if err := s.fence.RemoveGuards(ctx); err != nil {
				return err
			}
			if err := r.leased(ctx, func(tx pgx.Tx) error { return r.e.record.cleaned(ctx, tx, r.m, s.name) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepRefused stores what a side's fence has counted before it goes; where an
// earlier try had taken it away, what that one stored stays.
func (r *run) keepRefused(ctx context.Context, s *side) error {
	state, err := s.fence.State(ctx, r.m.Tenant)
	if err != nil || state.Move != r.m.ID {
		return err
	}
	refused, err := s.fence.Refused(ctx, r.m.Tenant)
	if err != nil {
		return err
	}
	return r.leased(ctx, func(tx pgx.Tx) error { return r.e.record.refused(ctx, tx, r.m, s.name, refused.Count) })
}

// cancel undoes an unswitched move and ends it.
func (r *run) cancel(ctx context.Context) error {
	if !r.m.State.Undoable() {
		return notAllowed(r.m, ActionCancel)
	}
	stopAt("cancel_begun")
	if err := r.undo(ctx); err != nil {
		return err
	}
	if r.removed { // a refresh may have met them
		r.refreshViews(ctx, r.dst, r.went())
	}
	if err := r.takeDown(ctx); err != nil {
		return err
	}
	stopAt("cancel_cleaned")
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := r.e.record.step(ctx, tx, r.m, r.lease.Epoch, Cancelled, ""); err != nil {
			return err
		}
		if err := r.appAudit(ctx, tx, tenancy.AppFailed); err != nil {
			return err
		}
		return r.outcomeTx(ctx, tx, "cancelled", nil)
	})
	if err != nil {
		return r.e.record.fault(err)
	}
	r.say(ctx, "cancelled: the tenant stays on %s, %s holds nothing of it", r.m.Source, r.m.Target)
	return nil
}
