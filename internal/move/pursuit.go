package move

import "time"

const (
	// quick is how long a pass may take at the most before the fence closes: the
	// last one, with the tenant closed, is about as long.
	quick = 100 * time.Millisecond
	// patience is how many passes may be no shorter than those before.
	patience = 40
	// While each of longer passes takes a tenth longer than the one before, the tenant
	// writes faster than it is carried. That is said at the second, and after fallen the
	// passes are given up: a bulk job of the tenant may end before.
	longer = 4
	fallen = 10 * time.Minute
)

// pursuit follows how long one pass after another takes: each carries what the tenant
// wrote during the one before, so they get shorter where carrying is faster than writing.
type pursuit struct {
	best, last time.Duration
	idle, rise int
	since      time.Time // when the first of those began that took longer and longer
}

// chase is what the passes so far let expect.
type chase int

const (
	chaseOn     chase = iota // another pass may be shorter
	chaseQuick               // what is left is carried in no time
	chaseEven                // passes get no shorter
	chaseBehind              // passes take longer and longer, since just now
	chaseLost                // they have done so for long
)

// pass takes the times of the next pass.
func (p *pursuit) pass(began time.Time, took time.Duration) chase {
	if took <= quick {
		return chaseQuick
	}
	if p.last > 0 && took > p.last*11/10 {
		p.rise++
	} else {
		p.rise = 0
	}
	if p.rise == 0 {
		p.since = began
	}
	p.last = took
	if p.best == 0 || took < p.best*9/10 {
		p.best, p.idle = took, 0
		return chaseOn
	}
	p.idle++
	switch {
	case p.rise >= longer && began.Add(took).Sub(p.since) >= fallen:
		return chaseLost
	case p.idle >= patience:
		return chaseEven
	case p.rise == 2:
		return chaseBehind
	}
	return chaseOn
}
