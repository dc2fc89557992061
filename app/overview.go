package app

import (
	"context"

	"shardadmin/internal/session"
)

// Overview is the fleet at a glance.
type Overview struct{ app *App }

// recent is how many events the overview shows.
const recent = 12

// Status returns every shard at a glance.
func (o *Overview) Status() (session.Status, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.Status, error) { return s.Status(ctx) })
}

// Health returns the findings of one shard, or of all where shard is empty.
func (o *Overview) Health(shard string) (session.Health, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.Health, error) { return s.Health(ctx, shard) })
}

// Views returns what a shard's server says of itself, subject by subject.
func (o *Overview) Views(shard string) (session.ShardViews, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.ShardViews, error) { return s.Views(ctx, shard) })
}

// Sessions returns who is connected to a shard.
func (o *Overview) Sessions(shard string) (session.Backends, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.Backends, error) { return s.Backends(ctx, shard) })
}

// CancelSession ends the statement that a session of a shard's server runs.
func (o *Overview) CancelSession(r session.EndRequest) (session.Ended, error) {
	return change(o.app, short, func(ctx context.Context, s *session.Session) (session.Ended, error) { return s.CancelBackend(ctx, r) })
}

// EndSession ends a session of a shard's server.
func (o *Overview) EndSession(r session.EndRequest) (session.Ended, error) {
	return change(o.app, short, func(ctx context.Context, s *session.Session) (session.Ended, error) {
		return s.TerminateBackend(ctx, r)
	})
}

// Compare puts the shards side by side, and waits for none that is slow.
func (o *Overview) Compare() (session.FleetComparison, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.FleetComparison, error) {
		return s.CompareSoon(ctx)
	})
}

// Distribution returns how tenants spread over shards.
func (o *Overview) Distribution() (session.Distribution, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.Distribution, error) {
		return s.Distribution(ctx)
	})
}

// Stats returns what one shard holds.
func (o *Overview) Stats(shard string) (session.ShardStats, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.ShardStats, error) { return s.Stats(ctx, shard) })
}

// History returns how figures of one shard, or of all, went.
func (o *Overview) History(r session.HistoryRequest) (session.HistoryView, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.HistoryView, error) { return s.History(ctx, r) })
}

// Recent returns the newest entries of the audit trail.
func (o *Overview) Recent() (session.EventList, error) {
	return look(o.app, short, func(ctx context.Context, s *session.Session) (session.EventList, error) {
		return s.Events(ctx, session.AuditFilter{Limit: recent})
	})
}
