package session

// RebalanceUse is how full a shard is at some step of a plan. Sizes are estimates.
type RebalanceUse struct {
	// Bytes is null with a reason where a tenant's size is not known.
	Bytes       *int64 `json:"bytes"`
	BytesReason string `json:"bytes_reason"`
	// Load is rows that its tenants touch in a second; null with a reason where that of
	// one is not known.
	Load       *float64 `json:"load"`
	LoadReason string   `json:"load_reason"`
	Tenants    int      `json:"tenants"`
	// Use is a multiple of an even spread; null with a reason where the shard does not
	// take part.
	Use       *float64 `json:"use"`
	UseReason string   `json:"use_reason"`
	// PeakBytes is the database's size while old and new copies exist.
	PeakBytes  *int64 `json:"peak_bytes"`
	PeakReason string `json:"peak_bytes_reason"`
}

// RebalanceMove is one move of a plan.
type RebalanceMove struct {
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	Source string `json:"source"`
	Target string `json:"target"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`
	// Why is drain, dedicated, demo, region, label, apart or spread; Reason says it in
	// a sentence.
	Why          string       `json:"why"`
	Reason       string       `json:"reason"`
	SourceBefore RebalanceUse `json:"source_before"`
	SourceAfter  RebalanceUse `json:"source_after"`
	TargetBefore RebalanceUse `json:"target_before"`
	TargetAfter  RebalanceUse `json:"target_after"`
}

// RebalanceRejected is a move that would help and that a constraint forbids. Target is
// "" where the tenant may go nowhere.
type RebalanceRejected struct {
	Tenant     string `json:"tenant"`
	Label      string `json:"label"`
	Source     string `json:"source"`
	Target     string `json:"target"`
	Bytes      int64  `json:"bytes"`
	Constraint string `json:"constraint"`
	Reason     string `json:"reason"`
}

// RebalanceLeft is why a shard stays as it is.
type RebalanceLeft struct {
	Shard  string `json:"shard"`
	Reason string `json:"reason"`
}

// RebalanceBalance is how a fleet is spread.
type RebalanceBalance struct {
	// Max and Min are the use of the fullest and the emptiest shard, without those that
	// an oversized tenant fills.
	Max       *float64 `json:"max"`
	Min       *float64 `json:"min"`
	Reason    string   `json:"reason"`
	Outside   int      `json:"outside"`
	Misplaced int      `json:"misplaced"`
}

// RebalanceShardAfter is a shard after a whole plan.
type RebalanceShardAfter struct {
	Name string `json:"name"`
	RebalanceUse
}

// RebalancePlan is one of the plans.
type RebalancePlan struct {
	ID       string           `json:"id"`
	Strategy string           `json:"strategy"`
	Goal     float64          `json:"goal"`
	Moves    []RebalanceMove  `json:"moves"`
	Bytes    int64            `json:"bytes"`
	Rows     int64            `json:"rows"`
	Before   RebalanceBalance `json:"before"`
	After    RebalanceBalance `json:"after"`
	// EstimateMS is how long the moves take one after the other at the usual pace of
	// this fleet's own moves, EstimateSlowMS at the pace that nine of ten pass; null
	// with a reason before the first.
	EstimateMS     *int64                `json:"estimate_ms"`
	EstimateSlowMS *int64                `json:"estimate_slow_ms"`
	EstimateReason string                `json:"estimate_ms_reason"`
	Shards         []RebalanceShardAfter `json:"shards"`
	// Stopped is moves or bytes where a budget ended the plan.
	Stopped       string              `json:"stopped"`
	Rejected      []RebalanceRejected `json:"rejected"`
	RejectedTotal int                 `json:"rejected_total"`
	Left          []RebalanceLeft     `json:"left"`
}

// RebalanceShard is a shard as it is now.
type RebalanceShard struct {
	Name          string            `json:"name"`
	Placement     string            `json:"placement"`
	Region        string            `json:"region"`
	Labels        map[string]string `json:"labels"`
	Dedicated     []string          `json:"dedicated"` // to these tenants alone
	CapacityBytes *int64            `json:"capacity_bytes"`
	// TakesPart is false where the shard is neither filled nor counted; Note says why.
	TakesPart bool   `json:"takes_part"`
	Note      string `json:"note"`
	RebalanceUse
}

// RebalanceOversized is a tenant that no plan can balance.
type RebalanceOversized struct {
	Tenant string  `json:"tenant"`
	Label  string  `json:"label"`
	Shard  string  `json:"shard"`
	Bytes  int64   `json:"bytes"`
	Ratio  float64 `json:"ratio"`
	Reason string  `json:"reason"`
}

// RebalancePin is a tenant that the fleet file keeps where it is.
type RebalancePin struct {
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	Shard  string `json:"shard"`
	Reason string `json:"reason"`
}

// RebalanceLarge is one of the largest tenants of a shard.
type RebalanceLarge struct {
	Tenant string  `json:"tenant"`
	Label  string  `json:"label"`
	Shard  string  `json:"shard"`
	Bytes  int64   `json:"bytes"`
	Share  float64 `json:"share"` // of its shard's tenants
}

// RebalanceCandidate is a shard for a new tenant, the best first.
type RebalanceCandidate struct {
	Shard   string `json:"shard"`
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
}

// Rebalance is the fleet's spread with what would mend it.
type Rebalance struct {
	Fleet       string `json:"fleet"`
	Environment string `json:"environment"`
	// Needed is true where the spread passes the threshold, or a tenant is where it may
	// not be.
	Needed bool `json:"needed"`
	Recommendation
	Verdict   string   `json:"verdict"`
	Threshold float64  `json:"threshold"`
	By        []string `json:"by"`
	Tenants   int      `json:"tenants"`
	MeanBytes int64    `json:"mean_bytes"`
	// CoolDownMS is how long a tenant rests after a move.
	CoolDownMS int64                `json:"cool_down_ms"`
	Shards     []RebalanceShard     `json:"shards"`
	Plans      []RebalancePlan      `json:"plans"`
	Oversized  []RebalanceOversized `json:"oversized"`
	Largest    []RebalanceLarge     `json:"largest"`
	Pins       []RebalancePin       `json:"pins"`
	// Load says how the load of tenants is known.
	Load RebalanceLoad `json:"load"`
	// Placement is where a new tenant would go.
	Placement []RebalanceCandidate `json:"placement"`
	// Notes are what the operator has to know of these figures.
	Notes     []string `json:"notes"`
	CheckedAt string   `json:"checked_at"`
}

// Recommendation says whether moves are recommended now. A plan can be asked for at any
// time; they are recommended once the spread was uneven for a day, and what is gained is
// worth it.
type Recommendation struct {
	Recommended       bool   `json:"recommended"`
	RecommendedReason string `json:"recommended_reason"`
	// Since is from when on the fullest shard is above the threshold, as far as somebody
	// looked; null with a reason where it is not.
	Since       *string `json:"uneven_since"`
	SinceReason string  `json:"uneven_since_reason"`
	// Dimensions are all that a fleet can be spread by, whatever the plan is made for.
	Dimensions []RebalanceDimension `json:"dimensions"`
	// Kept is control where that is what the fleet's programs saw, computer where it is
	// what this computer saw alone, and null where it is not known; KeptReason says why.
	Kept       *string `json:"kept"`
	KeptReason string  `json:"kept_reason"`
}

// How a fleet stands by one dimension.
const (
	DimensionEven     = "even"
	DimensionUneven   = "uneven"   // for less than a day
	DimensionStanding = "standing" // for a day and more
	DimensionUnknown  = "unknown"
)

// RebalanceDimension is how a fleet is spread by bytes, rows, load or count, and since
// when.
type RebalanceDimension struct {
	By    string `json:"by"`
	State string `json:"state"`
	// Recommended is true where it stands and moves are worth it; Reason says why or
	// why not, or why it is not known.
	Recommended bool   `json:"recommended"`
	Reason      string `json:"reason"`
	// Over is how far the fullest shard is above an even spread, as a share, at the last
	// look; Fullest is "" where no single shard is.
	Over        *float64 `json:"over"`
	OverReason  string   `json:"over_reason"`
	Fullest     string   `json:"fullest"`
	Since       *string  `json:"since"`
	SinceReason string   `json:"since_reason"`
	// SeenAt is the last look that told, SeenBy who looked; null before the first.
	SeenAt     *string `json:"seen_at"`
	SeenReason string  `json:"seen_at_reason"`
	SeenBy     string  `json:"seen_by"`
	AgeMS      *int64  `json:"age_ms"`
}

// RebalanceRequest asks for plans.
type RebalanceRequest struct {
	// By are the dimensions that are spread: bytes, rows, load, count. Those of the fleet
	// file where it is empty.
	By       []string `json:"by"`
	MaxMoves int      `json:"max_moves"`
	MaxBytes int64    `json:"max_bytes"`
}

// RebalanceApply carries a plan out.
type RebalanceApply struct {
	RebalanceRequest
	Strategy string `json:"strategy"`
	// Plan is the id of the plan that was seen; "" takes the one that is made now.
	Plan    string `json:"plan"`
	DryRun  bool   `json:"dry_run"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
}

// What became of a move of a plan.
const (
	MoveQueued    = "queued"
	WouldMove     = "would_move"
	MoveCancelled = "cancelled"
)

// RebalanceOne is one move of a plan that was applied.
type RebalanceOne struct {
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	Source string `json:"source"`
	Target string `json:"target"`
	// Status is queued, assigned (no rows, so only its pointer changed, which stays so
	// although another is refused after it), would_move,
	// would_assign, refused, cancelled (filed, and taken back because another was
	// refused) or not_tried.
	Status     string   `json:"status"`
	MoveID     string   `json:"move_id"`
	AuditEvent string   `json:"audit_event"`
	Problem    *Problem `json:"problem"`
}

// RebalanceApplied is what became of a plan.
type RebalanceApplied struct {
	Plan     string         `json:"plan"`
	Strategy string         `json:"strategy"`
	DryRun   bool           `json:"dry_run"`
	Moves    []RebalanceOne `json:"moves"`
	Queued   int            `json:"queued"`
	Assigned int            `json:"assigned"`
	Refused  int            `json:"refused"`
	// AuditEvent is the plan's own.
	AuditEvent string `json:"audit_event"`
	// Workers are alive to carry the moves out.
	Workers int `json:"workers"`
}
