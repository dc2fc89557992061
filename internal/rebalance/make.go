package rebalance

import (
	"fmt"
	"math"

	"shardadmin/internal/figure"
)

// Make plans with every strategy.
func Make(in Input, opt Options) Answer {
	opt = opt.filled()
	p := compile(in, opt)
	out := Answer{Threshold: opt.Threshold, Mean: int64(math.Round(p.mean)), Plans: []Plan{}, Oversized: []Oversized{}}
	out.judge(p)
	for _, o := range p.overs {
		o.Reason = fmt.Sprintf("it is %.1f times a mean shard without it (≈ %s): no plan can balance it, it needs a dedicated shard", o.Ratio, figure.Size(int64(p.mean)))
		out.Oversized = append(out.Oversized, o)
	}
	for _, s := range Strategies() {
		out.Plans = append(out.Plans, p.plan(s, out.Needed))
	}
	return out
}

// judge says whether anything has to be done.
func (a *Answer) judge(p *problem) {
	b := newState(p, p.opt.Threshold).balance()
	spread := b.Max != nil && (*b.Max > 1+p.opt.Threshold+eps || *b.Min < 1-p.opt.Threshold-eps || p.opt.Standing && *b.Max > 1+p.opt.Goal+eps)
	a.Needed = spread || b.Misplaced > 0
	switch {
	case p.dims() == 0 && b.Misplaced == 0:
		a.Verdict = "there is nothing to spread"
	case b.Max == nil && b.Misplaced == 0:
		a.Verdict = "fewer than two shards take part: there is nothing to spread"
	case b.Misplaced > 0 && spread:
		a.Verdict = fmt.Sprintf("%s where they may not be, and %s", figure.Count(int64(b.Misplaced), "tenant"), uneven(b))
	case b.Misplaced > 0:
		a.Verdict = fmt.Sprintf("%s where they may not be", figure.Count(int64(b.Misplaced), "tenant"))
	case spread:
		a.Verdict = uneven(b)
	default:
		a.Verdict = fmt.Sprintf("every shard lies within %s of an even spread", percent(p.opt.Threshold))
	}
}

func uneven(b Balance) string {
	return fmt.Sprintf("the fullest shard holds %.2f times a mean one, the emptiest %.2f", *b.Max, *b.Min)
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", math.Abs(share)*100) }

// plan makes the plan of one strategy. The most even one is an offer even where
// nothing has to be done.
func (p *problem) plan(strategy Strategy, needed bool) Plan {
	goal := p.opt.Goal
	if strategy == MostEven {
		goal, needed = min(goal, evenGoal), true
	}
	s := run(p, strategy, goal, needed)
	out := Plan{Strategy: strategy, Goal: goal, Moves: []Move{}, Stopped: s.stopped, Shards: []ShardUse{}, Rejected: []Rejected{}, Left: []Left{}}
	at := newState(p, goal)
	out.Before = at.balance()
	for i, sh := range p.in.Shards {
		out.Shards = append(out.Shards, ShardUse{Shard: sh.Name, Takes: p.takes[i], Note: p.note(i), Before: at.use(i)})
	}
	for _, st := range s.steps {
		t := p.in.Tenants[st.t]
		m := Move{
			Tenant: t.ID, Label: t.Label, From: p.in.Shards[st.from].Name, To: p.in.Shards[st.to].Name, Bytes: t.Bytes, Rows: t.Rows, Why: st.why,
			FromBefore: at.use(st.from), ToBefore: at.use(st.to),
		}
		at.move(st.t, st.to)
		m.FromAfter, m.ToAfter = at.use(st.from), at.use(st.to)
		m.Reason = p.reason(strategy, m, t)
		out.Moves = append(out.Moves, m)
		out.Bytes += t.Bytes
		out.Rows += t.Rows
	}
	out.After = at.balance()
	for i := range out.Shards {
		out.Shards[i].After = at.use(i)
	}
	out.ID = digest(strategy, out.Moves)
	p.refuse(&out, at, needed)
	return out
}

// note says why a shard does not take part.
func (p *problem) note(i int) string {
	s := p.in.Shards[i]
	switch {
	case s.Closed != "":
		return s.Closed
	case len(s.Dedicated) > 0:
		return "it is dedicated to " + figure.Count(int64(len(s.Dedicated)), "tenant")
	case s.Placement == "drain":
		return "it is drained"
	case s.Placement == "pinned":
		return "it is pinned: nobody comes or goes"
	case s.Placement == "demo":
		return "it is for demo tenants"
	case p.sizeBy && p.unknown[i] > 0:
		return fmt.Sprintf("the size of %s there is not known", figure.Count(int64(p.unknown[i]), "tenant"))
	case p.loadless[i] > 0:
		return fmt.Sprintf("the load of %s there is not known", figure.Count(int64(p.loadless[i]), "tenant"))
	case p.host[i]:
		return "it holds an oversized tenant and is left out of the mean"
	}
	return ""
}

// reason says why a tenant moves, and why there.
func (p *problem) reason(strategy Strategy, m Move, t Tenant) string {
	ends := fmt.Sprintf("%s takes it with the most room to spare", m.To)
	switch m.Why {
	case WhyDrain:
		return fmt.Sprintf("%s is drained; %s", m.From, ends)
	case WhyDedicated:
		if p.own(m.To, t.ID) {
			return fmt.Sprintf("%s is dedicated to it", m.To)
		}
		return fmt.Sprintf("%s is dedicated to others; %s", m.From, ends)
	case WhyDemo:
		return fmt.Sprintf("%s is for demo tenants and this is none; %s", m.From, ends)
	case WhyRegion:
		return fmt.Sprintf("it belongs to region %s and %s is not there; %s", t.Region, m.From, ends)
	case WhyLabel:
		return fmt.Sprintf("%s lacks a label that it asks for; %s", m.From, ends)
	case WhyApart:
		return fmt.Sprintf("it is kept apart from another tenant of %s; %s", m.From, ends)
	}
	most := "the most that one move mends"
	if strategy == FewestBytes {
		most = "the most for its bytes"
	}
	return fmt.Sprintf("%s from %s to %s, %s from %s to %s: %s",
		m.From, times(m.FromBefore), times(m.FromAfter), m.To, times(m.ToBefore), times(m.ToAfter), most)
}

func times(u Use) string {
	if u.Ratio == nil {
		return "no share"
	}
	return fmt.Sprintf("%.2f", *u.Ratio)
}

func (p *problem) own(shard, tenant string) bool {
	for _, s := range p.in.Shards {
		if s.Name != shard {
			continue
		}
		for _, id := range s.Dedicated {
			if id == tenant {
				return true
			}
		}
	}
	return false
}
