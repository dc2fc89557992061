package rebalance

import (
	"testing"
	"time"
)

// allowed is how long three plans of 12 shards and 2,000 tenants may take.
const allowed = 50 * time.Millisecond

// BenchmarkPlan times all three plans of 12 shards and 2,000 tenants: spread by chance,
// and with a third of everything on one shard, which takes 300 moves to mend.
func BenchmarkPlan(b *testing.B) {
	for _, c := range []peerCase{peerCases()[0], peerCases()[4]} {
		b.Run(c.name, func(b *testing.B) {
			in := c.fleet(1)
			best := time.Hour
			for b.Loop() {
				for range 5 {
					start := time.Now()
					Make(in, Options{Threshold: 0.1, Goal: 0.1})
					best = min(best, time.Since(start))
				}
			}
			b.ReportMetric(float64(best.Microseconds())/1000, "ms/plan")
			if best > allowed {
				b.Errorf("three plans took %s, and %s are allowed", best, allowed)
			}
		})
	}
}

// BenchmarkFewestBytes measures the plan of fewest bytes against the greedy of Citus on
// the same fleets, 100 of each kind: what it moves as a share of what Citus moves, for
// the band that Citus aims at and for the distance from even at which it ended.
func BenchmarkFewestBytes(b *testing.B) {
	for _, c := range peerCases() {
		for _, end := range []struct {
			name string
			goal func([]float64) float64
		}{{"band", sameBand}, {"end", sameEnd}} {
			b.Run(c.name+" to the same "+end.name, func(b *testing.B) {
				var r peerResult
				for b.Loop() {
					r = againstPeer(c, 100, end.goal)
				}
				b.ReportMetric(median(r.ourBytes)/median(r.citusBytes), "bytes/citus")
				b.ReportMetric(median(r.ourMoves)/median(r.citusMoves), "moves/citus")
				b.Log(r)
				if r.worse > 0 {
					b.Errorf("of 100 fleets %d move more than by Citus, or end less even: %s", r.worse, r)
				}
			})
		}
	}
}
