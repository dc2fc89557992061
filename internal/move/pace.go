package move

import (
	"slices"
	"time"
)

// How far a pace looks back: for what it is, and for how uneven it was.
const (
	paceMean = 5 * time.Second
	paceKept = 10 * time.Second
	paceStep = 250 * time.Millisecond
	// paceLeast is how long has to be looked before anything is said.
	paceLeast = 500 * time.Millisecond
)

// pace measures how fast a number grows over the last seconds.
type pace struct{ seen []mark }

type mark struct {
	at time.Time
	n  int64
}

// note adds what the number is now. One that is smaller than before begins anew.
func (p *pace) note(at time.Time, n int64) {
	if len(p.seen) > 0 {
		last := p.seen[len(p.seen)-1]
		if n < last.n {
			p.seen = nil
		} else if at.Sub(last.at) < paceStep {
			return
		}
	}
	p.seen = append(slices.DeleteFunc(p.seen, func(m mark) bool { return at.Sub(m.at) > paceKept }), mark{at, n})
}

// of returns how much a second came over the last seconds, and in the slower and
// the faster quarter of the time that is looked at. It is false while too little
// was seen, or nothing comes.
func (p *pace) of() (mean, slow, fast float64, ok bool) {
	if len(p.seen) < 2 {
		return 0, 0, 0, false
	}
	last := p.seen[len(p.seen)-1]
	first := p.seen[slices.IndexFunc(p.seen, func(m mark) bool { return last.at.Sub(m.at) <= paceMean })]
	span := last.at.Sub(first.at)
	if span < paceLeast {
		return 0, 0, 0, false
	}
	mean = float64(last.n-first.n) / span.Seconds()
	if mean <= 0 {
		return 0, 0, 0, false
	}
	rates := []float64{}
	for i := range len(p.seen) - 1 {
		a, b := p.seen[i], p.seen[i+1]
		if b.n > a.n {
			rates = append(rates, float64(b.n-a.n)/b.at.Sub(a.at).Seconds())
		}
	}
	slices.Sort(rates)
	return mean, min(mean, rates[len(rates)/4]), max(mean, rates[len(rates)*3/4]), true
}
