package app

import (
	"context"

	"shardadmin/internal/session"
)

// Moves plans, starts and follows moves. Progress arrives as the event "move".
type Moves struct{ app *App }

// Plan returns what a move would do and what stands in its way.
func (m *Moves) Plan(r session.MoveRequest) (session.Plan, error) {
	return look(m.app, long, func(ctx context.Context, s *session.Session) (session.Plan, error) { return s.PlanMove(ctx, r) })
}

// Start files a move and queues its run.
func (m *Moves) Start(r session.MoveRequest) (session.MoveView, error) {
	return m.change(func(ctx context.Context, s *session.Session) (session.MoveView, error) { return s.StartMove(ctx, r) })
}

// Act does something with a move: switch, resume, cancel, rollback, finalize.
func (m *Moves) Act(action string, r session.MoveAction) (session.MoveView, error) {
	return m.change(func(ctx context.Context, s *session.Session) (session.MoveView, error) {
		return s.ActOnMove(ctx, action, r)
	})
}

// change queues a run and follows it.
func (m *Moves) change(f func(context.Context, *session.Session) (session.MoveView, error)) (session.MoveView, error) {
	v, err := answer(m.app, long, func(ctx context.Context) (session.MoveView, error) {
		o, err := m.app.current()
		if err != nil {
			return session.MoveView{}, err
		}
		o.calls.Add(1)
		defer o.calls.Add(-1)
		v, err := f(ctx, o.session)
		if err == nil && v.ID != "" {
			m.app.follow(o, v.ID)
		}
		poke(o.nudge)
		return v, err
	})
	return v, err
}

// List returns the newest moves, of one tenant where it is named.
func (m *Moves) List(tenant string, limit int) (session.MoveList, error) {
	return look(m.app, short, func(ctx context.Context, s *session.Session) (session.MoveList, error) {
		return s.Moves(ctx, tenant, limit)
	})
}

// Get returns one move with its tables, log and checks.
func (m *Moves) Get(id string) (session.MoveView, error) {
	return look(m.app, short, func(ctx context.Context, s *session.Session) (session.MoveView, error) { return s.Move(ctx, id) })
}

// Workers returns how many programs carry out queued work now.
func (m *Moves) Workers() (int, error) {
	return look(m.app, short, func(ctx context.Context, s *session.Session) (int, error) { return s.WorkersAlive(ctx) })
}

// Reentry returns how a finalize is confirmed beside the tenant's name: password,
// login, or "" where it is not.
func (m *Moves) Reentry() (string, error) {
	return look(m.app, short, func(ctx context.Context, s *session.Session) (string, error) { return s.Reentry(ctx) })
}

// Report returns all that is known of a move that is settled.
func (m *Moves) Report(id string) (session.MoveReport, error) {
	return look(m.app, long, func(ctx context.Context, s *session.Session) (session.MoveReport, error) {
		return s.ReportMove(ctx, id)
	})
}

// MoveReportFile is a report that was written to a file.
type MoveReportFile struct {
	Path string `json:"path"`
}

// SaveReport writes a move's report to a file as JSON: one that the person chose,
// else a new one in the folder exports beside the settings.
func (m *Moves) SaveReport(id string) (MoveReportFile, error) {
	return look(m.app, long, func(ctx context.Context, s *session.Session) (MoveReportFile, error) {
		r, err := s.ReportMove(ctx, id)
		if err != nil {
			return MoveReportFile{}, err
		}
		path, err := m.app.exportTo("Save the report", "move-"+r.Move.ID, "json", "shard-admin move report "+r.Move.ID+" --json -o FILE")
		if err != nil {
			return MoveReportFile{}, err
		}
		return MoveReportFile{path}, writeJSON(path, r)
	})
}

// PauseQueue lets no worker begin anything more; what runs goes on.
func (m *Moves) PauseQueue(r session.QueueRequest) (session.QueueState, error) {
	return change(m.app, short, func(ctx context.Context, s *session.Session) (session.QueueState, error) { return s.PauseQueue(ctx, r) })
}

// ResumeQueue ends a pause of the queue.
func (m *Moves) ResumeQueue(r session.QueueRequest) (session.QueueState, error) {
	return change(m.app, short, func(ctx context.Context, s *session.Session) (session.QueueState, error) {
		return s.ResumeQueue(ctx, r)
	})
}
