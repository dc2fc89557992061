package app

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"shardadmin/internal/session"
)

// The limits of events: a web view keeps what is bigger or more frequent.
const (
	pushEvery = 100 * time.Millisecond
	pushBytes = 8 << 10
	logTail   = 20
)

// pusher sends the newest view of each move, at most one event in pushEvery.
// A view that is overtaken before its turn is never sent.
type pusher struct {
	emit func(event string, payload any)
	wake chan struct{}

	mu      sync.Mutex
	pending map[string]session.MoveView
	order   []string
	known   map[string]session.MoveView
}

func newPusher(emit func(string, any)) *pusher {
	return &pusher{
		emit: emit, wake: make(chan struct{}, 1),
		pending: map[string]session.MoveView{}, known: map[string]session.MoveView{},
	}
}

// push hands a view over; it never waits.
func (p *pusher) push(v session.MoveView) {
	p.mu.Lock()
	if _, ok := p.pending[v.ID]; !ok {
		p.order = append(p.order, v.ID)
	}
	p.pending[v.ID] = v
	p.know(v)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// know remembers what is under way; p.mu is held.
func (p *pusher) know(v session.MoveView) {
	if v.Settled {
		delete(p.known, v.ID)
		return
	}
	v.Tables, v.Log, v.Checks = nil, nil, nil
	p.known[v.ID] = v
}

// underWay lists the moves that were not settled when last seen, by label.
func (p *pusher) underWay() []session.MoveView {
	p.mu.Lock()
	defer p.mu.Unlock()
	moves := make([]session.MoveView, 0, len(p.known))
	for _, v := range p.known {
		moves = append(moves, v)
	}
	slices.SortFunc(moves, func(a, b session.MoveView) int {
		switch {
		case a.Label < b.Label:
			return -1
		case a.Label > b.Label:
			return 1
		default:
			return 0
		}
	})
	return moves
}

func (p *pusher) next() (session.MoveView, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.order) == 0 {
		return session.MoveView{}, false
	}
	id := p.order[0]
	p.order = p.order[1:]
	v := p.pending[id]
	delete(p.pending, id)
	return v, true
}

func (p *pusher) run(ctx context.Context) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		v, ok := p.next()
		for !ok {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
				v, ok = p.next()
			}
		}
		p.emit("move", slim(v))
		tick.Reset(pushEvery)
	}
}

// slim leaves out of a view what makes it too big for an event: first all but
// the end of the log, then the log, the checks and the tables. The page asks
// for the whole move when it shows them.
func slim(v session.MoveView) session.MoveView {
	steps := []func(){
		func() {},
		func() {
			if n := len(v.Log); n > logTail {
				v.Log = v.Log[n-logTail:]
			}
			v.Checks = nil
		},
		func() { v.Tables = nil },
		func() { v.Log = nil },
	}
	for _, step := range steps {
		step()
		v.Tables, v.Log, v.Checks = orEmpty(v.Tables), orEmpty(v.Log), orEmpty(v.Checks)
		v.Next, v.Actions = orEmpty(v.Next), orEmpty(v.Actions)
		if text, err := json.Marshal(v); err == nil && len(text) <= pushBytes {
			return v
		}
	}
	return v
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
