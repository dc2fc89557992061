package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/move"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/tenancy"
)

// ApplyRebalance queues the moves of a plan in its order, and points tenants that have
// no rows. First every move is checked and filed; where one is refused, those that were
// filed are taken back and no move is queued, and tenants that were pointed by then stay
// so. Then all are queued as one batch: when one
// of them comes to nothing, those that have not begun are cancelled.
//
// progress, unless nil, hears of each tenant.
func (s *Session) ApplyRebalance(ctx context.Context, r RebalanceApply, progress func(RebalanceOne)) (RebalanceApplied, error) {
	out := RebalanceApplied{Strategy: r.Strategy, DryRun: r.DryRun, Moves: []RebalanceOne{}}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	strategy := rebalance.Strategy(r.Strategy)
	if !slices.Contains(rebalance.Strategies(), strategy) {
		return out, fault.Newf(fault.Usage, "choose fewest-moves, fewest-bytes or most-even", "there is no strategy %q", r.Strategy)
	}
	id, steps, sp, err := s.current(ctx, r, strategy)
	out.Plan = id
	if err != nil {
		return out, err
	}
	tenants := map[string]tenancy.Tenant{}
	for _, st := range steps {
		t, err := s.cat.Find(ctx, st.Tenant)
		if err != nil {
			return out, err
		}
		tenants[t.ID] = t
		out.Moves = append(out.Moves, RebalanceOne{Tenant: t.ID, Label: t.Label, Source: st.From, Target: st.To, Status: NotTried})
	}
	if out.Workers, err = s.WorkersAlive(ctx); err != nil {
		return out, err
	}
	if r.DryRun {
		return out, s.wouldApply(ctx, &out, progress)
	}
	// One confirmation stands for all: the fleet's name.
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.RebalanceApply, Shard: s.cfg.Fleet.Name, Reason: r.Note, Confirm: r.Confirm, Bulk: true})
	if err != nil {
		return out, err
	}
	if len(steps) == 0 {
		return out, nil
	}
	intent, err := s.trail.Begin(ctx, permit, audit.Intent{Details: map[string]any{"plan": id, "strategy": r.Strategy, "moves": len(steps), "by": append([]string{}, r.By...), "max_moves": r.MaxMoves, "max_bytes": r.MaxBytes}})
	if err != nil {
		return out, err
	}
	a := &application{s: s, out: &out, tenants: tenants, note: permit.Reason(), batch: intent.ID(), progress: progress, empty: map[string]bool{}}
	for _, t := range sp.in.Tenants {
		a.empty[t.ID] = t.Rows == 0
	}
	err = a.run(ctx)
	event, ferr := intent.Finish(ctx, audit.Outcome{Err: err, Details: map[string]any{"plan": id, "queued": out.Queued, "assigned": out.Assigned, "refused": out.Refused}})
	out.AuditEvent = event
	if err == nil {
		err = ferr
	}
	return out, err
}

// current is the plan that is meant: the one that was seen, as long as all of it can
// still be done, or else the one that is made now.
func (s *Session) current(ctx context.Context, r RebalanceApply, strategy rebalance.Strategy) (string, []rebalance.Step, *spread, error) {
	sp, err := s.spread(ctx, r.RebalanceRequest)
	if err != nil {
		return r.Plan, nil, nil, err
	}
	answer := rebalance.Make(sp.in, sp.opt)
	plan, _ := answer.Plan(strategy)
	if r.Plan == "" || r.Plan == plan.ID {
		return plan.ID, plan.Steps(), sp, nil
	}
	steps, seen := s.offered.find(r.Plan)
	if !seen {
		return r.Plan, nil, nil, fault.Newf(fault.PlanStale, "shard-admin rebalance plan shows the plan of now, "+plan.ID, "plan %s is not the one that would be made now: tenants, shards or sizes have changed", r.Plan)
	}
	if _, err := rebalance.Check(sp.in, sp.opt, strategy, steps); err != nil {
		return r.Plan, nil, nil, err
	}
	return r.Plan, steps, sp, nil
}

// wouldApply checks every move and says what would become of it.
func (s *Session) wouldApply(ctx context.Context, out *RebalanceApplied, progress func(RebalanceOne)) error {
	for i := range out.Moves {
		one := &out.Moves[i]
		p, err := s.engine.Plan(ctx, move.PlanRequest{Tenant: one.Tenant, Target: one.Target})
		switch {
		case err != nil && (fault.Unreachable(err) || ctx.Err() != nil):
			return err
		case err != nil:
			one.Status, one.Problem = NotAssigned, failed(err)
		case p.Rows == 0:
			one.Status = WouldAssign
			out.Assigned++
		case p.Blocked():
			one.Status, one.Problem = NotAssigned, failed(move.Blocked(p))
		default:
			one.Status = WouldMove
			out.Queued++
		}
		if one.Problem != nil {
			out.Refused++
		}
		if progress != nil {
			progress(*one)
		}
	}
	return nil
}

// application is a plan that is being applied.
type application struct {
	s        *Session
	out      *RebalanceApplied
	tenants  map[string]tenancy.Tenant
	note     string
	batch    string
	progress func(RebalanceOne)
	// empty are the tenants that may have no rows, by the estimates.
	empty map[string]bool
}

func (a *application) run(ctx context.Context) error {
	for i := range a.out.Moves {
		one := &a.out.Moves[i]
		err := a.file(ctx, one)
		if a.progress != nil {
			a.progress(*one)
		}
		if err == nil {
			continue
		}
		one.Status, one.Problem = NotAssigned, failed(err)
		a.out.Refused++
		a.takeBack(ctx, a.out.Moves[:i])
		return a.stopped(err, "tenant "+cmp.Or(one.Label, one.Tenant)+" cannot be moved to "+one.Target)
	}
	for i := range a.out.Moves {
		one := &a.out.Moves[i]
		if one.MoveID == "" {
			continue
		}
		permit, err := a.permit(ctx, policy.MoveStart, one)
		if err == nil {
			_, err = a.s.engine.Queue(ctx, permit, one.MoveID, move.ActionStart, move.Options{Bulk: true})
		}
		if err != nil {
			one.Problem = failed(err)
			a.takeBack(ctx, a.out.Moves[i:])
			return a.stopped(err, "the move of tenant "+cmp.Or(one.Label, one.Tenant)+" to "+one.Target+" cannot be queued")
		}
		one.Status = MoveQueued
		a.out.Queued++
	}
	return nil
}

// stopped says why a plan was given up, and what of it was done all the same: tenants
// without rows are assigned as their turn comes, and nobody points them back.
func (a *application) stopped(err error, what string) error {
	begin, code := "nothing was queued", fault.CodeOf(err)
	assigned := []string{}
	for _, one := range a.out.Moves {
		if one.Status == Assigned {
			assigned = append(assigned, cmp.Or(one.Label, one.Tenant)+" to "+one.Target)
		}
	}
	end := ""
	if len(assigned) > 0 {
		begin = "no move was queued"
		end = fmt.Sprintf("; before that %s without rows were assigned and stay so: %s", words.Count(int64(len(assigned)), "tenant"), strings.Join(assigned, ", "))
		if len(assigned) == 1 {
			end = "; before that one tenant without rows was assigned and stays so: " + assigned[0]
		}
	}
	if a.out.Queued > 0 {
		begin = fmt.Sprintf("%s of the plan were queued and go on, the others were taken back", words.Count(int64(a.out.Queued), "move"))
		if a.out.Queued == 1 {
			begin = "one move of the plan was queued and goes on, the others were taken back"
		}
	}
	if fault.NothingChanged(err) && len(assigned)+a.out.Queued > 0 {
		code = fault.PlanPartly // of the refused tenant that was true
	}
	return fault.Wrapf(err, code, fault.HintOf(err), "%s: %s: %s%s", begin, what, *errorText(err), end)
}

// permit is for one tenant of the plan, which was confirmed as a whole.
func (a *application) permit(ctx context.Context, action policy.Action, one *RebalanceOne) (policy.Permit, error) {
	return a.s.gate.PermitAs(ctx, a.s.cfg.Email, policy.Request{Action: action, Tenant: one.Tenant, Label: one.Label, Shard: one.Target, Reason: a.note, Bulk: true})
}

// file makes the move of one tenant without queueing it. A tenant without rows is
// pointed to its new shard at once.
func (a *application) file(ctx context.Context, one *RebalanceOne) error {
	permit, err := a.permit(ctx, policy.MoveStart, one)
	if err != nil {
		return err
	}
	if a.empty[one.Tenant] {
		assign, err := a.permit(ctx, policy.AssignTenant, one)
		if err != nil {
			return err
		}
		// An estimate of none is no proof: the assignment looks under its fence.
		res, err := placement.Assign(ctx, a.s.placement(), assign, placement.Request{Tenant: a.tenants[one.Tenant], Target: one.Target})
		if err == nil {
			one.Status, one.AuditEvent = Assigned, res.AuditEvent
			a.out.Assigned++
			return nil
		}
		if fault.CodeOf(err) != fault.RowsExist {
			return err
		}
	}
	m, _, err := a.s.engine.Start(ctx, permit, move.StartRequest{PlanRequest: move.PlanRequest{Tenant: one.Tenant, Target: one.Target}, Batch: a.batch})
	if err != nil {
		return err
	}
	one.MoveID = m.ID
	if m.AuditEvent != nil {
		one.AuditEvent = *m.AuditEvent
	}
	return nil
}

// takeBack cancels moves that were filed and not queued. One that cannot be cancelled
// now stays planned, and its tenant's page says how to cancel it.
func (a *application) takeBack(ctx context.Context, filed []RebalanceOne) {
	ctx = context.WithoutCancel(ctx)
	for i := range filed {
		one := &filed[i]
		if one.MoveID == "" || one.Status == MoveQueued {
			continue
		}
		permit, err := a.permit(ctx, policy.MoveCancel, one)
		if err == nil {
			_, err = a.s.engine.Run(ctx, permit, one.MoveID, move.ActionCancel, move.Options{})
		}
		one.Status = MoveCancelled
		if err != nil {
			one.Status, one.Problem = NotTried, failed(err)
		}
	}
}

// Sum says in a sentence what became of a plan.
func (v RebalanceApplied) Sum() string {
	if len(v.Moves) == 0 {
		return "the plan has no moves: nothing was done"
	}
	verb := "were queued"
	if v.DryRun {
		verb = "would be queued"
	}
	return fmt.Sprintf("%d of %d moves %s, %d tenants without rows assigned, %d refused", v.Queued, len(v.Moves), verb, v.Assigned, v.Refused)
}

// AwaitAll carries out what this session has queued until all of these moves are
// settled, and says how they ended. When the context ends, runs park at their next safe
// point and those that have not begun leave the queue.
func (s *Session) AwaitAll(ctx context.Context, ids []string, progress func(MoveView)) ([]MoveView, error) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	look, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var wg sync.WaitGroup
	var workErr error
	wg.Go(func() {
		if workErr = s.worker(false).Run(work); workErr != nil {
			giveUp()
		}
	})
	if progress != nil {
		defer s.Subscribe(func(v MoveView) {
			if slices.Contains(ids, v.ID) {
				progress(v)
			}
		})()
	}
	out := make([]MoveView, 0, len(ids))
	var err error
	for _, id := range ids {
		var v MoveView
		if v, err = s.settled(look, id, nil); err != nil || look.Err() != nil {
			break
		}
		out = append(out, v)
	}
	stop()
	wg.Wait()
	fresh := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		for _, id := range ids[len(out):] {
			if werr := s.engine.Withdraw(fresh, id); werr != nil && err == nil {
				err = werr
			}
		}
	}
	out = out[:0]
	for _, id := range ids {
		m, lerr := s.engine.Show(fresh, id)
		if lerr != nil {
			return out, lerr
		}
		out = append(out, moveView(m, true))
	}
	switch {
	case err != nil:
		return out, err
	case ctx.Err() != nil:
		return out, fault.New(fault.MoveParked, "shard-admin move list shows them; "+fault.Change("move resume ID --wait")+" goes on with one, "+fault.Change("move cancel ID --wait")+" ends it", "the moves stopped at a safe point, those that had not begun left the queue")
	case workErr != nil:
		return out, workErr
	}
	for _, v := range out {
		if v.Error != nil {
			return out, fault.Newf(fault.Code(v.Error.Code), v.Error.Hint, "tenant %s: %s; shard-admin rebalance plan makes a new plan", v.Label, v.Error.Message)
		}
	}
	return out, nil
}
