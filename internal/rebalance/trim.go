package rebalance

import (
	"cmp"
	"slices"
)

// trimmed is up to how many moves a plan is made cheaper: of more than that, one more
// or less is nothing, and an order takes the square of their number.
const trimmed = 2000

// trim makes a plan that only mends the spread cheaper: it drops moves that others
// have made needless and puts smaller tenants in the place of larger ones, as long as
// no more lies outside the band at the end. What cannot be put in an order in which
// every move still improves is left as it was.
func (s *search) trim() {
	fixed := slices.IndexFunc(s.steps, func(st step) bool { return st.why == WhySpread })
	if fixed < 0 || len(s.steps) > trimmed {
		return
	}
	rules, moves := s.steps[:fixed], slices.Clone(s.steps[fixed:])
	end := newState(s.p, s.goal)
	for _, st := range s.steps {
		end.move(st.t, st.to)
	}
	slices.SortStableFunc(moves, func(a, b step) int { return cmp.Compare(s.p.in.Tenants[b.t].Bytes, s.p.in.Tenants[a.t].Bytes) })
	stay := make([][]int, len(s.p.in.Shards)) // who could still go, the smallest first
	for shard, list := range s.order {
		stay[shard] = slices.Clone(list)
		slices.SortStableFunc(stay[shard], func(a, b int) int { return cmp.Compare(s.p.in.Tenants[a].Bytes, s.p.in.Tenants[b].Bytes) })
	}
	kept := []step{}
	for _, st := range moves {
		was := end.apart(st.from, st.to)
		end.back(st.t, st.from, st.to)
		bare := end.apart(st.from, st.to)
		if bare <= was+eps {
			continue
		}
		for k, t := range stay[st.from] {
			if s.p.in.Tenants[t].Bytes >= s.p.in.Tenants[st.t].Bytes {
				break
			}
			// None brings more at either end than what it takes.
			if bare-2*s.p.largest[t] > was+2*eps {
				continue
			}
			if end.after(t, st.from, st.to) <= was+eps && end.barred(t, st.to) == "" {
				stay[st.from] = slices.Delete(stay[st.from], k, k+1)
				st.t = t
				break
			}
		}
		end.move(st.t, st.to)
		kept = append(kept, st)
	}
	if ordered, ok := s.p.ordered(rules, kept, s.goal); ok {
		s.steps, s.bytes = append(slices.Clone(rules), ordered...), 0
		for _, st := range s.steps {
			s.bytes += s.p.in.Tenants[st.t].Bytes
		}
	}
}

// ordered puts moves in an order in which each improves, the best first.
func (p *problem) ordered(before, moves []step, goal float64) ([]step, bool) {
	at := newState(p, goal)
	for _, st := range before {
		at.move(st.t, st.to)
	}
	out, left := make([]step, 0, len(moves)), slices.Clone(moves)
	gains := make([]float64, len(left))
	for i, st := range left {
		gains[i] = at.gain(st.t, st.from, st.to)
	}
	for len(left) > 0 {
		best := 0
		for i, g := range gains {
			if g > gains[best] {
				best = i
			}
		}
		if gains[best] < -eps {
			return nil, false
		}
		made := left[best]
		at.move(made.t, made.to)
		out = append(out, made)
		left, gains = slices.Delete(left, best, best+1), slices.Delete(gains, best, best+1)
		for i, st := range left { // of the others nothing is different
			if st.from == made.from || st.from == made.to || st.to == made.from || st.to == made.to {
				gains[i] = at.gain(st.t, st.from, st.to)
			}
		}
	}
	return out, true
}

// back takes back a tenant's move.
func (s *state) back(t, from, to int) {
	s.add(t, to, -1)
	s.add(t, from, 1)
	s.left[t] = s.left[t][:len(s.left[t])-1]
	s.at[t], s.moved[t] = from, false
	s.held[to]--
	s.peak[to] -= s.p.in.Tenants[t].Bytes
}
