package placement

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/job"
	"shardadmin/internal/move/crash"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/policy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// Deps is what an assignment stands on.
type Deps struct {
	Set       *conn.Set
	Schema    string // of ours in control, unquoted
	Profile   *tenancy.Profile
	Catalogue *tenancy.Catalogue
	Trail     *audit.Trail
	Jobs      *job.Jobs
	// Lent returns, by shard and table, the keys of rows that a move left there
	// by decision although their tenant lives elsewhere. May be nil.
	Lent func(ctx context.Context) (map[string]map[string][]string, error)
	// Open returns the id and state of the move that holds a tenant, or "".
	Open func(ctx context.Context, tenant string) (id, state string, err error)
}

// Request of an assignment.
type Request struct {
	Tenant   tenancy.Tenant
	Target   string
	RowsStay bool
}

// Result of an assignment.
type Result struct{ From, To, AuditEvent string }

// How long a statement may take that looks for rows of the tenant, which reads a
// whole table where no index is on its tenant column, and how long the tenant may be
// read-only meanwhile: what the look before the fence took, with room, within these.
const (
	rowsLimit  = 10 * time.Minute
	fenceLimit = 10 * time.Second
	fenceMost  = 5 * time.Minute
)

// olderLimit bounds the wait for transactions older than the guards.
const olderLimit = 30 * time.Second

// pointLimit bounds the transaction that changes the pointer, whose statements
// the server ends after 5 seconds each, and settleLimit the wait for its end
// when its answer was lost.
const (
	pointLimit  = 20 * time.Second
	settleLimit = 10 * time.Second
)

// Assign points a tenant to another shard.
func Assign(ctx context.Context, d Deps, permit policy.Permit, r Request) (Result, error) {
	res := Result{From: r.Tenant.Shard, To: r.Target}
	target, err := d.Set.Shard(r.Target)
	if err != nil {
		return res, err
	}
	if r.Tenant.Shard == r.Target {
		return res, fault.Newf(fault.SameShard, "name another shard; shard-admin shards status lists them", "tenant %s is on %s already", r.Tenant.Label, r.Target)
	}
	if err := writable(ctx, target); err != nil {
		return res, err
	}
	if err := d.notControl(ctx, target); err != nil {
		return res, err
	}
	// A shard that is gone or unconfigured cannot be fenced; only an operator
	// who says that rows stay may point away from it.
	source, sourceErr := d.Set.Shard(r.Tenant.Shard)
	if sourceErr != nil && !r.RowsStay {
		return res, sourceErr
	}
	if err := d.free(ctx, r); err != nil {
		return res, err
	}
	m, err := readMap(ctx, target, d.Profile)
	if err != nil {
		return res, err
	}
	if err := d.rights(ctx, m, source, target, !r.RowsStay); err != nil {
		return res, err
	}
	// What an ended process of this computer held is free. A role that may not
	// say so waits until it has run out.
	_ = d.Jobs.Reap(ctx)
	lease, err := d.Jobs.Acquire(ctx, "tenant/"+r.Tenant.ID, time.Minute)
	if err != nil {
		return res, err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }()
	intent, err := d.Trail.TakeOver(ctx, permit, audit.Abandoned{Tenant: r.Tenant.ID, After: map[string]any{"shard": r.Tenant.Shard}}, lease.GuardTx, &audit.Intent{
		Tenant: r.Tenant.ID, Source: r.Tenant.Shard, Target: r.Target,
		Before: map[string]any{"shard": r.Tenant.Shard}, Details: map[string]any{"label": r.Tenant.Label, "rows_stay": r.RowsStay},
	})
	if err != nil {
		return res, err
	}
	crash.At("assign_intended")
	res.AuditEvent, err = d.carryOut(ctx, permit, r, m, source, target, lease, intent)
	if err != nil && res.AuditEvent == "" {
		// The answer to the commit may be what was lost: only control knows.
		event, status, known := d.committed(ctx, intent)
		if !known || event != "" && status != "ok" {
			// The trail says no more than is known; or whoever took over has said that
			// this was interrupted.
			return res, err
		}
		res.AuditEvent = event
	}
	if err == nil || res.AuditEvent != "" {
		// It came to be. A fence that could not be taken down keeps nobody out
		// but those who write where the tenant no longer is.
		return res, nil
	}
	status := "failed"
	if fault.Refused(err) {
		status = "refused"
	}
	if _, ferr := intent.Finish(ctx, audit.Outcome{Status: status, Err: err}); ferr != nil && fault.CodeOf(err) == fault.Internal {
		return res, ferr
	}
	return res, err
}

// free refuses a tenant that a move holds.
func (d Deps) free(ctx context.Context, r Request) error {
	id, state, err := d.Open(ctx, r.Tenant.ID)
	if err == nil && id != "" {
		err = fault.Newf(fault.MoveInProgress, "shard-admin move show "+id, "tenant %s is held by move %s, which is %s", r.Tenant.Label, id, state)
	}
	return err
}

// committed returns the stored outcome of the intent and its status, "" when there is
// none; known is false when control did not say. It asks as often as a pool may hold
// connections that a break has left dead.
func (d Deps) committed(ctx context.Context, intent *audit.Open) (event, status string, known bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for range 10 {
		event, status, err := d.Trail.OutcomeOf(ctx, intent.ID())
		if err == nil {
			return event, status, true
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", "", false
}

func (d Deps) carryOut(ctx context.Context, permit policy.Permit, r Request, m *tenancy.Map, source, target *conn.Database, lease *job.Lease, intent *audit.Open) (event string, err error) {
	// A move may have begun before the lease was ours.
	if err := d.free(ctx, r); err != nil {
		return "", err
	}
	work, stop := context.WithCancel(lease.Context())
	defer stop()
	defer context.AfterFunc(ctx, stop)()

	// An assignment that died may have left the tenant closed, here or where it
	// led away from; the tenant's lease is ours now.
	left := []*conn.Database{target}
	if !r.RowsStay {
		left = append(left, source)
	}
	for _, db := range left {
		if err := fence.New(db, m).RemoveAssignment(work, r.Tenant.ID, lease.Epoch); err != nil {
			return "", err
		}
	}

	// The tenant's row is on the target before the pointer leads there, and not
	// before it is shown that it may.
	place := func() error {
		if target.InControl() {
			return nil
		}
		pool, err := target.Pool(work)
		if err != nil {
			return err
		}
		return conn.Fault(pgx.BeginFunc(work, pool, func(tx pgx.Tx) error {
			_, err := d.Catalogue.PlaceRootReplica(work, tx, m, r.Tenant.ID)
			return err
		}), target.Name())
	}
	point := func() error {
		// Whoever interrupts it learns what became of it, not that it was cut.
		work, cancel := context.WithTimeout(context.WithoutCancel(work), pointLimit)
		defer cancel()
		control, err := d.Set.Control().Pool(work)
		if err != nil {
			return err
		}
		written := ""
		err = conn.Fault(pgx.BeginTxFunc(work, control, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(work, `SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '5s'`, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			if err := lease.GuardTx(work, tx); err != nil {
				return err
			}
			if err := d.Catalogue.PointTx(work, tx, r.Tenant.ID, r.Tenant.Shard, r.Target); err != nil {
				return err
			}
			if _, err := d.Catalogue.AppAuditTx(work, tx, tenancy.AppAudit{
				Tenant: r.Tenant.ID, From: r.Tenant.Shard, To: r.Target, By: permit.Operator(), Note: permit.Reason(), Status: tenancy.AppCompleted,
			}); err != nil {
				return err
			}
			written, err = d.Trail.AppendTx(work, tx, permit, audit.Record{
				Tenant: r.Tenant.ID, Source: r.Tenant.Shard, Target: r.Target, Phase: "outcome", Status: "ok", Parent: intent.ID(),
				Before: map[string]any{"shard": r.Tenant.Shard}, After: map[string]any{"shard": r.Target},
			})
			crash.At("assign_not_committed")
			return err
		}), "control")
		if err == nil {
			event = written
		}
		return err
	}
	if r.RowsStay {
		if err = place(); err == nil {
			err = point()
		}
	} else {
		err = d.fenced(work, r, source, lease, place, point)
	}
	return event, err
}

// fenced keeps the tenant's writers out of its present shard while it is shown
// to have no rows there and the pointer changes.
func (d Deps) fenced(ctx context.Context, r Request, source *conn.Database, lease *job.Lease, place, point func() error) (err error) {
	epoch := lease.Epoch
	m, err := readMap(ctx, source, d.Profile)
	if err != nil {
		return err
	}
	// Most refusals need no fence.
	began := time.Now()
	if err := noRows(ctx, m, source, r, rowsLimit); err != nil {
		return err
	}
	closed := fencedFor(time.Since(began))
	if err := place(); err != nil {
		return err
	}
	crash.At("assign_placed")
	f, id := fence.New(source, m), fence.AssignmentID(r.Tenant.ID)
	unknown := false
	defer func() {
		if unknown {
			return
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		for _, step := range []func() error{
			func() error { return f.Remove(end, r.Tenant.ID, id, epoch) },
			func() error { crash.At("assign_unfenced"); return f.RemoveGuards(end) },
		} {
			if gone := step(); gone != nil && err == nil {
				err = gone
			}
		}
	}()
	if err := f.Enter(ctx, id, epoch); err != nil {
		return err
	}
	if err := f.InstallGuards(ctx, fence.Serving, fence.Hooks{Patience: olderLimit}); err != nil {
		return err
	}
	if err := f.Arm(ctx, r.Tenant.ID, id, epoch, fence.Armed, fence.NoteNothing); err != nil {
		return err
	}
	crash.At("assign_armed")
	older, err := f.WaitOlder(ctx, olderLimit)
	if err != nil {
		return err
	}
	if len(older) > 0 {
		return fault.Newf(fault.FenceBlocked, "end it, then try again", "%s: a transaction older than the guards did not end within %s: %s", source.Name(), figure.Span(olderLimit), older[0])
	}
	var blockers []fence.Blocker
	for try := range 6 {
		if blockers, err = f.Close(ctx, r.Tenant.ID, id, epoch, closed); fault.CodeOf(err) != fault.FenceBlocked {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try+1) * 200 * time.Millisecond):
		}
	}
	if err != nil {
		if len(blockers) > 0 {
			return fault.Wrapf(err, fault.FenceBlocked, "end it, then try again", "%s: an open transaction keeps the fence from closing: %s", source.Name(), blockers[0])
		}
		return err
	}
	crash.At("assign_fenced")
	looking, cancel := context.WithTimeout(ctx, closed)
	defer cancel()
	if err := noRows(looking, m, source, r, 0); err != nil {
		return err
	}
	if err := f.Commit(ctx, r.Tenant.ID, id, epoch); err != nil {
		return err
	}
	crash.At("assign_committing")
	if err := point(); err != nil {
		if unknown = !d.settled(ctx, lease); unknown {
			return fault.Wrapf(err, fault.CodeOf(err), "when control answers, assign the tenant again, which opens it; docs/break-glass.md says how to open it by hand",
				"%s; whether tenant %s is on %s or on %s is not known, and %s keeps refusing its writes until control has said so", err, r.Tenant.Label, r.Tenant.Shard, r.Target, r.Tenant.Shard)
		}
		return err
	}
	crash.At("assign_pointed")
	return nil
}

// settled waits until the transaction that points the tenant has ended, one way
// or the other: it holds the lease's row as long as it lives. It is false when
// control did not say, and then the tenant must not be let in again where it
// was: a commit that is still under way would leave it with two open sides.
func (d Deps) settled(ctx context.Context, lease *job.Lease) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	for {
		pool, err := d.Set.Control().Pool(ctx)
		if err == nil {
			err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return lease.GuardTx(ctx, tx) })
		}
		if err == nil || fault.CodeOf(err) == fault.LeaseLost {
			return true // who has the lease now has waited for it
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// fencedFor is how long the tenant may be read-only while it is looked at as it was
// before, which took so long.
func fencedFor(took time.Duration) time.Duration { return min(max(fenceLimit, 3*took), fenceMost) }

// noRows refuses a tenant with rows where it is. Each of its statements may take as
// long as limit, where that is not 0, and none longer than the context.
func noRows(ctx context.Context, m *tenancy.Map, on *conn.Database, r Request, limit time.Duration) error {
	table := ""
	err := on.Read(ctx, limit, func(tx pgx.Tx) (err error) {
		table, err = m.HasRows(ctx, tx, r.Tenant.ID)
		return err
	})
	if err = conn.Fault(err, on.Name()); fault.CodeOf(err) == fault.TimedOut {
		return fault.Wrapf(err, fault.TimedOut, "an index on the column of the tenant, in each of its large tables, makes it short; --rows-stay points the tenant elsewhere without a look",
			"%s: whether tenant %s has rows could not be read in time; it is where it was", on.Name(), r.Tenant.Label)
	}
	if err != nil {
		return err
	}
	if table != "" {
		return fault.Newf(fault.RowsExist, fault.Change("move start "+r.Tenant.ID+" "+r.Target)+" takes them along; --rows-stay leaves them where they are",
			"tenant %s has rows on %s, in %s among others", r.Tenant.Label, r.Tenant.Shard, table)
	}
	return nil
}

func writable(ctx context.Context, db *conn.Database) error {
	pool, err := db.Pool(ctx)
	if err != nil {
		return err
	}
	var recovery, readOnly bool
	if err := pool.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool`).Scan(&recovery, &readOnly); err != nil {
		return conn.Fault(err, db.Name())
	}
	if recovery || readOnly {
		return fault.Newf(fault.DatabaseReadOnly, "name the primary in the fleet file, or take default_transaction_read_only off", "%s takes no writes", db.Name())
	}
	return nil
}

func readMap(ctx context.Context, db *conn.Database, p *tenancy.Profile) (*tenancy.Map, error) {
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	s, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return nil, conn.Fault(err, db.Name())
	}
	return tenancy.BuildMap(s, p)
}

// notControl refuses a target that is the control database by another url: the
// tenant's own row would be taken for a copy and written over.
func (d Deps) notControl(ctx context.Context, target *conn.Database) error {
	if target.InControl() {
		return nil
	}
	same, err := conn.Same(ctx, d.Set.Control(), target)
	if err == nil && same {
		err = fault.Newf(fault.SameDatabase, `give the shard database = "control" in the fleet file, in place of its url`, "%s is the control database by another url", target.Name())
	}
	return err
}

// rights refuses before anything is written when the role lacks one.
func (d Deps) rights(ctx context.Context, m *tenancy.Map, source, target *conn.Database, guards bool) error {
	dbs := []*conn.Database{d.Set.Control(), target}
	if guards {
		dbs = append(dbs, source)
	}
	seen := map[string]bool{}
	for _, db := range dbs {
		if db.InControl() {
			db = d.Set.Control()
		}
		if seen[db.Name()] {
			continue
		}
		seen[db.Name()] = true
		missing, err := rights.Check(ctx, db, preflight.Need(m, d.Profile, d.Schema, rights.Assign))
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return fault.Newf(fault.RightMissing, missing[0].Grant, "%s: the role lacks %s", db.Name(), missing[0].Right)
		}
	}
	return nil
}
