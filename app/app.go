package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

// The modes in which a page is shown.
const (
	Window = "window"
	Page   = "page"
)

// The limits of calls. What takes longer is a run in the queue.
const (
	short = time.Minute
	long  = 15 * time.Minute
)

// Face is the place in which the page is shown.
type Face interface {
	// Emit sends an event to the page.
	Emit(event string, payload any)
	// SaveAs returns where a file goes; empty where the person gave up. A face
	// without a dialogue returns suggestion.
	SaveAs(title, suggestion string) (string, error)
	// Reveal shows a file in its folder, where the face can.
	Reveal(path string) error
	// Guard runs at the start of each goroutine of the app, before anything
	// that may panic.
	Guard()
}

// Options of New.
type Options struct {
	Home *home.Home
	// Mode is Window or Page.
	Mode string
	// Demo starts the demo fleet; nil where there is none.
	Demo Demo
	// Fleet to open first; empty means the only one, else the current one.
	Fleet string
	// Email is who works here; empty means the one of the settings.
	Email string
	// Wall is the clock on the wall; time.Now where it is nil.
	Wall func() time.Time
}

// App is what all bound structs share.
type App struct {
	home *home.Home
	mode string
	demo Demo
	wall func() time.Time
	log  *slog.Logger

	ctx    context.Context // work belongs to the app, never to a call
	cancel context.CancelFunc
	wg     sync.WaitGroup
	pusher *pusher
	chosen chan struct{} // another fleet may be the current one

	mu   sync.Mutex
	face Face
	// exported are the files that were written for the page since the start.
	exported []string
	email    string
	fleet    string // chosen here; empty means the home's current one
	opened   map[string]*opened
	retired  map[*opened]bool
	stopped  bool
	// era counts how often everything was to be opened anew.
	era int

	starting starting
}

// New returns an app that has opened nothing yet.
func New(o Options) *App {
	ctx, cancel := context.WithCancel(context.Background())
	a := &App{
		mode: o.Mode, demo: o.Demo, wall: o.Wall, home: o.Home, email: o.Email, fleet: o.Fleet,
		ctx: ctx, cancel: cancel, face: silent{}, opened: map[string]*opened{}, retired: map[*opened]bool{}, chosen: make(chan struct{}, 1),
		log: slog.New(slog.DiscardHandler),
	}
	if o.Home != nil {
		a.log = o.Home.Logger()
	}
	a.pusher = newPusher(a.emit)
	return a
}

// Services returns the bound structs, one per screen.
func (a *App) Services() []any {
	return []any{&Shell{a}, &Overview{a}, &Tenants{a}, &Moves{a}, &Rebalance{a}, &Alerts{a}, &Audit{a}, &Settings{a}}
}

// Start begins to carry out this computer's queued work and to push progress.
func (a *App) Start(face Face) {
	a.mu.Lock()
	a.face = face
	a.mu.Unlock()
	a.spawn("push", func(ctx context.Context) { a.pusher.run(ctx) })
	a.spawn("sleep", a.awake)
	a.spawn("observe", a.observe) // opens the current fleet, which starts its loops
}

// Ready tells the page that events arrive.
func (a *App) Ready() { a.emit("ready", map[string]string{"mode": a.mode}) }

// Stop parks running work at its next safe point, signs the end of each fleet's
// trail, which holds nobody up for long, and closes every fleet. It waits for the
// work until ctx ends.
func (a *App) Stop(ctx context.Context) {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.cancel()
	done := make(chan struct{})
	go func() { a.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		a.log.Warn("work did not park in time; its lease ends by itself")
	}
	a.mu.Lock()
	all := append(slices.Collect(maps.Values(a.opened)), slices.Collect(maps.Keys(a.retired))...)
	a.mu.Unlock()
	// A retired one is the same trail as the one that took its place, and signs as
	// whoever worked with it.
	var parting sync.WaitGroup
	for _, o := range all {
		parting.Go(func() { o.session.Part(ctx, "the "+a.mode+" closes") })
	}
	parting.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range all {
		o.session.Close()
	}
	a.opened, a.retired = map[string]*opened{}, map[*opened]bool{}
}

// Unfinished lists the moves that wait for nobody and are under way as far as
// this app knows, for the question before the window closes.
func (a *App) Unfinished() []session.MoveView { return a.pusher.underWay() }

// Reconnect makes every opened fleet dial anew: after sleep or a change of
// network.
func (a *App) Reconnect() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.opened {
		o.session.Reconnect()
	}
}

// awake dials anew after the computer slept, and tells the page.
func (a *App) awake(ctx context.Context) {
	conn.AfterSleep(ctx, a.wall, func() {
		a.Reconnect()
		a.emit("awake", map[string]string{"mode": a.mode})
	})
}

func (a *App) emit(event string, payload any) {
	a.mu.Lock()
	face := a.face
	a.mu.Unlock()
	face.Emit(event, payload)
}

// spawn runs f in a goroutine of the app. A panic is logged and ends f alone.
func (a *App) spawn(what string, f func(context.Context)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	a.wg.Go(func() { a.guarded(what, func() { f(a.ctx) }) })
}

func (a *App) guarded(what string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic", "in", what, "value", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	a.mu.Lock()
	face := a.face
	a.mu.Unlock()
	face.Guard()
	f()
}

// look runs a method of the current fleet's session that changes nothing there.
func look[T any](a *App, limit time.Duration, f func(context.Context, *session.Session) (T, error)) (T, error) {
	v, err := ask(a, limit, f)
	return v, looked(err)
}

// change runs a method of the current fleet's session that changes something in
// the fleet and says so in the audit trail. A refusal for a missing right names the
// statement that gives it.
func change[T any](a *App, limit time.Duration, f func(context.Context, *session.Session) (T, error)) (T, error) {
	return ask(a, limit, func(ctx context.Context, s *session.Session) (T, error) {
		v, err := f(ctx, s)
		s.NameGrants(ctx, err)
		return v, err
	})
}

// ask runs a method of the current fleet's session for the page.
func ask[T any](a *App, limit time.Duration, f func(context.Context, *session.Session) (T, error)) (T, error) {
	return answer(a, limit, func(ctx context.Context) (T, error) {
		o, err := a.current()
		if err != nil {
			var none T
			return none, err
		}
		o.calls.Add(1)
		defer o.calls.Add(-1)
		return f(ctx, o.session)
	})
}

// answer runs f for the page: with a limit of time, with lists that are never
// null, and with a panic as an error.
func answer[T any](a *App, limit time.Duration, f func(context.Context) (T, error)) (result T, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic", "in", "a call of the page", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "something failed that this program did not foresee", "the log "+a.home.LogPath()+" has the details")
		}
	}()
	result, err = f(ctx)
	logged(a.log, "a call of the page", err)
	complete(reflect.ValueOf(&result).Elem())
	return result, err
}

// silent is the face before there is one.
type silent struct{}

func (silent) Emit(string, any)                            {}
func (silent) SaveAs(_, suggestion string) (string, error) { return suggestion, nil }
func (silent) Reveal(string) error                         { return NoFolder() }
func (silent) Guard()                                      {}
