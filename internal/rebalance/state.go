package rebalance

// eps is below what any figure here can mean.
const eps = 1e-9

// state is where tenants are at some step of a plan.
type state struct {
	p     *problem
	goal  float64
	at    []int
	moved []bool
	load  [][]float64 // by shard and dimension
	bytes []int64
	busy  []float64
	count []int // tenants by where they are
	// held counts copies: nothing is freed before a move is finalized. peak is the
	// database's size with them.
	held []int
	peak []int64
	// left are shards on which a moved tenant still has a copy.
	left [][]int
}

func newState(p *problem, goal float64) *state {
	n := len(p.in.Shards)
	s := &state{
		p: p, goal: goal, at: append([]int(nil), p.at...), moved: make([]bool, len(p.at)), load: make([][]float64, n), bytes: make([]int64, n), busy: make([]float64, n),
		count: make([]int, n), held: make([]int, n), peak: make([]int64, n), left: make([][]int, len(p.at)),
	}
	for i, sh := range p.in.Shards {
		s.load[i] = make([]float64, p.dims())
		if sh.Used != nil {
			s.peak[i] = *sh.Used
		}
	}
	for i := range p.at {
		s.left[i] = p.also[i]
		for _, o := range p.also[i] {
			s.held[o]++
		}
		if p.at[i] >= 0 {
			s.add(i, p.at[i], 1)
			s.held[p.at[i]]++
		}
	}
	return s
}

func (s *state) add(t, shard, sign int) {
	for d, v := range s.p.size[t] {
		s.load[shard][d] += float64(sign) * v
	}
	s.bytes[shard] += int64(sign) * s.p.in.Tenants[t].Bytes
	s.busy[shard] += float64(sign) * s.p.in.Tenants[t].Load
	s.count[shard] += sign
}

// move moves a tenant; its old copy stays.
func (s *state) move(t, to int) {
	from := s.at[t]
	s.add(t, from, -1)
	s.add(t, to, 1)
	s.left[t] = append(append([]int(nil), s.left[t]...), from)
	s.at[t], s.moved[t] = to, true
	s.held[to]++
	s.peak[to] += s.p.in.Tenants[t].Bytes
}

// ratio is a shard's use; sign and t add or take away a tenant.
func (s *state) ratio(shard, t, sign int) float64 {
	r := 0.0
	for d, v := range s.load[shard] {
		if sign != 0 {
			v += float64(sign) * s.p.size[t][d]
		}
		if v > r {
			r = v
		}
	}
	return r / s.p.weight[shard]
}

// outside is what of a shard with use r lies outside the band, in mean shards.
func (s *state) outside(shard int, r float64) float64 {
	switch {
	case !s.p.takes[shard]:
	case r > 1+s.goal:
		return s.p.weight[shard] * (r - 1 - s.goal)
	case r < 1-s.goal:
		return s.p.weight[shard] * (1 - s.goal - r)
	}
	return 0
}

// gain is how much less lies outside after a move.
func (s *state) gain(t, from, to int) float64 { return s.apart(from, to) - s.after(t, from, to) }

// apart is what of two shards lies outside the band.
func (s *state) apart(a, b int) float64 {
	return s.outside(a, s.ratio(a, 0, 0)) + s.outside(b, s.ratio(b, 0, 0))
}

// after is what of two shards lies outside the band after a move.
func (s *state) after(t, from, to int) float64 {
	a, b := 0.0, 0.0
	has, gets := s.load[from], s.load[to]
	for d, v := range s.p.size[t] {
		a, b = max(a, has[d]-v), max(b, gets[d]+v)
	}
	return s.outside(from, a/s.p.weight[from]) + s.outside(to, b/s.p.weight[to])
}

func (s *state) violation() float64 {
	v := 0.0
	for i := range s.load {
		v += s.outside(i, s.ratio(i, 0, 0))
	}
	return v
}

// misplaced counts tenants that are where they may not be, and pairs that are kept
// apart and are not.
func (s *state) misplaced() int {
	n := 0
	for t, at := range s.at {
		if at >= 0 && s.p.ask[t][at] != "" {
			n++
		}
	}
	on := make([]int, len(s.load))
	for _, group := range s.p.groups {
		clear(on)
		for _, t := range group {
			if at := s.at[t]; at >= 0 {
				if on[at]++; on[at] > 1 {
					n++
				}
			}
		}
	}
	return n
}

// together are the tenants of a group that share a shard.
func (s *state) together(group int) map[int][]int {
	out := map[int][]int{}
	for _, t := range s.p.groups[group] {
		if s.at[t] >= 0 {
			out[s.at[t]] = append(out[s.at[t]], t)
		}
	}
	for shard, list := range out {
		if len(list) < 2 {
			delete(out, shard)
		}
	}
	return out
}

// barred is what keeps a tenant off a shard now, "" where it may go there.
func (s *state) barred(t, to int) Constraint {
	if c := s.p.bar[t][to]; c != "" {
		return c
	}
	sh := s.p.in.Shards[to]
	if sh.MaxTenants > 0 && s.held[to] >= sh.MaxTenants {
		return TooMany
	}
	if limit := s.p.limit[to]; limit > 0 && (sh.Used == nil || s.peak[to]+s.p.in.Tenants[t].Bytes > limit) {
		return NoDisk
	}
	for _, g := range s.p.apart[t] {
		for _, u := range s.p.groups[g] {
			if u != t && s.has(u, to) {
				return KeptApart
			}
		}
	}
	return ""
}

// has reports whether a shard holds a copy of a tenant that is or may again be served.
func (s *state) has(t, shard int) bool {
	if s.at[t] == shard {
		return true
	}
	for _, o := range s.left[t] {
		if o == shard {
			return true
		}
	}
	return false
}

// shares reports whether a tenant is still with one that it is to be apart from.
func (s *state) shares(t int) bool {
	for _, g := range s.p.apart[t] {
		for _, u := range s.p.groups[g] {
			if u != t && s.at[u] == s.at[t] {
				return true
			}
		}
	}
	return false
}

func (s *state) use(shard int) Use {
	u := Use{Bytes: s.bytes[shard], Tenants: s.count[shard], Unknown: s.p.unknown[shard], Load: s.busy[shard], NoLoad: s.p.noLoad[shard]}
	if s.p.takes[shard] {
		r := s.ratio(shard, 0, 0)
		u.Ratio = &r
	}
	if s.p.in.Shards[shard].Used != nil {
		peak := s.peak[shard]
		u.Peak = &peak
	}
	return u
}

func (s *state) balance() Balance {
	b := Balance{Misplaced: s.misplaced(), Violation: s.violation()}
	n := 0
	for i := range s.load {
		if !s.p.takes[i] {
			continue
		}
		r := s.ratio(i, 0, 0)
		if s.outside(i, r) > eps {
			b.Outside++
		}
		if s.p.host[i] {
			continue
		}
		n++
		if b.Max == nil || r > *b.Max {
			b.Max = &r
		}
		if b.Min == nil || r < *b.Min {
			b.Min = &r
		}
	}
	if n < 2 {
		b.Max, b.Min = nil, nil
	}
	return b
}
