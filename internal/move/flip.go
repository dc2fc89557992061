package move

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// flip checks once more, makes the source unable to reopen by itself, and
// moves the pointer. It ends with the state switched, or with the source
// reopened and an error.
func (r *run) flip(ctx context.Context) error {
	if err := r.recheck(ctx, r.src); err != nil {
		return err
	}
	if err := r.marked(ctx, r.dst); err != nil {
		return err
	}
	if r.m.State != Switching {
		if err := r.to(ctx, Switching, ""); err != nil {
			return err
		}
	}
	stopAt("before_committing")
	if err := r.commit(ctx, r.src); err != nil {
		return err
	}
	stopAt("committing")
	err := r.flipTx(ctx, pointing{
		from: r.m.Source, to: r.m.Target, state: Switched, step: stepFlipped,
		app: tenancy.AppCompleted, audit: "ok", stop: "flip_not_committed",
	})
	if err != nil {
		return err
	}
	stopAt("flipped")
	r.say(ctx, "the pointer is on %s", r.m.Target)
	return nil
}

// commit takes a side's fence to where it does not reopen by itself.
func (r *run) commit(ctx context.Context, s *side) error {
	r.committing = true
	err := s.fence.Commit(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch)
	if err != nil && !unknownCommit(err) {
		r.committing = false
	}
	return err
}

// pointing says what one flip writes.
type pointing struct {
	from, to string
	state    State
	step     string
	app      tenancy.AppStatus
	audit    string
	stop     string
}

// flipTx is the one transaction that decides where a tenant lives: pointer,
// state of the move, audit event and the application's own audit row, under
// the lease's epoch. When the answer to its commit is lost, control is asked
// until it answers; until then no shard is touched.
func (r *run) flipTx(ctx context.Context, p pointing) error {
	m := *r.m
	err := pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '5s'`, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if err := fence.Durable(ctx, tx); err != nil {
			return err
		}
		if err := r.lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		if err := r.e.deps.Catalogue.PointTx(ctx, tx, r.m.Tenant, p.from, p.to); err != nil {
			return err
		}
		if err := r.e.record.step(ctx, tx, &m, r.lease.Epoch, p.state, p.step); err != nil {
			return err
		}
		saved := r.m
		r.m = &m
		defer func() { r.m = saved }()
		if err := r.appAudit(ctx, tx, p.app); err != nil {
			return err
		}
		if err := r.outcomeTx(ctx, tx, p.audit, nil); err != nil {
			return err
		}
		stopAt(p.stop)
		return nil
	})
	if err == nil {
		*r.m = m
		r.tell("")
		return nil
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) || !unknownCommit(r.e.record.fault(err)) {
		return r.e.record.fault(err)
	}
	return r.flipFate(ctx, err, p)
}

// flipFate reads control until it says whether the flip happened. The source
// stays closed meanwhile: to open it on a guess could open two sides.
func (r *run) flipFate(ctx context.Context, cause error, p pointing) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTTL)
	defer cancel()
	for {
		_, err := r.e.record.load(ctx, r.m.ID)
		if err == nil {
			// A backend that still carries the commit would hold the lease row.
			err = pgx.BeginTxFunc(ctx, r.ctl, pgx.TxOptions{}, func(tx pgx.Tx) error { return r.lease.GuardTx(ctx, tx) })
			if err == nil {
				fresh, again := r.e.record.load(ctx, r.m.ID)
				if err = again; err == nil {
					if fresh.State == p.state && fresh.Step == p.step {
						fresh.plan = r.plan
						*r.m = *fresh
						return nil
					}
					return r.e.record.fault(cause)
				}
			}
			if fault.CodeOf(err) == fault.LeaseLost {
				return leaseLost(r.m)
			}
		}
		select {
		case <-ctx.Done():
			return fault.Wrapf(cause, fault.LeaseLost, fault.Change("move resume "+r.m.ID+" --wait")+", when the control database answers",
				"control did not say whether move %s was switched; the tenant stays closed until it does", r.m.ID)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// recheck is what is looked at once more inside the fence: guards, structure,
// and that the fence is closed. Transactions that were prepared before the
// guards were waited for, later ones hold the fence open.
func (r *run) recheck(ctx context.Context, closed *side) error {
	if err := r.unchanged(ctx); err != nil {
		return err
	}
	state, err := closed.fence.State(ctx, r.m.Tenant)
	if err != nil {
		return err
	}
	if state.State != fence.Fenced || state.Expired {
		return fault.Newf(fault.FenceExpired, fault.Change("move "+string(r.again())+" "+r.m.ID+" --wait")+", at a quieter time when this repeats",
			"%s: the fence is %s, the tenant may have written since", closed.name, state.State)
	}
	return nil
}

// unchanged looks at guards and structure on both sides at once: the tenant may
// be waiting. Before the switch the structure has to be what was planned with; a
// rollback compares all that differs, so that it is enough when it is the same on
// both sides.
func (r *run) unchanged(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	now := [2]string{}
	for i, s := range []*side{r.src, r.dst} {
		g.Go(func() error { return s.fence.VerifyGuards(gctx) })
		g.Go(func() (err error) {
			now[i], err = r.fingerprint(gctx, s)
			return err
		})
	}
	err := g.Wait()
	if r.m.State != RollingBack {
		if err != nil {
			return err
		}
		for i, s := range []*side{r.src, r.dst} {
			if now[i] != r.plan.Fingerprint {
				return fault.Newf(fault.SchemaDifferent, fault.Change("move cancel "+r.m.ID+" --wait")+", then plan the move anew",
					"%s: the structure of the tenant's tables has changed since the move was planned", s.name)
			}
		}
		return nil
	}
	back := fault.Change("move rollback " + r.m.ID + " --wait")
	switch {
	case fault.CodeOf(err) == fault.GuardMissing:
		return fault.Wrapf(err, fault.GuardMissing, "find out what changed the table or removed its trigger, take that back, then "+back+"; "+fault.Change("move finalize "+r.m.ID+" --wait")+" keeps the tenant on "+r.m.Target,
			"%s", fault.As(err).Message)
	case err != nil:
		return err
	case now[0] != now[1]:
		changed, or := r.m.Target, "; or keep the tenant there: "+fault.Change("move finalize "+r.m.ID+" --wait")
		if now[0] != r.plan.Fingerprint {
			changed, or = r.m.Source, "; finalize refuses, too, until they are on "+r.m.Source+" what they were"
			if now[1] != r.plan.Fingerprint {
				changed = r.m.Source + " and " + r.m.Target
			}
		}
		return fault.Newf(fault.SchemaDifferent, "make the tenant's tables the same on both shards, then "+back+or,
			"%s: the structure of the tenant's tables has changed since the move was planned, and is not the same on both shards", changed)
	}
	return r.stranded(ctx)
}

// stranded refuses a rollback where the target has got a table of tenants' rows
// that the source does not have, with rows of the tenant in it: nothing would bring
// them back.
func (r *run) stranded(ctx context.Context) error {
	pool, err := r.dst.db.Pool(ctx)
	if err != nil {
		return err
	}
	schema, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return conn.Fault(err, r.dst.name)
	}
	tm, err := tenancy.BuildMap(schema, r.e.deps.Profile)
	if err != nil {
		return err
	}
	for _, c := range tm.Moving() {
		if x := r.tm.Table(c.Name()); x != nil && x.Kind.Moves() {
			continue
		}
		var has bool
		if err := r.dst.db.Read(ctx, 0, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+c.Table.Own()+" t WHERE "+tm.Owned(c.Name(), tm.Literal(r.m.Tenant))+")").Scan(&has)
		}); err != nil {
			return conn.Fault(err, r.dst.name)
		}
		if has {
			return fault.Newf(fault.SchemaDifferent, "make the tenant's tables the same on both shards, then "+fault.Change("move rollback "+r.m.ID+" --wait")+"; or keep the tenant there: "+fault.Change("move finalize "+r.m.ID+" --wait"),
				"%s: the tenant has rows in %s, and %s has no such table of tenants' rows", r.dst.name, c.Name(), r.src.name)
		}
	}
	return nil
}

// fingerprint is what the structure of the tenant's tables on a shard amounts to.
func (r *run) fingerprint(ctx context.Context, s *side) (string, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return "", err
	}
	now, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return "", conn.Fault(err, s.name)
	}
	names := []string{r.tm.Root.Name()}
	for _, c := range r.copied() {
		names = append(names, c.Name())
	}
	return structure.Fingerprint(now, names), nil
}

// settle goes forward after the flip: the source refuses, the target serves,
// fresh rows without an owner follow, the views that are not fresh are refreshed.
func (r *run) settle(ctx context.Context) error {
	if err := r.handOver(ctx, handing{from: r.src, closed: "source_moved", to: r.dst, opened: "target_open"}); err != nil {
		return err
	}
	r.refreshRoots(ctx)
	if err := r.copyFresh(ctx); err != nil {
		return err
	}
	if !r.refreshed { // online: with what the last pass brought
		r.refreshViews(ctx, r.dst, r.came())
	}
	r.refreshViews(ctx, r.src, r.came())
	stopAt("views_refreshed")
	var passed error
	if r.m.online() {
		if passed = r.follow(ctx); passed != nil && fault.CodeOf(passed) != fault.VerifyDifferent {
			return passed
		}
	}
	if err := r.to(ctx, Retained, ""); err != nil {
		return err
	}
	r.say(ctx, "%s serves the tenant; %s keeps its copy until finalize", r.m.Target, r.m.Source)
	stopAt("retained")
	return passed
}

// handing says which side a tenant leaves and which it comes to, and the stop
// points behind each.
type handing struct {
	from, to       *side
	closed, opened string
}

// handOver follows a flip on both shards: one refuses, the other serves, the
// write pause ends. The tenant is closed everywhere until then, so neither a
// caller who leaves nor a side that is down keeps the other from opening: the
// side that served stands at committing, which does not reopen by itself.
func (r *run) handOver(ctx context.Context, h handing) error {
	r.keepAwake("a tenant waits to be served again") // where an earlier run had closed it
	now, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	closing := h.from.fence.SetState(now, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Moved)
	if closing == nil {
		stopAt(h.closed)
	} else if fault.CodeOf(closing) == fault.LeaseLost {
		return closing
	}
	err := comesBack(now, func(ctx context.Context) error {
		return h.to.fence.SetState(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Open)
	})
	if err != nil {
		return err
	}
	r.maySleep()
	stopAt(h.opened)
	if err := r.pauseEnds(now); err != nil {
		return err
	}
	if closing != nil {
		return closing
	}
	return ctx.Err()
}

// refreshRoots brings the replicas of the tenant's row up to the catalogue's
// after a flip: they carry the pointer, and the row may have changed since it
// was placed. A shard without a replica gets none.
func (r *run) refreshRoots(ctx context.Context) {
	for _, s := range []*side{r.src, r.dst} {
		if s.home {
			continue
		}
		missing, _, err := r.e.deps.Catalogue.CompareRoot(ctx, s.db, r.m.Tenant)
		if err == nil && !missing {
			err = r.sideWrite(ctx, s, func(tx pgx.Tx) error {
				_, err := r.e.deps.Catalogue.PlaceRootReplica(ctx, tx, r.tm, r.m.Tenant)
				return err
			})
		}
		if err != nil {
			r.say(ctx, "the tenant's row on %s was not refreshed: %s", s.name, err)
		}
	}
}

// pauseEnds records how long the tenant could not write, on control's clock.
func (r *run) pauseEnds(ctx context.Context) error {
	return r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch,
		`write_pause_ms = coalesce(write_pause_ms, (extract(epoch FROM clock_timestamp() - read_only_since) * 1000)::bigint), read_only_since = NULL`)
}

// reopenSource lets the tenant write on the source again. It is called only
// when control says that the pointer has not moved and this owner holds the
// lease, so that no flip can follow.
func (r *run) reopenSource(ctx context.Context) error {
	if fresh, err := r.e.record.load(ctx, r.m.ID); err != nil {
		return err
	} else if !fresh.State.Undoable() {
		return fault.Newf(fault.MoveState, fresh.Next()[0], "move %s is %s: the source stays closed", r.m.ID, fresh.State)
	}
	if shards, err := r.e.record.toClean(ctx, r.m); err != nil {
		return err
	} else if slices.Contains(shards, r.m.Source) { // else nothing of the move is there
		if err := r.src.fence.Reopen(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Armed); err != nil {
			return err
		}
	}
	stopAt("source_reopened")
	return r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = NULL`)
}

// reopenTarget lets the tenant write on the target again during a rollback
// that has not flipped back, and reports whether it is so.
func (r *run) reopenTarget(ctx context.Context) (bool, error) {
	if fresh, err := r.e.record.load(ctx, r.m.ID); err != nil {
		return false, err
	} else if fresh.State != RollingBack || fresh.Step == stepFlippedBack {
		return false, nil
	}
	if err := r.dst.fence.Reopen(ctx, r.m.Tenant, r.m.ID, r.lease.Epoch, fence.Open); err != nil {
		return false, err
	}
	return true, r.e.record.set(ctx, r.ctl, r.m, r.lease.Epoch, `read_only_since = NULL`)
}
