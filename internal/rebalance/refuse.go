package rebalance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/figure"
)

// rejectedShown is how many rejected moves a plan names.
const rejectedShown = 50

// refuse says what would have helped and was not possible, and what is left as it
// was. What was moved is not looked at again: at is the state after the plan.
func (p *problem) refuse(out *Plan, at *state, needed bool) {
	list := []Rejected{}
	reject := func(t, to int, c Constraint) {
		x := p.in.Tenants[t]
		r := Rejected{Tenant: x.ID, Label: x.Label, From: x.Shard, Bytes: x.Bytes, Constraint: c, Reason: p.because(at, t, to, c)}
		if to >= 0 {
			r.To = p.in.Shards[to].Name
		}
		list = append(list, r)
	}
	for t, from := range at.at {
		if from < 0 || at.moved[t] {
			continue
		}
		asks := p.ask[t][from] != "" || at.shares(t)
		over := needed && p.takes[from] && at.ratio(from, 0, 0) > 1+at.goal+eps
		if !asks && (!over || p.largest[t] < p.least) {
			continue
		}
		if c := p.stays[t]; c != "" {
			reject(t, -1, c)
			continue
		}
		for to := range p.in.Shards {
			if to == from || !p.takes[to] && !asks {
				continue
			}
			c := at.barred(t, to)
			if c == "" || !asks && (!p.takes[to] || at.gain(t, from, to) < p.least) {
				continue
			}
			if asks && c != NoDisk && c != TooMany && c != KeptApart && c != TargetShut {
				continue // that such a shard does not take it goes without saying
			}
			reject(t, to, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Rejected) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Tenant, b.Tenant))
	})
	out.RejectedTotal = len(list)
	out.Rejected = append(out.Rejected, list[:min(len(list), rejectedShown)]...)
	for i := range p.in.Shards {
		if why := p.remains(out, at, i, needed); why != "" {
			out.Left = append(out.Left, Left{Shard: p.in.Shards[i].Name, Reason: why})
		}
	}
}

// because says a constraint with its numbers.
func (p *problem) because(at *state, t, to int, c Constraint) string {
	x := p.in.Tenants[t]
	switch c {
	case Pinned:
		return "it is pinned: " + x.Pinned
	case InMove:
		return "move " + x.Move + " holds it"
	case CoolingDown:
		left := p.in.CoolDown - p.in.Now.Sub(x.MovedAt)
		return fmt.Sprintf("it was moved %s ago and rests for %s more", figure.Span(p.in.Now.Sub(x.MovedAt)), figure.Span(left.Round(time.Minute)))
	case UnknownSize:
		return "its size is not known: " + x.Unknown
	case UnknownLoad:
		return "its load is not known: " + x.NoLoad
	case TooLarge:
		return "it is oversized: wherever it goes, that shard lies above the band"
	case SourceFixed:
		return x.Shard + " is pinned: nobody leaves it"
	case SourceShut:
		if at.at[t] < 0 {
			return x.Shard + " is not in the fleet file"
		}
		return x.Shard + ": " + p.in.Shards[at.at[t]].Closed
	}
	sh := p.in.Shards[to]
	switch c {
	case TargetShut:
		return sh.Name + ": " + sh.Closed
	case TooMany:
		return fmt.Sprintf("%s would hold %s, and %d are allowed", sh.Name, figure.Count(int64(at.held[to]+1), "tenant"), sh.MaxTenants)
	case NoDisk:
		if sh.Used == nil {
			return "how full " + sh.Name + " is, is not known"
		}
		return fmt.Sprintf("%s would reach %s while old and new copies exist; %s of its %s may be used",
			sh.Name, figure.Size(at.peak[to]+x.Bytes), figure.Size(p.limit[to]), figure.Size(sh.Capacity))
	case KeptApart:
		return sh.Name + " has a copy of a tenant that it is kept apart from"
	case WrongRegion:
		return fmt.Sprintf("it belongs to region %s and %s to %s", x.Region, sh.Name, orNone(sh.Region))
	case WrongLabel:
		return fmt.Sprintf("it asks for %s, which %s has not", wants(x.Labels, sh.Labels), sh.Name)
	}
	return sh.Name + " does not take it"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// wants lists the labels that are asked for and not there.
func wants(wanted, there map[string]string) string {
	out := []string{}
	for k, v := range wanted {
		if there[k] != v {
			out = append(out, k+" = "+v)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// remains is why a shard stays as it is although that is not as it should be.
func (p *problem) remains(out *Plan, at *state, shard int, needed bool) string {
	stuck, asked, blocked := map[Constraint]int{}, 0, 0
	for t, from := range at.at {
		if from != shard {
			continue
		}
		asks := p.ask[t][shard] != ""
		if asks {
			asked++
		}
		switch {
		case p.stays[t] != "" && (asks || p.largest[t] >= p.least):
			stuck[p.stays[t]]++
		case asks:
			blocked++
		}
	}
	keeps := []string{}
	for _, c := range []Constraint{Pinned, InMove, CoolingDown, UnknownSize, UnknownLoad, SourceShut, SourceFixed} {
		if n := stuck[c]; n > 0 {
			keeps = append(keeps, fmt.Sprintf("%s %s", figure.Number(int64(n)), word(c)))
		}
	}
	if blocked > 0 {
		keeps = append(keeps, fmt.Sprintf("%s with no shard that takes them", figure.Number(int64(blocked))))
	}
	if asked > 0 {
		text := figure.Count(int64(asked), "tenant") + " should leave it"
		if len(keeps) > 0 {
			text += ": " + strings.Join(keeps, ", ")
		}
		return text
	}
	r := at.ratio(shard, 0, 0)
	if !needed || !p.takes[shard] || at.outside(shard, r) <= eps {
		return ""
	}
	text := fmt.Sprintf("it stays at %.2f of an even spread", r)
	switch {
	case p.host[shard] && r > 1:
		return text + ": an oversized tenant fills it"
	case out.Stopped != "":
		return text + ": the plan's budget of " + out.Stopped + " is used up"
	case r > 1 && len(keeps) > 0:
		return text + ": " + strings.Join(keeps, ", ") + ", and no other move lessens it"
	case p.barredAny(out, shard, r > 1):
		return text + ": constraints keep tenants from moving, as listed"
	}
	return text + ": no single move lessens what lies outside the band"
}

func (p *problem) barredAny(out *Plan, shard int, over bool) bool {
	name := p.in.Shards[shard].Name
	return slices.ContainsFunc(out.Rejected, func(r Rejected) bool { return over && r.From == name || !over && r.To == name })
}

func word(c Constraint) string {
	switch c {
	case Pinned:
		return "pinned"
	case InMove:
		return "in a move"
	case CoolingDown:
		return "in cool-down"
	case UnknownSize:
		return "of unknown size"
	case UnknownLoad:
		return "of unknown load"
	case SourceShut:
		return "out of reach"
	}
	return "on a pinned shard"
}
