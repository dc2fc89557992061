package app

import (
	"context"
	"time"

	"shardadmin/internal/session"
)

// observeAgain is how often it is tried to observe the current fleet where that could
// not begin, and how often it is asked which one is current.
const observeAgain = 15 * time.Second

// observe keeps the current fleet under observation, and no other: choosing another
// one ends the one and begins the other.
func (a *App) observe(ctx context.Context) {
	var (
		now    *opened
		end    = func() {}
		failed string
	)
	defer func() { end() }()
	tick := time.NewTicker(observeAgain)
	defer tick.Stop()
	for {
		// Opening dials nothing.
		next, err := a.current()
		if err != nil {
			if failed != err.Error() {
				logged(a.log, "open the current fleet", err)
			}
			failed, next = err.Error(), nil
		}
		if next != now || now != nil && now.watching.Err() != nil {
			end()
			now, end = nil, func() {}
		}
		if now == nil && next != nil {
			if stop, err := a.observeOne(next); err != nil {
				// Said once, until something else fails; the page says it as long as it is so.
				if failed != err.Error() {
					a.log.Warn("the fleet is not observed", "fleet", next.name, "error", err)
				}
				failed = err.Error()
			} else {
				now, end, failed = next, stop, ""
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.chosen:
		}
	}
}

// observeOne observes a fleet until end is called or the fleet is retired.
func (a *App) observeOne(o *opened) (end func(), err error) {
	full, err := a.home.Settings().HealthInterval()
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.watching.Err(); err != nil {
		return nil, err // retired meanwhile; its session may be closed soon
	}
	observing, stop := context.WithCancel(o.watching)
	_, done, err := o.session.Observe(observing, session.ObserveOptions{Full: full, Alerts: true, Yield: true, Desktop: a.mode == Window})
	if err != nil {
		stop()
		return nil, err
	}
	o.observed = done
	return func() { stop(); <-done }, nil
}

// unobserved returns when nobody observes a retired fleet any more.
func (o *opened) unobserved() {
	o.mu.Lock()
	done := o.observed
	o.mu.Unlock()
	if done != nil {
		<-done
	}
}
