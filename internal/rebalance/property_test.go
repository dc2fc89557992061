package rebalance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fleet"
)

var propertyNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// anyFleet draws fleets with every kind of declaration in them.
func anyFleet(t *rapid.T) (Input, Options) {
	in := Input{Now: propertyNow, CoolDown: 24 * time.Hour}
	regions := []string{"", "eu", "us"}
	n := rapid.IntRange(1, 7).Draw(t, "shards")
	for i := range n {
		s := Shard{
			Name: fmt.Sprintf("s%d", i), Region: rapid.SampledFrom(regions).Draw(t, "region"),
			Placement: rapid.SampledFrom([]fleet.Placement{"open", "open", "open", "open", "drain", "pinned", "demo"}).Draw(t, "placement"),
		}
		if rapid.IntRange(0, 4).Draw(t, "stated") > 0 {
			s.Capacity = rapid.Int64Range(1000, 30000).Draw(t, "capacity")
		}
		if rapid.IntRange(0, 9).Draw(t, "used known") > 0 {
			used := rapid.Int64Range(0, 20000).Draw(t, "used")
			s.Used = &used
		}
		if rapid.IntRange(0, 5).Draw(t, "bounded") == 0 {
			s.MaxTenants = rapid.IntRange(1, 20).Draw(t, "max tenants")
		}
		if rapid.IntRange(0, 8).Draw(t, "closed") == 0 {
			s.Closed = "it does not answer"
		}
		if rapid.IntRange(0, 3).Draw(t, "labelled") == 0 {
			s.Labels = map[string]string{"tier": rapid.SampledFrom([]string{"gold", "free"}).Draw(t, "tier")}
		}
		in.Shards = append(in.Shards, s)
	}
	m := rapid.IntRange(0, 60).Draw(t, "tenants")
	for i := range m {
		x := Tenant{
			ID: fmt.Sprint(i), Label: fmt.Sprintf("t%d", i), Shard: fmt.Sprintf("s%d", rapid.IntRange(0, n-1).Draw(t, "at")),
			Bytes: rapid.Int64Range(0, 2000).Draw(t, "bytes"), Rows: rapid.Int64Range(0, 500).Draw(t, "rows"), Load: rapid.Float64Range(0, 9).Draw(t, "load"),
			Demo: rapid.IntRange(0, 3).Draw(t, "demo") == 0,
		}
		if rapid.IntRange(0, 30).Draw(t, "giant") == 0 {
			x.Bytes *= 20
		}
		switch rapid.IntRange(0, 25).Draw(t, "hold") {
		case 0:
			x.Pinned = "the contract says so"
		case 1:
			x.Move, x.Also = "0190", []string{fmt.Sprintf("s%d", rapid.IntRange(0, n-1).Draw(t, "also"))}
		case 2:
			x.MovedAt = propertyNow.Add(-time.Hour)
		case 3:
			x.Unknown = "no statistics"
		case 4:
			x.Region = "eu"
		case 5:
			x.Labels = map[string]string{"tier": "gold"}
		case 6:
			x.MovedAt = propertyNow.Add(-48 * time.Hour)
		case 7:
			x.Load, x.NoLoad = 0, "one look alone"
		}
		in.Tenants = append(in.Tenants, x)
	}
	for range rapid.IntRange(0, 3).Draw(t, "groups") {
		g := []string{}
		for range rapid.IntRange(2, 4).Draw(t, "group") {
			g = append(g, fmt.Sprint(rapid.IntRange(0, max(m-1, 0)).Draw(t, "member")))
		}
		in.Apart = append(in.Apart, g)
	}
	if n > 1 && rapid.IntRange(0, 3).Draw(t, "has dedicated") == 0 {
		in.Shards[n-1].Dedicated = []string{fmt.Sprint(rapid.IntRange(0, max(m-1, 0)).Draw(t, "dedicated"))}
	}
	opt := Options{Threshold: rapid.SampledFrom([]float64{0, 0.1, 0.3}).Draw(t, "threshold")}
	opt.By = rapid.SampledFrom([][]Dimension{nil, {Bytes}, {Count}, {Bytes, Rows}, {Rows, Load, Count}}).Draw(t, "by")
	if rapid.IntRange(0, 3).Draw(t, "budget") == 0 {
		opt.MaxMoves, opt.MaxBytes = rapid.IntRange(0, 5).Draw(t, "max moves"), rapid.Int64Range(0, 5000).Draw(t, "max bytes")
	}
	return in, opt
}

// broken goes through moves with nothing of the planner's own and says which
// constraint the first breaks.
func broken(in Input, opt Options, moves []Step) string {
	shards := map[string]Shard{}
	for _, s := range in.Shards {
		shards[s.Name] = s
	}
	type spot struct{ shards []string } // with a copy
	at, copies, disk := map[string]string{}, map[string]*spot{}, map[string]int64{}
	tenants := map[string]Tenant{}
	number := map[string]int{}
	dedicated := map[string]string{}
	for _, s := range in.Shards {
		if s.Used != nil {
			disk[s.Name] = *s.Used
		}
		for _, id := range s.Dedicated {
			dedicated[id] = s.Name
		}
	}
	for _, t := range in.Tenants {
		tenants[t.ID], at[t.ID], copies[t.ID] = t, t.Shard, &spot{append([]string{t.Shard}, t.Also...)}
		slices.Sort(copies[t.ID].shards)
		copies[t.ID].shards = slices.Compact(copies[t.ID].shards)
		for _, s := range copies[t.ID].shards {
			number[s]++
		}
	}
	for i, m := range moves {
		t, to, from := tenants[m.Tenant], shards[m.To], shards[m.From]
		bad := func(why string) string {
			return fmt.Sprintf("move %d, %s from %s to %s: %s", i, m.Tenant, m.From, m.To, why)
		}
		own, has := dedicated[m.Tenant]
		for label, v := range t.Labels {
			if to.Labels[label] != v {
				return bad("label")
			}
		}
		switch {
		case at[m.Tenant] != m.From:
			return bad("it is not there")
		case m.From == m.To:
			return bad("it is there already")
		case t.Pinned != "", t.Move != "", t.Unknown != "", t.NoLoad != "" && slices.Contains(opt.By, Load), !t.MovedAt.IsZero() && in.Now.Sub(t.MovedAt) < in.CoolDown:
			return bad("it may not move")
		case from.Closed != "" || to.Closed != "":
			return bad("closed")
		case from.Placement == "pinned" || to.Placement == "pinned" || to.Placement == "drain" || to.Placement == "demo" && !t.Demo:
			return bad("placement")
		case has && own != m.To || !has && len(to.Dedicated) > 0:
			return bad("dedicated")
		case t.Region != "" && to.Region != t.Region:
			return bad("region")
		case to.MaxTenants > 0 && number[m.To]+1 > to.MaxTenants:
			return bad("too many")
		case to.Capacity > 0 && (to.Used == nil || disk[m.To]+t.Bytes > int64(float64(to.Capacity)*0.9)):
			return bad("disk")
		}
		for _, g := range in.Apart {
			if !slices.Contains(g, m.Tenant) {
				continue
			}
			for _, other := range g {
				if other != m.Tenant && copies[other] != nil && slices.Contains(copies[other].shards, m.To) {
					return bad("apart from " + other)
				}
			}
		}
		at[m.Tenant] = m.To
		copies[m.Tenant].shards = append(copies[m.Tenant].shards, m.To)
		number[m.To]++
		disk[m.To] += t.Bytes
	}
	return ""
}

func TestNoPlanBreaksAConstraint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyFleet(t)
		for _, p := range Make(in, opt).Plans {
			require.Empty(t, broken(in, opt, p.Steps()), p.Strategy)
			seen := map[string]bool{}
			bytes := int64(0)
			for _, m := range p.Moves {
				require.False(t, seen[m.Tenant], "moved twice")
				seen[m.Tenant] = true
				bytes += m.Bytes
				require.NotEmpty(t, m.Reason)
			}
			require.Equal(t, bytes, p.Bytes)
			if opt.MaxMoves > 0 {
				require.LessOrEqual(t, len(p.Moves), opt.MaxMoves)
			}
			if opt.MaxBytes > 0 {
				require.LessOrEqual(t, p.Bytes, opt.MaxBytes)
			}
		}
	})
}

// Old copies stay until a move is finalized, so nothing depends on the order in which
// workers take the moves, nor on which of them fail.
func TestAnyPartOfAPlanInAnyOrderKeepsTheConstraints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyFleet(t)
		for _, p := range Make(in, opt).Plans {
			steps := p.Steps()
			if len(steps) == 0 {
				continue
			}
			order := rapid.Permutation(steps).Draw(t, "order")
			require.Empty(t, broken(in, opt, order[:rapid.IntRange(1, len(order)).Draw(t, "part")]), p.Strategy)
		}
	})
}

func TestNoPrefixIsWorseThanWhatWasBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyFleet(t)
		for _, p := range Make(in, opt).Plans {
			at, err := Check(in, opt, p.Strategy, p.Steps())
			require.NoError(t, err)
			require.Len(t, at, len(p.Moves)+1)
			for i := 1; i < len(at); i++ {
				require.False(t, at[i].Worse(at[i-1]), "%s, move %d: %s after %s", p.Strategy, i, at[i], at[i-1])
			}
			require.InDelta(t, p.After.Violation, at[len(at)-1].Violation, 1e-6)
		}
	})
}

func TestAPlanIsTheSameWhenItIsMadeAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyFleet(t)
		a, b := Make(in, opt), Make(in, opt)
		require.Equal(t, a, b)
	})
}
