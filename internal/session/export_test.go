package session

import (
	"context"
	"maps"
	"time"

	"shardadmin/internal/sample"
	"shardadmin/internal/sample/history"
)

// AMinuteGoesBy lets every figure of a shard be due again, as it is after a while.
func (s *Session) AMinuteGoesBy(shard string) {
	l := s.looksOf(shard)
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	l.asked = map[sample.Tier]time.Time{}
	l.before = maps.Clone(l.results)
}

// Newcomers places new tenants as one worker does, a round with each call, until the
// test ends it.
func (s *Session) Newcomers() (round, end func(context.Context) error) {
	w := s.newcomersOf()
	return func(ctx context.Context) error { return w.turn(ctx, w.look) }, func(ctx context.Context) error { return w.lease.Release(ctx) }
}

// SpreadNow is what is kept of how uneven the fleet is.
func (s *Session) SpreadNow(ctx context.Context) ([]history.Value, error) { return s.spreadNow(ctx) }

// ActivityNow is what is kept of how busy the tables of each shard are.
func (s *Session) ActivityNow(ctx context.Context) []history.Activity { return s.activityNow(ctx) }
