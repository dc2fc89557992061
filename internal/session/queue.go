package session

import (
	"context"

	"shardadmin/internal/audit"
	"shardadmin/internal/job"
	"shardadmin/internal/job/window"
	"shardadmin/internal/policy"
)

// QueueState is what the whole queue keeps to, whoever works on it.
type QueueState struct {
	// Paused is true where nothing new is begun; who said so, when and why.
	Paused    bool    `json:"paused"`
	PausedAt  *string `json:"paused_at"`
	PausedBy  string  `json:"paused_by"`
	PausedWhy string  `json:"paused_why"`
	// Windows are those in which queued moves are begun, "" for at any time;
	// WindowOpen is true where one is open or there is none.
	Windows        string  `json:"windows"`
	WindowOpen     bool    `json:"window_open"`
	WindowOpensAt  *string `json:"window_opens_at"`
	WindowClosesAt *string `json:"window_closes_at"`
	// PerFleet is null where the fleet has no limit; PerShard is 2 where nobody
	// has said else.
	PerFleet *int `json:"per_fleet"`
	PerShard int  `json:"per_shard"`
	// ChangedBy is who set windows and limits last, "" for nobody.
	ChangedBy string  `json:"changed_by"`
	ChangedAt *string `json:"changed_at"`
}

// QueuedRun is one run that waits or is carried out.
type QueuedRun struct {
	MoveID   string `json:"move_id"`
	Tenant   string `json:"tenant"`
	Label    string `json:"label"`
	Source   string `json:"source"`
	Target   string `json:"target"`
	Action   string `json:"action"`
	State    string `json:"state"` // queued or running
	Priority int    `json:"priority"`
	// NotBefore is null where it may begin at once.
	NotBefore *string `json:"not_before"`
	CreatedBy string  `json:"created_by"`
	CreatedAt string  `json:"created_at"`
	Worker    string  `json:"worker"`
	// Waits is why it is not taken now: time, pause, window, resource, fleet,
	// shard or worker, "" where it is next; WaitsText says it in words.
	Waits     string `json:"waits"`
	WaitsText string `json:"waits_text"`
}

// QueueView is the queue with its runs in the order in which they go, the first
// of them where there are many.
type QueueView struct {
	Queue   QueueState  `json:"queue"`
	Running int         `json:"running"`
	Waiting int         `json:"waiting"`
	Workers int         `json:"workers"`
	Runs    []QueuedRun `json:"runs"`
}

// queueRuns is how many runs a view of the queue holds.
const queueRuns = 200

func queueStateOf(r job.Rules) QueueState {
	v := QueueState{
		Windows: r.Windows.String(), WindowOpen: r.Open(), PerFleet: r.PerFleet, PerShard: r.ShardLimit(), ChangedBy: audit.Named(r.ChangedBy), ChangedAt: stampPtr(r.ChangedAt),
	}
	if r.Unread != "" {
		v.Windows = r.Unread
	}
	if p := r.Paused; p != nil {
		v.Paused, v.PausedAt, v.PausedBy, v.PausedWhy = true, stampPtr(&p.At), audit.Named(p.By), p.Why
	}
	if len(r.Windows) == 0 {
		return v
	}
	at, to := r.Windows.Opens(r.Now), &v.WindowOpensAt
	if v.WindowOpen {
		at, to = r.Windows.Closes(r.Now), &v.WindowClosesAt
	}
	if !at.IsZero() {
		*to = stampPtr(&at)
	}
	return v
}

// queueState is the queue's state, or why it is not known.
func (s *Session) queueState(ctx context.Context) (*QueueState, string) {
	if err := s.installed(ctx); err != nil {
		return nil, *errorText(err)
	}
	r, err := s.engine.Rules(ctx)
	if err != nil {
		return nil, *errorText(err)
	}
	return ptr(queueStateOf(r)), ""
}

// Queue returns the queue with its runs and what each waits for.
func (s *Session) Queue(ctx context.Context) (QueueView, error) {
	out := QueueView{Runs: []QueuedRun{}}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	rules, line, err := s.engine.Line(ctx)
	if err != nil {
		return out, err
	}
	out.Queue = queueStateOf(rules)
	for _, q := range line {
		if q.State == job.Running {
			out.Running++
		} else {
			out.Waiting++
		}
		if len(out.Runs) == queueRuns {
			continue
		}
		v := QueuedRun{
			Action: string(q.Action), State: string(q.State), Priority: q.Priority, CreatedBy: audit.Named(q.CreatedBy), CreatedAt: stamp(q.CreatedAt), Worker: q.Worker,
			Waits: q.Hold.Code, WaitsText: q.Hold.Text,
		}
		if q.NotBefore.After(rules.Now) {
			v.NotBefore = stampPtr(&q.NotBefore)
		}
		if m := q.Move; m != nil {
			v.MoveID, v.Tenant, v.Label, v.Source, v.Target = m.ID, m.Tenant, m.Label, m.Source, m.Target
		}
		out.Runs = append(out.Runs, v)
	}
	out.Workers, err = s.WorkersAlive(ctx)
	return out, err
}

// QueueRequest changes what the queue keeps to.
type QueueRequest struct {
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

func (s *Session) changeQueue(ctx context.Context, a policy.Action, r QueueRequest, f func(policy.Permit) error) (QueueState, error) {
	if err := s.installed(ctx); err != nil {
		return QueueState{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: a, Shard: s.cfg.Fleet.Name, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return QueueState{}, err
	}
	if err := f(permit); err != nil {
		return QueueState{}, err
	}
	rules, err := s.engine.Rules(ctx)
	return queueStateOf(rules), err
}

// PauseQueue lets no worker begin anything more; what has begun goes on.
func (s *Session) PauseQueue(ctx context.Context, r QueueRequest) (QueueState, error) {
	return s.changeQueue(ctx, policy.QueuePause, r, func(p policy.Permit) error { return s.engine.PauseQueue(ctx, p) })
}

// ResumeQueue ends a pause.
func (s *Session) ResumeQueue(ctx context.Context, r QueueRequest) (QueueState, error) {
	return s.changeQueue(ctx, policy.QueueResume, r, func(p policy.Permit) error { return s.engine.ResumeQueue(ctx, p) })
}

// SetQueueWindows sets the windows in which queued moves are begun, as "sat,sun
// 22:00-04:00 Europe/Lisbon"; "" lets them begin at any time.
func (s *Session) SetQueueWindows(ctx context.Context, windows string, r QueueRequest) (QueueState, error) {
	set, err := window.Parse(windows)
	if err != nil {
		return QueueState{}, err
	}
	return s.changeQueue(ctx, policy.QueueSet, r, func(p policy.Permit) error { return s.engine.SetWindows(ctx, p, set) })
}

// LimitQueue bounds how many runs are carried out at once, in the fleet or on
// each shard; nil takes the bound away.
func (s *Session) LimitQueue(ctx context.Context, perShard bool, limit *int, r QueueRequest) (QueueState, error) {
	return s.changeQueue(ctx, policy.QueueSet, r, func(p policy.Permit) error { return s.engine.SetLimit(ctx, p, perShard, limit) })
}
