package move

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/purge"
	"shardadmin/internal/tenancy"
)

// rollback brings the tenant back with every write that it made on the target.
func (r *run) rollback(ctx context.Context) error {
	if r.m.State == Retained {
		if err := r.to(ctx, RollingBack, ""); err != nil {
			return err
		}
		stopAt("rollback_begun")
	}
	if r.m.Step != stepFlippedBack {
		if err := r.bringBack(ctx); err != nil {
			return err
		}
	}
	return r.settleBack(ctx)
}

// bringBack closes the target, brings the source up to it, verifies and flips
// back. Until the flip it can be repeated: the comparison finds what is left.
func (r *run) bringBack(ctx context.Context) error {
	r.keepAwake("a tenant is being moved back")
	if _, err := r.reopenTarget(ctx); err != nil { // what an earlier try left
		return err
	}
	// What would stop it inside the fence is better found before.
	if err := r.unchanged(ctx); err != nil {
		return err
	}
	if r.m.online() {
		if done, err := r.carryBack(ctx); done || err != nil {
			return err
		}
		r.say(ctx, "all rows are compared while the tenant is read-only on %s: for at most %s, not for the %s of a switch", r.m.Target, figure.Span(r.m.compareLimit()), figure.Span(r.m.limit()))
	}
	if err := r.closeTarget(ctx, r.m.compareLimit(), nil); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, r.closedUntil())
	defer cancel()

	r.beginMeasure(ctx, "how fast rows are brought back is not measured")
	if err := r.relist(ctx); err != nil {
		return r.inTime(ctx, err)
	}
	if err := r.replaceBack(ctx); err != nil {
		return r.inTime(ctx, err)
	}
	brought, err := compare.BringUp(ctx, compare.Job{
		Source: r.dst.db, Target: r.src.db, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch, Tables: r.copied(), Lens: r.lens(true),
	}, false)
	if err != nil {
		return r.inTime(ctx, err)
	}
	r.say(ctx, "brought back to %s: %s inserted, %s changed, %s deleted", r.m.Source, figure.Number(brought.Inserted), figure.Number(brought.Updated), figure.Number(brought.Deleted))
	stopAt("source_brought_up")
	digests, err := r.verify(ctx, "")
	if err != nil {
		return r.inTime(ctx, err)
	}
	// The source is what it is now, should the rollback not come to its end
	// and the move be finalized.
	if err := r.storeDigests(ctx, r.ctl, digests); err != nil {
		return r.inTime(ctx, err)
	}
	if r.m.online() {
		// Passes of an earlier try counted from other rows.
		if err := carry.Keep(ctx, r.src.fence, r.m.ID, r.lease.Epoch, digests); err != nil {
			return r.inTime(ctx, err)
		}
	}
	if err := r.raiseSequences(ctx, r.src, nil); err != nil {
		return r.inTime(ctx, err)
	}
	if err := r.mark(ctx, r.src); err != nil {
		return r.inTime(ctx, err)
	}
	stopAt("rollback_verified")
	return r.flipBack(ctx)
}

// closeTarget makes the tenant read-only where it is served, for a rollback.
func (r *run) closeTarget(ctx context.Context, limit time.Duration, between func(context.Context) error) error {
	if err := r.closeFence(ctx, r.dst, limit, between); err != nil {
		return err
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = clock_timestamp()`); err != nil {
		return err
	}
	if err := r.to(ctx, RollingBack, stepComparing); err != nil {
		return err
	}
	stopAt("target_fenced")
	return nil
}

// flipBack checks once more and moves the pointer back to the source, which
// holds what the target has.
func (r *run) flipBack(ctx context.Context) error {
	if err := r.recheck(ctx, r.dst); err != nil {
		return err
	}
	if err := r.marked(ctx, r.src); err != nil {
		return err
	}
	if err := r.commit(ctx, r.dst); err != nil {
		return err
	}
	stopAt("target_committing")
	err := r.flipTx(ctx, pointing{
		from: r.m.Target, to: r.m.Source, state: RollingBack, step: stepFlippedBack,
		app: tenancy.AppRolledBack, audit: "rolled_back", stop: "flip_back_not_committed",
	})
	if err != nil {
		return err
	}
	stopAt("flipped_back")
	return nil
}

// settleBack goes forward after the flip back: the target refuses, the source
// serves, the target's copy goes, the move is over. A shard that is clean
// already shows that an earlier try had come to the last of it.
func (r *run) settleBack(ctx context.Context) error {
	var shards []string
	var back fence.Status
	err := comesBack(ctx, func(ctx context.Context) (err error) { // the tenant is closed everywhere
		if shards, err = r.e.record.toClean(ctx, r.m); err == nil {
			back, err = r.src.fence.State(ctx, r.m.Tenant)
		}
		return err
	})
	if err != nil {
		return err
	}
	// The source's fence goes first when all is taken down.
	if len(shards) == 2 && back.Move == r.m.ID {
		if err := r.handOver(ctx, handing{from: r.dst, closed: "target_moved", to: r.src, opened: "source_open"}); err != nil {
			return err
		}
		r.refreshRoots(ctx)
		r.refreshViews(ctx, r.src, r.came())
		root, err := r.rootPlaced(ctx)
		if err != nil {
			return err
		}
		n, err := purge.Undo(ctx, purge.Job{
			Shard: r.dst.fence, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch, Tables: r.copied(), Root: root,
		}, false)
		if err != nil {
			return err
		}
		stopAt("target_purged")
		r.refreshViews(ctx, r.dst, r.went())
		r.say(ctx, "%s serves the tenant again; %s removed from %s", r.m.Source, figure.Count(n, "row"), r.m.Target)
		if err := r.outwait(ctx, r.dst); err != nil {
			return err
		}
	}
	if err := r.takeDown(ctx); err != nil {
		return err
	}
	stopAt("rollback_cleaned")
	return r.to(ctx, RolledBack, "")
}

// outwait keeps a side that was left closed until nobody can remember it any
// more: without its guards a write that comes the old way would be taken and
// lost.
func (r *run) outwait(ctx context.Context, left *side) error {
	ttl := r.e.deps.Profile.RoutingTTL
	for said := false; ; {
		state, err := left.fence.State(ctx, r.m.Tenant)
		if err != nil {
			return err
		}
		refused, err := left.fence.Refused(ctx, r.m.Tenant)
		if err != nil {
			return err
		}
		wait := ttl - state.Age
		if refused.Count > 0 {
			wait = max(wait, ttl-refused.Ago)
		}
		if wait <= 0 {
			return nil
		}
		if !said {
			said = true
			r.say(ctx, "%s stays closed for %s, until the application's routes have expired", left.name, figure.Span(wait))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.opt.Park:
			return r.parkedAt()
		case <-time.After(min(wait, 5*time.Second)):
		}
	}
}

// finalize purges the source's copy, which nothing has changed since it was
// verified, and ends the move.
func (r *run) finalize(ctx context.Context) error {
	if r.m.State == Retained {
		if err := r.mayFinalize(ctx); err != nil {
			return err
		}
		if err := r.to(ctx, Finalizing, ""); err != nil {
			return err
		}
		stopAt("finalize_begun")
	}
	keep := []purge.Row{}
	for _, row := range r.plan.KeepOnSource {
		keep = append(keep, purge.Row{Table: row.Table, Key: row.Key})
	}
	job := purge.Job{
		Shard: r.src.fence, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch, Tables: r.copied(), Lens: r.lens(false),
		Root: !r.src.home, Keep: keep,
		AfterBatch: func(first bool) {
			if first {
				stopAt("first_batch_purged")
			}
		},
	}
	if r.m.Step == "" {
		digests, err := r.digests()
		if err != nil {
			return err
		}
		if err := purge.List(ctx, job, digests); err != nil {
			if backErr := r.unfinalize(ctx); backErr != nil {
				return backErr
			}
			return r.notFinalized(ctx, err)
		}
		if err := r.to(ctx, Finalizing, stepChecked); err != nil {
			return err
		}
		stopAt("purge_listed")
	}
	if r.m.Step == stepChecked {
		n, err := purge.Listed(ctx, job)
		if err != nil {
			return err
		}
		r.say(ctx, "%s purged from %s", figure.Count(n, "row"), r.m.Source)
		if err := r.to(ctx, Finalizing, stepPurged); err != nil {
			return err
		}
		stopAt("purged")
	}
	r.refreshViews(ctx, r.src, r.went())
	if err := r.takeDown(ctx); err != nil {
		return err
	}
	stopAt("finalize_cleaned")
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := r.e.record.step(ctx, tx, r.m, r.lease.Epoch, Finalized, ""); err != nil {
			return err
		}
		return r.outcomeTx(ctx, tx, "ok", nil)
	})
	return r.e.record.fault(err)
}

// notFinalized finds out whether rows of the source are not those that were
// verified because their tables have changed.
func (r *run) notFinalized(ctx context.Context, cause error) error {
	if fault.CodeOf(cause) != fault.PurgeUnlisted {
		return cause
	}
	now, err := r.fingerprint(ctx, r.src)
	if err != nil || now == r.plan.Fingerprint {
		return cause
	}
	return fault.Wrapf(cause, fault.SchemaDifferent,
		"make the tenant's tables on "+r.m.Source+" what they were and finalize again, or the same on both shards and "+fault.Change("move rollback "+r.m.ID+" --wait"),
		"%s: the structure of the tenant's tables has changed since the move was planned, so its rows cannot be compared with what was verified; nothing was deleted", r.m.Source)
}

// unfinalize goes back to retained when the check found rows that are not the
// move's: nothing was deleted.
func (r *run) unfinalize(ctx context.Context) error {
	tag, err := r.ctl.Exec(ctx, r.e.record.sql(`WITH moved AS (
			UPDATE {{schema}}.move SET state = 'retained', step = '', updated_at = clock_timestamp()
			WHERE id = $1 AND epoch <= $2 AND state = 'finalizing' AND step = '' RETURNING id)
		INSERT INTO {{schema}}.move_step (move_id, state, step, epoch) SELECT id, 'retained', '', $2 FROM moved`), r.m.ID, r.lease.Epoch)
	if err != nil {
		return r.e.record.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return leaseLost(r.m)
	}
	r.m.State = Retained
	return nil
}

// mayFinalize refuses while the application may still use the source.
func (r *run) mayFinalize(ctx context.Context) error {
	unproven := r.tm.Unproven()
	if len(unproven) > 0 && r.opt.RoutingConfirmed == "" {
		return fault.Newf(fault.RoutingUnproven, "check that the application reads and writes them on "+r.m.Target+", then add --routing-confirmed with --note saying how you know",
			"nobody has shown that the application follows the pointer for %d tables, %s among them", len(unproven), unproven[0])
	}
	ttl := r.e.deps.Profile.RoutingTTL
	for {
		refused, err := r.src.fence.Refused(ctx, r.m.Tenant)
		if err != nil {
			return err
		}
		wait := time.Duration(0)
		if refused.Count > 0 {
			wait = max(wait, ttl-refused.Ago)
		}
		if r.m.SwitchedAt != nil {
			var since float64
			if err := r.ctl.QueryRow(ctx, `SELECT extract(epoch FROM clock_timestamp() - $1::timestamptz)`, *r.m.SwitchedAt).Scan(&since); err != nil {
				return r.e.record.fault(err)
			}
			wait = max(wait, ttl-time.Duration(since*float64(time.Second)))
		}
		if wait <= 0 {
			break
		}
		if !r.opt.WaitRouting {
			return fault.Newf(fault.RoutingNotSettled, "wait "+figure.Span(wait.Round(time.Second))+" and try again, or use --wait",
				"the application may still use %s: %d writes were refused there, routing_ttl is %s", r.m.Source, refused.Count, ttl)
		}
		r.say(ctx, "waiting %s for the application's routes to expire", figure.Span(wait.Round(time.Second)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.opt.Park:
			return r.parkedAt()
		case <-time.After(min(wait, 5*time.Second)):
		}
	}
	if r.opt.RoutingConfirmed != "" {
		return r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `routing_confirmed = $3`, r.opt.RoutingConfirmed)
	}
	return nil
}

// digests are the recorded results of the verification.
func (r *run) digests() (map[string]compare.Digest, error) {
	out := map[string]compare.Digest{}
	for _, t := range r.m.Tables {
		var d compare.Digest
		if err := json.Unmarshal(t.Digest, &d); err != nil || !t.Verified {
			return nil, fault.Newf(fault.VerifyDifferent, fault.Change("move rollback "+r.m.ID+" --wait")+" brings the tenant back",
				"move %s has no record of verifying %s; nothing is deleted on the source", r.m.ID, t.Table)
		}
		out[t.Table] = d
	}
	return out, nil
}
