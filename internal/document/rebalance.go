package document

import "shardadmin/internal/session"

// Rebalance is the plans for a fleet.
type Rebalance struct {
	session.Rebalance
	Shards []RebalanceShard `json:"shards"`
	Plans  []RebalancePlan  `json:"plans"`
}

// RebalanceShard is one shard of a Rebalance.
type RebalanceShard struct {
	session.RebalanceShard
	CapacityReason string `json:"capacity_bytes_reason,omitempty"`
}

// RebalancePlan is one plan of a Rebalance.
type RebalancePlan struct {
	session.RebalancePlan
	SlowReason string `json:"estimate_slow_ms_reason,omitempty"`
}

// OfRebalance makes the document of plans.
func OfRebalance(v session.Rebalance) Rebalance {
	d := Rebalance{Rebalance: v, Shards: []RebalanceShard{}, Plans: []RebalancePlan{}}
	for _, s := range v.Shards {
		x := RebalanceShard{RebalanceShard: s}
		because("the fleet file says nothing of a capacity", unknown{s.CapacityBytes == nil, &x.CapacityReason})
		d.Shards = append(d.Shards, x)
	}
	for _, p := range v.Plans {
		x := RebalancePlan{RebalancePlan: p}
		because(p.EstimateReason, unknown{p.EstimateSlowMS == nil, &x.SlowReason})
		d.Plans = append(d.Plans, x)
	}
	return d
}
