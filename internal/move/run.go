package move

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/job"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/policy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// leaseTTL is how long a lease lives without renewal, by control's clock.
const leaseTTL = 60 * time.Second

// Options of one call of Run or Queue.
type Options struct {
	// Park ends the run at its next safe point when it is closed.
	Park <-chan struct{}
	// RoutingConfirmed is the operator's reason for finalizing although nobody
	// has shown that the application follows the pointer for some tables.
	RoutingConfirmed string
	// Reentered says how the operator proved once more that they may log in, for
	// what deletes rows in production: "password", or "login" where there is none.
	Reentered string
	// Priority of a queued run; higher goes first.
	Priority int
	// Repair lets a resume bring rows that differed anew, and no others.
	Repair bool
	// Bulk is true for a queued run of one of several tenants that were queued at
	// once: policy asks for more.
	Bulk bool
	// WaitRouting lets finalize wait until the routing time has passed.
	WaitRouting bool
	// Progress hears about every change, at most ten times a second and table.
	Progress func(Progress)
	// Slowed hears how fast a move's rows are copied or compared while they make
	// way for others, "" when they do no more. It may be called beside Progress.
	Slowed func(move, how string)
}

// Progress is what a person may see of a running move.
type Progress struct {
	Move  *Move
	Phase string
	Table string // of Move.Tables, when one changed
}

// side is one shard in a run.
type side struct {
	name  string
	db    *conn.Database
	fence *fence.Shard
	// home is true where the shard lives in the control database, so that the
	// tenant's root row there is the catalogue's own.
	home bool
}

// run is one owner carrying out one move under one lease.
type run struct {
	e        *Engine
	m        *Move
	plan     *preflight.Plan
	permit   policy.Permit
	opt      Options
	lease    *job.Lease
	ctl      *pgxpool.Pool // control
	tm       *tenancy.Map
	tenant   tenancy.Tenant
	src, dst *side
	intent   string // the audit event that outcomes refer to
	// closedAt is when this run closed a fence, closedFor its limit; committing is
	// true from when it may have taken one to where that limit counts no more.
	closedAt   time.Time
	closedFor  time.Duration
	committing bool
	marker     string // what mark wrote last
	pace       measure
	repaired   []compare.Difference
	refreshed  bool              // the target's views, with all that the tenant has
	awake      func()            // lets the machine sleep again; nil where it may
	removed    bool              // rows of the tenant from the target, by this run
	governor   *rowcopy.Governor // of what makes way for others just now
}

// Run carries out an action and returns when the move is settled. The returned
// move is what control holds, also beside an error.
func (e *Engine) Run(ctx context.Context, permit policy.Permit, id string, action Action, opt Options) (*Move, error) {
	m, err := e.record.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := known(m); err != nil {
		return m, err
	}
	if !m.Allows(action) {
		return m, notAllowed(m, action)
	}
	lease, err := e.acquire(ctx, m, action)
	if err != nil {
		return m, err
	}
	defer lease.Release(context.WithoutCancel(ctx))
	stopAt("lease_taken")

	// Only what is read under the lease counts, and behind its epoch nobody else
	// changes it.
	if err := e.record.claim(ctx, m, lease.Epoch); err != nil {
		return m, err
	}
	if m, err = e.record.load(ctx, m.ID); err != nil {
		return nil, err
	}
	if !m.Allows(action) {
		return m, notAllowed(m, action)
	}
	ctl, err := e.deps.Set.Control().Pool(ctx)
	if err != nil {
		return m, err
	}
	r := &run{e: e, m: m, plan: m.plan, permit: permit, opt: opt, lease: lease, ctl: ctl}
	runCtx := lease.Context()
	stop := context.AfterFunc(ctx, lease.Stop) // the caller's end is the run's end
	defer stop()
	err = r.do(runCtx, action)
	if err != nil && runCtx.Err() != nil && ctx.Err() == nil {
		err = leaseLost(m)
	}
	if fresh, loadErr := e.record.load(context.WithoutCancel(ctx), m.ID); loadErr == nil {
		m = fresh
	}
	return m, err
}

// acquire takes the tenant's lease. A cancel asks a running owner to park
// first and waits for it.
func (e *Engine) acquire(ctx context.Context, m *Move, action Action) (*job.Lease, error) {
	lease, err := e.deps.Jobs.Acquire(ctx, resource(m.Tenant), leaseTTL)
	if action != ActionCancel || err == nil || fault.CodeOf(err) != fault.LeaseHeld {
		return lease, err
	}
	q, perr := e.record.pool(ctx)
	if perr != nil {
		return nil, perr
	}
	if _, perr := q.Exec(ctx, e.record.sql(`UPDATE {{schema}}.move SET park = true WHERE id = $1`), m.ID); perr != nil {
		return nil, e.record.fault(perr)
	}
	deadline := time.NewTimer(leaseTTL + 15*time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, err
		case <-tick.C:
			if lease, lerr := e.deps.Jobs.Acquire(ctx, resource(m.Tenant), leaseTTL); lerr == nil || fault.CodeOf(lerr) != fault.LeaseHeld {
				return lease, lerr
			}
		}
	}
}

// do opens both sides and carries the action out.
func (r *run) do(ctx context.Context, action Action) error {
	defer r.maySleep()
	if err := r.beginIntent(ctx, action); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return r.failed(ctx, err)
	}
	if err := r.takeOver(ctx); err != nil {
		return r.failed(ctx, err)
	}
	if err := r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, "park = false"); err != nil {
		return err
	}
	if err := r.leased(ctx, func(tx pgx.Tx) error { return r.e.record.begun(ctx, tx, r.m, r.lease.Epoch) }); err != nil {
		return err
	}
	var err error
	switch action {
	case ActionCancel:
		err = r.cancel(ctx)
	case ActionRollback:
		err = r.rollback(ctx)
	case ActionFinalize:
		err = r.finalize(ctx)
	case ActionSwitch:
		err = r.forward(ctx, true)
	case ActionStart:
		err = r.forward(ctx, false)
	case ActionResume:
		err = r.resume(ctx)
	}
	if err != nil {
		return r.failed(ctx, err)
	}
	r.ended(ctx)
	return nil
}

// resume goes on from whatever a crash or a failure left.
func (r *run) resume(ctx context.Context) error {
	switch r.m.State {
	case RollingBack:
		return r.rollback(ctx)
	case Finalizing:
		return r.finalize(ctx)
	case Switched:
		return r.forward(ctx, true)
	}
	switch {
	case r.opt.Repair:
		if err := r.repair(ctx); err != nil {
			return err
		}
	case r.m.Held():
	case r.m.keepsCopy():
		if err := r.goOn(ctx); err != nil {
			return err
		}
	default:
		if err := r.undo(ctx); err != nil {
			return err
		}
	}
	return r.forward(ctx, r.m.Held() || !r.m.Hold)
}

// open connects both sides and builds the map from the source's structure.
func (r *run) open(ctx context.Context) error {
	var err error
	if r.tenant, err = r.e.deps.Catalogue.Find(ctx, r.m.Tenant); err != nil {
		return err
	}
	for _, s := range []struct {
		name string
		to   **side
	}{{r.m.Source, &r.src}, {r.m.Target, &r.dst}} {
		db, err := r.e.deps.Set.Shard(s.name)
		if err != nil {
			return err
		}
		*s.to = &side{name: s.name, db: db, home: db.InControl()}
	}
	pool, err := r.src.db.Pool(ctx)
	if err != nil {
		return err
	}
	schema, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return conn.Fault(err, r.src.name)
	}
	if r.tm, err = tenancy.BuildMap(schema, r.e.deps.Profile); err != nil {
		return err
	}
	for _, s := range []*side{r.src, r.dst} {
		s.fence = fence.New(s.db, r.tm)
	}
	return nil
}

// takeOver writes the lease's epoch to every shard on which this move may have
// left something, after ending the backends of older epochs. From then on an
// old owner cannot write there.
func (r *run) takeOver(ctx context.Context) error {
	shards, err := r.e.record.toClean(ctx, r.m)
	if err != nil {
		return err
	}
	sides := slices.DeleteFunc([]*side{r.src, r.dst}, func(s *side) bool { return !slices.Contains(shards, s.name) })
	return r.enter(ctx, sides...)
}

// enter writes the lease's epoch to shards and then asks whether the lease is
// still this run's. Who slept before it wrote may have entered a shard that the
// next owner has left for good: nobody would find what it made there.
func (r *run) enter(ctx context.Context, sides ...*side) error {
	err := func() error {
		for _, s := range sides {
			if err := s.fence.Enter(ctx, r.m.ID, r.lease.Epoch); err != nil {
				return err
			}
		}
		return r.leased(ctx, func(pgx.Tx) error { return nil })
	}()
	if fault.CodeOf(err) == fault.LeaseLost || (err != nil && ctx.Err() != nil) {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		for _, s := range sides {
			if err := s.fence.Forget(late, r.m.ID, r.lease.Epoch); err != nil {
				r.e.deps.Log.Warn("the epoch of a lost lease stays", "move", r.m.ID, "shard", s.name, "error", err.Error())
			}
		}
	}
	return err
}

// leased runs a transaction in control that commits only while the lease is
// this run's.
func (r *run) leased(ctx context.Context, f func(pgx.Tx) error) error {
	return r.e.record.fault(pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := r.lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	}))
}

// forward carries a move on until it is settled: held, or retained.
func (r *run) forward(ctx context.Context, past bool) error {
	for {
		if r.parked(ctx) && (r.m.State == Planned || r.m.Held()) {
			return r.parkedAt()
		}
		var err error
		switch {
		case r.m.online() && r.m.State == Planned && r.m.Step == stepArmed:
			err = r.copyOnline(ctx)
		case r.m.State == CatchingUp:
			err = r.catchUp(ctx, r.m.Hold && !past)
		case r.m.online() && r.m.Held() && !past:
			return nil
		case r.m.online() && r.m.State == Ready:
			err = r.switchOnline(ctx)
		case r.m.State == Planned && r.m.Step == stepArmed && r.m.Hold && !past:
			err = r.to(ctx, Ready, stepHeld)
			stopAt("held")
			if err == nil {
				r.say(ctx, "ready: held before the fence, waiting for a person to switch")
				return nil
			}
		case r.m.State == Planned && r.m.Step != stepArmed:
			err = r.arm(ctx)
		case r.m.State == Planned, r.m.Held():
			if r.m.Held() && !past {
				return nil
			}
			err = r.copyUnderFence(ctx)
		case r.m.State == Ready:
			err = r.flip(ctx)
		case r.m.State == Switched:
			err = r.settle(ctx)
		case r.m.State == Retained:
			return nil
		default:
			return notAllowed(r.m, ActionResume)
		}
		if err != nil {
			return err
		}
	}
}

// parked reports whether the operator asked the run to stop.
func (r *run) parked(ctx context.Context) bool {
	select {
	case <-r.opt.Park:
		return true
	default:
	}
	var park bool
	err := r.ctl.QueryRow(ctx, r.e.record.sql(`SELECT park FROM {{schema}}.move WHERE id = $1`), r.m.ID).Scan(&park)
	return err == nil && park
}

func (r *run) parkedAt() error {
	hint := ""
	if next := r.m.Next(); len(next) > 0 {
		hint = next[0]
	}
	return fault.Newf(fault.MoveParked, hint, "move %s stopped at a safe point: %s", r.m.ID, r.m.State)
}

// to moves the state under the lease's epoch.
func (r *run) to(ctx context.Context, s State, step string) error {
	if err := r.e.record.step(ctx, r.ctl, r.m, r.lease.Epoch, s, step); err != nil {
		return err
	}
	r.tell("")
	return nil
}

// say writes a line to the move's log and tells whoever watches.
func (r *run) say(ctx context.Context, format string, args ...any) {
	r.e.record.log(ctx, r.m, "info", format, args...)
	r.tell("")
}

func (r *run) tell(table string) {
	if r.opt.Progress != nil {
		r.opt.Progress(Progress{Move: r.m, Phase: phase(r.m), Table: table})
	}
}

// phase names the part of a move that a person recognises; of a failed one, where
// it stopped.
func phase(m *Move) string {
	switch m.stood() {
	case Planned:
		return "Check"
	case Copying:
		if m.Step == stepVerifying {
			return "Verify"
		}
		return "Copy"
	case CatchingUp:
		return "Catch up"
	case Ready, Switching, Switched:
		return "Switch"
	case Retained:
		return "Watch"
	case Finalizing, Finalized:
		return "Finish"
	case RollingBack, RolledBack:
		return "Move back"
	}
	return "Plan"
}

// Phase names the part of the move that a person recognises.
func (m *Move) Phase() string { return phase(m) }

// opens says what lets the tenant write again on a shard that this run could not
// reopen.
func (r *run) opens(shard string) string {
	if r.committing {
		return "the fence on " + shard + " may be committing, which does not end by itself: a worker that takes the move over opens it, or " + fault.Change("move resume "+r.m.ID+" --wait") + "; without this program docs/break-glass.md does"
	}
	return "the fence's own limit will"
}

// comesBack makes a call that may be repeated again while a database cannot be
// reached: a connection that is there again in a moment is no reason for a tenant
// to stay closed until its fence's limit or, once the pointer has moved, until
// somebody resumes the move.
func comesBack(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := f(ctx)
		if !fault.Unreachable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// failed leaves the tenant writable, records the reason and gives the error
// back. What cannot be reached any more reopens by itself while the fence has its
// limit, and not once it is committing.
func (r *run) failed(ctx context.Context, cause error) error {
	code := fault.CodeOf(cause)
	if code == fault.LeaseLost || r.m.State.Over() {
		return cause
	}
	// The lease may still be ours although the caller has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if r.m.State.Undoable() && r.src != nil && r.src.fence != nil && r.m.State != Planned && !r.m.Held() && r.m.State != Failed {
		if code == fault.MoveParked || ctx.Err() == nil {
			if err := comesBack(ctx, r.reopenSource); err != nil {
				r.e.record.log(ctx, r.m, "error", "the source could not be reopened: %s; %s", err, r.opens(r.m.Source))
			} else if r.m.online() {
				r.noteOnce(ctx, r.src)
			}
		}
	}
	// A rollback that did not flip back leaves the tenant where it is served,
	// and the choice between rollback and finalize.
	to := Failed
	if !r.m.State.Undoable() {
		to = r.m.State
	}
	if r.m.State == RollingBack && r.m.Step != stepFlippedBack && r.dst != nil && r.dst.fence != nil {
		reopened := false
		err := comesBack(ctx, func(ctx context.Context) (err error) {
			reopened, err = r.reopenTarget(ctx)
			return err
		})
		if err == nil && reopened {
			err = r.keepDigests(ctx)
		}
		switch {
		case err != nil:
			r.e.record.log(ctx, r.m, "error", "the target could not be reopened: %s; %s", err, r.opens(r.m.Target))
		case reopened:
			to = Retained
		}
	}
	if code == fault.MoveParked {
		return cause
	}
	if code == fault.GuardMissing && r.m.online() {
		r.unnoted(ctx)
	}
	r.e.record.log(ctx, r.m, "error", "%s", cause)
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		before := r.m.State
		if err := r.e.record.fail(ctx, tx, r.m, r.lease.Epoch, to, cause); err != nil {
			return err
		}
		if before.Undoable() {
			if err := r.appAudit(ctx, tx, tenancy.AppFailed); err != nil {
				return err
			}
		}
		return r.outcomeTx(ctx, tx, "failed", cause)
	})
	if err != nil {
		r.e.deps.Log.Error("a failure could not be recorded", "move", r.m.ID, "error", err.Error())
	}
	r.tell("")
	return cause
}

// unnoted lets nobody rely on notes any more: what was written while a guard was
// missing is not among them. Before the switch all rows are copied anew, for a
// rollback all are compared.
func (r *run) unnoted(ctx context.Context) {
	var err error
	switch {
	case r.m.State == RollingBack && r.dst != nil && r.dst.fence != nil:
		err = comesBack(ctx, func(ctx context.Context) error {
			return r.dst.fence.NoteAnew(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.NoteNothing)
		})
	case r.m.State != Failed && r.m.keepsCopy():
		err = r.to(ctx, r.m.State, stepUndoing)
	}
	if err != nil {
		r.e.record.log(ctx, r.m, "error", "the notes of what the tenant wrote are not complete, which could not be recorded: %s; "+fault.Change("move cancel "+r.m.ID+" --wait")+" where the tenant was not switched", err)
	}
}

// beginIntent stores the intent of the action before a shard is touched, and ends
// those that earlier owners left open. A start has stored its intent with the move,
// and goes on with it unless it has an outcome already.
func (r *run) beginIntent(ctx context.Context, action Action) error {
	left := audit.Abandoned{Tenant: r.m.Tenant, After: map[string]any{"state": string(r.m.State), "step": r.m.Step}}
	own := &audit.Intent{
		Tenant: r.m.Tenant, Source: r.m.Source, Target: r.m.Target, MoveID: r.m.ID,
		Before: map[string]any{"state": string(r.m.State), "step": r.m.Step}, Details: r.proof(),
	}
	if r.m.AuditEvent != nil {
		left.Start = *r.m.AuditEvent
		if action == ActionStart {
			event, _, err := r.e.deps.Trail.OutcomeOf(ctx, left.Start)
			if err != nil {
				return err
			}
			if event == "" {
				r.intent, left.But, own = left.Start, left.Start, nil
			}
		}
	}
	open, err := r.e.deps.Trail.TakeOver(ctx, r.permit, left, r.lease.GuardTx, own)
	if err != nil {
		return err
	}
	if open != nil {
		r.intent = open.ID()
	}
	return nil
}

// keepAwake keeps the machine from sleeping from before a fence closes until the
// tenant writes again, or this run has ended.
func (r *run) keepAwake(why string) {
	if r.awake == nil && r.e.deps.Awake != nil {
		r.awake = r.e.deps.Awake(why)
	}
}

func (r *run) maySleep() {
	if r.awake != nil {
		r.awake()
		r.awake = nil
	}
}

// ended stores that the action did what it was asked, where no transaction of its
// own has said how it ended: a start that is held, a resume behind the flip.
func (r *run) ended(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err := comesBack(ctx, func(ctx context.Context) error {
		event, _, err := r.e.deps.Trail.OutcomeOf(ctx, r.intent)
		if err != nil || event != "" {
			return err
		}
		return r.leased(ctx, func(tx pgx.Tx) error { return r.outcomeTx(ctx, tx, "ok", nil) })
	})
	if err != nil {
		r.e.deps.Log.Warn("an action that has ended has no outcome in the audit trail", "move", r.m.ID, "error", err.Error())
	}
}

// outcomeTx appends the outcome of the intent inside the caller's transaction.
func (r *run) outcomeTx(ctx context.Context, tx pgx.Tx, status string, cause error) error {
	rec := audit.Record{
		Tenant: r.m.Tenant, Source: r.m.Source, Target: r.m.Target, MoveID: r.m.ID,
		Phase: "outcome", Status: status, Parent: r.intent,
		After:   map[string]any{"state": string(r.m.State), "step": r.m.Step},
		Details: map[string]any{"rows": r.m.Rows, "bytes": r.m.Bytes, "verified": r.m.Verified},
	}
	if len(r.repaired) > 0 {
		rec.Details["repaired"] = r.repairs()
	}
	if cause != nil {
		rec.Details["error"] = string(fault.CodeOf(cause))
		rec.Details["message"] = cause.Error()
	}
	_, err := r.e.deps.Trail.AppendTx(ctx, tx, r.permit, rec)
	return err
}

func (r *run) appAudit(ctx context.Context, tx pgx.Tx, status tenancy.AppStatus) error {
	a := tenancy.AppAudit{Tenant: r.m.Tenant, From: r.m.Source, To: r.m.Target, By: r.permit.Operator(), Note: r.permit.Reason(), Status: status}
	if r.m.AppAudit != nil {
		a.ID = *r.m.AppAudit
	}
	_, err := r.e.deps.Catalogue.AppAuditTx(ctx, tx, a)
	return err
}

// proof is what the intent records of how a run was confirmed, nil where nothing
// was asked for.
func (r *run) proof() map[string]any {
	if r.opt.Reentered == "" {
		return nil
	}
	return map[string]any{"reentered": r.opt.Reentered}
}
