package rebalance

import (
	"time"

	"shardadmin/internal/fleet"
)

// Dimension is something that a tenant takes of its shard.
type Dimension string

// The dimensions.
const (
	Bytes Dimension = "bytes"
	Rows  Dimension = "rows"
	Load  Dimension = "load"
	Count Dimension = "count"
)

// OfSize reports whether a tenant counts by how large it is.
func (d Dimension) OfSize() bool { return d == Bytes || d == Rows }

// Dimensions lists them all.
func Dimensions() []Dimension { return []Dimension{Bytes, Rows, Load, Count} }

// Shard is where tenants are.
type Shard struct {
	Name      string
	Placement fleet.Placement
	Region    string
	Labels    map[string]string
	// Capacity is what the disk holds, 0 where nobody stated it.
	Capacity int64
	// Used is the size of the database with all that is on its way there, nil where
	// it is not known.
	Used *int64
	// MaxTenants bounds their number; 0 does not.
	MaxTenants int
	// Dedicated are the ids of the only tenants that it is for; empty: it is for all.
	Dedicated []string
	// Closed is why no tenant can be moved there or away, such as that it does not
	// answer; "" where nothing prevents it.
	Closed string
}

// Tenant is what may be moved.
type Tenant struct {
	ID, Label string
	// Shard is where it is, or where the move that it is in takes it.
	Shard string
	// Also are further shards that hold a copy which may be served again.
	Also  []string
	Bytes int64
	Rows  int64
	// Load is in any unit that is the same for all tenants; NoLoad is why it is not
	// known, "" where it is.
	Load   float64
	NoLoad string
	// Unknown is why its size is not known, "" where it is.
	Unknown string
	Demo    bool
	// Region and Labels are what its shard must have; empty asks for nothing.
	Region string
	Labels map[string]string
	// Pinned is why the operator keeps it where it is, "" where it may go.
	Pinned string
	// Move is the unfinished move that holds it.
	Move string
	// MovedAt is when it was last moved, zero for never.
	MovedAt time.Time
}

// Input is a fleet as a planner sees it.
type Input struct {
	Shards  []Shard
	Tenants []Tenant
	// Apart are groups of tenants of which no two are on one shard.
	Apart [][]string
	// CoolDown is how long a tenant rests after a move.
	CoolDown time.Duration
	Now      time.Time
}

// Strategy is what a plan has least, or most, of.
type Strategy string

// The strategies.
const (
	FewestMoves Strategy = "fewest-moves"
	FewestBytes Strategy = "fewest-bytes"
	MostEven    Strategy = "most-even"
)

// Strategies lists them in the order in which they are shown.
func Strategies() []Strategy { return []Strategy{FewestMoves, FewestBytes, MostEven} }

// What holds where Options say nothing.
const (
	DefaultThreshold = 0.2
	DefaultFill      = 0.9
	evenGoal         = 0.01
	mostMoves        = 5000
)

// Options say how far a plan goes.
type Options struct {
	// Threshold is the distance from even at which something is done; 0.2 when 0.
	Threshold float64
	// Goal is the distance that is aimed at then; half of Threshold when 0.
	Goal float64
	// Fill is the share of a shard's capacity that may be in use while old and new
	// copies exist; 0.9 when 0.
	Fill float64
	// By are the dimensions that count; bytes alone when empty.
	By []Dimension
	// MaxMoves ends a plan, at 5,000 when 0: whoever has made so many plans again.
	// MaxBytes ends it, too; 0 does not.
	MaxMoves int
	MaxBytes int64
	// Standing is true for an imbalance that passed the threshold, lasted, and has not
	// come within Goal yet: it is mended although it is below the threshold again.
	Standing bool
}

func (o Options) filled() Options {
	if o.Threshold <= 0 {
		o.Threshold = DefaultThreshold
	}
	if o.Goal <= 0 || o.Goal > o.Threshold {
		o.Goal = o.Threshold / 2
	}
	if o.Fill <= 0 {
		o.Fill = DefaultFill
	}
	if o.MaxMoves <= 0 {
		o.MaxMoves = mostMoves
	}
	if len(o.By) == 0 {
		o.By = []Dimension{Bytes}
	}
	return o
}
