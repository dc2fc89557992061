package move

import (
	"context"

	"shardadmin/internal/fault"
	"shardadmin/internal/job"
	"shardadmin/internal/policy"
)

// batchStopped is why a move that has not begun does not begin any more: another one
// of its batch has come to nothing. It is asked when the run begins, so it holds
// whoever carries the run out, and after a crash as well.
func (e *Engine) batchStopped(ctx context.Context, m *Move) (error, error) {
	if m.plan == nil || m.plan.Batch == "" {
		return nil, nil
	}
	q, err := e.record.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, e.record.sql("batch_stopped"), m.plan.Batch, m.ID)
	if err != nil {
		return nil, e.record.fault(err)
	}
	defer rows.Close()
	var why error
	for rows.Next() {
		var id, label, state string
		if err := rows.Scan(&id, &label, &state); err != nil {
			return nil, e.record.fault(err)
		}
		why = fault.Newf(fault.BatchStopped, "shard-admin move show "+id+" says why; shard-admin rebalance plan makes a new plan",
			"move %s of tenant %s, which was queued with this one, is %s", id, label, state)
	}
	return why, e.record.fault(rows.Err())
}

// giveUp cancels a move that has not begun, in the name of whoever queued it.
func (e *Engine) giveUp(ctx context.Context, gate *policy.Gate, r job.Run, m *Move, opt Options, why error) error {
	e.record.log(ctx, m, "error", "it was not begun: %s; %s", why, fault.HintOf(why))
	permit, err := gate.PermitAs(ctx, r.CreatedBy, policy.Request{Action: policy.MoveCancel, Tenant: m.Tenant, Shard: m.Target, Reason: why.Error(), QueuedAs: r.CreatedAs})
	if err != nil {
		return err
	}
	if _, err := e.Run(ctx, permit, m.ID, ActionCancel, opt); err != nil {
		return err
	}
	return why
}
