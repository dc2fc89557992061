package rebalance

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// three shards: a holds more than the others.
func three() Input {
	in := Input{Now: propertyNow, CoolDown: 24 * time.Hour}
	for i, n := range []int{9, 4, 2} {
		name := string(rune('a' + i))
		used := int64(n) * 100
		in.Shards = append(in.Shards, Shard{Name: name, Placement: "open", Used: &used})
		for k := range n {
			id := fmt.Sprintf("%s%d", name, k)
			in.Tenants = append(in.Tenants, Tenant{ID: id, Label: id, Shard: name, Bytes: 100, Rows: 10})
		}
	}
	return in
}

func (in Input) with(f func(t *Tenant), ids ...string) Input {
	for i := range in.Tenants {
		for _, id := range ids {
			if in.Tenants[i].ID == id {
				f(&in.Tenants[i])
			}
		}
	}
	return in
}

func find(t *testing.T, list []Rejected, tenant, to string) Rejected {
	t.Helper()
	for _, r := range list {
		if r.Tenant == tenant && r.To == to {
			return r
		}
	}
	t.Fatalf("nothing is said about %s to %q in %+v", tenant, to, list)
	return Rejected{}
}

func TestMakeSpreads(t *testing.T) {
	t.Parallel()
	a := Make(three(), Options{})
	require.True(t, a.Needed)
	require.Equal(t, "the fullest shard holds 1.80 times a mean one, the emptiest 0.40", a.Verdict)
	require.EqualValues(t, 500, a.Mean)
	for _, p := range a.Plans {
		require.Len(t, p.Moves, 4, p.Strategy)
		require.Zero(t, p.After.Violation)
		require.InDelta(t, 1, *p.After.Max, 1e-9)
		m := p.Moves[0]
		require.Equal(t, []string{"a", "c"}, []string{m.From, m.To})
		require.Contains(t, m.Reason, "a from 1.80 to 1.60, c from 0.40 to 0.60: the most")
		require.EqualValues(t, 900, *m.FromAfter.Peak, "the old copy is still there")
		require.EqualValues(t, 300, *m.ToAfter.Peak)
	}
	few, _ := a.Plan(FewestMoves)
	even, _ := a.Plan(MostEven)
	require.NotEqual(t, few.ID, even.ID, "what is done is the same, why is not")
}

func TestMakeLeavesWhatLiesWithinTheThreshold(t *testing.T) {
	t.Parallel()
	in := three()
	in = in.with(func(x *Tenant) { x.Shard = "b" }, "a0").with(func(x *Tenant) { x.Shard = "c" }, "a1", "a2")
	a := Make(in, Options{Threshold: 0.25})
	require.False(t, a.Needed)
	require.Equal(t, "every shard lies within 25 % of an even spread", a.Verdict)
	for _, s := range []Strategy{FewestMoves, FewestBytes} {
		p, _ := a.Plan(s)
		require.Empty(t, p.Moves)
	}
}

func TestMakeSaysWhatIsRejected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		in         func() Input
		tenant, to string
		constraint Constraint
		reason     string
	}{
		{"pinned", func() Input {
			return three().with(func(x *Tenant) { x.Pinned = "contract" }, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
		}, "a3", "", Pinned, "it is pinned: contract"},
		{"in a move", func() Input {
			return three().with(func(x *Tenant) { x.Move = "m1" }, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
		}, "a0", "", InMove, "move m1 holds it"},
		{"cool-down", func() Input {
			return three().with(func(x *Tenant) { x.MovedAt = propertyNow.Add(-time.Hour) }, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
		}, "a0", "", CoolingDown, "it was moved 1 h ago and rests for 23 h more"},
		{"unknown", func() Input {
			in := three().with(func(x *Tenant) { x.Unknown = "no statistics" }, "a0", "a1")
			in.Shards[0].Placement = "drain"
			return in
		}, "a0", "", UnknownSize, "its size is not known: no statistics"},
		{"disk", func() Input {
			in := three()
			for i := range in.Shards {
				in.Shards[i].Capacity = 1000
			}
			full := int64(850)
			in.Shards[2].Used = &full
			return in
		}, "a4", "c", NoDisk, "c would reach 950 B while old and new copies exist; 900 B of its 1000 B may be used"},
		{"region", func() Input {
			in := three().with(func(x *Tenant) { x.Region = "eu" }, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
			in.Shards[0].Region, in.Shards[2].Region = "eu", "us"
			return in
		}, "a0", "c", WrongRegion, "it belongs to region eu and c to us"},
		{"label", func() Input {
			in := three().with(func(x *Tenant) { x.Labels = map[string]string{"tier": "gold"} }, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
			in.Shards[0].Labels = map[string]string{"tier": "gold"}
			return in
		}, "a0", "c", WrongLabel, "it asks for tier = gold, which c has not"},
		{"number", func() Input {
			in := three()
			in.Shards[2].MaxTenants = 2
			return in
		}, "a8", "c", TooMany, "c would hold 3 tenants, and 2 are allowed"},
		{"drained with no room", func() Input {
			in := three()
			in.Shards[0].Placement, in.Shards[1].MaxTenants, in.Shards[2].MaxTenants = "drain", 4, 2
			return in
		}, "a0", "b", TooMany, "b would hold 5 tenants, and 4 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, _ := Make(c.in(), Options{}).Plan(FewestMoves)
			r := find(t, p.Rejected, c.tenant, c.to)
			require.Equal(t, c.constraint, r.Constraint)
			require.Equal(t, c.reason, r.Reason)
			require.NotEmpty(t, p.Left)
		})
	}
}

func TestMakeFollowsRules(t *testing.T) {
	t.Parallel()
	in := three()
	in.Shards[2].Placement = "drain"
	a := Make(in, Options{})
	require.Contains(t, a.Verdict, "2 tenants where they may not be")
	p, _ := a.Plan(FewestBytes)
	require.Equal(t, WhyDrain, p.Moves[0].Why)
	require.Equal(t, "c is drained; b takes it with the most room to spare", p.Moves[0].Reason)
	require.Zero(t, p.After.Misplaced)
	require.Equal(t, "it is drained", p.Shards[2].Note)
	require.Zero(t, p.Shards[2].After.Tenants)

	in = three()
	in.Apart = [][]string{{"b0", "b1"}}
	in.Shards[2].Dedicated = []string{"a0"}
	p, _ = Make(in, Options{}).Plan(FewestMoves)
	why := map[string]Why{}
	for _, m := range p.Moves {
		why[m.Tenant] = m.Why
	}
	require.Equal(t, WhyDedicated, why["a0"])
	require.Equal(t, WhyDedicated, why["c0"])
	require.Equal(t, WhyApart, why["b1"])
	require.Zero(t, p.After.Misplaced)
}

func TestMakeNamesOversizedTenants(t *testing.T) {
	t.Parallel()
	in := three().with(func(x *Tenant) { x.Bytes = 5000 }, "b0")
	a := Make(in, Options{})
	require.Len(t, a.Oversized, 1)
	require.Equal(t, "b0", a.Oversized[0].Tenant)
	require.InDelta(t, 5000.0/700, a.Oversized[0].Ratio, 1e-9, "the mean is taken without it, over the shards that are left")
	require.Contains(t, a.Oversized[0].Reason, "it needs a dedicated shard")
	for _, p := range a.Plans {
		for _, m := range p.Moves {
			require.NotEqual(t, "b0", m.Tenant)
			require.NotEqual(t, "b", m.To, "its shard takes nobody more")
		}
	}
}

func TestAShardOfUnknownSizesIsNotJudged(t *testing.T) {
	t.Parallel()
	a := Make(three().with(func(x *Tenant) { x.Bytes, x.Unknown = 0, "no statistics" }, "c0"), Options{Threshold: 0.5})
	require.Equal(t, "the size of 1 tenant there is not known", a.Plans[0].Shards[2].Note)
	require.False(t, a.Needed, "%s", a.Verdict)
	for _, p := range a.Plans {
		for _, m := range p.Moves {
			require.NotEqual(t, "c", m.To)
		}
	}
}

// A tenant counts as one, and uses what it uses, whatever its size; it stays, because
// nobody knows whether it would fit.
func TestAShardOfUnknownSizesIsJudgedByCountAndLoad(t *testing.T) {
	t.Parallel()
	for _, by := range []Dimension{Count, Load} {
		in := three().with(func(x *Tenant) { x.Bytes, x.Unknown = 0, "no statistics" }, "a0", "c0")
		for i := range in.Tenants {
			in.Tenants[i].Load = 1
		}
		opt := Options{Threshold: 0.2, By: []Dimension{by}}
		whole := Measure(three().with(func(x *Tenant) { x.Load = 1 }, ids(in)...), opt)
		require.True(t, whole.Known)
		m := Measure(in, opt)
		require.True(t, m.Known, by)
		require.Equal(t, []any{whole.Fullest, whole.Over}, []any{m.Fullest, m.Over})
		require.Equal(t, 1, m.Shards[0].Before.Unknown)
		require.Empty(t, m.Shards[0].Note)
		a := Make(in, opt)
		require.True(t, a.Needed)
		require.Empty(t, a.Oversized, "larger than what, nobody knows")
		for _, p := range a.Plans {
			require.NotEmpty(t, p.Moves)
			for _, move := range p.Moves {
				require.NotContains(t, []string{"a0", "c0"}, move.Tenant)
			}
		}
		opt.By = append(opt.By, Rows)
		require.False(t, Make(in, opt).Plans[0].Shards[0].Takes, "its rows are not known either")
	}
}

func ids(in Input) (out []string) {
	for _, t := range in.Tenants {
		out = append(out, t.ID)
	}
	return out
}

func TestBudgetsEndAPlan(t *testing.T) {
	t.Parallel()
	p, _ := Make(three(), Options{MaxMoves: 1}).Plan(FewestBytes)
	require.Len(t, p.Moves, 1)
	require.Equal(t, "moves", p.Stopped)
	require.Contains(t, p.Left[0].Reason, "the plan's budget of moves is used up")
	p, _ = Make(three(), Options{MaxBytes: 250}).Plan(MostEven)
	require.EqualValues(t, 200, p.Bytes)
	require.Equal(t, "bytes", p.Stopped)
}

func TestCheckRefusesAPlanThatIsStale(t *testing.T) {
	t.Parallel()
	p, _ := Make(three(), Options{}).Plan(FewestMoves)
	first := p.Moves[0].Tenant
	_, err := Check(three().with(func(x *Tenant) { x.Shard = "b" }, first), Options{}, FewestMoves, p.Steps())
	require.ErrorContains(t, err, "is on b and not on a any more")
	_, err = Check(three().with(func(x *Tenant) { x.Pinned = "contract" }, first), Options{}, FewestMoves, p.Steps())
	require.ErrorContains(t, err, "cannot be moved any more: it is pinned: contract")
	gone := three()
	gone.Shards[2].Closed = "it does not answer"
	_, err = Check(gone, Options{}, FewestMoves, p.Steps())
	require.ErrorContains(t, err, "cannot go to c any more: c: it does not answer")
}

func TestSuggestPutsTheEmptiestFirst(t *testing.T) {
	t.Parallel()
	in := three()
	in.Shards = append(in.Shards, Shard{Name: "d", Placement: "drain"}, Shard{Name: "e", Placement: "demo"})
	names := func(list []Candidate) (out []string) {
		for _, c := range list {
			if c.Allowed {
				out = append(out, c.Shard)
			}
		}
		return out
	}
	require.Equal(t, []string{"c", "b", "a"}, names(Suggest(in, Options{}, Tenant{ID: "new"})))
	require.Equal(t, []string{"c", "b", "a", "e"}, names(Suggest(in, Options{}, Tenant{ID: "new", Demo: true})))
	in.Shards[1].Region = "eu"
	require.Equal(t, []string{"b"}, names(Suggest(in, Options{}, Tenant{ID: "new", Region: "eu"})))
}

// Thousands of tenants, each far less than what a move usually has to bring, are planned
// for all the same, up to a number of moves that somebody can still read.
func TestTenantsThatAreSmallEachAreMovedAndAPlanEnds(t *testing.T) {
	t.Parallel()
	in := Input{Shards: []Shard{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	for i := range 1_680 {
		in.Tenants = append(in.Tenants, Tenant{ID: fmt.Sprint(i), Shard: "a", Bytes: 1000})
	}
	require.Equal(t, 5000, Options{}.filled().MaxMoves)
	p, _ := Make(in, Options{MaxMoves: 1000}).Plan(FewestMoves)
	require.Equal(t, 1000, len(p.Moves)) // not Len, which would print them all
	require.Equal(t, "moves", p.Stopped)
	for i := range 1_176 {
		in.Tenants[i].Shard = []string{"b", "c"}[i%2]
	}
	p, _ = Make(in, Options{}).Plan(FewestBytes)
	require.Empty(t, p.Moves, "within the threshold")
	even, _ := Make(in, Options{}).Plan(MostEven)
	require.NotEmpty(t, even.Moves)
	require.Zero(t, even.After.Outside)
}

// Two oversized tenants of one shard take one shard from the others: those are even.
func TestTwoOversizedTenantsOfOneShardLeaveTheOthersEven(t *testing.T) {
	t.Parallel()
	in := Input{Shards: []Shard{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}}
	add := func(at string, size int64) {
		in.Tenants = append(in.Tenants, Tenant{ID: fmt.Sprint(len(in.Tenants)), Shard: at, Bytes: size << 20})
	}
	add("a", 10000)
	add("a", 9000)
	for _, s := range []string{"b", "c", "d"} {
		for range 10 {
			add(s, 10)
		}
	}
	a := Make(in, Options{})
	require.False(t, a.Needed, a.Verdict)
	require.Len(t, a.Oversized, 2)
	require.InDelta(t, 100, a.Oversized[0].Ratio, 1e-9)
	b := a.Plans[0].Before
	require.InDelta(t, 1, *b.Max, 1e-9)
	require.InDelta(t, 1, *b.Min, 1e-9)
}
