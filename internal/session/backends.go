package session

import (
	"context"
	"math"
	"time"

	"shardadmin/internal/backend"
	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/policy"
)

// Backends is who is connected to a shard's database.
type Backends struct {
	Shard     string        `json:"shard"`
	Sessions  []BackendView `json:"sessions"`
	CheckedAt string        `json:"checked_at"`
}

// BackendView is one client session of a shard's server.
type BackendView struct {
	PID int `json:"pid"`
	// StartedAt and StatementAt are when the session and the statement that it ran
	// last began; together with the number they say which one is meant. Null where
	// the role may not see them.
	StartedAt   *string `json:"started_at"`
	StatementAt *string `json:"statement_at"`
	User        string  `json:"user"`
	Application string  `json:"application"`
	Client      string  `json:"client"`
	State       string  `json:"state"`
	Waits       string  `json:"waits"`
	// Query is without the texts in it.
	Query         string `json:"query"`
	TransactionMS *int64 `json:"transaction_ms"`
	StatementMS   *int64 `json:"statement_ms"`
	StateMS       *int64 `json:"state_ms"`
	// BlockedBy are the sessions whose locks it waits for, 0 for a prepared
	// transaction; Blocks is how many wait for this one.
	BlockedBy []int `json:"blocked_by"`
	Blocks    int   `json:"blocks"`
	// Ours is true for a session of this program.
	Ours bool `json:"ours"`
	// Reason is why figures are missing, "" where none are.
	Reason string `json:"reason"`
}

// EndRequest names the session of a shard's server that is to be cancelled or
// terminated.
type EndRequest struct {
	Shard string `json:"shard"`
	PID   int    `json:"pid"`
	// StartedAt and StatementAt are those of the view that showed the session; ""
	// takes whatever has the number now.
	StartedAt   string `json:"started_at"`
	StatementAt string `json:"statement_at"`
	// Ours allows to end a session of this program.
	Ours    bool   `json:"ours"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// Ended is what became of it.
type Ended struct {
	Shard   string      `json:"shard"`
	Session BackendView `json:"session"`
	// Ended is false where the session had not obeyed yet after a few seconds.
	Ended      bool   `json:"ended"`
	AuditEvent string `json:"audit_event"`
}

// inMS are seconds in milliseconds, which is how a document has every duration.
func inMS(seconds *float64) *int64 {
	if seconds == nil {
		return nil
	}
	return ptr(int64(math.Round(*seconds * 1e3)))
}

func backendView(b backend.Backend) BackendView {
	v := BackendView{
		PID: b.PID, StartedAt: stampPtr(b.Started), StatementAt: stampPtr(b.Asked), User: b.User, Application: b.Application, Client: b.Client,
		State: b.State, Waits: b.Waits, Query: health.Masked(b.Query), TransactionMS: inMS(b.Transaction), StatementMS: inMS(b.Statement),
		StateMS: inMS(b.Since), BlockedBy: append([]int{}, b.BlockedBy...), Blocks: b.Blocks, Ours: b.Ours(),
	}
	if !b.Visible() {
		v.Query, v.Reason = "", "the role may not see it: GRANT pg_monitor"
	}
	return v
}

// Backends lists the client sessions of a shard's database.
func (s *Session) Backends(ctx context.Context, shard string) (Backends, error) {
	out := Backends{Shard: shard, Sessions: []BackendView{}}
	db, err := s.set.Shard(shard)
	if err != nil {
		return out, err
	}
	list, err := backend.List(ctx, db)
	if err != nil {
		return out, err
	}
	for _, b := range list {
		out.Sessions = append(out.Sessions, backendView(b))
	}
	out.CheckedAt = now()
	return out, nil
}

// CancelBackend ends the statement that a session of a shard's server runs.
func (s *Session) CancelBackend(ctx context.Context, r EndRequest) (Ended, error) {
	return s.end(ctx, policy.SessionCancel, r)
}

// TerminateBackend ends a session of a shard's server.
func (s *Session) TerminateBackend(ctx context.Context, r EndRequest) (Ended, error) {
	return s.end(ctx, policy.SessionTerminate, r)
}

func (s *Session) end(ctx context.Context, a policy.Action, r EndRequest) (Ended, error) {
	out := Ended{Shard: r.Shard, Session: BackendView{PID: r.PID, BlockedBy: []int{}}}
	started, err := momentSeen(r.StartedAt)
	if err != nil {
		return out, err
	}
	asked, err := momentSeen(r.StatementAt)
	if err != nil {
		return out, err
	}
	if err := s.installed(ctx); err != nil {
		return out, err
	}
	db, err := s.set.Shard(r.Shard)
	if err != nil {
		return out, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: a, Shard: r.Shard, Reason: r.Note, Confirm: r.Confirm})
	if err != nil {
		return out, err
	}
	f := backend.Terminate
	if a == policy.SessionCancel {
		f = backend.Cancel
	}
	res, err := f(ctx, db, s.trail, permit, backend.Request{PID: r.PID, Started: started, Asked: asked, OursToo: r.Ours})
	if err != nil {
		return out, err
	}
	return Ended{Shard: r.Shard, Session: backendView(res.Backend), Ended: res.Obeyed, AuditEvent: res.AuditEvent}, nil
}

// momentSeen reads a time as a view wrote it.
func momentSeen(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, fault.New(fault.Usage, "the time at which the session began is not one", "take it as shard-admin shards sessions --json writes it")
	}
	return &t, nil
}
