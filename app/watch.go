package app

import (
	"context"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// How often the list of moves is read: while something happens, while nothing
// does, and while it cannot be read.
const (
	watchBusy   = time.Second
	watchIdle   = 4 * time.Second
	watchFailed = 15 * time.Second
	watchMost   = 16
)

// stage is what of a move makes an event although nobody watches it closely.
type stage struct {
	state, step, phase, owner string
	held, settled, failed     bool
}

func stageOf(v session.MoveView) stage {
	return stage{state: v.State, step: v.Step, phase: v.Phase, owner: v.Owner, held: v.Held, settled: v.Settled, failed: v.Error != nil}
}

// watch pushes the progress of every move of a fleet, whoever carries it out:
// what this process does as it happens, the rest as the control database has it.
func (a *App) watch(o *opened) {
	defer o.session.Subscribe(a.pusher.push)()
	var (
		ctx     = o.watching
		seen    map[string]stage
		failing bool
	)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.nudge:
		}
		list, err := o.session.Moves(ctx, "", 100)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if !failing {
				a.log.Info("progress of moves cannot be read", "fleet", o.name, "code", string(fault.CodeOf(err)), "error", err)
			}
			failing = true
			timer.Reset(watchFailed)
			continue
		}
		failing = false
		first := seen == nil
		now, pause := make(map[string]stage, len(list.Moves)), watchIdle
		for _, m := range list.Moves {
			now[m.ID] = stageOf(m)
			if before, known := seen[m.ID]; !first && (!known || before != now[m.ID]) {
				a.pushWhole(ctx, o, m)
			}
			if !m.Settled {
				pause = watchBusy
				a.follow(o, m.ID)
			}
		}
		seen = now
		timer.Reset(pause)
	}
}

// follow pushes a move's progress until it is settled.
func (a *App) follow(o *opened, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.following[id] || len(o.following) >= watchMost {
		return
	}
	o.following[id] = true
	a.spawn("watch a move", func(context.Context) {
		defer func() {
			o.mu.Lock()
			delete(o.following, id)
			o.mu.Unlock()
		}()
		if v, err := o.session.Watch(o.watching, id, a.pusher.push); err == nil && v.ID != "" {
			a.pusher.push(v)
		}
	})
}

// pushWhole pushes a move of a list with its tables and log.
func (a *App) pushWhole(ctx context.Context, o *opened, m session.MoveView) {
	if whole, err := o.session.Move(ctx, m.ID); err == nil {
		m = whole
	}
	a.pusher.push(m)
}

// look makes the watcher of the current fleet read the list now.
func (a *App) look() {
	o, err := a.current()
	if err != nil {
		return
	}
	poke(o.nudge)
}

// poke wakes whoever reads c, once however often it is called before.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
