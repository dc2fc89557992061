package app

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// opened is a fleet that is open, with its loops.
type opened struct {
	name    string
	session *session.Session
	file    stamp
	// nudge makes the watcher look now.
	nudge chan struct{}
	// unwatch ends the watcher, stop the worker loop, which says so by worked;
	// rework makes it read its setting.
	unwatch, stop context.CancelFunc
	worked        chan struct{}
	rework        chan struct{}
	calls         atomic.Int64 // of the page, under way
	// watching is what the watcher and those it starts live in.
	watching context.Context // ends with unwatch

	mu        sync.Mutex
	following map[string]bool // moves, by id
	observed  <-chan struct{} // closed when nobody observes it any more; nil before
}

// current returns the fleet that the page works on, opened.
func (a *App) current() (*opened, error) {
	name, err := a.currentName()
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fault.New(fault.FleetUnknown, "there is no fleet yet", "try the demo fleet, or connect one")
	}
	return a.open(name)
}

// currentName returns the fleet that was chosen here, else the home's.
func (a *App) currentName() (string, error) {
	a.mu.Lock()
	name := a.fleet
	a.mu.Unlock()
	if name != "" {
		return name, nil
	}
	return a.home.Current()
}

func (a *App) open(name string) (*opened, error) {
	a.mu.Lock()
	o, ok := a.opened[name]
	email, stopped, era := a.email, a.stopped, a.era
	a.mu.Unlock()
	if stopped {
		return nil, fault.New(fault.Cancelled, "the program is closing", "")
	}
	if ok && o.file == stampOf(a.home.FleetPath(name)) {
		return o, nil
	}
	if ok {
		a.retire(name, o) // the fleet's file was changed, here or by somebody else
	}
	// Before it is read: a file that is replaced meanwhile is read again.
	file := stampOf(a.home.FleetPath(name))
	s, err := a.home.Session(a.ctx, name, home.SessionOptions{Email: email, Source: a.mode})
	if err != nil {
		return nil, err
	}
	watching, unwatch := context.WithCancel(a.ctx)
	working, stop := context.WithCancel(a.ctx)
	o = &opened{
		name: name, session: s, file: file, nudge: make(chan struct{}, 1), rework: make(chan struct{}, 1),
		unwatch: unwatch, stop: stop, worked: make(chan struct{}), watching: watching, following: map[string]bool{},
	}

	a.mu.Lock()
	if first, ok := a.opened[name]; ok || a.stopped || a.era != era {
		stopped := a.stopped
		a.mu.Unlock()
		unwatch()
		stop()
		s.Close()
		if stopped {
			return nil, fault.New(fault.Cancelled, "the program is closing", "")
		}
		if !ok || first.file != file { // what was opened, here or there, is of the past
			return a.open(name)
		}
		return first, nil
	}
	a.opened[name] = o
	a.mu.Unlock()

	a.spawn("work", func(context.Context) { defer close(o.worked); a.work(working, o) })
	a.spawn("watch", func(context.Context) { a.watch(o) })
	poke(a.chosen)
	return o, nil
}

// retire makes the next call open the fleet anew, for another operator or after
// its file changed. What the old session queued is carried out to its end. With
// o, only that one is retired.
func (a *App) retire(name string, o *opened) {
	a.mu.Lock()
	now, ok := a.opened[name]
	ok = ok && (o == nil || o == now)
	if ok {
		now.unwatch()
		delete(a.opened, name)
		a.retired[now] = true
	}
	a.mu.Unlock()
	if ok {
		poke(a.chosen)
		a.spawn("drain", func(ctx context.Context) { a.drain(ctx, now) })
	}
}

// drain closes a retired session once no move of its fleet is under way; it may
// be the one that carries them out. One that cannot tell for long has nothing
// that it could carry out either.
func (a *App) drain(ctx context.Context, o *opened) {
	const every, most = 3 * time.Second, 10
	tick := time.NewTicker(every)
	defer tick.Stop()
	for failures := 0; failures < most; {
		select {
		case <-ctx.Done():
			return // Stop closes it
		case <-tick.C:
		}
		list, err := o.session.Moves(ctx, "", 100)
		if err != nil {
			failures++
			continue
		}
		failures = 0
		idle := o.calls.Load() == 0
		for _, m := range list.Moves {
			idle = idle && m.Settled && m.Owner == ""
		}
		if idle {
			break
		}
	}
	o.stop()
	<-o.worked
	a.mu.Lock()
	mine := a.retired[o]
	delete(a.retired, o)
	a.mu.Unlock()
	if mine {
		o.unobserved()
		o.session.Close()
	}
}

// retireAll is retire for every fleet, those too that are being opened.
func (a *App) retireAll() {
	a.mu.Lock()
	a.era++
	names := slices.Collect(maps.Keys(a.opened))
	a.mu.Unlock()
	for _, name := range names {
		a.retire(name, nil)
	}
}

// stamp tells one state of a file from the next.
type stamp struct {
	size  int64
	nanos int64
}

// stampOf returns the zero stamp for a file that cannot be read.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime().UnixNano()}
}

// work carries out queued runs: those of this app, or all where the setting
// says that this computer runs queued work.
func (a *App) work(ctx context.Context, o *opened) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		case <-o.rework:
		}
		all, err := a.home.Settings().Bool(home.RunQueuedWork)
		if err != nil {
			a.log.Warn("read the setting", "name", home.RunQueuedWork, "error", err)
		}
		err = a.workUntilChange(ctx, o, all)
		if err == nil {
			failures = 0
			wait.Reset(0)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if failures == 0 {
			a.log.Info("queued work waits", "fleet", o.name, "code", string(fault.CodeOf(err)), "error", err)
		}
		failures++
		wait.Reset(min(time.Duration(failures)*2*time.Second, 30*time.Second))
	}
}

// workUntilChange runs the worker loop until it fails or the setting changed.
func (a *App) workUntilChange(ctx context.Context, o *opened, all bool) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		a.guarded("worker", func() { err = o.session.Work(running, all) })
	}()
	for {
		select {
		case err := <-done:
			if err == nil && ctx.Err() == nil {
				return fault.New(fault.Internal, "the worker loop stopped", "")
			}
			return err
		case <-o.rework:
			now, err := a.home.Settings().Bool(home.RunQueuedWork)
			if err == nil && now != all {
				stop()
				<-done
				return nil
			}
		}
	}
}
