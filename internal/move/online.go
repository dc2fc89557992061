package move

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/tenancy"
)

// online reports whether the tenant writes while its rows are copied.
func (m *Move) online() bool { return m.Mode == "online" }

// keepsCopy reports whether an online move has come so far that what it brought
// to the target stays through a failure: the notes say what is missing. A copy
// that is being removed stays no more.
func (m *Move) keepsCopy() bool {
	if m.Step == stepUndoing {
		return false
	}
	return m.online() && slices.Contains([]State{CatchingUp, Ready, Switching}, m.stood())
}

// carrier opens the sessions that carry rows from one side to the other.
func (r *run) carrier(ctx context.Context, from, to *side) (*carry.Carrier, error) {
	j := carry.Job{
		From: from.db, To: to.db, Map: r.tm, Tenant: r.m.Tenant, Move: r.m.ID, Epoch: r.lease.Epoch, Tables: r.copied(), Target: r.dst.db,
		ReplicaRole: r.plan.ReplicaRole && to == r.dst,
	}
	for _, s := range r.plan.SharedCopies {
		j.Shared = append(j.Shared, carry.Row{Table: s.Table, Key: s.Key})
	}
	return carry.Open(ctx, j)
}

// copyOnline copies every row on one snapshot while the tenant writes, carries
// what it wrote meanwhile, and verifies every row at the snapshot of that. It
// ends in catching_up.
func (r *run) copyOnline(ctx context.Context) error {
	if err := r.to(ctx, Copying, ""); err != nil {
		return err
	}
	if err := r.appAuditNow(ctx, tenancy.AppInProgress); err != nil {
		return err
	}
	// The notes of an earlier try may be of each row once.
	if err := r.noteWrites(ctx, r.src, ActionResume); err != nil {
		return err
	}
	defer r.govern(ctx, 0)()
	if err := r.copyRows(ctx); err != nil {
		return err
	}
	stopAt("copied")
	if err := r.to(ctx, Copying, stepVerifying); err != nil {
		return err
	}
	c, err := r.carrier(ctx, r.src, r.dst)
	if err != nil {
		return err
	}
	defer c.Close()
	return r.firstPass(ctx, c)
}

// firstPass carries what was written since the copy began and compares every row
// while its snapshot is open. It ends in catching_up.
func (r *run) firstPass(ctx context.Context, c *carry.Carrier) error {
	p, err := c.Pass(ctx, func(ctx context.Context, snapshot string) error {
		stopAt("first_pass")
		digests, err := r.verify(ctx, snapshot)
		if err != nil {
			return err
		}
		stopAt("verified")
		if err := carry.Keep(ctx, r.dst.fence, r.m.ID, r.lease.Epoch, digests); err != nil {
			return err
		}
		return r.verified(ctx, digests, CatchingUp, "")
	})
	if err != nil {
		return err
	}
	r.say(ctx, "every row was compared while the tenant wrote: both sides were equal at one moment; %s had changed since the copy began", figure.Count(p.Noted, "row"))
	stopAt("catching_up")
	return nil
}

// verified records that every row was compared, and what each table amounted to.
func (r *run) verified(ctx context.Context, digests map[string]compare.Digest, to State, step string) error {
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := r.storeDigests(ctx, tx, digests); err != nil {
			return err
		}
		if err := r.e.record.set(ctx, tx, r.m, r.lease.Epoch, `verified = true, verified_at = clock_timestamp()`); err != nil {
			return err
		}
		return r.e.record.step(ctx, tx, r.m, r.lease.Epoch, to, step)
	})
	if err != nil {
		return r.e.record.fault(err)
	}
	r.m.Verified = true
	r.tell("")
	return nil
}

// catchUp carries what the tenant writes until a pass is quick, makes ready what
// need not be done under the fence, and ends in ready.
func (r *run) catchUp(ctx context.Context, hold bool) error {
	if err := r.noteWrites(ctx, r.src, ActionResume); err != nil {
		return err
	}
	c, err := r.carrier(ctx, r.src, r.dst)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := r.passes(ctx, c, r.src); err != nil {
		return err
	}
	// Under the fence there is no time for it.
	r.refreshAhead(ctx)
	if err := r.passes(ctx, c, r.src); err != nil {
		return err
	}
	step := stepCaughtUp
	if hold {
		step = stepHeld
	}
	if err := r.to(ctx, Ready, step); err != nil {
		return err
	}
	stopAt("caught_up")
	if hold {
		r.noteOnce(ctx, r.src)
		stopAt("held")
		r.say(ctx, "ready: the target follows the source, waiting for a person to switch")
	}
	return nil
}

// noteWrites lets a side's guards note each write: only then may notes be taken
// away.
func (r *run) noteWrites(ctx context.Context, s *side, again Action) error {
	older, err := s.fence.NoteWrites(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, r.e.deps.Patience)
	if err != nil || len(older) == 0 {
		return err
	}
	return fault.Newf(fault.FenceBlocked, "end those transactions, then shard-admin move "+string(again)+" "+r.m.ID+" --wait",
		"%s: older transactions did not end within %s: %s", s.name, figure.Span(r.e.deps.Patience), blockers(older))
}

// noteOnce lets a side's guards note each row once, while nobody carries: what is
// written for hours does not pile up.
func (r *run) noteOnce(ctx context.Context, s *side) {
	noting, err := s.fence.Noting(ctx, r.m.Tenant)
	if err == nil && noting != fence.NoteNothing && noting != fence.NoteOnce {
		err = s.fence.NoteAnew(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.NoteOnce)
	}
	if err != nil {
		r.e.deps.Log.Warn("each write is still noted", "move", r.m.ID, "shard", s.name, "error", err.Error())
	}
}

// passes carries until a pass is quick enough for the fence.
func (r *run) passes(ctx context.Context, c *carry.Carrier, from *side) error {
	var chased pursuit
	r.counted(ctx, from, nil)
	for n := 1; ; n++ {
		if r.parked(ctx) {
			return r.parkedAt()
		}
		began := time.Now()
		p, err := c.Pass(ctx, nil)
		if err != nil {
			return err
		}
		r.pace.carried = began
		stopAt("passed")
		r.tell("")
		expected := chased.pass(began, p.Took)
		if expected == chaseQuick {
			return nil
		}
		r.counted(ctx, from, &p)
		r.say(ctx, "carried from %s: %s inserted, %s changed, %s deleted in %s", from.name, figure.Number(p.Inserted), figure.Number(p.Updated), figure.Number(p.Deleted), figure.Span(p.Took))
		tooFast := func(what string) error {
			return fault.Newf(fault.CarryBehind, "try at a quieter time, give --max-read-only more, or move the tenant with --mode fenced; "+fault.Change("move resume "+r.m.ID+" --wait")+" goes on",
				"%s: the tenant writes faster than its rows can be carried: %s %s", from.name, what, figure.Span(p.Took))
		}
		switch expected {
		case chaseBehind:
			r.say(ctx, "the tenant writes faster than its rows are carried: each pass takes longer than the one before, the last %s; where that goes on for %s the move stops and keeps what it has", figure.Span(p.Took), figure.Span(fallen))
		case chaseLost:
			return tooFast("each pass took longer than the one before, the last")
		case chaseEven:
			// It will not get shorter. Where the limit of the fence leaves room it
			// may be closed all the same.
			if p.Took < r.m.limit()/4 {
				r.say(ctx, "the tenant writes as fast as it is carried; the last pass took %s", figure.Span(p.Took))
				return nil
			}
			return tooFast(fmt.Sprintf("the last of %d passes took", n))
		}
	}
}

// nearly carries until a pass is quick and raises the other side's sequences
// above what is there, so that the fence has to do neither for more than what
// came since.
func (r *run) nearly(ctx context.Context, c *carry.Carrier, from, to *side) error {
	if err := r.passes(ctx, c, from); err != nil {
		return err
	}
	c.Came()
	if err := r.raiseSequences(ctx, to, nil); err != nil {
		return err
	}
	return r.passes(ctx, c, from)
}

// between is what a fence that cannot close yet is waited with: a pass, so that
// what is left to carry under it does not grow.
func between(c *carry.Carrier) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.Pass(ctx, nil)
		return err
	}
}

// switchOnline closes the fence on the source, carries the rest, and flips.
func (r *run) switchOnline(ctx context.Context) error {
	r.keepAwake("a tenant is being moved")
	if err := r.noteWrites(ctx, r.src, ActionResume); err != nil { // it may have waited
		return err
	}
	c, err := r.carrier(ctx, r.src, r.dst)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := r.nearly(ctx, c, r.src, r.dst); err != nil {
		return err
	}
	// What would stop it inside the fence is better found before.
	if err := r.unchanged(ctx); err != nil {
		return err
	}
	// The state says switching before the fence closes, so that whoever finds a
	// closed fence finds a move that owns it.
	if err := r.to(ctx, Switching, ""); err != nil {
		return err
	}
	if err := r.closeFence(ctx, r.src, r.m.limit(), between(c)); err != nil {
		return err
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = clock_timestamp(), write_pause_ms = NULL`); err != nil {
		return err
	}
	stopAt("switch_fenced")
	if err := r.last(ctx, c, r.src, r.dst); err != nil {
		return err
	}
	stopAt("last_pass")
	// Its answer may be that nobody knows; that must not be taken for a lack of
	// time, after which the source is opened again.
	return r.flip(ctx)
}

// last is the last pass, under the fence and within its time, with what depends
// on it.
func (r *run) last(ctx context.Context, c *carry.Carrier, from, to *side) error {
	ctx, cancel := context.WithDeadline(ctx, r.closedUntil())
	defer cancel()
	if _, err := c.Pass(ctx, nil); err != nil {
		return r.inTime(ctx, err)
	}
	r.caughtUp(from)
	if err := r.raiseSequences(ctx, to, c.Came()); err != nil {
		return r.inTime(ctx, err)
	}
	return r.inTime(ctx, r.mark(ctx, to))
}

// follow stores, after the switch, what the source's rows amount to: the digests
// that were carried along. The source is closed for good, so that they can be
// compared with all of its rows; a difference is a row that was written past the
// guards.
func (r *run) follow(ctx context.Context) error {
	// Until it is compared the tenant cannot be moved back.
	defer r.govern(ctx, 1)()
	digests, err := carry.Kept(ctx, r.dst.db, r.m.ID)
	if err != nil {
		return err
	}
	if err := r.storeDigests(ctx, r.ctl, digests); err != nil {
		return err
	}
	wrong, err := r.unlike(ctx, r.src, digests)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fault.Newf(fault.VerifyDifferent, "find out who writes past the guards; "+fault.Change("move rollback "+r.m.ID+" --wait")+" brings the tenant back, finalize refuses",
			"%s: after the switch the tenant's rows in %s are not those that were carried: rows were written past the guards", r.src.name, strings.Join(wrong, ", "))
	}
	return nil
}

// unlike names the tables whose rows on a side do not have the given digests.
func (r *run) unlike(ctx context.Context, s *side, want map[string]compare.Digest) ([]string, error) {
	now, err := compare.Amounts(ctx, compare.Job{Source: s.db, Map: r.tm, Tenant: r.m.Tenant, Tables: r.copied(), Bytes: r.sizes(), Streams: preflight.Streams, Governor: r.governor})
	if err != nil {
		return nil, err
	}
	wrong := []string{}
	for _, c := range r.copied() {
		if now[c.Name()] != want[c.Name()] {
			wrong = append(wrong, c.Name())
		}
	}
	return wrong, nil
}

// carryBack brings the source up to what the tenant has written on the target
// since the switch, while it writes on, and closes the target for the rest.
// ready is false where that cannot be done and everything has to be compared.
func (r *run) carryBack(ctx context.Context) (ready bool, err error) {
	noting, err := r.dst.fence.Noting(ctx, r.m.Tenant)
	if err != nil || noting == fence.NoteNothing {
		return false, err
	}
	// Since the switch each row was noted once.
	if err := r.noteWrites(ctx, r.dst, ActionRollback); err != nil {
		return false, err
	}
	stopAt("noting_writes")
	kept, err := carry.Kept(ctx, r.src.db, r.m.ID)
	if err != nil {
		return false, err
	}
	if len(kept) == 0 {
		if kept, err = r.digests(); err != nil {
			return false, nil //nolint:nilerr // without them everything is compared
		}
		if err := carry.Keep(ctx, r.src.fence, r.m.ID, r.lease.Epoch, kept); err != nil {
			return false, err
		}
	}
	wrong, err := r.unlike(ctx, r.src, kept)
	if err != nil {
		return false, err
	}
	if len(wrong) > 0 {
		r.say(ctx, "%s has changed since the switch in %s: all rows are compared", r.m.Source, strings.Join(wrong, ", "))
		return false, nil
	}
	c, err := r.carrier(ctx, r.dst, r.src)
	if err != nil {
		return false, err
	}
	defer c.Close()
	if err := r.nearly(ctx, c, r.dst, r.src); err != nil {
		return false, err
	}
	if err := r.closeTarget(ctx, r.m.limit(), between(c)); err != nil {
		return false, err
	}
	if err := r.last(ctx, c, r.dst, r.src); err != nil {
		return false, err
	}
	r.say(ctx, "%s holds what was written on %s since the switch", r.m.Source, r.m.Target)
	stopAt("source_brought_up")
	stopAt("rollback_verified")
	return true, r.flipBack(ctx)
}

// keepDigests takes over from the source what a rollback that did not flip back
// has changed there: finalize purges no other rows.
func (r *run) keepDigests(ctx context.Context) error {
	if !r.m.online() {
		return nil
	}
	r.noteOnce(ctx, r.dst)
	kept, err := carry.Kept(ctx, r.src.db, r.m.ID)
	if err != nil || len(kept) == 0 {
		return err
	}
	return r.storeDigests(ctx, r.ctl, kept)
}
