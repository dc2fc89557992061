package rebalance

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
)

// citus is the greedy of Citus's rebalancer by disk size (shard_rebalancer.c,
// FindAndMoveShardCost) written anew: from the fullest node to the emptiest, the
// largest first; taken where the target ends no fuller than the source, else where the
// fuller of the two becomes less full and that is at least half of what is moved. It is
// the peer that "fewest bytes" is measured against.
func citus(in Input, threshold, improvement float64) (bytes int64, moves int, loads []float64) {
	type node struct {
		cost   float64
		shards []Tenant
	}
	nodes := make([]*node, len(in.Shards))
	index := map[string]int{}
	for i, s := range in.Shards {
		nodes[i], index[s.Name] = &node{}, i
	}
	total := 0.0
	for _, t := range in.Tenants {
		n := nodes[index[t.Shard]]
		n.cost += float64(t.Bytes)
		n.shards = append(n.shards, t)
		total += float64(t.Bytes)
	}
	for _, n := range nodes {
		slices.SortFunc(n.shards, func(a, b Tenant) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.ID, b.ID)) })
	}
	mean := total / float64(len(nodes))
	low, high := mean*(1-threshold), mean*(1+threshold)
	one := func() bool {
		desc := slices.Clone(nodes)
		slices.SortStableFunc(desc, func(a, b *node) int { return cmp.Compare(b.cost, a.cost) })
		for _, source := range desc {
			if source.cost <= low {
				return false
			}
			for i := len(desc) - 1; i >= 0; i-- {
				target := desc[i]
				if target.cost >= high || target.cost >= low && source.cost <= high {
					break
				}
				for k, t := range source.shards {
					x := float64(t.Bytes)
					newTarget, newSource := target.cost+x, source.cost-x
					if newTarget > newSource {
						if newTarget >= source.cost || (source.cost-newTarget)/x < improvement {
							continue
						}
					}
					source.cost, target.cost = newSource, newTarget
					source.shards = slices.Delete(source.shards, k, k+1)
					at, _ := slices.BinarySearchFunc(target.shards, t, func(a, b Tenant) int { return cmp.Compare(b.Bytes, a.Bytes) })
					target.shards = slices.Insert(target.shards, at, t)
					bytes += t.Bytes
					moves++
					return true
				}
			}
		}
		return false
	}
	for one() {
	}
	for _, n := range nodes {
		loads = append(loads, n.cost/mean)
	}
	return bytes, moves, loads
}

// peerCase is one of the fleets that were simulated when the planner was designed.
type peerCase struct {
	name            string
	shards, tenants int
	empty           int     // of the shards are new
	extra           float64 // share of all bytes that the first shard got besides
}

func peerCases() []peerCase {
	return []peerCase{
		{"12 shards, 2,000 tenants, hashed", 12, 2000, 0, 0},
		{"5 shards, 80 tenants, hashed", 5, 80, 0, 0},
		{"12 shards, 2 new and empty", 12, 2000, 2, 0},
		{"5 shards, 80 tenants, 2 new and empty", 5, 80, 2, 0},
		{"12 shards, one got 30 % extra", 12, 2000, 0, 0.3},
	}
}

// fleet draws sizes by Zipf 0.7 and places by chance.
func (c peerCase) fleet(seed uint64) Input {
	r := rand.New(rand.NewPCG(seed, 7))
	in := Input{}
	for i := range c.shards {
		in.Shards = append(in.Shards, Shard{Name: fmt.Sprintf("shard_%02d", i), Placement: fleet.PlacementOpen})
	}
	for i := range c.tenants {
		at := r.IntN(c.shards - c.empty)
		if c.extra > 0 && r.Float64() < c.extra {
			at = 0
		}
		in.Tenants = append(in.Tenants, Tenant{
			ID: fmt.Sprintf("t%04d", i), Label: fmt.Sprintf("tenant-%04d", i), Shard: in.Shards[at].Name,
			Bytes: int64(10e9 * math.Pow(float64(i+1), -0.7)), Rows: int64(10e6 * math.Pow(float64(i+1), -0.7)),
		})
	}
	return in
}

// outside is what of the loads lies outside a band.
func outsideOf(loads []float64, goal float64) float64 {
	v := 0.0
	for _, l := range loads {
		v += math.Max(0, l-1-goal) + math.Max(0, 1-goal-l)
	}
	return v
}

func ratios(p Plan) []float64 {
	out := []float64{}
	for _, s := range p.Shards {
		if s.Takes {
			out = append(out, *s.After.Ratio)
		}
	}
	return out
}

type peerResult struct {
	wins, same, worse                                            int
	citusBytes, ourBytes, citusMoves, ourMoves, citusMax, ourMax []float64
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func againstPeer(c peerCase, seeds int, balance func(citus []float64) (goal float64)) peerResult {
	r := peerResult{}
	for seed := range seeds {
		in := c.fleet(uint64(seed))
		total := 0.0
		for _, t := range in.Tenants {
			total += float64(t.Bytes)
		}
		bytes, moves, loads := citus(in, 0.1, 0.5)
		goal := balance(loads)
		p := compile(in, Options{Threshold: goal, Goal: goal}).plan(FewestBytes, true)
		ours := ratios(p)
		fine := outsideOf(ours, goal) <= outsideOf(loads, goal)+1e-9
		switch {
		case !fine || p.Bytes > bytes:
			r.worse++
		case p.Bytes == bytes:
			r.same++
		default:
			r.wins++
		}
		r.citusBytes, r.ourBytes = append(r.citusBytes, float64(bytes)/total*100), append(r.ourBytes, float64(p.Bytes)/total*100)
		r.citusMoves, r.ourMoves = append(r.citusMoves, float64(moves)), append(r.ourMoves, float64(len(p.Moves)))
		r.citusMax, r.ourMax = append(r.citusMax, slices.Max(loads)), append(r.ourMax, slices.Max(ours))
	}
	return r
}

func (r peerResult) String() string {
	return fmt.Sprintf("citus %.2f %% in %.0f moves, max %.3f; ours %.2f %% in %.0f, max %.3f; fewer %d, same %d, worse %d",
		median(r.citusBytes), median(r.citusMoves), median(r.citusMax), median(r.ourBytes), median(r.ourMoves), median(r.ourMax), r.wins, r.same, r.worse)
}

// sameBand asks for the band that Citus aims at.
func sameBand([]float64) float64 { return 0.1 }

// sameEnd asks for the distance from even at which Citus ended.
func sameEnd(loads []float64) float64 {
	return max(slices.Max(loads)-1, 1-slices.Min(loads))
}

func TestFewestBytesMovesNoMoreThanCitus(t *testing.T) {
	t.Parallel()
	for _, c := range peerCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, f := range map[string]func([]float64) float64{"the same band": sameBand, "the same end": sameEnd} {
				r := againstPeer(c, 8, f)
				t.Logf("%s: %s", name, r)
				require.Zero(t, r.worse, "%s: %s", name, r)
			}
		})
	}
}
