package app

import (
	"context"
	"sync"
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
	state, step, phase string
	held, settled      bool
	failed             bool
}

func stageOf(v session.MoveView) stage {
	return stage{state: v.State, step: v.Step, phase: v.Phase, held: v.Held, settled: v.Settled, failed: v.Error != nil}
}

// watch pushes the progress of every move of a fleet, whoever carries it out.
func (a *App) watch(ctx context.Context, o *opened) {
	var (
		mu      sync.Mutex
		watched = map[string]bool{}
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
			if m.Settled {
				continue
			}
			pause = watchBusy
			mu.Lock()
			follow := !watched[m.ID] && len(watched) < watchMost
			if follow {
				watched[m.ID] = true
			}
			mu.Unlock()
			if !follow {
				continue
			}
			a.spawn("watch a move", func(context.Context) {
				defer func() {
					mu.Lock()
					delete(watched, m.ID)
					mu.Unlock()
				}()
				v, err := o.session.Watch(ctx, m.ID, a.pusher.push)
				if err == nil {
					a.pusher.push(v)
				}
			})
		}
		seen = now
		timer.Reset(pause)
	}
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
	select {
	case o.nudge <- struct{}{}:
	default:
	}
}
