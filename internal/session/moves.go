package session

import (
	"context"
	"sync"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job"
	"shardadmin/internal/move"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/policy"
)

// Points lists the stop points of a move, for tests of crashes.
func Points() []move.Point { return move.Points() }

func moveView(m *move.Move, whole bool) MoveView {
	v := MoveView{
		ID: m.ID, Tenant: m.Tenant, Label: m.Label, Source: m.Source, Target: m.Target, Mode: m.Mode, State: string(m.State), Step: m.Step,
		Phase: m.Phase(), Hold: m.Hold, Held: m.Held(), GoesOn: m.GoesOn(), Repairable: m.Repairable(), Rows: m.Rows, Bytes: m.Bytes, RowsCopied: m.RowsCopied, BytesCopied: m.BytesCopied,
		MaxReadOnlyMS: m.MaxReadOnlyMS, WritePauseMS: m.WritePauseMS, ReadOnlySince: stampPtr(m.ReadOnlySince), Verified: m.Verified,
		VerifiedAt: stampPtr(m.VerifiedAt), CreatedBy: audit.Named(m.CreatedBy), Note: m.Note, CreatedAt: stamp(m.CreatedAt), StartedAt: stampPtr(m.StartedAt),
		SwitchedAt: stampPtr(m.SwitchedAt), FinishedAt: stampPtr(m.FinishedAt), Next: m.Next(), Actions: []string{}, Settled: m.Settled(),
		Tables: []MoveTable{}, Log: []LogLine{}, Checks: []Check{},
	}
	if m.Error != nil {
		v.Error = &Problem{Code: m.Error.Code, Message: m.Error.Message, Hint: m.Error.Hint, Safe: m.Safe()}
	}
	for _, a := range m.Actions() {
		v.Actions = append(v.Actions, string(a))
	}
	if m.Owner != nil {
		v.Owner = m.Owner.Holder
	}
	v.StandsStill = v.Owner == "" && !v.Settled && m.State != move.Planned
	rates := measuredView(&v, m)
	if !whole {
		return v
	}
	for _, t := range m.Tables {
		x := MoveTable{Table: t.Table, Kind: t.Kind, Rows: t.Rows, Bytes: t.Bytes, RowsCopied: t.RowsCopied, BytesCopied: t.BytesCopied, Verified: t.Verified}
		if r, ok := rates[t.Table]; ok {
			x.RowsPerS, x.BytesPerS = &r.Rows, &r.Bytes
		}
		v.Tables = append(v.Tables, x)
	}
	for _, l := range m.Log {
		v.Log = append(v.Log, LogLine{At: stamp(l.At), Level: l.Level, Message: l.Message})
	}
	if p := m.PlanOf(); p != nil {
		for _, c := range p.Checks {
			v.Checks = append(v.Checks, Check{Name: c.Name, Status: string(c.Status), Message: c.Message, Fix: c.Fix, Evidence: c.Evidence})
		}
	}
	return v
}

func (s *Session) planRequest(r MoveRequest) (move.PlanRequest, error) {
	p := move.PlanRequest{Tenant: r.Tenant, Target: r.Target, Mode: r.Mode, MaxReadOnly: time.Duration(r.MaxReadOnlyMS) * time.Millisecond, AcceptAlone: r.AcceptAlone}
	if r.Mode != "" && r.Mode != "fenced" && r.Mode != "online" {
		return p, fault.Newf(fault.Usage, "the modes are fenced and online", "there is no mode %q", r.Mode)
	}
	if r.MaxReadOnlyMS < 0 {
		return p, fault.New(fault.Usage, "the time for which the tenant may be read-only is negative", "give --max-read-only a time such as 2m")
	}
	for _, d := range r.Decisions {
		p.Decisions = append(p.Decisions, preflight.Decision{Table: d.Table, Key: d.Key, Case: d.Case, Choice: preflight.Choice(d.Choice)})
	}
	return p, nil
}

// PlanMove says what a move would do; it writes nothing.
func (s *Session) PlanMove(ctx context.Context, r MoveRequest) (Plan, error) {
	if err := s.ready(); err != nil {
		return Plan{}, err
	}
	req, err := s.planRequest(r)
	if err != nil {
		return Plan{}, err
	}
	p, err := s.engine.Plan(ctx, req)
	if err != nil {
		return Plan{}, err
	}
	return planView(p), nil
}

func planView(p *preflight.Plan) Plan {
	v := Plan{
		Tenant: p.Tenant, Label: p.Label, Source: p.Source, Target: p.Target, Mode: p.Mode, ModeReason: p.ModeReason,
		Tables: []TableRows{}, Rows: p.Rows, Bytes: p.Bytes, MaxReadOnlyMS: p.MaxReadOnlyMS, Decisions: []Decision{}, Replacing: []Replacing{}, Checks: []Check{},
		Blocked: p.Blocked(), Notices: p.Notices, MadeAt: p.MadeAt,
	}
	if p.EstimateMS > 0 {
		v.EstimateMS, v.PauseMS = &p.EstimateMS, &p.PauseMS
	} else {
		v.EstimateReason = "a check stands in the way before anything was measured"
	}
	for _, t := range p.Tables {
		v.Tables = append(v.Tables, TableRows{Table: t.Table, Kind: t.Kind, Rows: t.Rows, Bytes: t.Bytes})
	}
	for _, d := range p.Decisions {
		x := Decision{Table: d.Table, Key: d.Key, Case: d.Case, Choices: []string{}, Choice: string(d.Choice), Detail: d.Detail}
		for _, c := range d.Choices {
			x.Choices = append(x.Choices, string(c))
		}
		v.Decisions = append(v.Decisions, x)
	}
	for _, r := range p.Replacing {
		v.Replacing = append(v.Replacing, Replacing{Table: r.Table, Column: r.Column, Rule: string(r.Rule), Rows: r.Rows, References: r.References})
	}
	for _, c := range p.Checks {
		v.Checks = append(v.Checks, Check{Name: c.Name, Status: string(c.Status), Message: c.Message, Fix: c.Fix, Evidence: c.Evidence})
	}
	return v
}

// ReplacedIDs lists what a move's values, ids above all, were replaced by; the id
// may be shortened. table and value narrow it down: value is one of either side.
// limit is how many at the most; 0 is all.
func (s *Session) ReplacedIDs(ctx context.Context, id, table, value string, limit int) (ReplacedList, error) {
	if err := s.installed(ctx); err != nil {
		return ReplacedList{}, err
	}
	ask := limit
	if ask > 0 {
		ask++
	}
	m, list, err := s.engine.Replaced(ctx, id, table, ask, value)
	if err != nil {
		return ReplacedList{}, err
	}
	v := ReplacedList{ID: m.ID, Replaced: []Replaced{}}
	if limit > 0 && len(list) > limit {
		list, v.More = list[:limit], true
	}
	for _, c := range list {
		v.Replaced = append(v.Replaced, Replaced(c))
	}
	return v, nil
}

// ParseDecisions reads the choices of a decisions file.
func ParseDecisions(data []byte, where string) ([]Decision, error) {
	list, err := preflight.ParseDecisions(data, where)
	if err != nil {
		return nil, err
	}
	out := []Decision{}
	for _, d := range list {
		out = append(out, Decision{Table: d.Table, Key: d.Key, Case: d.Case, Choices: []string{}, Choice: string(d.Choice)})
	}
	return out, nil
}

// StartMove files a move and queues its run. Await, or a worker, carries it
// out.
func (s *Session) StartMove(ctx context.Context, r MoveRequest) (MoveView, error) {
	if err := s.installed(ctx); err != nil {
		return MoveView{}, err
	}
	req, err := s.planRequest(r)
	if err != nil {
		return MoveView{}, err
	}
	start := move.StartRequest{PlanRequest: req, Hold: r.Hold, FullSpeed: r.FullSpeed, Priority: r.Priority}
	if r.At != "" {
		if start.At, err = time.Parse(time.RFC3339, r.At); err != nil {
			return MoveView{}, fault.Newf(fault.Usage, "write it as 2026-01-31T02:00:00Z", "%q is not a time", r.At)
		}
	}
	t, err := s.cat.Find(ctx, r.Tenant)
	if err != nil {
		return MoveView{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.MoveStart, Tenant: t.ID, Label: t.Label, Shard: r.Target, Reason: r.Note, Confirm: r.Confirm, Bulk: r.Bulk})
	if err != nil {
		return MoveView{}, err
	}
	m, _, err := s.engine.Start(ctx, permit, start)
	if err != nil {
		return MoveView{}, err
	}
	if _, err := s.engine.Queue(ctx, permit, m.ID, move.ActionStart, move.Options{Priority: r.Priority, Bulk: r.Bulk}); err != nil {
		return moveView(m, true), err
	}
	return moveView(m, true), nil
}

// ActOnMove queues an action on a move that exists: switch, resume, cancel,
// rollback or finalize.
func (s *Session) ActOnMove(ctx context.Context, action string, r MoveAction) (MoveView, error) {
	if err := s.installed(ctx); err != nil {
		return MoveView{}, err
	}
	m, err := s.engine.Show(ctx, r.ID)
	if err != nil {
		return MoveView{}, err
	}
	a := move.Action(action)
	permit, err := s.gate.Permit(ctx, policy.Request{Action: a.Policy(), Tenant: m.Tenant, Label: m.Label, Shard: m.Target, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return moveView(m, true), err
	}
	if r.Repair && (a != move.ActionResume || !m.Repairable()) {
		return moveView(m, true), m.NotRepairable()
	}
	opt := move.Options{WaitRouting: r.Wait, Repair: r.Repair}
	if a == move.ActionFinalize && s.cfg.Fleet.Environment == fleet.Production {
		if opt.Reentered, err = s.reenter(ctx, r.Password); err != nil {
			return moveView(m, true), err
		}
	}
	if r.RoutingConfirmed {
		opt.RoutingConfirmed = permit.Reason()
	}
	m, err = s.engine.Queue(ctx, permit, m.ID, a, opt)
	if m == nil {
		return MoveView{}, err
	}
	return moveView(m, true), err
}

// The ways in which somebody proves in production that they may log in to the
// control database, and do not only sit at an open computer.
const (
	ReentryPassword = "password" // it is typed in again
	ReentryLogin    = "login"    // there is none to type: a client certificate, or a trusted way; a fresh login has to succeed
)

// Reentry returns how a finalize in production is confirmed beside the tenant's
// name; "" where it is not.
func (s *Session) Reentry(ctx context.Context) (string, error) {
	if s.cfg.Fleet.Environment != fleet.Production {
		return "", nil
	}
	c, err := s.controlLogin(ctx)
	if err != nil {
		return "", err
	}
	if c.Password.Empty() {
		return ReentryLogin, nil
	}
	return ReentryPassword, nil
}

func (s *Session) controlLogin(ctx context.Context) (credential.Credential, error) {
	control := s.set.Control()
	c, _, err := s.cfg.Resolver.Resolve(ctx, s.cfg.Fleet.Name, control.Credential(), credential.Endpoint{Host: control.Host(), Port: control.Port(), Database: control.DatabaseName()})
	return c, err
}

// reenter proves in production that whoever deletes rows may log in to the
// database and not only sits at an open computer, and returns how.
func (s *Session) reenter(ctx context.Context, password string) (string, error) {
	c, err := s.controlLogin(ctx)
	if err != nil {
		return "", err
	}
	how := ReentryPassword
	switch {
	case c.Password.Empty() && password != "":
		return "", fault.New(fault.ReentryRefused, "the control database is logged in to without a password, so there is none to compare with; nothing was deleted", "leave the password out: the tenant's name and a fresh login confirm it")
	case c.Password.Empty():
		how = ReentryLogin
	case password == "":
		return "", fault.New(fault.ConfirmMissing, "finalizing in production asks for the database password again", "type it when asked, or give it on standard input with --password-stdin")
	case c.Password.Reveal() != password:
		return "", fault.New(fault.ReentryRefused, "that is not the password of the control database; nothing was deleted", "try again")
	}
	control := s.set.Control()
	again := conn.Open(s.cfg.Fleet, conn.Options{Resolver: fixed{control.Credential(), credential.Credential{User: c.User, Password: credential.NewSecret(password)}, credential.FromNowhere, s.cfg.Resolver}, MaxConns: 1, ConnectTimeout: 5 * time.Second, Env: s.cfg.Env})
	defer again.Close()
	pool, err := again.Control().Pool(ctx)
	if err != nil {
		return "", err
	}
	return how, conn.Fault(pool.Ping(ctx), "control")
}

// fixed is one credential, whatever is kept of it; the others are found as they
// always are, such as that of the SSH keys on the way.
type fixed struct {
	name   string
	c      credential.Credential
	from   credential.Source
	others credential.Resolver
}

func (f fixed) Resolve(ctx context.Context, fleet, name string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if name != f.name {
		return f.others.Resolve(ctx, fleet, name, at)
	}
	return f.c, f.from, nil
}

// handler carries out one queued run and tells whoever watches.
func (s *Session) handler(ctx context.Context, r job.Run) error {
	err := s.engine.HandleWith(ctx, s.gate, r, move.Options{Park: job.Parking(ctx), Progress: func(p move.Progress) {
		s.tell(s.seen(p.Move))
	}, Slowed: func(id, how string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if how == "" {
			delete(s.slowed, id)
		} else {
			s.slowed[id] = how
		}
	}})
	s.mu.Lock()
	s.ended[r.Resource] = err
	s.mu.Unlock()
	// One that failed or was parked is in the trail as well.
	s.checkpoint(ctx, "a run of "+r.Resource+" ended")
	return err
}

func (s *Session) tell(v MoveView) {
	s.mu.Lock()
	list := make([]func(MoveView), 0, len(s.watchers))
	for _, f := range s.watchers {
		list = append(list, f)
	}
	s.mu.Unlock()
	for _, f := range list {
		f(v)
	}
}

// Subscribe hears about moves that this process carries out until the returned
// function is called.
func (s *Session) Subscribe(f func(MoveView)) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := s.next
	s.watchers[id] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, id)
	}
}

func (s *Session) worker(all bool) *job.Worker {
	return &job.Worker{
		Jobs: s.jobs, Handlers: map[string]job.Handler{move.JobKind: s.handler}, All: all, Poll: 200 * time.Millisecond, Log: s.cfg.Log,
		May: s.installed, // a newer version may upgrade the schema meanwhile
	}
}

// Work carries out queued runs until the context ends: all of them, or those
// that this process queued.
func (s *Session) Work(ctx context.Context, all bool) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	if all {
		wg.Go(func() { s.schedules(ctx) })
		wg.Go(func() { s.newcomers(ctx) })
	}
	err := s.worker(all).Run(ctx)
	if all {
		s.Part(ctx, "a worker ends")
	}
	return err
}

// WorkersAlive counts workers that carry out what others have queued.
func (s *Session) WorkersAlive(ctx context.Context) (int, error) {
	list, err := s.jobs.Live(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, w := range list {
		if w.RunsAll {
			n++
		}
	}
	return n, nil
}

// Await carries out what this session has queued until the move is settled.
// When the context ends the run parks at its next safe point, and the error
// says how to go on.
func (s *Session) Await(ctx context.Context, id string, progress func(MoveView)) (MoveView, error) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	var workErr error
	// Nobody else may be there to carry it out once this worker has given up.
	look, giveUp := context.WithCancel(ctx)
	defer giveUp()
	wg.Go(func() {
		if workErr = s.worker(false).Run(work); workErr != nil {
			giveUp()
		}
	})
	if progress != nil {
		defer s.Subscribe(func(v MoveView) {
			if v.ID == id {
				progress(v)
			}
		})()
	}
	v, err := s.settled(look, id, nil)
	stop()
	wg.Wait()
	refused := s.refusal(v.Tenant)
	fresh := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		// Parked means that nobody goes on until a person says so.
		if perr := s.engine.Withdraw(fresh, id); perr != nil && err == nil {
			err = perr
		}
	}
	if m, lerr := s.engine.Show(fresh, id); lerr == nil {
		v = moveView(m, true)
	} else if err == nil {
		err = lerr // what is known lacks the tables
	}
	switch {
	case ctx.Err() != nil && !v.Settled:
		hint := fault.Change("move resume " + id + " --wait")
		return v, fault.Newf(fault.MoveParked, hint, "move %s stopped at a safe point: %s", id, v.State)
	case err != nil:
		return v, err
	case workErr != nil && ctx.Err() == nil && !v.Settled:
		return v, workErr
	case refused != nil:
		return v, refused
	case v.Error != nil:
		return v, fault.New(fault.Code(v.Error.Code), v.Error.Message, v.Error.Hint)
	}
	return v, nil
}

// Waits says which run of a tenant keeps the next one waiting, "" if none does.
func (s *Session) Waits(ctx context.Context, tenant string) (string, error) {
	if err := s.ready(); err != nil {
		return "", err
	}
	return s.engine.Waits(ctx, tenant)
}

// refusal is why the last run of a tenant that this process took was refused
// before it began, nil if it was not: such a run leaves the move as it was, and
// nothing in the move says that it did not do what was asked.
func (s *Session) refusal(tenant string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ended["tenant/"+tenant]
	delete(s.ended, "tenant/"+tenant)
	if fault.Refused(err) {
		return err
	}
	return nil
}

// Watch looks until the move is settled.
func (s *Session) Watch(ctx context.Context, id string, progress func(MoveView)) (MoveView, error) {
	if err := s.ready(); err != nil {
		return MoveView{}, err
	}
	// A connection that is lost while watching is waited for; one that cannot
	// be made at all is told.
	if _, err := s.engine.Show(ctx, id); err != nil {
		return MoveView{}, err
	}
	return s.settled(ctx, id, progress)
}

// settled polls the move until nothing happens to it without a person. A run
// that is queued or running keeps it unsettled. Without progress the move is
// returned without its tables and log.
func (s *Session) settled(ctx context.Context, id string, progress func(MoveView)) (MoveView, error) {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	// Tables, log and plan are only read for whoever looks at them.
	look := s.engine.Glance
	if progress != nil {
		look = s.engine.Show
	}
	var v MoveView
	for {
		m, err := look(ctx, id)
		if err != nil {
			if ctx.Err() != nil {
				return v, nil
			}
			if !fault.Retryable(err) {
				return v, err
			}
		} else {
			if progress != nil {
				v = s.looked(ctx, m)
				progress(v)
			} else {
				v = moveView(m, false)
			}
			pending, perr := s.engine.Pending(ctx, m)
			if perr == nil && !pending && m.Settled() {
				return v, nil
			}
			if perr == nil && !pending && m.Owner == nil {
				// Nothing is queued and nobody has it: whatever the state is,
				// it will stay.
				return v, nil
			}
		}
		select {
		case <-ctx.Done():
			return v, nil
		case <-tick.C:
		}
	}
}

// Moves lists moves, the newest first; tenant "" means all.
func (s *Session) Moves(ctx context.Context, tenant string, limit int) (MoveList, error) {
	out := MoveList{Moves: []MoveView{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	if tenant != "" {
		t, err := s.cat.Find(ctx, tenant)
		if err != nil {
			return out, err
		}
		tenant = t.ID
	}
	list, err := s.engine.List(ctx, tenant, limit)
	for _, m := range list {
		out.Moves = append(out.Moves, moveView(m, false))
	}
	if err != nil {
		return out, s.orNotInstalled(ctx, err)
	}
	out.Queue, out.QueueReason = s.queueState(ctx)
	return out, nil
}

// Move is one move with tables and log; the id may be shortened.
func (s *Session) Move(ctx context.Context, id string) (MoveView, error) {
	if err := s.ready(); err != nil {
		return MoveView{}, err
	}
	m, err := s.engine.Show(ctx, id)
	if err != nil {
		return MoveView{}, s.orNotInstalled(ctx, err)
	}
	return s.looked(ctx, m), nil
}

// orNotInstalled says that our schema is missing where that is why something failed: it
// is asked then alone.
func (s *Session) orNotInstalled(ctx context.Context, err error) error {
	if missing := s.installed(ctx); fault.CodeOf(missing) == fault.NotInstalled {
		return missing
	}
	return err
}

// looked is a move as control has it, with what only a shard knows.
func (s *Session) looked(ctx context.Context, m *move.Move) MoveView {
	v := s.seen(m)
	s.behind(ctx, &v, m)
	return v
}

// seen is a move as control has it, with what only the process that carries it
// out knows, if that is this one.
func (s *Session) seen(m *move.Move) MoveView {
	v := moveView(m, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Slowed = s.slowed[m.ID]
	return v
}
