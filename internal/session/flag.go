package session

import (
	"context"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
)

// SetFlag turns a flag of the fleet's own policy on or off, for everybody who
// works on the fleet.
func (s *Session) SetFlag(ctx context.Context, flag string, on bool, note, confirm string) error {
	if err := s.installed(ctx); err != nil {
		return err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.PolicySet, Shard: s.cfg.Fleet.Name, Reason: note, Confirm: confirm})
	if err != nil {
		return err
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := s.gate.SetFlag(ctx, tx, permit, policy.Flag(flag), on); err != nil {
			return err
		}
		_, err := s.trail.AppendTx(ctx, tx, permit, audit.Record{After: map[string]any{"flag": flag, "on": on}})
		return err
	}), fleet.ControlName)
}
