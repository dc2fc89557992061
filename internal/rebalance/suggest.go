package rebalance

import (
	"cmp"
	"fmt"
	"slices"
)

// Candidate is a shard for a tenant that has none yet.
type Candidate struct {
	Shard string
	// Allowed is false where a constraint keeps the tenant off it; Reason says which, or
	// why the shard stands where it does in the list.
	Allowed bool
	Reason  string
	// Use is the shard as it is now.
	Use Use
}

// Suggest lists the shards for a tenant that has no rows yet, the best first: those
// that take part before those that are for some tenants only, and of them the
// emptiest. What it will grow to nobody knows, so its size does not count.
func Suggest(in Input, opt Options, t Tenant) []Candidate {
	t.Shard = ""
	in.Tenants = append(slices.Clone(in.Tenants), t)
	p := compile(in, opt)
	s := newState(p, p.opt.Goal)
	last := len(in.Tenants) - 1
	type ranked struct {
		Candidate
		rank int
		full float64
	}
	list := []ranked{}
	for i, sh := range in.Shards {
		c := ranked{Candidate: Candidate{Shard: sh.Name, Use: s.use(i)}}
		switch bar := s.barred(last, i); {
		case bar != "":
			c.rank, c.Reason = 2, p.because(s, last, i, bar)
		case p.takes[i]:
			c.Allowed, c.full = true, s.ratio(i, 0, 0)
			c.Reason = fmt.Sprintf("it holds %.2f of an even share", c.full)
		default:
			c.Allowed, c.rank, c.Reason = true, 1, p.note(i)
			if slices.Contains(sh.Dedicated, t.ID) {
				c.rank, c.Reason = -1, "it is dedicated to this tenant"
			}
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.full, b.full)) })
	out := []Candidate{}
	for _, c := range list {
		out = append(out, c.Candidate)
	}
	return out
}
