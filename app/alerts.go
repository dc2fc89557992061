package app

import (
	"context"

	"shardadmin/internal/session"
)

// Alerts shows what is wrong, takes and silences it, and tests who is told.
type Alerts struct{ app *App }

// List returns the open alerts, with all also what is over.
func (u *Alerts) List(all bool) (session.AlertList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.AlertList, error) { return s.Alerts(ctx, all) })
}

// Acknowledge takes an alert that fires.
func (u *Alerts) Acknowledge(id int64, note string) error {
	_, err := change(u.app, short, func(ctx context.Context, s *session.Session) (struct{}, error) {
		return struct{}{}, s.AckAlert(ctx, id, note)
	})
	return err
}

// Silence tells nobody for a time.
func (u *Alerts) Silence(r session.SilenceRequest) (session.SilenceView, error) {
	return change(u.app, short, func(ctx context.Context, s *session.Session) (session.SilenceView, error) { return s.Silence(ctx, r) })
}

// Unsilence ends a silence.
func (u *Alerts) Unsilence(id int64, note string) error {
	_, err := change(u.app, short, func(ctx context.Context, s *session.Session) (struct{}, error) {
		return struct{}{}, s.Unsilence(ctx, id, note)
	})
	return err
}

// Test sends a message that says it is a test.
func (u *Alerts) Test(channel string) (session.ChannelTest, error) {
	return ask(u.app, short, func(ctx context.Context, s *session.Session) (session.ChannelTest, error) {
		return s.TestChannel(ctx, channel)
	})
}
