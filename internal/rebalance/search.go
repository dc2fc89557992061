package rebalance

import (
	"cmp"
	"slices"
)

const (
	// moveCost is what a move costs besides its bytes, in mean shards.
	moveCost = 0.01
	// leastGain is what a move has to bring at least, in mean shards: less is within
	// what sizes are off by. Where tenants are smaller than that it is half a mean one.
	leastGain = 0.0005
	// margin is by how much the search aims inside the band, so that what is left when
	// no move brings that much lies within.
	margin = 0.001
)

// step is a move of a plan that is being made.
type step struct {
	t, from, to int
	why         Why
}

// search makes the moves of one strategy.
type search struct {
	*state
	way
	steps   []step
	bytes   int64
	stopped string
	order   [][]int // by shard: tenants that may go, the largest first
	best    [][]found
}

// found is the best move between two shards.
type found struct {
	t     int // -1: none
	score float64
	use   float64 // of the target then
	known bool
}

// run makes a plan in every way that the strategy knows and keeps the best.
func run(p *problem, strategy Strategy, goal float64, spread bool) *search {
	ways := []way{{perByte: false}}
	switch {
	case !spread:
	case strategy == FewestBytes:
		ways = []way{{perByte: true}, {perByte: false}, {pairs: true}}
	case strategy == FewestMoves:
		ways = []way{{perByte: false}, {pairs: true}}
	}
	var best *search
	var cost [2]float64
	for _, w := range ways {
		s := &search{state: newState(p, goal-min(margin, goal/2)), way: w}
		s.leave()
		if spread {
			s.list()
			if w.pairs {
				s.level(goal)
			} else {
				s.settle()
			}
			if strategy == FewestBytes && s.stopped == "" {
				s.trim()
			}
		}
		c := [2]float64{s.end(goal), float64(len(s.steps))}
		if strategy == FewestBytes {
			c[1] = float64(s.bytes)
		}
		if best == nil || c[0] < cost[0]-eps || c[0] < cost[0]+eps && c[1] < cost[1] {
			best, cost = s, c
		}
	}
	return best
}

// way is how a search chooses the next move.
type way struct {
	// perByte weighs what a move brings against what it costs.
	perByte bool
	// pairs goes from the fullest shard to the emptiest, the largest tenant first, as
	// Citus does; where sizes are coarse it ends nearer.
	pairs bool
}

// end is what lies outside the band when all is done.
func (s *search) end(goal float64) float64 {
	at := newState(s.p, goal)
	for _, st := range s.steps {
		at.move(st.t, st.to)
	}
	return at.violation()
}

// afford reports whether the budget has room, and remembers where it has none.
func (s *search) afford(t int) bool {
	o := s.p.opt
	switch {
	case len(s.steps) >= o.MaxMoves:
		s.stopped = "moves"
	case o.MaxBytes > 0 && s.bytes+s.p.in.Tenants[t].Bytes > o.MaxBytes:
		s.stopped = "bytes"
	default:
		return true
	}
	return false
}

func (s *search) take(t, to int, why Why) {
	s.steps = append(s.steps, step{t, s.at[t], to, why})
	s.bytes += s.p.in.Tenants[t].Bytes
	s.move(t, to)
}

// leave moves the tenants that are where they may not be.
func (s *search) leave() {
	list := []step{}
	for t, at := range s.at {
		if at >= 0 && s.p.ask[t][at] != "" && s.p.stays[t] == "" {
			list = append(list, step{t: t, why: s.p.ask[t][at]})
		}
	}
	for g := range s.p.groups {
		for _, pair := range s.together(g) {
			list = append(list, s.parting(pair)...)
		}
	}
	slices.SortFunc(list, func(a, b step) int {
		return cmp.Or(cmp.Compare(s.p.in.Tenants[b.t].Bytes, s.p.in.Tenants[a.t].Bytes), cmp.Compare(s.p.in.Tenants[a.t].ID, s.p.in.Tenants[b.t].ID))
	})
	for _, l := range list {
		if s.moved[l.t] || l.why == WhyApart && !s.shares(l.t) {
			continue
		}
		if to := s.room(l.t); to >= 0 && s.afford(l.t) {
			s.take(l.t, to, l.why)
		}
	}
}

// parting are those of a group on one shard that go: all but one, which is one that
// cannot go, or else the largest.
func (s *search) parting(pair []int) []step {
	pair = slices.Clone(pair)
	slices.SortFunc(pair, func(a, b int) int {
		if fa, fb := s.p.stays[a] != "", s.p.stays[b] != ""; fa != fb {
			if fa {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(s.p.in.Tenants[b].Bytes, s.p.in.Tenants[a].Bytes), cmp.Compare(s.p.in.Tenants[a].ID, s.p.in.Tenants[b].ID))
	})
	out := []step{}
	for _, t := range pair[1:] {
		if s.p.stays[t] == "" {
			out = append(out, step{t: t, why: WhyApart})
		}
	}
	return out
}

// room is the shard that suffers least from a tenant, -1 where none takes it.
func (s *search) room(t int) int {
	best, out := 0.0, -1
	for to := range s.p.in.Shards {
		if to == s.at[t] || s.barred(t, to) != "" {
			continue
		}
		r := s.ratio(to, t, 1)
		if out < 0 || r < best-eps {
			best, out = r, to
		}
	}
	return out
}

// list lists who may go.
func (s *search) list() {
	s.order = make([][]int, len(s.p.in.Shards))
	for t, at := range s.at {
		if at >= 0 && s.p.takes[at] && s.p.stays[t] == "" && !s.moved[t] && s.p.ask[t][at] == "" {
			s.order[at] = append(s.order[at], t)
		}
	}
	for _, list := range s.order {
		slices.SortFunc(list, func(a, b int) int {
			return cmp.Or(cmp.Compare(s.p.largest[b], s.p.largest[a]), cmp.Compare(s.p.in.Tenants[a].ID, s.p.in.Tenants[b].ID))
		})
	}
}

// away moves one of those that may go.
func (s *search) away(t, from, to int) {
	s.take(t, to, WhySpread)
	s.order[from] = slices.DeleteFunc(s.order[from], func(o int) bool { return o == t })
}

// level goes from the fullest to the emptiest until nothing lies outside the band.
func (s *search) level(goal float64) {
	s.goal = goal
	for s.violation() > eps && s.nearer() {
	}
}

// nearer makes the first move between the fullest and the emptiest shards that brings
// them nearer to each other by at least half of what it moves.
func (s *search) nearer() bool {
	shards := []int{}
	for i := range s.p.in.Shards {
		if s.p.takes[i] {
			shards = append(shards, i)
		}
	}
	slices.SortStableFunc(shards, func(a, b int) int { return cmp.Compare(s.ratio(b, 0, 0), s.ratio(a, 0, 0)) })
	for _, from := range shards {
		full := s.ratio(from, 0, 0)
		for i := len(shards) - 1; i >= 0; i-- {
			to := shards[i]
			empty := s.ratio(to, 0, 0)
			if empty >= 1+s.goal || empty >= 1-s.goal && full <= 1+s.goal || empty >= full {
				break
			}
			for _, t := range s.order[from] {
				if s.p.largest[t] < s.p.least {
					break
				}
				after := s.ratio(to, t, 1)
				if after > s.ratio(from, t, -1) && (after >= full || full-after < (after-empty)/2) {
					continue
				}
				if s.gain(t, from, to) < -eps || s.barred(t, to) != "" {
					continue
				}
				if !s.afford(t) {
					return false
				}
				s.away(t, from, to)
				return true
			}
		}
	}
	return false
}

// settle takes the best move until none helps.
func (s *search) settle() {
	n := len(s.p.in.Shards)
	s.best = make([][]found, n)
	for i := range s.best {
		s.best[i] = make([]found, n)
	}
	for {
		at, from, to := found{t: -1}, -1, -1
		for a := range n {
			for b := range n {
				if a == b || !s.p.takes[a] || !s.p.takes[b] {
					continue
				}
				f := &s.best[a][b]
				if !f.known {
					*f = s.between(a, b)
				}
				if f.t >= 0 && (at.t < 0 || better(*f, at, s.p)) {
					at, from, to = *f, a, b
				}
			}
		}
		if at.t < 0 || !s.afford(at.t) {
			return
		}
		s.away(at.t, from, to)
		for i := range n {
			s.best[from][i].known, s.best[i][from].known, s.best[to][i].known, s.best[i][to].known = false, false, false, false
		}
	}
}

func better(a, b found, p *problem) bool {
	switch {
	case a.score > b.score+eps:
		return true
	case a.score < b.score-eps:
		return false
	}
	if x, y := p.in.Tenants[a.t].Bytes, p.in.Tenants[b.t].Bytes; x != y {
		return x < y
	}
	// What comes next finds more room the more evenly shards are filled.
	return a.use < b.use-eps
}

// between finds the best move from one shard to another. Tenants come the largest
// first, and none gains more than what it takes at each end that lies outside the
// band, so the rest of the list need not be looked at once that is less than what was
// found.
func (s *search) between(from, to int) found {
	out := found{t: -1, known: true}
	a, b := s.ratio(from, 0, 0), s.ratio(to, 0, 0)
	// Uses only come nearer to each other, else what is outside grows somewhere.
	if a <= b {
		return out
	}
	// What leaves a shard below the band, or comes to one above it, is lost there as it
	// is won on the other side.
	if s.p.dims() == 1 && (a <= 1-s.goal || b >= 1+s.goal) {
		return out
	}
	over, under := 0.0, 0.0
	if a > 1 {
		over = s.outside(from, a)
	}
	if b < 1 {
		under = s.outside(to, b)
	}
	if over+under < s.p.least {
		return out
	}
	ends := 0.0
	for _, o := range []float64{over, under} {
		if o > 0 {
			ends++
		}
	}
	before := s.apart(from, to)
	for _, t := range s.order[from] {
		x := s.p.largest[t]
		most := min(x, over) + min(x, under)
		bound := most
		switch {
		case s.perByte && s.p.bytesBy:
			bound = ends * x / (x + moveCost)
		case s.perByte:
			bound = ends * x / moveCost
		}
		if most < s.p.least || out.t >= 0 && bound < out.score-eps {
			break
		}
		gain := before - s.after(t, from, to)
		if gain < s.p.least {
			continue
		}
		f := found{t: t, score: gain, use: s.ratio(to, t, 1), known: true}
		if s.perByte {
			f.score = gain / (s.p.bytes[t] + moveCost)
		}
		if (out.t < 0 || better(f, out, s.p)) && s.barred(t, to) == "" {
			out = f
		}
	}
	return out
}
