package app

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
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
	sent    map[string]string // JSON, by id
}

func newPusher(emit func(string, any)) *pusher {
	return &pusher{
		emit: emit, wake: make(chan struct{}, 1),
		pending: map[string]session.MoveView{}, known: map[string]session.MoveView{}, sent: map[string]string{},
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
	slices.SortFunc(moves, func(a, b session.MoveView) int { return strings.Compare(a.Label+a.ID, b.Label+b.ID) })
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
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		for sent := false; !sent; {
			v, ok := p.next()
			if ok {
				sent = p.send(v)
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			}
		}
		pause.Reset(pushEvery)
	}
}

// send emits a view unless the page has it already.
func (p *pusher) send(v session.MoveView) bool {
	v, text := slim(v)
	if p.sent[v.ID] == text {
		return false
	}
	p.sent[v.ID] = text
	p.emit("move", v)
	return true
}

// slim leaves out of a view what makes it too big for an event: first all but
// the end of the log, then the checks, the tables and the log. The page asks
// for the whole move when it shows them.
func slim(v session.MoveView) (session.MoveView, string) {
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
	var text []byte
	for _, step := range steps {
		step()
		complete(reflect.ValueOf(&v).Elem())
		text, _ = json.Marshal(v) // a view always marshals
		if len(text) <= pushBytes {
			break
		}
	}
	return v, string(text)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
