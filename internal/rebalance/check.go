package rebalance

import (
	"fmt"

	"shardadmin/internal/fault"
)

// Objective is what a plan lessens, the first before the second.
type Objective struct {
	Misplaced int
	Violation float64
}

// Worse reports whether o is worse than what was before.
func (o Objective) Worse(before Objective) bool {
	if o.Misplaced != before.Misplaced {
		return o.Misplaced > before.Misplaced
	}
	return o.Violation > before.Violation+1e-6
}

// Step is one move that somebody wants to make.
type Step struct{ Tenant, From, To string }

// Steps are a plan's moves as somebody would make them.
func (p Plan) Steps() []Step {
	out := make([]Step, 0, len(p.Moves))
	for _, m := range p.Moves {
		out = append(out, Step{m.Tenant, m.From, m.To})
	}
	return out
}

// Check goes through steps one by one on a fleet as it is now, and returns the
// objective before the first and after each. It refuses the first that is not
// possible any more: a tenant that is elsewhere, or a constraint.
func Check(in Input, opt Options, strategy Strategy, steps []Step) ([]Objective, error) {
	p := compile(in, opt)
	goal := p.opt.Goal
	if strategy == MostEven {
		goal = min(goal, evenGoal)
	}
	s := newState(p, goal)
	shards, tenants := map[string]int{}, map[string]int{}
	for i, sh := range in.Shards {
		shards[sh.Name] = i
	}
	for i, t := range in.Tenants {
		tenants[t.ID] = i
	}
	out := []Objective{{s.misplaced(), s.violation()}}
	stale := func(format string, args ...any) error {
		return fault.Newf(fault.PlanStale, "shard-admin rebalance plan makes a new one", format, args...)
	}
	for _, st := range steps {
		t, known := tenants[st.Tenant]
		to, there := shards[st.To]
		if !known || !there {
			return out, stale("the fleet has no tenant %s or no shard %s any more", st.Tenant, st.To)
		}
		label := in.Tenants[t].Label
		switch from := s.at[t]; {
		case from < 0 || in.Shards[from].Name != st.From:
			return out, stale("tenant %s is on %s and not on %s any more", label, in.Tenants[t].Shard, st.From)
		case s.moved[t]:
			return out, stale("tenant %s would be moved twice", label)
		}
		if c := p.stays[t]; c != "" {
			return out, stale("tenant %s cannot be moved any more: %s", label, p.because(s, t, -1, c))
		}
		if c := s.barred(t, to); c != "" {
			return out, stale("tenant %s cannot go to %s any more: %s", label, st.To, p.because(s, t, to, c))
		}
		before := out[len(out)-1]
		s.move(t, to)
		after := Objective{s.misplaced(), s.violation()}
		if after.Worse(before) {
			return out, stale("moving tenant %s to %s would not help any more", label, st.To)
		}
		out = append(out, after)
	}
	return out, nil
}

// String is for messages of tests.
func (o Objective) String() string {
	return fmt.Sprintf("%d misplaced, %.4f outside", o.Misplaced, o.Violation)
}
