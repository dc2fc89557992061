package session

import (
	"context"
	"fmt"
	"maps"
	"time"

	"shardadmin/internal/alert"
	"shardadmin/internal/fault"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/sample"
	"shardadmin/internal/sample/history"
)

// AMinuteGoesBy lets every figure of a shard be due again, as it is after a while.
func (s *Session) AMinuteGoesBy(shard string) {
	l := s.looksOf(shard)
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	l.due = map[string]time.Time{}
	l.before = maps.Clone(l.results)
}

// Newcomers places new tenants as one worker does, a round with each call, until the
// test ends it.
func (s *Session) Newcomers() (round, end func(context.Context) error) {
	w := s.newcomersOf()
	return func(ctx context.Context) error { return w.turn(ctx, w.look) }, func(ctx context.Context) error { return w.lease.Release(ctx) }
}

// Glance is what this computer keeps of how uneven the fleet is now, and by dimension why
// that is not known.
func (s *Session) Glance(ctx context.Context) ([]history.Value, map[string]string) {
	g, untold := s.glance(ctx), map[string]string{}
	for _, m := range g.list {
		if m.reason != "" {
			untold[string(m.by)] = m.reason
		}
	}
	return g.values(), untold
}

// TakeGlance takes a look at the spread of some age into the control database: how far
// the fullest shard is above even, by dimension, and why another is not known.
func (s *Session) TakeGlance(ctx context.Context, age time.Duration, over map[rebalance.Dimension]float64, untold map[rebalance.Dimension]string) error {
	lease, err := s.jobs.Acquire(ctx, alert.LeaseName, time.Minute)
	if err != nil {
		return err
	}
	g := glance{at: time.Now().Add(-age)}
	for by, v := range over {
		g.list = append(g.list, measured{by: by, over: v, fullest: "default"})
	}
	for by, why := range untold {
		g.list = append(g.list, measured{by: by, reason: why})
	}
	if err := s.keepEvenness(ctx, lease, g); err != nil {
		return err
	}
	if err := lease.Release(ctx); err != nil {
		return err
	}
	// Whoever has lost the lease writes nothing.
	if err := s.keepEvenness(ctx, lease, glance{at: time.Now(), list: []measured{{by: rebalance.Bytes, over: 9}}}); fault.CodeOf(err) != fault.LeaseLost {
		return fmt.Errorf("written without the lease: %w", err)
	}
	return nil
}

// ActivityNow is what is kept of how busy the tables of each shard are.
func (s *Session) ActivityNow(ctx context.Context) []history.Activity { return s.activityNow(ctx) }

// Alerting evaluates as an observer does: control takes at a time whether the control
// database answers, look is a round, and aged lets six hours go by.
func (s *Session) Alerting() (control func(context.Context, time.Time, error), look func(context.Context) error, aged func()) {
	b := &Observer{s: s, sampler: sample.NewSampler(nil, nil, sample.Rules{}, func(sample.Reading) {})}
	a := b.alerting(false)
	return a.control, a.look, func() { a.pruned = a.pruned.Add(-pruneEvery) }
}

// Conditions are what a shard of a size and a capacity is told to alerts as, with whether
// an alert of it that is open would stay for want of knowledge.
func (s *Session) Conditions(ctx context.Context, shard string, size, most int64) ([]alert.Condition, bool, error) {
	seen, err := s.conditions(ctx, Figures{Shards: []ShardFigures{{
		Name: shard, Configured: true, Reading: sample.Reading{State: sample.Up}, Values: map[string]float64{sizeFigure: float64(size)}, CapacityBytes: most,
	}}}, nil, &refusals{})
	if err != nil {
		return nil, false, err
	}
	return seen.Conditions, seen.Unknown(alert.Alert{Rule: ruleCapacity, Subject: shard, Shard: shard}), nil
}

// Seen is what an observer has seen, as conditions.
func (s *Session) Seen(ctx context.Context, f Figures) (alert.Seen, error) {
	return s.conditions(ctx, f, nil, &refusals{})
}

// Evaluating takes into the store what an observer has seen, as who evaluates does with
// each round.
func (s *Session) Evaluating(ctx context.Context) (func(Figures) error, error) {
	lease, err := s.jobs.Acquire(ctx, alert.LeaseName, 10*time.Minute)
	if err != nil {
		return nil, err
	}
	fresh, refused := &replans{}, &refusals{}
	return func(f Figures) error {
		seen, err := s.conditions(ctx, f, fresh, refused)
		if err != nil {
			return err
		}
		if err := s.alerts().Evaluate(ctx, lease, seen, s.cfg.Fleet.Channels); err != nil {
			return err
		}
		s.replan(ctx, fresh)
		fresh.working.Wait()
		return nil
	}, nil
}

// Sending sends what waits, a round with each call.
func (s *Session) Sending() func(context.Context) {
	return (&Observer{s: s}).alerting(false).send
}

// PlanAsOf is PlanMove where a transaction that has lasted for longer than that is in
// the way.
func (s *Session) PlanAsOf(ctx context.Context, r MoveRequest, older time.Duration) (Plan, error) {
	if err := s.ready(); err != nil {
		return Plan{}, err
	}
	req, err := s.planRequest(r)
	if err != nil {
		return Plan{}, err
	}
	req.Older = older
	p, err := s.engine.Plan(ctx, req)
	if err != nil {
		return Plan{}, err
	}
	return planView(p), nil
}

// HoldAnswers keeps the turn of whoever asks whether a shard answers.
func (s *Session) HoldAnswers(ctx context.Context, shard string) (leave func(), err error) {
	return s.lanes.enter(ctx, shard, answers)
}
