package rebalance

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Why is what asks for a move.
type Why string

// What asks for a move: the first are rules, the last is the spread.
const (
	WhyDrain     Why = "drain"
	WhyDedicated Why = "dedicated"
	WhyDemo      Why = "demo"
	WhyRegion    Why = "region"
	WhyLabel     Why = "label"
	WhyApart     Why = "apart"
	WhySpread    Why = "spread"
)

// Use is how full a shard is at some step of a plan.
type Use struct {
	// Bytes are those of its tenants but for Unknown of them, whose size is not known.
	Bytes            int64
	Tenants, Unknown int
	// Load is that of its tenants; NoLoad is why that of one is not known.
	Load   float64
	NoLoad string
	// Ratio is its use, 1 being even; nil where the shard does not take part.
	Ratio *float64
	// Peak is the database's size while old and new copies exist, nil where the size
	// is not known.
	Peak *int64
}

// Move is one tenant's move, with both shards before and after it.
type Move struct {
	Tenant, Label, From, To string
	Bytes, Rows             int64
	Why                     Why
	// Reason says it in a sentence.
	Reason                                   string
	FromBefore, FromAfter, ToBefore, ToAfter Use
}

// Constraint is what keeps a tenant from a move.
type Constraint string

// The constraints: the first are of the tenant, then of its shard, then of the target.
const (
	Pinned      Constraint = "pinned"
	InMove      Constraint = "in_move"
	CoolingDown Constraint = "cool_down"
	UnknownSize Constraint = "unknown_size"
	UnknownLoad Constraint = "unknown_load"
	TooLarge    Constraint = "oversized"
	SourceFixed Constraint = "source_pinned"
	SourceShut  Constraint = "source_closed"

	TargetShut      Constraint = "target_closed"
	TargetFixed     Constraint = "target_pinned"
	TargetDrained   Constraint = "target_drained"
	TargetDedicated Constraint = "target_dedicated"
	TargetDemo      Constraint = "target_demo"
	WrongRegion     Constraint = "region"
	WrongLabel      Constraint = "label"
	KeptApart       Constraint = "apart"
	TooMany         Constraint = "max_tenants"
	NoDisk          Constraint = "disk"
)

// Rejected is a move that would have helped and that a constraint forbids.
type Rejected struct {
	Tenant, Label, From string
	// To is "" where the tenant may go nowhere.
	To         string
	Bytes      int64
	Constraint Constraint
	Reason     string
}

// Oversized is a tenant that no plan can balance.
type Oversized struct {
	Tenant, Label, Shard string
	Bytes                int64
	// Ratio is its size as a multiple of the mean shard without it.
	Ratio  float64
	Reason string
}

// Left is why a shard stays outside the band, or keeps tenants that should leave it.
type Left struct {
	Shard  string
	Reason string
}

// ShardUse is a shard before and after a whole plan.
type ShardUse struct {
	Shard string
	// Takes is false where the shard does not take part; Note says why.
	Takes         bool
	Note          string
	Before, After Use
}

// Balance is how a fleet is spread.
type Balance struct {
	// Max and Min are the fullest and emptiest shard's use, without those that an
	// oversized tenant fills; nil where fewer than two shards take part.
	Max, Min *float64
	// Outside counts the shards outside the band, Misplaced the tenants that are
	// where they may not be.
	Outside, Misplaced int
	// Violation is what lies outside the band, in mean shards.
	Violation float64
}

// Plan is an answer.
type Plan struct {
	ID       string
	Strategy Strategy
	Goal     float64
	Moves    []Move
	// Bytes and Rows are what all moves copy.
	Bytes, Rows   int64
	Before, After Balance
	Shards        []ShardUse
	// Stopped is which budget ended it, "" for none.
	Stopped string
	// Rejected are the largest of what was not possible; RejectedTotal counts all.
	Rejected      []Rejected
	RejectedTotal int
	Left          []Left
}

// Answer is what a planner says about a fleet.
type Answer struct {
	// Needed is true where the spread passes the threshold or a tenant is where it may
	// not be; Verdict says it in a sentence.
	Needed    bool
	Verdict   string
	Threshold float64
	Mean      int64 // bytes of a mean shard
	Plans     []Plan
	Oversized []Oversized
}

// Plan returns the plan of a strategy.
func (a Answer) Plan(s Strategy) (Plan, bool) {
	for _, p := range a.Plans {
		if p.Strategy == s {
			return p, true
		}
	}
	return Plan{}, false
}

// digest names a plan by what it does: two plans with one id make the same moves.
func digest(s Strategy, moves []Move) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n", s)
	for _, m := range moves {
		_, _ = fmt.Fprintf(h, "%q %q %q\n", m.Tenant, m.From, m.To)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
