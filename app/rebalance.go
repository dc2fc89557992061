package app

import (
	"context"

	"shardadmin/internal/session"
)

// Rebalance shows how tenants are spread, plans moves and queues a plan.
type Rebalance struct{ app *App }

// Plan returns the fleet's spread with three plans to mend it.
func (b *Rebalance) Plan(r session.RebalanceRequest) (session.Rebalance, error) {
	return look(b.app, short, func(ctx context.Context, s *session.Session) (session.Rebalance, error) {
		return s.Rebalance(ctx, r)
	})
}

// Apply queues the moves of a plan and follows them.
func (b *Rebalance) Apply(r session.RebalanceApply) (session.RebalanceApplied, error) {
	v, err := answer(b.app, long, func(ctx context.Context) (session.RebalanceApplied, error) {
		o, err := b.app.current()
		if err != nil {
			return session.RebalanceApplied{}, err
		}
		o.calls.Add(1)
		defer o.calls.Add(-1)
		v, err := o.session.ApplyRebalance(ctx, r, nil)
		for _, m := range v.Moves {
			if m.MoveID != "" {
				b.app.follow(o, m.MoveID)
			}
		}
		poke(o.nudge)
		return v, err
	})
	return v, err
}
