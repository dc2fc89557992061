package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job"
	"shardadmin/internal/move/preflight"
	"shardadmin/internal/policy"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
	"shardadmin/internal/version"
)

// Deps is what the engine stands on. All fields but Log and Awake are needed.
type Deps struct {
	Fleet     *fleet.Fleet
	Set       *conn.Set
	Schema    string // of the control schema, unquoted
	Profile   *tenancy.Profile
	Catalogue *tenancy.Catalogue
	Trail     *audit.Trail
	Jobs      *job.Jobs
	// Log receives what a person does not need; nil discards it.
	Log *slog.Logger
	// Patience bounds each wait for open transactions, half of it that for standbys;
	// a minute when 0.
	Patience time.Duration
	// Awake keeps the machine from sleeping until the returned function is
	// called; nil where the system has no way.
	Awake func(reason string) func()
}

// Engine plans and carries out the moves of one fleet.
type Engine struct {
	deps   Deps
	record *record
}

// New returns the engine of a fleet.
func New(d Deps) *Engine {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Patience == 0 {
		d.Patience = preflight.OlderLimit
	}
	return &Engine{deps: d, record: &record{control: d.Set.Control(), schema: pgx.Identifier{d.Schema}.Sanitize()}}
}

// PlanRequest says what to plan.
type PlanRequest struct {
	Tenant    string // id or label
	Target    string
	Mode      string // "", fenced or online
	Decisions []preflight.Decision
	// MaxReadOnly bounds the time for which the tenant may not write; 0 takes
	// the mode's default.
	MaxReadOnly time.Duration
	// AcceptAlone records that the operator accepts a fence without a second
	// live worker in production.
	AcceptAlone bool
	// Older is how long another's transaction may have lasted; 0 is the time for
	// which a move waits for those that are older than its guards.
	Older time.Duration
}

// Plan reads both shards and says what a move would do. It writes nothing.
func (e *Engine) Plan(ctx context.Context, req PlanRequest) (*preflight.Plan, error) {
	in, err := e.request(ctx, req)
	if err != nil {
		return nil, err
	}
	plan, _, err := preflight.Make(ctx, *in)
	return plan, err
}

// request resolves names; its refusals name what is wrong before a shard is
// asked for anything.
func (e *Engine) request(ctx context.Context, req PlanRequest) (*preflight.Request, error) {
	tenant, err := e.deps.Catalogue.Find(ctx, req.Tenant)
	if err != nil {
		return nil, err
	}
	target, err := e.deps.Set.Shard(req.Target)
	if err != nil {
		return nil, err
	}
	if tenant.Shard == req.Target {
		return nil, fault.Newf(fault.SameShard, "name another shard; shard-admin shards status lists them", "tenant %s is on %s already", tenant.Label, req.Target)
	}
	source, err := e.deps.Set.Shard(tenant.Shard)
	if err != nil {
		return nil, err
	}
	in := &preflight.Request{
		Tenant: tenant, Source: source, Target: target, Control: e.deps.Set.Control(),
		SourceIsControl: source.InControl(), TargetIsControl: target.InControl(),
		Schema: e.deps.Schema, Catalogue: e.deps.Catalogue, Profile: e.deps.Profile, Mode: req.Mode, Decisions: req.Decisions, MaxReadOnly: req.MaxReadOnly,
		Environment: e.deps.Fleet.Environment, AcceptAlone: req.AcceptAlone, Older: req.Older,
	}
	if s, ok := e.deps.Fleet.Shard(req.Target); ok {
		in.Capacity = s.Capacity
	}
	if e.deps.Jobs != nil {
		if live, err := e.deps.Jobs.Live(ctx); err == nil {
			for _, w := range live {
				if w.RunsAll {
					in.LiveWorkers++
				}
			}
		}
		q, err := e.record.pool(ctx)
		if err != nil {
			return nil, err
		}
		if open, err := e.record.open(ctx, q, tenant.ID); err == nil && open != nil {
			in.OpenMove = open.ID
		}
		// Where our schema is not installed there are no other moves.
		if coming, err := e.record.coming(ctx, q, req.Target, tenant.ID); err == nil {
			in.Coming = coming
		}
	}
	return in, nil
}

// StartRequest is a plan's request with what is needed to carry it out.
type StartRequest struct {
	PlanRequest
	Hold     bool
	Priority int
	// FullSpeed lets an online move copy and compare as fast as it goes, whatever
	// others on the shards feel of it.
	FullSpeed bool
	At        time.Time // zero: now
	// Batch names the moves that are queued together, "" for one alone.
	Batch string
}

// Start plans the move, refuses it when a check blocks, and files it as
// planned. The intent comes into the audit trail together with the move, so that
// neither is ever without the other; no shard is touched. Run or a worker carries it out.
func (e *Engine) Start(ctx context.Context, permit policy.Permit, req StartRequest) (*Move, *preflight.Plan, error) {
	in, err := e.request(ctx, req.PlanRequest)
	if err != nil {
		return nil, nil, err
	}
	in.Later = !req.At.IsZero() || req.Batch != ""
	plan, _, err := preflight.Make(ctx, *in)
	if err != nil {
		return nil, nil, err
	}
	details := map[string]any{"label": in.Tenant.Label, "mode": plan.Mode, "rows": plan.Rows, "bytes": plan.Bytes, "decisions": len(plan.Decisions)}
	if req.FullSpeed {
		details["full_speed"] = true
	}
	if req.Batch != "" {
		details["batch"] = req.Batch
	}
	id := uuid.Must(uuid.NewV7()).String()
	intent := audit.Intent{Tenant: in.Tenant.ID, Source: in.Tenant.Shard, Target: req.Target, Details: details}
	refuse := func(err error) (*Move, *preflight.Plan, error) {
		if terr := e.deps.Trail.Refuse(ctx, permit, intent, err); terr != nil && plan.Blocked() {
			return nil, plan, terr
		}
		return nil, plan, err
	}
	if plan.Blocked() {
		return refuse(Blocked(plan))
	}
	plan.FullSpeed, plan.Batch = req.FullSpeed, req.Batch
	planJSON, err := json.Marshal(plan)
	if err != nil {
		return refuse(fault.Wrap(err, fault.Internal, "the plan could not be stored", ""))
	}
	m := &Move{
		ID: id, Tenant: in.Tenant.ID, Label: in.Tenant.Label, Source: in.Tenant.Shard, Target: req.Target, Mode: plan.Mode,
		State: Planned, Engine: version.Engine, Hold: req.Hold, MaxReadOnlyMS: plan.MaxReadOnlyMS, PlanJSON: planJSON,
		Rows: plan.Rows, Bytes: plan.Bytes, Note: permit.Reason(), CreatedBy: permit.Operator(),
	}
	if !req.At.IsZero() {
		m.NotBefore = &req.At
	}
	for _, t := range plan.Tables {
		m.Tables = append(m.Tables, Table{Table: t.Table, Kind: t.Kind, Rows: t.Rows, Bytes: t.Bytes})
	}
	pool, err := e.deps.Set.Control().Pool(ctx)
	if err != nil {
		return refuse(err)
	}
	intent.MoveID = id
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		begun, err := e.deps.Trail.IntentTx(ctx, tx, permit, intent)
		if err != nil {
			return err
		}
		event := begun.ID()
		m.AuditEvent = &event
		appID, err := e.deps.Catalogue.AppAuditTx(ctx, tx, tenancy.AppAudit{
			Tenant: m.Tenant, From: m.Source, To: m.Target, By: permit.Operator(), Note: permit.Reason(), Status: tenancy.AppPending,
		})
		if err != nil {
			return err
		}
		if appID != "" {
			m.AppAudit = &appID
		}
		return e.record.insert(ctx, tx, m, req.Priority)
	})
	if err != nil && fault.Retryable(e.record.fault(err)) {
		// The answer to the commit may be what was lost: then the move is filed.
		if filed, lerr := e.record.load(ctx, id); lerr == nil {
			return filed, plan, nil
		}
	}
	if err != nil {
		intent.MoveID = "" // there is no such move
		return refuse(e.record.fault(err))
	}
	e.record.log(ctx, m, "info", "planned by %s: %s, %s, %s", m.CreatedBy, figure.Count(m.Rows, "row"), figure.Count(m.Bytes, "byte"), m.Mode)
	out, err := e.record.load(ctx, id)
	return out, plan, err
}

// Blocked turns the blocking checks of a plan into one refusal. The code is
// that of the check where it has one of its own, so that scripts can tell a
// missing right from rows in the way.
func Blocked(p *preflight.Plan) error {
	var first *preflight.Check
	n := 0
	for i := range p.Checks {
		if p.Checks[i].Status == preflight.Blocker {
			if first == nil {
				first = &p.Checks[i]
			}
			n++
		}
	}
	if first == nil {
		return nil
	}
	more := ""
	if n > 1 {
		more = fmt.Sprintf(" (and %d more; shard-admin move plan lists all)", n-1)
	}
	code := fault.MoveBlocked
	if first.Code != "" {
		code = fault.Code(first.Code)
	}
	return fault.Newf(code, first.Fix, "%s: %s%s", first.Name, first.Message, more)
}

// Show returns one move with its tables and log.
func (e *Engine) Show(ctx context.Context, id string) (*Move, error) { return e.record.load(ctx, id) }

// Glance returns one move without its plan, tables and log, for whoever asks
// again and again where it stands.
func (e *Engine) Glance(ctx context.Context, id string) (*Move, error) {
	m, _, err := e.record.find(ctx, id)
	return m, err
}

// List returns moves, the newest first; tenant "" means all.
func (e *Engine) List(ctx context.Context, tenant string, limit int) ([]*Move, error) {
	if limit <= 0 {
		limit = 100
	}
	out, err := e.record.list(ctx, tenant, limit)
	if out == nil {
		out = []*Move{}
	}
	return out, err
}

// Unfinished is a move that holds a tenant.
type Unfinished struct {
	ID, Tenant, Source, Target string
	State                      State
}

// Unfinished returns every move that is not over; without our schema there is none.
func (e *Engine) Unfinished(ctx context.Context) ([]Unfinished, error) {
	return e.record.unfinished(ctx)
}

// Between returns the moves that a period is about, with their tables, the oldest
// first: those that were filed before its end and had not ended before it
// began. A zero time is no limit; tenant "" means all.
func (e *Engine) Between(ctx context.Context, tenant string, since, until time.Time) ([]*Move, error) {
	all, err := e.record.list(ctx, tenant, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	out := []*Move{}
	for _, m := range slices.Backward(all) {
		if !until.IsZero() && !m.CreatedAt.Before(until) || m.FinishedAt != nil && m.FinishedAt.Before(since) {
			continue
		}
		one, err := e.record.load(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// PlanOf returns the plan that a move was started with.
func (m *Move) PlanOf() *preflight.Plan { return m.plan }

// OpenMove returns the unfinished move of a tenant, or nil.
func (e *Engine) OpenMove(ctx context.Context, tenant string) (*Move, error) {
	q, err := e.record.pool(ctx)
	if err != nil {
		return nil, err
	}
	return e.record.open(ctx, q, tenant)
}

// Lent returns, by shard and table, the keys of rows that moves have left there
// by decision although their tenant lives elsewhere: shared copies on targets,
// rows that others need on sources. Without our schema there are none.
func (e *Engine) Lent(ctx context.Context) (map[string]map[string][]string, error) {
	q, err := e.record.pool(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string][]string{}
	var there bool
	if err := q.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", e.record.schema+".move").Scan(&there); err != nil || !there {
		return out, e.record.fault(err)
	}
	rows, err := q.Query(ctx, e.record.sql("lent"))
	if err != nil {
		return nil, e.record.fault(err)
	}
	var shard, table, key string
	_, err = pgx.ForEachRow(rows, []any{&shard, &table, &key}, func() error {
		if out[shard] == nil {
			out[shard] = map[string][]string{}
		}
		out[shard][table] = append(out[shard][table], key)
		return nil
	})
	return out, e.record.fault(err)
}

// Queue asks a worker to carry the action out. It says so when no worker is
// alive: the run waits.
func (e *Engine) Queue(ctx context.Context, permit policy.Permit, id string, action Action, opt Options) (*Move, error) {
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
	// What nobody may carry out is not queued. A start was planned just now.
	if action != ActionStart {
		if err := e.able(ctx, m, action); err != nil {
			return m, err
		}
	}
	payload, err := json.Marshal(runPayload{Move: m.ID, Action: action, RoutingConfirmed: opt.RoutingConfirmed, Reentered: opt.Reentered, WaitRouting: opt.WaitRouting, Repair: opt.Repair, Bulk: opt.Bulk, Reason: permit.Reason()})
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the run could not be described", "")
	}
	r := job.Run{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: JobKind, Resource: resource(m.Tenant), Shards: []string{m.Source, m.Target},
		CreatedBy: permit.Operator(), Priority: opt.Priority, Payload: payload, Interrupts: action == ActionCancel, Waits: m.waits(action),
	}
	// What ends a move, or goes on with one, does not wait for its beginning.
	if m.NotBefore != nil && r.Waits == job.WaitWindow {
		r.NotBefore = *m.NotBefore
	}
	// What an ended process of this computer held is free, and an older run of
	// the move has nothing to say any more.
	if err := e.deps.Jobs.Reap(ctx); err != nil {
		return nil, err
	}
	if _, err := e.deps.Jobs.Supersede(ctx, r.Resource); err != nil {
		return nil, err
	}
	if err := e.deps.Jobs.Queue(ctx, nil, r); err != nil {
		return nil, err
	}
	e.record.log(ctx, m, "info", "%s queued by %s", action, permit.Operator())
	if !r.Interrupts {
		if why, err := e.Waits(ctx, m.Tenant); err == nil && why != "" {
			e.record.log(ctx, m, "info", "%s", why)
		}
	}
	return m, nil
}

// Waits says what keeps the queued run of a tenant waiting, and until when; it
// is "" where nothing does, or only that nobody has taken it yet.
func (e *Engine) Waits(ctx context.Context, tenant string) (string, error) {
	_, line, err := e.deps.Jobs.Line(ctx)
	if err != nil {
		return "", err
	}
	for _, l := range line {
		if l.Kind != JobKind || l.Resource != resource(tenant) || l.State != job.Queued {
			continue
		}
		switch l.Hold.Code {
		case "worker":
			return "", nil
		case "resource":
			worker, left, err := e.deps.Jobs.Busy(ctx, l.Resource)
			if err != nil || worker == "" {
				return "", err
			}
			return fmt.Sprintf("it waits for what %s is doing with the tenant; if that process is gone, for %s at most", worker, left.Round(time.Second)), nil
		}
		return l.Hold.Text, nil
	}
	return "", nil
}

// JobKind is the kind of the runs that Queue files.
const JobKind = "move"

type runPayload struct {
	Move             string `json:"move"`
	Action           Action `json:"action"`
	RoutingConfirmed string `json:"routing_confirmed,omitempty"`
	Reentered        string `json:"reentered,omitempty"`
	Repair           bool   `json:"repair,omitempty"`
	WaitRouting      bool   `json:"wait_routing,omitempty"`
	Bulk             bool   `json:"bulk,omitempty"`
	Reason           string `json:"reason"`
}

// Withdraw takes the waiting runs of a move out of the queue.
func (e *Engine) Withdraw(ctx context.Context, id string) error {
	m, err := e.record.load(ctx, id)
	if err != nil {
		return err
	}
	_, err = e.deps.Jobs.Supersede(ctx, resource(m.Tenant))
	return err
}

// Pending reports whether a run of the tenant waits or is being carried out.
func (e *Engine) Pending(ctx context.Context, m *Move) (bool, error) {
	list, err := e.deps.Jobs.Pending(ctx)
	for _, r := range list {
		if r.Kind == JobKind && r.Resource == resource(m.Tenant) {
			return true, nil
		}
	}
	return false, err
}

// HandleWith carries out a queued run; gate mints the permit anew, because
// policy may have changed since the run was queued. What the run was queued
// with wins over opt.
func (e *Engine) HandleWith(ctx context.Context, gate *policy.Gate, r job.Run, opt Options) error {
	var p runPayload
	if err := json.Unmarshal(r.Payload, &p); err != nil {
		return fault.Wrap(err, fault.Internal, "the queued run cannot be read", "")
	}
	m, err := e.record.load(ctx, p.Move)
	if err != nil {
		return err
	}
	if err := known(m); err != nil {
		return err
	}
	permit, err := gate.PermitAs(ctx, r.CreatedBy, policy.Request{Action: p.Action.Policy(), Tenant: m.Tenant, Shard: m.Target, Reason: p.Reason, Bulk: p.Bulk, Queued: true, QueuedAs: r.CreatedAs})
	if err != nil {
		// Whoever queued it looks at the move and not at the worker's log.
		e.record.log(ctx, m, "error", "%s was not begun: %s; %s", p.Action, err, fault.HintOf(err))
		return err
	}
	if err := e.able(ctx, m, p.Action); err != nil {
		e.record.log(ctx, m, "error", "%s was not begun: %s; %s", p.Action, err, fault.HintOf(err))
		return err
	}
	action := p.Action
	if action == ActionStart && m.State == Planned && m.StartedAt == nil {
		if why, err := e.batchStopped(ctx, m); err != nil || why != nil {
			if err != nil {
				return err
			}
			return e.giveUp(ctx, gate, r, m, opt, why)
		}
	}
	if !m.Allows(action) && m.Allows(ActionResume) && goesOn(m.State) {
		action = ActionResume // a worker died in it
	}
	opt.RoutingConfirmed, opt.WaitRouting, opt.Repair, opt.Reentered = p.RoutingConfirmed, p.WaitRouting, p.Repair, p.Reentered
	_, err = e.Run(ctx, permit, m.ID, action, opt)
	return err
}

// goesOn reports whether a state is on the way to the switch, where each action that
// was begun goes on as a resume. What deletes or goes back is carried on by its own
// action alone: a rollback that meets a finalize was permitted to delete nothing.
func goesOn(s State) bool { return s != Planned && s != Finalizing && s != RollingBack }

// Policy returns the policy's name of a move's action.
func (a Action) Policy() policy.Action {
	switch a {
	case ActionSwitch:
		return policy.MoveSwitch
	case ActionResume:
		return policy.MoveResume
	case ActionCancel:
		return policy.MoveCancel
	case ActionRollback:
		return policy.MoveRollback
	case ActionFinalize:
		return policy.MoveFinalize
	}
	return policy.MoveStart
}

func resource(tenant string) string { return "tenant/" + tenant }

func notAllowed(m *Move, a Action) error {
	hint := "nothing can be done with it any more"
	if next := m.Next(); len(next) > 0 {
		hint = next[0]
	}
	return fault.Newf(fault.MoveState, hint, "move %s is %s: %s is not possible there", m.ID, m.State, a)
}

// unknownCommit reports whether the fate of a commit is not known: the
// connection ended before the answer came.
func unknownCommit(err error) bool {
	if err == nil {
		return false
	}
	f := fault.As(err)
	return fault.Unreachable(err) || (f != nil && f.Code == fault.DatabaseGone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// known refuses a move that a newer engine has made: an older one may not know
// what it left where.
func known(m *Move) error {
	if m.Engine <= version.Engine {
		return nil
	}
	return fault.Newf(fault.EngineNewer, "use the version of shard-admin that started it", "move %s was made by engine %d, this is engine %d", m.ID, m.Engine, version.Engine)
}

// able refuses a run whose role lacks a right by now, or that cannot have the
// sessions which it needs, before anything is written: half of a rollback is worse
// than none. A shard that does not answer is left to the run, which records it.
func (e *Engine) able(ctx context.Context, m *Move, a Action) error {
	source, err := e.deps.Set.Shard(m.Source)
	if err != nil {
		return err
	}
	target, err := e.deps.Set.Shard(m.Target)
	if err != nil {
		return err
	}
	missing, err := e.missing(ctx, source, target)
	switch {
	case fault.CodeOf(err) == fault.RightMissing:
		return err
	case err != nil:
		return nil
	case len(missing) == 0:
		// Only what would begin something is refused. What goes on may have to open a
		// tenant that is closed on both sides, or to delete what was copied, and neither
		// takes such a session.
		if !(a == ActionStart && m.State == Planned || a == ActionSwitch && m.Held() || a == ActionRollback && m.State == Retained) {
			return nil
		}
		for _, db := range []*conn.Database{source, target} {
			if err := db.Reaches(ctx); slices.Contains([]fault.Code{fault.PoolerInPath, fault.FleetInvalid}, fault.CodeOf(err)) {
				return err
			}
		}
		return nil
	}
	return fault.Newf(fault.RightMissing, missing[0].Grant, "%s: the role lacks %s", missing[0].Database, missing[0].Right)
}

func (e *Engine) missing(ctx context.Context, source, target *conn.Database) ([]rights.Missing, error) {
	pool, err := source.Pool(ctx)
	if err != nil {
		return nil, err
	}
	schema, err := structure.Read(ctx, pool, nil)
	if err != nil {
		return nil, conn.Fault(err, source.Name())
	}
	tm, err := tenancy.BuildMap(schema, e.deps.Profile)
	if err != nil {
		return nil, err
	}
	return preflight.Missing(ctx, tm, e.deps.Profile, e.deps.Schema, e.deps.Set.Control(), source, target)
}
