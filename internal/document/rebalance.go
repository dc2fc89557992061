package document

import "shardadmin/internal/session"

// Rebalance is the plans for a fleet.
type Rebalance struct {
	session.Rebalance
	Shards []RebalanceShard `json:"shards"`
	Plans  []RebalancePlan  `json:"plans"`
	Load   Load             `json:"load"`
}

// RebalanceShard is one shard of a Rebalance.
type RebalanceShard struct {
	session.RebalanceShard
	CapacityReason string `json:"capacity_bytes_reason,omitempty"`
}

// RebalancePlan is one plan of a Rebalance.
type RebalancePlan struct {
	session.RebalancePlan
	SlowReason string  `json:"estimate_slow_ms_reason,omitempty"`
	Before     Balance `json:"before"`
	After      Balance `json:"after"`
}

// Balance is how even a fleet is.
type Balance struct {
	session.RebalanceBalance
	MaxReason string `json:"max_reason,omitempty"`
	MinReason string `json:"min_reason,omitempty"`
}

func ofBalance(v session.RebalanceBalance) Balance {
	d := Balance{RebalanceBalance: v}
	because(v.Reason, unknown{v.Max == nil, &d.MaxReason}, unknown{v.Min == nil, &d.MinReason})
	return d
}

// Load says how the load of tenants is known.
type Load struct {
	session.RebalanceLoad
	FromReason string `json:"from_reason,omitempty"`
	ToReason   string `json:"to_reason,omitempty"`
}

// OfRebalance makes the document of plans.
func OfRebalance(v session.Rebalance) Rebalance {
	d := Rebalance{Rebalance: v, Shards: []RebalanceShard{}, Plans: []RebalancePlan{}, Load: Load{RebalanceLoad: v.Load}}
	because(v.Load.Reason, unknown{v.Load.From == nil, &d.Load.FromReason}, unknown{v.Load.To == nil, &d.Load.ToReason})
	for _, s := range v.Shards {
		x := RebalanceShard{RebalanceShard: s}
		because("the fleet file says nothing of a capacity", unknown{s.CapacityBytes == nil, &x.CapacityReason})
		d.Shards = append(d.Shards, x)
	}
	for _, p := range v.Plans {
		x := RebalancePlan{RebalancePlan: p, Before: ofBalance(p.Before), After: ofBalance(p.After)}
		because(p.EstimateReason, unknown{p.EstimateSlowMS == nil, &x.SlowReason})
		d.Plans = append(d.Plans, x)
	}
	return d
}
