package rowcopy

import (
	"context"
	"math"
	"sync"
	"time"
)

// longestRest bounds the rest after a piece that could not be a short one.
const longestRest = 2 * time.Second

// pace is the speed at which work goes on, a number of streams: how many pieces of
// work may be under way at once, and how long each rests that has ended.
type pace struct {
	of int

	mu      sync.Mutex
	speed   float64 // > 0
	nothing bool    // is begun
	resting bool    // all, for a while
	hurried bool    // for good
	running int     // pieces, those included that rest after theirs
	working int     // of those
	change  chan struct{}
}

func newPace(streams int) *pace {
	return &pace{of: streams, speed: float64(streams), change: make(chan struct{})}
}

// Hurry lets everybody work at full speed from now on.
func (g *Governor) Hurry() {
	if g != nil {
		g.pace.alter(func(p *pace) { p.hurried = true })
	}
}

// Gentle reports whether work should come in short pieces.
func (g *Governor) Gentle() bool {
	if g == nil {
		return false
	}
	g.pace.mu.Lock()
	defer g.pace.mu.Unlock()
	return !g.pace.hurried && (g.pace.nothing || g.pace.resting || g.pace.speed < float64(g.pace.of))
}

// admit waits until so many streams may be at work that the n-th, from 0 on, may
// begin a part: a part that is begun holds a transaction open.
func (g *Governor) admit(ctx context.Context, n int) error {
	if g == nil {
		return nil
	}
	if err := g.pace.await(ctx, func(p *pace) bool { return !p.nothing && n < p.streams() }); err != nil {
		return err
	}
	g.pace.mu.Unlock()
	return nil
}

// Turn waits until a piece of work may begin. done has to be called when it has
// ended; it rests as long as it has to. Without a governor nobody waits.
func (g *Governor) Turn(ctx context.Context) (done func() error, err error) {
	if g == nil {
		return ctx.Err, nil
	}
	p := g.pace
	if err := p.await(ctx, func(p *pace) bool { return !p.nothing && !p.resting && p.running < p.streams() }); err != nil {
		return nil, err
	}
	p.running++
	p.working++
	p.mu.Unlock()
	began := time.Now()
	return func() error {
		rest := p.ended(time.Since(began))
		// One that rests is counted, else another would work in its place.
		defer p.alter(func(p *pace) { p.running-- })
		if rest <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
		return nil
	}, nil
}

// await waits until it may go on; without an error mu is held then.
func (p *pace) await(ctx context.Context, may func(*pace) bool) error {
	p.mu.Lock()
	for !p.hurried && !may(p) {
		change := p.change
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-change:
		}
		p.mu.Lock()
	}
	return nil
}

// ended counts a piece that has ended and says for how long its stream rests.
func (p *pace) ended(worked time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working--
	if p.hurried {
		return 0
	}
	share := p.speed / float64(p.streams())
	return min(longestRest, time.Duration(float64(worked)*(1/share-1)))
}

// alter changes it and wakes who waits.
func (p *pace) alter(f func(*pace)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
	close(p.change)
	p.change = make(chan struct{})
}

// set changes the speed; at 0 nothing new begins until it is set again.
func (p *pace) set(speed float64) {
	p.alter(func(p *pace) {
		if p.nothing = speed == 0; !p.nothing {
			p.speed = speed
		}
	})
}

// rest lets everybody rest, or go on.
func (p *pace) rest(yes bool) { p.alter(func(p *pace) { p.resting = yes }) }

// now returns the speed.
func (p *pace) now() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed
}

// atWork reports whether a piece is worked at.
func (p *pace) atWork() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.working > 0
}

// streams may be at work at once; mu is held.
func (p *pace) streams() int { return int(math.Ceil(p.speed)) }
