package move

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/job"
	"shardadmin/internal/job/window"
	"shardadmin/internal/policy"
)

// waits is what a queued run of the move waits for. What brings a tenant back
// to where it is safe waits for nothing; what goes on with a move that has
// begun waits for the end of a pause and for no window.
func (m *Move) waits(a Action) job.Wait {
	switch {
	case a == ActionCancel, a == ActionRollback:
		return job.WaitNever
	case m.State == Planned && m.StartedAt == nil:
		return job.WaitWindow
	}
	return job.WaitPause
}

// Queued is a run of a move that waits or is being carried out.
type Queued struct {
	job.Line
	Action Action
	Move   *Move // without tables; nil where the move is gone
}

// Line returns what the queue keeps to, and its runs in the order in which they
// go.
func (e *Engine) Line(ctx context.Context) (job.Rules, []Queued, error) {
	rules, line, err := e.deps.Jobs.Line(ctx)
	if err != nil {
		return rules, nil, err
	}
	out, ids := []Queued{}, []string{}
	for _, l := range line {
		if l.Kind != JobKind {
			continue
		}
		var p runPayload
		if json.Unmarshal(l.Payload, &p) != nil {
			continue // a newer version's; it has its own eyes
		}
		out, ids = append(out, Queued{Line: l, Action: p.Action, Move: &Move{ID: p.Move}}), append(ids, p.Move)
	}
	moves, err := e.record.named(ctx, ids)
	for i := range out {
		out[i].Move = moves[out[i].Move.ID]
	}
	return rules, out, err
}

// Rules returns what the queue keeps to.
func (e *Engine) Rules(ctx context.Context) (job.Rules, error) { return e.deps.Jobs.Rules(ctx) }

// PauseQueue lets no worker begin anything more; what has begun goes on.
func (e *Engine) PauseQueue(ctx context.Context, permit policy.Permit) error {
	return e.changeQueue(ctx, permit, policy.QueuePause, func(tx pgx.Tx) (audit.Record, error) {
		_, err := e.deps.Jobs.Pause(ctx, tx, permit.Operator(), permit.Reason())
		return audit.Record{Before: map[string]any{"paused": false}, After: map[string]any{"paused": true}}, err
	})
}

// ResumeQueue ends a pause.
func (e *Engine) ResumeQueue(ctx context.Context, permit policy.Permit) error {
	return e.changeQueue(ctx, permit, policy.QueueResume, func(tx pgx.Tx) (audit.Record, error) {
		r, err := e.deps.Jobs.Unpause(ctx, tx)
		if err != nil {
			return audit.Record{}, err
		}
		return audit.Record{
			Before: map[string]any{"paused": true, "by": r.Paused.By, "why": r.Paused.Why, "since": r.Paused.At}, After: map[string]any{"paused": false},
		}, nil
	})
}

// SetWindows sets the windows in which queued moves are begun; none lets them
// begin at any time.
func (e *Engine) SetWindows(ctx context.Context, permit policy.Permit, s window.Set) error {
	return e.changeQueue(ctx, permit, policy.QueueSet, func(tx pgx.Tx) (audit.Record, error) {
		r, err := e.deps.Jobs.SetWindows(ctx, tx, permit.Operator(), s)
		was := r.Windows.String()
		if r.Unread != "" {
			was = r.Unread
		}
		return audit.Record{Before: map[string]any{"windows": was}, After: map[string]any{"windows": s.String()}}, err
	})
}

// SetLimit bounds how many runs are carried out at once, in the fleet or on
// each shard; nil takes the bound away.
func (e *Engine) SetLimit(ctx context.Context, permit policy.Permit, perShard bool, limit *int) error {
	return e.changeQueue(ctx, permit, policy.QueueSet, func(tx pgx.Tx) (audit.Record, error) {
		r, err := e.deps.Jobs.SetLimit(ctx, tx, permit.Operator(), perShard, limit)
		name, was := "per_fleet", r.PerFleet
		if perShard {
			name, was = "per_shard", r.PerShard
		}
		return audit.Record{Before: map[string]any{name: was}, After: map[string]any{name: limit}}, err
	})
}

// changeQueue changes the queue's rules and appends the event in one
// transaction.
func (e *Engine) changeQueue(ctx context.Context, permit policy.Permit, a policy.Action, f func(tx pgx.Tx) (audit.Record, error)) error {
	if permit.Action() != a {
		return fault.New(fault.Internal, "the permit is for something else", "")
	}
	pool, err := e.deps.Set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return e.record.fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		rec, err := f(tx)
		if err != nil {
			return err
		}
		_, err = e.deps.Trail.AppendTx(ctx, tx, permit, rec)
		return err
	}))
}
