package session

// The views are what every face shows: the command line as JSON, the window and
// the page as they are. Times are RFC 3339 in UTC, "" or null where there is
// none; sizes are bytes; what is not known is null beside a reason. Lists are
// never null.

// Problem is an error as people see it.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	// Safe is what can be relied on although this failed, or where it shows.
	Safe string `json:"safe"`
}

// ShardStatus is one shard at a glance.
type ShardStatus struct {
	Name       string `json:"name"`
	Configured bool   `json:"configured"`
	Reachable  bool   `json:"reachable"`
	// InControl is true where the shard lives in the control database.
	InControl bool   `json:"in_control"`
	Database  string `json:"database"`
	Host      string `json:"host"`
	Port      int    `json:"port"`
	TLS       string `json:"tls"`
	// Status is healthy, slow, degraded, unreachable or not_configured.
	Status         string   `json:"status"`
	Version        string   `json:"version"`
	Tenants        *int     `json:"tenants"`
	TenantsReason  string   `json:"tenants_reason"`
	SizeBytes      *int64   `json:"size_bytes"`
	SizeReason     string   `json:"size_bytes_reason"`
	CapacityBytes  *int64   `json:"capacity_bytes"`
	LatencyMS      *float64 `json:"latency_ms"`
	LatencyReason  string   `json:"latency_ms_reason"`
	Connections    *int     `json:"connections"`
	MaxConnections *int     `json:"max_connections"`
	Placement      string   `json:"placement"`
	Region         string   `json:"region"`
	// OpenMoves is how many unfinished moves touch the shard, null with a reason where
	// control does not say.
	OpenMoves       *int     `json:"open_moves"`
	OpenMovesReason string   `json:"open_moves_reason"`
	Error           *string  `json:"error"`
	Problem         *Problem `json:"problem"`
	// AnsweredAt is when it answered this program last, null with a reason where it never
	// did.
	AnsweredAt     *string `json:"answered_at"`
	AnsweredReason string  `json:"answered_at_reason"`
	CheckedAt      string  `json:"checked_at"`
}

// Status is the fleet at a glance.
type Status struct {
	Fleet       string        `json:"fleet"`
	Environment string        `json:"environment"`
	Profile     string        `json:"profile"`
	Control     ShardStatus   `json:"control"`
	Shards      []ShardStatus `json:"shards"`
	// Tenants counts the catalogue, null with a reason where it cannot be read.
	Tenants       *int   `json:"tenants"`
	TenantsReason string `json:"tenants_reason"`
	// Answering of Configured shards answered.
	Answering  int `json:"answering"`
	Configured int `json:"configured"`
	// Installed is false where the fleet may only be looked at; InstallNote
	// says what to do about it.
	Installed   bool   `json:"installed"`
	InstallNote string `json:"install_note"`
	// InstalledReason says why it is not known whether; Installed is false then.
	InstalledReason string `json:"installed_reason"`
	// Queue is what queued moves keep to, null with a reason where that is not
	// known.
	Queue       *QueueState `json:"queue"`
	QueueReason string      `json:"queue_reason"`
	CheckedAt   string      `json:"checked_at"`
}

// Finding is one thing that a health check noticed.
type Finding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"` // info, warning or critical
	// Subject is what it is about, such as a table or a session; empty for the
	// database as a whole.
	Subject string `json:"subject"`
	Message string `json:"message"`
	Value   string `json:"value"`
	Advice  string `json:"advice"`
	// Statement is SQL that mends it, for somebody who has decided to run it; empty
	// where none does.
	Statement string `json:"statement"`
	// Columns and Rows are what the finding rests on.
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// UnavailableCheck is one that could not look.
type UnavailableCheck struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
	// Grant gives the right that is missing; empty where none is.
	Grant string `json:"grant"`
	// Later is true where a second look, and nothing else, is needed.
	Later bool `json:"later"`
}

// ShardHealth is one shard's health.
type ShardHealth struct {
	Name           string   `json:"name"`
	Status         string   `json:"status"`
	LatencyMS      *float64 `json:"latency_ms"`
	Connections    *int     `json:"connections"`
	MaxConnections *int     `json:"max_connections"`
	CacheHitRate   *float64 `json:"cache_hit_rate"` // 0 to 1
	CacheReason    string   `json:"cache_hit_rate_reason"`
	// CacheSince is from when on the rate counts reads: an earlier look, or, without one,
	// when the server's statistics were reset, which may be months ago.
	CacheSince       *string  `json:"cache_hit_rate_since"`
	CacheSinceReason string   `json:"cache_hit_rate_since_reason"`
	IndexHitRate     *float64 `json:"index_hit_rate"` // 0 to 1
	IndexReason      string   `json:"index_hit_rate_reason"`
	IndexSince       *string  `json:"index_hit_rate_since"`
	IndexSinceReason string   `json:"index_hit_rate_since_reason"`
	SizeBytes        *int64   `json:"size_bytes"`
	Growth           Growth   `json:"growth"`
	// Findings, the worst first.
	Findings []Finding `json:"findings"`
	// Unavailable are the checks that could not look: nothing is known of them.
	Unavailable []UnavailableCheck `json:"unavailable"`
	Problem     *Problem           `json:"problem"`
	CheckedAt   string             `json:"checked_at"`
}

// Growth is how a shard's database grows, by the sizes that are kept of it.
type Growth struct {
	// State is too_short, steady, growing, changing or shrinking; Reason why nothing
	// more is known.
	State  string `json:"state"`
	Reason string `json:"reason"`
	// Days is for how many days sizes are known.
	Days int `json:"days"`
	// BytesPerDay is the growth of the last thirty days; the true one lies between From
	// and To nine times of ten. Level shifts and days of our own moves do not count.
	BytesPerDay     *int64 `json:"bytes_per_day"`
	BytesPerDayFrom *int64 `json:"bytes_per_day_from"`
	BytesPerDayTo   *int64 `json:"bytes_per_day_to"`
	// FullInDaysFrom is when the capacity may be reached at the soonest, To at the
	// latest; null with FullReason, and To alone where that is more than two years off.
	FullInDaysFrom *int   `json:"full_in_days_from"`
	FullInDaysTo   *int   `json:"full_in_days_to"`
	FullReason     string `json:"full_in_days_reason"`
}

// Health is every shard's health.
type Health struct {
	Shards []ShardHealth `json:"shards"`
	// Fleet is what shows when shards are compared; empty where one alone was asked.
	Fleet []Finding `json:"fleet"`
}

// ShardStats is what one shard holds.
type ShardStats struct {
	Name       string `json:"name"`
	Tenants    int    `json:"tenants"`
	TableCount int    `json:"table_count"`
	SizeBytes  int64  `json:"size_bytes"`
	IndexBytes int64  `json:"index_bytes"`
	// Counts are the profile's, by name.
	Counts    map[string]int64 `json:"counts"`
	CheckedAt string           `json:"checked_at"`
}

// TenantOnShard is what one tenant has on a shard, exactly counted.
type TenantOnShard struct {
	Name   string `json:"name"`
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	// Pointer is the shard where the catalogue says that the tenant lives.
	Pointer string      `json:"pointer"`
	Tables  []TableRows `json:"tables"`
	Rows    int64       `json:"rows"`
	// Bytes are those of the rows, without indexes.
	Bytes     int64  `json:"bytes"`
	CountedAt string `json:"counted_at"`
}

// ShardShare is one shard's part of the fleet.
type ShardShare struct {
	Name       string   `json:"name"`
	Tenants    int      `json:"tenants"`
	Percent    float64  `json:"percent"` // of tenants
	SizeBytes  *int64   `json:"size_bytes"`
	SizeReason string   `json:"size_bytes_reason"`
	Problem    *Problem `json:"problem"`
}

// Distribution is how tenants spread over shards.
type Distribution struct {
	Total  int          `json:"total"`
	Shards []ShardShare `json:"shards"`
	// Recommendation says whether a rebalance is recommended, by what is kept of how
	// even the fleet was.
	Recommendation
}

// TenantRow is one tenant of a list.
type TenantRow struct {
	ID        string  `json:"id"`
	Label     string  `json:"label"`
	Title     string  `json:"title"`
	Shard     string  `json:"shard"`
	Status    *string `json:"status"`
	Demo      *bool   `json:"demo"`
	CreatedAt *string `json:"created_at"`
	// MoveState and MoveID are of the move that holds the tenant; both are null where
	// none does, and where it is not known, which MoveReason says.
	MoveState  *string `json:"move_state"`
	MoveID     *string `json:"move_id"`
	MoveReason string  `json:"move_reason"`
	// Fields are the profile's further columns for lists.
	Fields map[string]string `json:"fields"`
	// RowsEstimate and BytesEstimate come from the planner's statistics of the
	// tenant's shard, without indexes; only a list that asks has them.
	// EstimateReason says why they are null, or what they leave out.
	RowsEstimate   *int64 `json:"rows_estimate"`
	BytesEstimate  *int64 `json:"bytes_estimate"`
	EstimateReason string `json:"estimate_reason"`
	// ChangedAt is when the tenant was last assigned or moved, null for never.
	ChangedAt *string `json:"changed_at"`
}

// TenantList is a page of tenants and how many there are in all.
type TenantList struct {
	Total   int         `json:"total"`
	Tenants []TenantRow `json:"tenants"`
	// Fields are the names that each row's fields may have, in order.
	Fields []string `json:"fields"`
	// ChangedReason says why no row has changed_at.
	ChangedReason string `json:"changed_reason"`
}

// TableRows is how much of a table belongs to a tenant.
type TableRows struct {
	Table string `json:"table"`
	Kind  string `json:"kind"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// TenantView is one tenant with rows and history.
type TenantView struct {
	TenantRow
	Tables       []TableRows `json:"tables"`
	TablesReason string      `json:"tables_reason"`
	Rows         int64       `json:"rows"`
	Bytes        int64       `json:"bytes"`
	CountedAt    string      `json:"counted_at"`
	History      []Event     `json:"history"`
	// HistoryReason says why there is no history.
	HistoryReason string    `json:"history_reason"`
	Move          *MoveView `json:"move"`
}

// Placement is where one tenant's rows are.
type Placement struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Pointer string   `json:"pointer"`
	RowsOn  []string `json:"rows_on"`
	// RowsOnReason says why it is not known, or not of every shard, where its
	// rows are.
	RowsOnReason string `json:"rows_on_reason"`
	OK           bool   `json:"ok"`
	// Why says what is wrong, or why it is right although rows are elsewhere.
	Why string `json:"why"`
}

// PlacementCheck compares pointers with rows. Tenants holds those that
// disagree, or that could not be judged.
type PlacementCheck struct {
	// OK is true where every shard was looked at and every pointer agrees.
	OK      bool        `json:"ok"`
	Checked int         `json:"checked"`
	Tenants []Placement `json:"tenants"`
	// Disagree counts the tenants of which it was seen that their pointer is
	// wrong; the others of Tenants could not be judged.
	Disagree int `json:"disagree"`
	// Unreachable shards could not be looked at: what is there is not known.
	Unreachable []string `json:"unreachable"`
}

// MapTable is one table of the map.
type MapTable struct {
	Table        string   `json:"table"`
	Kind         string   `json:"kind"`
	Mixed        bool     `json:"mixed"`
	TenantColumn string   `json:"tenant_column"`
	Path         []string `json:"path"`
	Follows      string   `json:"follows"`
	RowsEstimate *int64   `json:"rows_estimate"`
	Moves        bool     `json:"moves"`
	// Edges are every way in which a row finds its owners, "a.x → b.y".
	Edges []string `json:"edges"`
}

// MapView is the table map.
type MapView struct {
	Profile      string     `json:"profile"`
	Database     string     `json:"database"`
	Tables       []MapTable `json:"tables"`
	Unclassified int        `json:"unclassified"`
	// Problems are what --check finds: tables nobody classified, profile
	// entries that fit nothing.
	Problems []string `json:"problems"`
}

// Assignment is the outcome of an assignment.
type Assignment struct {
	Tenant     string `json:"tenant"`
	Label      string `json:"label"`
	From       string `json:"from"`
	To         string `json:"to"`
	AuditEvent string `json:"audit_event"`
}

// Check is one check of a plan.
type Check struct {
	Name     string `json:"name"`
	Status   string `json:"status"` // ok, warning or blocker
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Evidence string `json:"evidence"`
}

// Decision is what a person has to decide before rows are written.
type Decision struct {
	Table   string   `json:"table"`
	Key     string   `json:"key"`
	Case    string   `json:"case"`
	Choices []string `json:"choices"`
	Choice  string   `json:"choice"` // "" while undecided
	Detail  string   `json:"detail"`
}

// Replacing is a column whose values are replaced, with every column that refers
// to it, in the rows whose value the target has already.
type Replacing struct {
	Table      string   `json:"table"`
	Column     string   `json:"column"`
	Rule       string   `json:"rule"` // sequence: a new id; rename: the tenant behind it
	Rows       int64    `json:"rows"`
	References []string `json:"references"`
}

// Replaced is one value that was replaced: on the source, and on the target.
type Replaced struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Source string `json:"source"`
	Target string `json:"target"`
}

// ReplacedList is what a move's values were replaced by.
type ReplacedList struct {
	ID       string     `json:"id"`
	Replaced []Replaced `json:"replaced"`
	// More says that there are further ones than were asked for.
	More bool `json:"more"`
}

// Plan is what a move would do.
type Plan struct {
	Tenant     string      `json:"tenant"`
	Label      string      `json:"label"`
	Source     string      `json:"source"`
	Target     string      `json:"target"`
	Mode       string      `json:"mode"`
	ModeReason string      `json:"mode_reason"`
	Tables     []TableRows `json:"tables"`
	Rows       int64       `json:"rows"`
	Bytes      int64       `json:"bytes"`
	EstimateMS *int64      `json:"estimate_ms"`
	// PauseMS is how long the tenant's writes are expected to wait; null with
	// EstimateMS.
	PauseMS        *int64     `json:"pause_ms"`
	EstimateReason string     `json:"estimate_ms_reason"`
	MaxReadOnlyMS  int64      `json:"max_read_only_ms"`
	Decisions      []Decision `json:"decisions"`
	// Replacing are the columns whose values are replaced where the target has
	// them.
	Replacing []Replacing `json:"replacing"`
	Checks    []Check     `json:"checks"`
	Blocked   bool        `json:"blocked"`
	Notices   []string    `json:"notices"`
	MadeAt    string      `json:"made_at"`
}

// MoveTable is one table of a move.
type MoveTable struct {
	Table       string `json:"table"`
	Kind        string `json:"kind"`
	Rows        int64  `json:"rows"`
	Bytes       int64  `json:"bytes"`
	RowsCopied  int64  `json:"rows_copied"`
	BytesCopied int64  `json:"bytes_copied"`
	Verified    bool   `json:"verified"`
	// RowsPerS and BytesPerS are null unless its rows are copied now and that has
	// been measured.
	RowsPerS  *int64 `json:"rows_per_s"`
	BytesPerS *int64 `json:"bytes_per_s"`
}

// MoveBehind is how far the side that does not serve the tenant is behind the one
// that does.
type MoveBehind struct {
	// Shard serves the tenant and has the notes.
	Shard string `json:"shard"`
	// Rows were written there and are not carried to the other; AtLeast is true
	// where there are more than were counted.
	Rows    int64 `json:"rows"`
	AtLeast bool  `json:"at_least"`
	// OldestMS is for how long the oldest of them has waited; OldestAtMost is true
	// where only that is known that it is no longer. Null where it is not known,
	// or there is none.
	OldestMS     *int64 `json:"oldest_ms"`
	OldestAtMost bool   `json:"oldest_at_most"`
	OldestReason string `json:"oldest_ms_reason"`
	// At is when they were counted.
	At string `json:"at"`
}

// TimeRange is a time between two bounds, in milliseconds.
type TimeRange struct {
	Low  int64 `json:"low"`
	High int64 `json:"high"`
}

// LogLine is one line of a move's log.
type LogLine struct {
	At      string `json:"at"`
	Level   string `json:"level"` // info, warning or error
	Message string `json:"message"`
}

// MoveView is one move. Tables and Log are empty in lists.
type MoveView struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Label  string `json:"label"`
	Source string `json:"source"`
	Target string `json:"target"`
	Mode   string `json:"mode"`
	State  string `json:"state"`
	// Step is where in its state the move is; Phase is the name people see:
	// Plan, Check, Copy, Verify, Catch up (online), Switch, Watch, Move back or
	// Finish; of a failed move, where it stopped.
	Step  string `json:"step"`
	Phase string `json:"phase"`
	// Hold is true where it was asked to stop at ready; Held where it stands there
	// and waits for a person: an online move when the target follows, a fenced one
	// with nothing copied.
	Hold bool `json:"hold"`
	Held bool `json:"held"`
	// GoesOn is true where a resume keeps what was copied, false where it removes
	// that and begins anew.
	GoesOn bool `json:"goes_on"`
	// Repairable is true where a resume may bring the rows that differed anew and
	// no others.
	Repairable  bool  `json:"repairable"`
	Rows        int64 `json:"rows"`
	Bytes       int64 `json:"bytes"`
	RowsCopied  int64 `json:"rows_copied"`
	BytesCopied int64 `json:"bytes_copied"`
	// Slowed says in how many streams rows are copied and why they are not all,
	// "" where nothing holds them back. Elsewhere than in the process that
	// carries the move out the log alone says it.
	Slowed string `json:"slowed"`
	// RowsPerS and BytesPerS are how fast rows are copied, over the last seconds;
	// null with a reason where they are not, or it was not measured.
	RowsPerS   *int64 `json:"rows_per_s"`
	BytesPerS  *int64 `json:"bytes_per_s"`
	RateReason string `json:"rate_reason"`
	// TimeLeft is how long it takes until every row was compared, or until the
	// target has caught up, as TimeLeftUntil says: compared or caught_up. It is
	// null with a reason until something was measured.
	TimeLeft       *TimeRange `json:"time_left_ms"`
	TimeLeftUntil  string     `json:"time_left_until"`
	TimeLeftReason string     `json:"time_left_reason"`
	// MeasuredAt is when pace and time left were measured, null where they were not.
	MeasuredAt *string `json:"measured_at"`
	// Behind is what is written and not carried yet: to the target before the
	// switch, back to the source after it. Null with a reason where nothing is
	// carried, or the shard does not say.
	Behind        *MoveBehind `json:"behind"`
	BehindReason  string      `json:"behind_reason"`
	MaxReadOnlyMS int64       `json:"max_read_only_ms"`
	WritePauseMS  *int64      `json:"write_pause_ms"`
	// ReadOnlySince is null unless the tenant cannot write now.
	ReadOnlySince *string  `json:"read_only_since"`
	Verified      bool     `json:"verified"`
	VerifiedAt    *string  `json:"verified_at"`
	CreatedBy     string   `json:"created_by"`
	Note          string   `json:"note"`
	CreatedAt     string   `json:"created_at"`
	StartedAt     *string  `json:"started_at"`
	SwitchedAt    *string  `json:"switched_at"`
	FinishedAt    *string  `json:"finished_at"`
	Error         *Problem `json:"error"`
	// Next are the commands that may follow, the first being the usual one.
	Next []string `json:"next"`
	// Actions are the same as verbs: switch, resume, cancel, rollback,
	// finalize.
	Actions []string `json:"actions"`
	// Owner is who carries it out now, "" for nobody. StandsStill is true where it is
	// under way and nobody does: it was parked, or whoever did is gone; resume goes on.
	Owner       string `json:"owner"`
	StandsStill bool   `json:"stands_still"`
	// Settled is true where nothing happens until a person acts.
	Settled bool        `json:"settled"`
	Tables  []MoveTable `json:"tables"`
	Log     []LogLine   `json:"log"`
	Checks  []Check     `json:"checks"`
}

// MoveList is a list of moves, the newest first.
type MoveList struct {
	Moves []MoveView `json:"moves"`
	// Queue is what queued runs keep to, null with a reason where that is not
	// known.
	Queue       *QueueState `json:"queue"`
	QueueReason string      `json:"queue_reason"`
}

// Event is one entry of the audit trail.
type Event struct {
	ID    string `json:"id"`
	Seq   int64  `json:"seq"`
	At    string `json:"at"`
	Actor string `json:"actor"`
	// ActorRef is the actor's pseudonym in the sealed event, "" in older events.
	ActorRef  string         `json:"actor_ref"`
	ActorRole string         `json:"actor_role"`
	DBUser    string         `json:"db_user"`
	Action    string         `json:"action"`
	Phase     string         `json:"phase"`
	Tenant    string         `json:"tenant"`
	Source    string         `json:"source"`
	Target    string         `json:"target"`
	Status    string         `json:"status"`
	Note      string         `json:"note"`
	MoveID    string         `json:"move_id"`
	Via       string         `json:"via"`
	Hash      string         `json:"hash"`
	Before    map[string]any `json:"before"`
	After     map[string]any `json:"after"`
	Details   map[string]any `json:"details"`
}

// EventList is a page of the trail, the newest first.
type EventList struct {
	Events []Event `json:"events"`
	// CopyTo is null where the trail itself was read; where this computer's copy of
	// it was, it is the last event of the copy, CopyAt when the copy was brought up
	// to date, and CopyReason why the trail was not read.
	CopyTo     *int64  `json:"copy_to"`
	CopyAt     *string `json:"copy_at"`
	CopyReason string  `json:"copy_reason"`
	// Next is the number after which what this page does not have yet follows.
	Next int64 `json:"next"`
}

// AuditFacets are how often each value is among the newest events of a filter.
type AuditFacets struct {
	// Events is how many were counted, at most Most; More whether older ones that the
	// filter selects were not.
	Events int64        `json:"events"`
	Most   int64        `json:"most"`
	More   bool         `json:"more"`
	Facets []AuditFacet `json:"facets"`
	// CopyTo and CopyReason are those of EventList.
	CopyTo     *int64 `json:"copy_to"`
	CopyReason string `json:"copy_reason"`
}

// AuditFacet is one kind of value.
type AuditFacet struct {
	Kind     string            `json:"kind"`     // action, outcome, operator, shard or tenant
	Distinct int64             `json:"distinct"` // how many values there are, listed or not
	Values   []AuditFacetValue `json:"values"`   // the most often first
}

// AuditFacetValue is one value, and how many events have it.
type AuditFacetValue struct {
	Value  string `json:"value"`
	Events int64  `json:"events"`
}

// AuditFilter selects events; empty fields select all.
type AuditFilter struct {
	ID     string `json:"id"` // one event's own
	Tenant string `json:"tenant"`
	Actor  string `json:"actor"`
	Shard  string `json:"shard"`
	Action string `json:"action"`
	Since  string `json:"since"` // RFC 3339, a date, or an age such as 24h
	Until  string `json:"until"`
	Search string `json:"search"`
	Status string `json:"status"` // ok, failed, refused, cancelled, rolled_back, interrupted or begun
	Before int64  `json:"before"` // events with a smaller seq, for paging
	After  int64  `json:"after"`  // events with a larger seq, the oldest of them, for following
	Limit  int    `json:"limit"`
}

// AlarmList is what this computer's copy of the trail found wrong with the server's.
type AlarmList struct {
	Alarms []AuditAlarm `json:"alarms"`
	// Hint is what to do about them.
	Hint string `json:"hint"`
}

// AuditAlarm is one disagreement between the server's trail and the copy. It
// stays until a new copy is begun with a reason.
type AuditAlarm struct {
	At string `json:"at"`
	// Kind is rollback, fork, gap or changed.
	Kind     string `json:"kind"`
	FirstSeq int64  `json:"first_seq"`
	LastSeq  int64  `json:"last_seq"`
	Message  string `json:"message"`
}

// AuditFinding is one thing that is wrong with the trail.
type AuditFinding struct {
	Seq     int64  `json:"seq"`
	Kind    string `json:"kind"`
	EventID string `json:"event_id"`
	Message string `json:"message"`
}

// AuditVerification is what verifying the trail found.
type AuditVerification struct {
	OK         bool           `json:"ok"`
	Events     int64          `json:"events"`
	FirstBad   *int64         `json:"first_bad"`
	Findings   []AuditFinding `json:"findings"`
	VerifiedAt string         `json:"verified_at"`
	// Checkpoints counts the signed checkpoints that fit; LastCheckpoint is the
	// newest event that one speaks of, null where there is none.
	Checkpoints    int64      `json:"checkpoints"`
	LastCheckpoint *int64     `json:"last_checkpoint"`
	Keys           []AuditKey `json:"keys"`
	// Unproven says in words what could not be shown.
	Unproven []string `json:"unproven"`
	// ArchivedTo is the event up to which the trail was archived and removed from
	// the control database, 0 where it is whole.
	ArchivedTo int64 `json:"archived_to"`
	// CopyTo and CopyReason are those of EventList.
	CopyTo     *int64 `json:"copy_to"`
	CopyReason string `json:"copy_reason"`
}

// AuditKey is a public key that the trail says is an operator's.
type AuditKey struct {
	Public      string `json:"public"`
	Actor       string `json:"actor"`
	EnrolledSeq int64  `json:"enrolled_seq"`
	// RevokedSeq is null while the key counts.
	RevokedSeq *int64 `json:"revoked_seq"`
}

// AuditCheckpoint is the trail's end, signed.
type AuditCheckpoint struct {
	Seq  int64  `json:"seq"`
	Note string `json:"note"`
	Key  string `json:"key"`
}

// AuditSync is what bringing this computer's copy up to date did.
type AuditSync struct {
	Pulled int64 `json:"pulled"`
	Seq    int64 `json:"seq"`
	Head   int64 `json:"head"`
}

// AuditExport is what an export or a report wrote.
type AuditExport struct {
	File     string `json:"file"`
	Manifest string `json:"manifest"`
	Kind     string `json:"kind"` // of report; "events" is an export
	Format   string `json:"format"`
	// Statement says how complete the file is, and when the chain was verified.
	Statement string `json:"statement"`
	Bytes     int64  `json:"bytes"`
	Count     int64  `json:"count"`
	FirstSeq  int64  `json:"first_seq"`
	LastSeq   int64  `json:"last_seq"`
	SHA256    string `json:"sha256"`
	ChainOK   bool   `json:"chain_ok"`
	// SignedBy is the public key that has signed the manifest, "" and a reason
	// where nothing was signed.
	SignedBy       string `json:"signed_by"`
	SignedByReason string `json:"signed_by_reason"`
	// CopiedAt is when this computer's copy, of which the file was made, was last brought
	// up to date; null where it was made of the trail itself.
	CopiedAt *string `json:"copied_at"`
}

// MissingRight is a right that the connected role lacks.
type MissingRight struct {
	Capability string `json:"capability"`
	Right      string `json:"right"`
	Grant      string `json:"grant"`
}

// DatabaseCheck is what fleet check found in one database.
type DatabaseCheck struct {
	Name       string   `json:"name"`
	Configured bool     `json:"configured"`
	Reachable  bool     `json:"reachable"`
	Host       string   `json:"host"`
	Port       int      `json:"port"`
	Database   string   `json:"database"`
	User       string   `json:"user"`
	Version    string   `json:"version"`
	TLS        string   `json:"tls"` // the protocol in use, or "none"
	TLSMode    string   `json:"tls_mode"`
	LatencyMS  *float64 `json:"latency_ms"`
	// InRecovery and ReadOnly are null where the database does not answer.
	InRecovery *bool          `json:"in_recovery"`
	ReadOnly   *bool          `json:"read_only"`
	WALLevel   string         `json:"wal_level"`
	FreeSlots  *int           `json:"free_slots"`
	Pooler     bool           `json:"pooler"`
	SameAs     string         `json:"same_as"`
	Missing    []MissingRight `json:"missing"`
	// Optional are rights without which a fleet is complete: what they allow is
	// refused.
	Optional []MissingRight `json:"optional"`
	Warnings []string       `json:"warnings"`
	Error    *string        `json:"error"`
	Problem  *Problem       `json:"problem"`
	// SSH are the hosts through which the database is reached, in their order.
	SSH []SSHHop `json:"ssh"`
}

// SSHHop is one SSH host on the way to a database.
type SSHHop struct {
	User string `json:"user"`
	Host string `json:"host"`
	Port int    `json:"port"`
	// Fingerprint is that of the key which the host has shown and which is
	// accepted; null where the host was not reached.
	Fingerprint *string `json:"fingerprint"`
}

// FleetCheck is what fleet check found.
type FleetCheck struct {
	OK        bool            `json:"ok"`
	Databases []DatabaseCheck `json:"databases"`
	CheckedAt string          `json:"checked_at"`
}

// FlagView is one flag of the policy.
type FlagView struct {
	Flag   string `json:"flag"`
	On     bool   `json:"on"`
	Where  string `json:"where"`
	Remedy string `json:"remedy"`
}

// OperatorView is one operator.
type OperatorView struct {
	Email  string `json:"email"`
	Role   string `json:"role"`
	DBRole string `json:"db_role"`
	Listed bool   `json:"listed"`
	Why    string `json:"why"`
}

// PolicyView is who may do what, for whoever uses this program.
type PolicyView struct {
	Me        OperatorView   `json:"me"`
	Operators []OperatorView `json:"operators"`
	Flags     []FlagView     `json:"flags"`
}

// InstallView is what is there of the schema of ours.
type InstallView struct {
	Schema    string `json:"schema"`
	Installed bool   `json:"installed"`
	Version   int64  `json:"version"`
	Wanted    int64  `json:"wanted"`
}

// MoveRequest is a move that somebody wants.
type MoveRequest struct {
	Tenant        string `json:"tenant"` // id or label
	Target        string `json:"target"`
	Mode          string `json:"mode"` // "", online or fenced
	MaxReadOnlyMS int64  `json:"max_read_only_ms"`
	Hold          bool   `json:"hold"`
	// FullSpeed lets an online move copy and compare as fast as it goes, whatever
	// others on the shards feel of it.
	FullSpeed bool   `json:"full_speed"`
	Priority  int    `json:"priority"`
	At        string `json:"at"` // RFC 3339; "" means now
	Note      string `json:"note"`
	Confirm   string `json:"confirm"`
	// Bulk is true for one of several tenants that are queued at once.
	Bulk bool `json:"bulk"`
	// Decisions are choices for the plan's decisions.
	Decisions []Decision `json:"decisions"`
	// AcceptAlone records that the operator accepts a fence without a second
	// live worker, in production.
	AcceptAlone bool `json:"accept_alone"`
}

// MoveAction is something to do with a move that exists.
type MoveAction struct {
	ID      string `json:"id"`
	Note    string `json:"note"`
	Confirm string `json:"confirm"`
	// RoutingConfirmed lets finalize pass although the profile does not prove
	// that the application follows the pointer; Note is the reason.
	RoutingConfirmed bool `json:"routing_confirmed"`
	// Repair lets a resume of an online move whose rows differed bring those anew,
	// and no others.
	Repair bool `json:"repair"`
	// Wait makes finalize wait out the routing time.
	Wait bool `json:"wait"`
	// Password is the database password, asked for again before finalize in
	// production.
	Password string `json:"password"`
}

// TenantFilter selects tenants for a list.
type TenantFilter struct {
	Shard  string `json:"shard"`
	Search string `json:"search"`
	// Sort is id, label, title, shard or created, and with Full size, rows or
	// changed; a leading - reverses.
	Sort   string `json:"sort"`
	Limit  int    `json:"limit"` // 100 when 0
	Offset int    `json:"offset"`
	// Full adds estimates of size and the time of the last change.
	Full bool `json:"full"`
	// State is one of the application's, or "moving" for tenants that a move
	// holds; Demo is yes or no; MinBytes bounds the estimated size.
	State    string `json:"state"`
	Demo     string `json:"demo"`
	MinBytes int64  `json:"min_bytes"`
}

// AssignRequest points a tenant to another shard without moving rows.
type AssignRequest struct {
	Tenant string `json:"tenant"` // id or label
	Shard  string `json:"shard"`
	// RowsStay lets it pass although the present shard has rows.
	RowsStay bool   `json:"rows_stay"`
	Note     string `json:"note"`
	Confirm  string `json:"confirm"`
}
