package rebalance

import (
	"cmp"
	"slices"

	"shardadmin/internal/fleet"
)

// problem is an input in numbers.
type problem struct {
	in  Input
	opt Options
	// takes says which shards take part, weight how much of an even spread each gets;
	// the weights of those that take part add up to their number.
	takes  []bool
	weight []float64
	at     []int // of each tenant; -1 on a shard that nobody knows
	also   [][]int
	// size of each tenant in each dimension, in mean shards; bytes the same of bytes
	// alone, whether or not they count.
	size  [][]float64
	bytes []float64
	// largest is a tenant's size in the dimension of which it has most.
	largest []float64
	mean    float64
	// least is what a move has to bring.
	least float64
	// stays is what keeps a tenant where it is, "" where nothing does.
	stays []Constraint
	// bar is what keeps a tenant off a shard whatever else happens, by tenant and
	// shard; ask is the rule by which it has to leave one.
	bar [][]Constraint
	ask [][]Why
	// apart are the groups of each tenant.
	groups [][]int
	apart  [][]int
	limit  []int64 // peak; 0: none stated
	overs  []Oversized
	host   []bool // holds an oversized tenant
	// unknown counts a shard's tenants of unknown size: where size counts, how full such a
	// shard is nobody knows, so it does not take part.
	unknown []int
	sizeBy  bool // bytes or rows count
	bytesBy bool // bytes alone count
	// loadless counts a shard's tenants of unknown load where load counts, and noLoad is
	// why that of one is not known, whether or not it does.
	loadless []int
	noLoad   []string
	loadBy   bool
}

func compile(in Input, opt Options) *problem {
	opt = opt.filled()
	n, m := len(in.Shards), len(in.Tenants)
	p := &problem{
		in: in, opt: opt, takes: make([]bool, n), weight: make([]float64, n), at: make([]int, m), also: make([][]int, m), size: make([][]float64, m),
		bytes: make([]float64, m), largest: make([]float64, m), stays: make([]Constraint, m), bar: make([][]Constraint, m), ask: make([][]Why, m), apart: make([][]int, m),
		limit: make([]int64, n), host: make([]bool, n), unknown: make([]int, n), bytesBy: len(opt.By) == 1 && opt.By[0] == Bytes,
		loadless: make([]int, n), noLoad: make([]string, n), loadBy: slices.Contains(opt.By, Load),
		sizeBy: slices.ContainsFunc(opt.By, Dimension.OfSize),
	}
	index, ids := map[string]int{}, map[string]int{}
	for i, s := range in.Shards {
		index[s.Name] = i
		p.takes[i] = s.Closed == "" && (s.Placement == fleet.PlacementOpen || s.Placement == "") && len(s.Dedicated) == 0
		if s.Capacity > 0 {
			p.limit[i] = int64(float64(s.Capacity) * opt.Fill)
		}
	}
	for i, t := range in.Tenants {
		ids[t.ID] = i
		p.at[i] = -1
		if s, ok := index[t.Shard]; ok {
			p.at[i] = s
			if t.Unknown != "" {
				p.unknown[s]++
				p.takes[s] = p.takes[s] && !p.sizeBy
			}
			if t.NoLoad != "" {
				p.noLoad[s] = t.NoLoad
				if p.loadBy {
					p.loadless[s]++
					p.takes[s] = false
				}
			}
		}
		for _, name := range t.Also {
			if s, ok := index[name]; ok && s != p.at[i] {
				p.also[i] = append(p.also[i], s)
			}
		}
	}
	for _, g := range in.Apart {
		group := []int{}
		for _, id := range g {
			if t, ok := ids[id]; ok && !slices.Contains(group, t) {
				group = append(group, t)
			}
		}
		for _, t := range group {
			p.apart[t] = append(p.apart[t], len(p.groups))
		}
		p.groups = append(p.groups, group)
	}
	own := map[string]int{} // the dedicated shard of a tenant
	for i, s := range in.Shards {
		for _, id := range s.Dedicated {
			own[id] = i
		}
	}
	p.weigh()
	bars, asks := make([]Constraint, n*m), make([]Why, n*m)
	for i := range in.Tenants {
		p.bar[i], p.ask[i] = bars[i*n:(i+1)*n:(i+1)*n], asks[i*n:(i+1)*n:(i+1)*n]
		p.rules(i, own)
	}
	p.measure()
	return p
}

// weigh shares out by capacity where all that take part state one.
func (p *problem) weigh() {
	sum, n, all := 0.0, 0.0, true
	for i, s := range p.in.Shards {
		if p.takes[i] {
			n++
			sum += float64(s.Capacity)
			all = all && s.Capacity > 0
		}
	}
	for i, s := range p.in.Shards {
		p.weight[i] = 1
		if all && p.takes[i] {
			p.weight[i] = float64(s.Capacity) / sum * n
		}
	}
}

// rules fills in what holds for a tenant whatever is moved.
func (p *problem) rules(i int, own map[string]int) {
	t := &p.in.Tenants[i]
	mine, dedicated := own[t.ID]
	for j := range p.in.Shards {
		s := &p.in.Shards[j]
		bar, ask := Constraint(""), Why("")
		switch {
		case dedicated && mine != j:
			bar, ask = TargetDedicated, WhyDedicated
		case !dedicated && len(s.Dedicated) > 0:
			bar, ask = TargetDedicated, WhyDedicated
		case s.Placement == fleet.PlacementDrain:
			bar, ask = TargetDrained, WhyDrain
		case s.Placement == fleet.PlacementDemo && !t.Demo:
			bar, ask = TargetDemo, WhyDemo
		case t.Region != "" && t.Region != s.Region:
			bar, ask = WrongRegion, WhyRegion
		case !has(s.Labels, t.Labels):
			bar, ask = WrongLabel, WhyLabel
		}
		if s.Placement == fleet.PlacementPinned {
			bar = TargetFixed
		}
		if s.Closed != "" {
			bar = TargetShut
		}
		p.bar[i][j], p.ask[i][j] = bar, ask
	}
	switch from := p.at[i]; {
	case from < 0:
		p.stays[i] = SourceShut
	case t.Pinned != "":
		p.stays[i] = Pinned
	case t.Move != "":
		p.stays[i] = InMove
	case p.in.Shards[from].Closed != "":
		p.stays[i] = SourceShut
	case p.in.Shards[from].Placement == fleet.PlacementPinned:
		p.stays[i] = SourceFixed
	case t.Unknown != "":
		p.stays[i] = UnknownSize
	case p.loadBy && t.NoLoad != "":
		p.stays[i] = UnknownLoad
	case !t.MovedAt.IsZero() && p.in.Now.Sub(t.MovedAt) < p.in.CoolDown:
		p.stays[i] = CoolingDown
	}
}

func has(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// measure finds the mean shard, and the tenants that are larger than any may be.
// What counts is what is on the shards that take part, or has to come there.
func (p *problem) measure() {
	value := func(i int, d Dimension) float64 {
		t := &p.in.Tenants[i]
		switch d {
		case Rows:
			return float64(t.Rows)
		case Load:
			return t.Load
		case Count:
			return 1
		}
		return float64(t.Bytes)
	}
	n, widest, sized := 0, 0.0, true
	for s := range p.in.Shards {
		if p.takes[s] {
			sized = sized && p.unknown[s] == 0
			n++
			widest = max(widest, p.weight[s])
		}
	}
	pool := []int{}
	for i := range p.in.Tenants {
		if p.counts(i) {
			pool = append(pool, i)
		}
	}
	slices.SortFunc(pool, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.in.Tenants[b].Bytes, p.in.Tenants[a].Bytes), cmp.Compare(p.in.Tenants[a].ID, p.in.Tenants[b].ID))
	})
	total := func(d Dimension, from int) float64 {
		sum := 0.0
		for _, i := range pool[from:] {
			sum += value(i, d)
		}
		return sum
	}
	over, weighs := 0, slices.Contains(p.opt.By, Bytes)
	for rest := total(Bytes, 0); sized && over < len(pool) && n-over > 1; over++ {
		x := float64(p.in.Tenants[pool[over]].Bytes)
		mean := (rest - x) / float64(n-over-1)
		if x <= (1+p.opt.Goal)*mean*widest || mean <= 0 {
			break
		}
		rest -= x
	}
	// Two of them on one shard take one shard from the others, not two. One that has to
	// leave takes another when it comes.
	filled := map[int]bool{}
	coming := 0
	for _, i := range pool[:over] {
		if at := p.at[i]; p.takes[at] && p.ask[i][at] == "" {
			filled[at] = true
		} else {
			coming++
		}
	}
	left := n - len(filled) - coming
	if over > 0 {
		mean := total(Bytes, over) / float64(left)
		for _, i := range pool[:over] {
			t := p.in.Tenants[i]
			p.overs = append(p.overs, Oversized{Tenant: t.ID, Label: t.Label, Shard: t.Shard, Bytes: t.Bytes, Ratio: float64(t.Bytes) / mean})
			if !weighs {
				continue
			}
			if p.stays[i] == "" && p.ask[i][p.at[i]] == "" {
				p.stays[i] = TooLarge
			}
			p.host[p.at[i]] = true
		}
	}
	if !weighs {
		over, left = 0, n
	}
	shards := float64(max(left, 1))
	p.mean = total(Bytes, over) / shards
	for i := range p.in.Tenants {
		if p.mean > 0 {
			p.bytes[i] = float64(p.in.Tenants[i].Bytes) / p.mean
		}
	}
	p.least = min(leastGain, shards/float64(2*max(len(pool)-over, 1)))
	room, by := make([]float64, len(p.in.Tenants)*len(p.opt.By)), len(p.opt.By)
	for i := range p.size {
		p.size[i] = room[i*by : i*by : (i+1)*by]
	}
	for _, d := range p.opt.By {
		mean := p.mean
		if d != Bytes {
			mean = total(d, over) / shards
		}
		if mean <= 0 {
			continue // nobody has any of it
		}
		for i := range p.in.Tenants {
			x := value(i, d) / mean
			p.size[i], p.largest[i] = append(p.size[i], x), max(p.largest[i], x)
		}
	}
}

// counts reports whether a tenant is on a shard that takes part, or has to go to one.
func (p *problem) counts(i int) bool {
	at := p.at[i]
	if at >= 0 && p.takes[at] && p.ask[i][at] == "" {
		return true
	}
	if p.stays[i] != "" {
		return at >= 0 && p.takes[at]
	}
	if p.ask[i][at] == "" {
		return false
	}
	for s, bar := range p.bar[i] {
		if p.takes[s] && bar == "" {
			return true
		}
	}
	return false
}

// dims is how many dimensions count.
func (p *problem) dims() int {
	if len(p.size) == 0 {
		return 0
	}
	return len(p.size[0])
}
