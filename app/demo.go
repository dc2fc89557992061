package app

import (
	"context"
	"sync"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// Demo is a local fleet with sample tenants.
type Demo interface {
	// Status says what of it runs.
	Status(ctx context.Context) (DemoStatus, error)
	// Start makes and fills it where that is missing and adds its fleet to this
	// computer's. It tells progress in short sentences.
	Start(ctx context.Context, progress func(step string)) error
}

// DemoServer is one server of the demo fleet.
type DemoServer struct {
	Name    string `json:"name"`
	Port    int    `json:"port"`
	Running bool   `json:"running"`
}

// DemoStatus is what there is of the demo fleet.
type DemoStatus struct {
	// Available is false where this program cannot start one.
	Available bool `json:"available"`
	Running   bool `json:"running"`
	// Starting is true while StartDemo works; Step is what it does.
	Starting bool             `json:"starting"`
	Step     string           `json:"step"`
	Fleet    string           `json:"fleet"`
	Servers  []DemoServer     `json:"servers"`
	Problem  *session.Problem `json:"problem"`
}

// starting is a demo on its way.
type starting struct {
	mu      sync.Mutex
	busy    bool
	step    string
	problem *session.Problem
}

// DemoStatus returns what there is of the demo fleet.
func (s *Settings) DemoStatus() (DemoStatus, error) {
	return answer(s.app, short, s.app.demoStatus)
}

func (a *App) demoStatus(ctx context.Context) (DemoStatus, error) {
	if a.demo == nil {
		return DemoStatus{}, nil
	}
	status, err := a.demo.Status(ctx)
	if err != nil {
		return DemoStatus{}, err
	}
	a.starting.mu.Lock()
	defer a.starting.mu.Unlock()
	status.Available = true
	status.Starting, status.Step, status.Problem = a.starting.busy, a.starting.step, a.starting.problem
	return status, nil
}

// StartDemo starts the demo fleet and makes it the current one. It returns at
// once; progress arrives as the event "demo", a DemoStatus.
func (s *Settings) StartDemo() (DemoStatus, error) {
	return answer(s.app, short, func(ctx context.Context) (DemoStatus, error) {
		a := s.app
		if a.demo == nil {
			return DemoStatus{}, fault.New(fault.DemoFailed, "this program cannot start a demo fleet here", "run `shard-admin demo`")
		}
		a.starting.mu.Lock()
		begin := !a.starting.busy
		if begin {
			a.starting.busy, a.starting.step, a.starting.problem = true, "Starting", nil
		}
		a.starting.mu.Unlock()
		if begin {
			a.spawn("start the demo", a.startDemo)
		}
		return a.demoStatus(ctx)
	})
}

func (a *App) startDemo(ctx context.Context) {
	err := error(fault.New(fault.DemoFailed, "the demo fleet could not be started", "run `shard-admin demo` and read what it says"))
	defer func() {
		a.starting.mu.Lock()
		a.starting.busy, a.starting.step = false, ""
		if err != nil {
			p := Problem(err)
			a.starting.problem = &p
		}
		a.starting.mu.Unlock()
		a.tellDemo(ctx)
	}()
	err = a.demo.Start(ctx, func(step string) {
		a.starting.mu.Lock()
		a.starting.step = step
		a.starting.mu.Unlock()
		a.tellDemo(ctx)
	})
	logged(a.log, "start the demo", err)
	if err != nil {
		return
	}
	var status DemoStatus
	if status, err = a.demo.Status(ctx); err == nil {
		a.retire(status.Fleet, nil)
		err = a.use(status.Fleet)
	}
}

func (a *App) tellDemo(ctx context.Context) {
	status, err := a.demoStatus(ctx)
	if err != nil {
		p := Problem(err)
		status = DemoStatus{Available: true, Problem: &p}
	}
	status.Servers = orEmpty(status.Servers)
	a.emit("demo", status)
}
