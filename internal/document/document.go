package document

import (
	"shardadmin/internal/session"
)

func known[T any](v T, is bool) *T {
	if !is {
		return nil
	}
	return &v
}

// unknown is a figure that a document shows as null, and where its reason goes.
type unknown struct {
	is     bool
	reason *string
}

// because gives every figure that is not known its reason.
func because(why string, figures ...unknown) {
	for _, f := range figures {
		if f.is {
			*f.reason = why
		}
	}
}

// Shard is a shard at one look.
type Shard struct {
	session.ShardStatus
	Database             *string `json:"database"`
	Host                 *string `json:"host"`
	Port                 *int    `json:"port"`
	TLS                  *string `json:"tls"`
	AddressReason        string  `json:"address_reason,omitempty"`
	Version              *string `json:"version"`
	VersionReason        string  `json:"version_reason,omitempty"`
	ConnectionsReason    string  `json:"connections_reason,omitempty"`
	MaxConnectionsReason string  `json:"max_connections_reason,omitempty"`
	CapacityReason       string  `json:"capacity_bytes_reason,omitempty"`
}

// OfShard makes the document of a shard's status.
func OfShard(v session.ShardStatus) Shard {
	d := Shard{ShardStatus: v, Database: known(v.Database, v.Configured), Host: known(v.Host, v.Configured), Port: known(v.Port, v.Configured), TLS: known(v.TLS, v.Configured), Version: known(v.Version, v.Version != "")}
	because(reason(v),
		unknown{!v.Configured, &d.AddressReason}, unknown{d.Version == nil, &d.VersionReason},
		unknown{v.SizeBytes == nil && v.SizeReason == "", &d.SizeReason}, unknown{v.LatencyMS == nil && v.LatencyReason == "", &d.LatencyReason},
		unknown{v.Connections == nil, &d.ConnectionsReason}, unknown{v.MaxConnections == nil, &d.MaxConnectionsReason})
	because("the fleet file says nothing of a capacity", unknown{v.CapacityBytes == nil, &d.CapacityReason})
	return d
}

// reason is why a shard's figures are not known.
func reason(v session.ShardStatus) string {
	if v.Error != nil {
		return *v.Error
	}
	return "the shard did not answer"
}

// Status is a fleet at one look.
type Status struct {
	session.Status
	Control   Shard   `json:"control"`
	Shards    []Shard `json:"shards"`
	Installed *bool   `json:"installed"`
}

// OfStatus makes the document of a status.
func OfStatus(v session.Status) Status {
	d := Status{Status: v, Control: OfShard(v.Control), Shards: []Shard{}, Installed: known(v.Installed, v.InstalledReason == "")}
	if d.Control.Tenants == nil && d.Control.TenantsReason == "" {
		d.Control.TenantsReason = "tenants are counted by shard"
	}
	if d.Control.OpenMoves == nil && d.Control.OpenMovesReason == "" {
		d.Control.OpenMovesReason = "moves are counted by shard"
	}
	for _, s := range v.Shards {
		d.Shards = append(d.Shards, OfShard(s))
	}
	return d
}

// ShardHealth is one shard of a Health.
type ShardHealth struct {
	session.ShardHealth
	LatencyReason        string `json:"latency_ms_reason,omitempty"`
	ConnectionsReason    string `json:"connections_reason,omitempty"`
	MaxConnectionsReason string `json:"max_connections_reason,omitempty"`
	SizeReason           string `json:"size_bytes_reason,omitempty"`
	Growth               Growth `json:"growth"`
}

// Growth is how a shard's database grows.
type Growth struct {
	session.Growth
	PerDayReason     string `json:"bytes_per_day_reason,omitempty"`
	PerDayFromReason string `json:"bytes_per_day_from_reason,omitempty"`
	PerDayToReason   string `json:"bytes_per_day_to_reason,omitempty"`
	FullFromReason   string `json:"full_in_days_from_reason,omitempty"`
	FullToReason     string `json:"full_in_days_to_reason,omitempty"`
}

func ofGrowth(v session.Growth) Growth {
	d := Growth{Growth: v}
	because(v.Reason, unknown{v.BytesPerDay == nil, &d.PerDayReason}, unknown{v.BytesPerDayFrom == nil, &d.PerDayFromReason}, unknown{v.BytesPerDayTo == nil, &d.PerDayToReason})
	full := v.FullReason
	if full == "" {
		full = "more than two years off"
	}
	because(full, unknown{v.FullInDaysFrom == nil, &d.FullFromReason}, unknown{v.FullInDaysTo == nil, &d.FullToReason})
	return d
}

// Health is what the checks found.
type Health struct {
	Shards []ShardHealth     `json:"shards"`
	Fleet  []session.Finding `json:"fleet"`
}

// OfHealth makes the document of the health of shards.
func OfHealth(v session.Health) Health {
	d := Health{Shards: []ShardHealth{}, Fleet: v.Fleet}
	for _, h := range v.Shards {
		x := ShardHealth{ShardHealth: h, Growth: ofGrowth(h.Growth)}
		why := "the shard did not answer"
		if h.Problem != nil {
			why = h.Problem.Message
		}
		because(why,
			unknown{h.LatencyMS == nil, &x.LatencyReason}, unknown{h.Connections == nil, &x.ConnectionsReason},
			unknown{h.MaxConnections == nil, &x.MaxConnectionsReason}, unknown{h.SizeBytes == nil, &x.SizeReason},
			unknown{x.CacheHitRate == nil && x.CacheReason == "", &x.CacheReason}, unknown{x.IndexHitRate == nil && x.IndexReason == "", &x.IndexReason},
			unknown{x.CacheSince == nil && x.CacheSinceReason == "", &x.CacheSinceReason}, unknown{x.IndexSince == nil && x.IndexSinceReason == "", &x.IndexSinceReason})
		d.Shards = append(d.Shards, x)
	}
	return d
}

// Tenant is a tenant with its rows.
type Tenant struct {
	session.TenantView
	Rows                *int64  `json:"rows"`
	RowsReason          string  `json:"rows_reason,omitempty"`
	Bytes               *int64  `json:"bytes"`
	BytesReason         string  `json:"bytes_reason,omitempty"`
	CountedAt           *string `json:"counted_at"`
	CountedAtReason     string  `json:"counted_at_reason,omitempty"`
	RowsEstimateReason  string  `json:"rows_estimate_reason,omitempty"`
	BytesEstimateReason string  `json:"bytes_estimate_reason,omitempty"`
	ChangedAtReason     string  `json:"changed_at_reason,omitempty"`
	Move                *Move   `json:"move"`
}

// unheld is why a tenant has no move where it is known that it has none.
const unheld = "no move holds the tenant"

// TenantRow is one tenant of a Tenants.
type TenantRow struct {
	session.TenantRow
	RowsEstimateReason  string `json:"rows_estimate_reason,omitempty"`
	BytesEstimateReason string `json:"bytes_estimate_reason,omitempty"`
	ChangedAtReason     string `json:"changed_at_reason,omitempty"`
}

// Tenants is a page of tenants.
type Tenants struct {
	session.TenantList
	Tenants []TenantRow `json:"tenants"`
}

// OfTenants makes the document of a list of tenants that asked for sizes and changes.
func OfTenants(v session.TenantList) Tenants {
	d := Tenants{TenantList: v, Tenants: []TenantRow{}}
	for _, t := range v.Tenants {
		x := TenantRow{TenantRow: t}
		because(unheld, unknown{t.MoveID == nil && t.MoveReason == "", &x.MoveReason})
		because(t.EstimateReason, unknown{t.RowsEstimate == nil, &x.RowsEstimateReason}, unknown{t.BytesEstimate == nil, &x.BytesEstimateReason})
		changed := v.ChangedReason
		if changed == "" {
			changed = "it was never assigned or moved"
		}
		because(changed, unknown{t.ChangedAt == nil, &x.ChangedAtReason})
		d.Tenants = append(d.Tenants, x)
	}
	return d
}

// OfTenant makes the document of a tenant.
func OfTenant(v session.TenantView) Tenant {
	counted := v.TablesReason == ""
	d := Tenant{TenantView: v, Rows: known(v.Rows, counted), Bytes: known(v.Bytes, counted), RowsReason: v.TablesReason, BytesReason: v.TablesReason, CountedAt: known(v.CountedAt, counted), CountedAtReason: v.TablesReason}
	because(v.EstimateReason, unknown{v.RowsEstimate == nil, &d.RowsEstimateReason}, unknown{v.BytesEstimate == nil, &d.BytesEstimateReason})
	because("a list that asks for sizes has it", unknown{v.ChangedAt == nil, &d.ChangedAtReason})
	because(unheld, unknown{v.MoveID == nil && v.MoveReason == "", &d.MoveReason})
	if v.Move != nil {
		m := OfMove(*v.Move)
		d.Move = &m
	}
	return d
}

// Placement is where one tenant's rows are.
type Placement struct {
	session.Placement
	RowsOn []string `json:"rows_on"`
}

// PlacementCheck compares pointers with rows.
type PlacementCheck struct {
	session.PlacementCheck
	Tenants []Placement `json:"tenants"`
}

// OfPlacement makes the document of a comparison of pointers with rows. Where
// nothing was seen and a shard did not answer, it is not known where rows are.
func OfPlacement(v session.PlacementCheck) PlacementCheck {
	d := PlacementCheck{PlacementCheck: v, Tenants: []Placement{}}
	for _, t := range v.Tenants {
		x := Placement{Placement: t, RowsOn: t.RowsOn}
		if t.RowsOnReason != "" && len(t.RowsOn) == 0 {
			x.RowsOn = nil
		}
		d.Tenants = append(d.Tenants, x)
	}
	return d
}

// MapTable is one table of a Map.
type MapTable struct {
	session.MapTable
	RowsReason string `json:"rows_estimate_reason,omitempty"`
}

// Map is what the table map says.
type Map struct {
	session.MapView
	Tables []MapTable `json:"tables"`
}

// OfMap makes the document of the table map.
func OfMap(v session.MapView) Map {
	d := Map{MapView: v, Tables: []MapTable{}}
	for _, t := range v.Tables {
		x := MapTable{MapTable: t}
		if t.RowsEstimate == nil {
			x.RowsReason = "the table was never analyzed"
		}
		d.Tables = append(d.Tables, x)
	}
	return d
}

// MoveTable is one table of a Move.
type MoveTable struct {
	session.MoveTable
	RowsPerSReason  string `json:"rows_per_s_reason,omitempty"`
	BytesPerSReason string `json:"bytes_per_s_reason,omitempty"`
}

// Behind is how far the other side of a move is behind.
type Behind struct {
	session.MoveBehind
	OldestReason string `json:"oldest_ms_reason"`
}

func ofBehind(v *session.MoveBehind) *Behind {
	if v == nil {
		return nil
	}
	d := &Behind{MoveBehind: *v, OldestReason: v.OldestReason}
	because("nothing waits to be carried", unknown{v.OldestMS == nil && v.OldestReason == "", &d.OldestReason})
	return d
}

// Move is a move.
type Move struct {
	session.MoveView
	Behind          *Behind     `json:"behind"`
	PauseReason     string      `json:"write_pause_ms_reason,omitempty"`
	RowsPerSReason  string      `json:"rows_per_s_reason,omitempty"`
	BytesPerSReason string      `json:"bytes_per_s_reason,omitempty"`
	TimeLeftReason  string      `json:"time_left_ms_reason,omitempty"`
	MeasuredReason  string      `json:"measured_at_reason,omitempty"`
	Tables          []MoveTable `json:"tables"`
}

// OfMove makes the document of a move.
func OfMove(v session.MoveView) Move {
	d := Move{MoveView: v, Behind: ofBehind(v.Behind), Tables: []MoveTable{}}
	if v.WritePauseMS == nil {
		d.PauseReason = "the tenant was not switched, so its writes were not paused to the end"
	}
	because(v.RateReason, unknown{v.RowsPerS == nil, &d.RowsPerSReason}, unknown{v.BytesPerS == nil, &d.BytesPerSReason})
	because(v.TimeLeftReason, unknown{v.TimeLeft == nil, &d.TimeLeftReason}, unknown{v.MeasuredAt == nil, &d.MeasuredReason})
	for _, t := range v.Tables {
		x := MoveTable{MoveTable: t}
		why := v.RateReason
		if why == "" {
			why = "its rows are not copied now"
		}
		because(why, unknown{t.RowsPerS == nil, &x.RowsPerSReason}, unknown{t.BytesPerS == nil, &x.BytesPerSReason})
		d.Tables = append(d.Tables, x)
	}
	return d
}

// Moves is a list of moves.
type Moves struct {
	session.MoveList
	Moves []Move `json:"moves"`
}

// OfMoves makes the document of a list of moves.
func OfMoves(v session.MoveList) Moves {
	d := Moves{MoveList: v, Moves: []Move{}}
	for _, m := range v.Moves {
		d.Moves = append(d.Moves, OfMove(m))
	}
	return d
}

// Database is one database of a Check.
type Database struct {
	session.DatabaseCheck
	Version         *string `json:"version"`
	VersionReason   string  `json:"version_reason,omitempty"`
	TLS             *string `json:"tls"`
	TLSReason       string  `json:"tls_reason,omitempty"`
	WALLevel        *string `json:"wal_level"`
	WALLevelReason  string  `json:"wal_level_reason,omitempty"`
	Pooler          *bool   `json:"pooler"`
	PoolerReason    string  `json:"pooler_reason,omitempty"`
	LatencyReason   string  `json:"latency_ms_reason,omitempty"`
	RecoveryReason  string  `json:"in_recovery_reason,omitempty"`
	ReadOnlyReason  string  `json:"read_only_reason,omitempty"`
	FreeSlotsReason string  `json:"free_slots_reason,omitempty"`
	MissingReason   string  `json:"missing_reason,omitempty"`
	SSH             []Hop   `json:"ssh"`
}

// Hop is one SSH host on the way to a database.
type Hop struct {
	session.SSHHop
	FingerprintReason string `json:"fingerprint_reason,omitempty"`
}

func ofHops(v []session.SSHHop) []Hop {
	out := []Hop{}
	for _, h := range v {
		x := Hop{SSHHop: h}
		because("the host was not reached, or its key is not accepted", unknown{h.Fingerprint == nil, &x.FingerprintReason})
		out = append(out, x)
	}
	return out
}

// HostKey is the key that an SSH host has shown.
type HostKey struct {
	session.HostKey
	Way []Hop `json:"way"`
}

// OfHostKey makes the document of the key of an SSH host.
func OfHostKey(v session.HostKey) HostKey { return HostKey{v, ofHops(v.Way)} }

// Check is what the check of a fleet found.
type Check struct {
	session.FleetCheck
	Databases []Database `json:"databases"`
}

// OfCheck makes the document of a fleet's check.
func OfCheck(v session.FleetCheck) Check {
	d := Check{FleetCheck: v, Databases: []Database{}}
	for _, c := range v.Databases {
		x := Database{DatabaseCheck: c, Version: known(c.Version, c.Version != ""), TLS: known(c.TLS, c.Version != ""), WALLevel: known(c.WALLevel, c.WALLevel != ""), Pooler: known(c.Pooler, c.Version != ""), SSH: ofHops(c.SSH)}
		why := "the database is known and has no connection in the fleet file"
		if c.Error != nil {
			why = *c.Error
		}
		because(why,
			unknown{x.Version == nil, &x.VersionReason}, unknown{x.TLS == nil, &x.TLSReason}, unknown{c.LatencyMS == nil, &x.LatencyReason},
			unknown{x.WALLevel == nil, &x.WALLevelReason}, unknown{x.Pooler == nil, &x.PoolerReason},
			unknown{c.InRecovery == nil, &x.RecoveryReason}, unknown{c.ReadOnly == nil, &x.ReadOnlyReason}, unknown{c.FreeSlots == nil, &x.FreeSlotsReason},
			unknown{c.Error != nil || !c.Configured, &x.MissingReason})
		d.Databases = append(d.Databases, x)
	}
	return d
}

// Plan is what a move would do.
type Plan struct {
	session.Plan
	Rows        *int64 `json:"rows"`
	RowsReason  string `json:"rows_reason,omitempty"`
	Bytes       *int64 `json:"bytes"`
	BytesReason string `json:"bytes_reason,omitempty"`
	PauseReason string `json:"pause_ms_reason,omitempty"`
}

// OfPlan makes the document of a plan. Nothing was measured where no time is given.
func OfPlan(v session.Plan) Plan {
	measured := v.EstimateReason == ""
	d := Plan{Plan: v, Rows: known(v.Rows, measured), Bytes: known(v.Bytes, measured)}
	because(v.EstimateReason, unknown{!measured, &d.RowsReason}, unknown{!measured, &d.BytesReason}, unknown{v.PauseMS == nil, &d.PauseReason})
	return d
}

// Export is what an export or a report wrote.
type Export struct {
	session.AuditExport
	SignedBy *string `json:"signed_by"`
}

// OfExport makes the document of an export.
func OfExport(v session.AuditExport) Export {
	return Export{v, known(v.SignedBy, v.SignedBy != "")}
}
