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
	AddressReason        string  `json:"address_reason,omitempty"`
	ConnectionsReason    string  `json:"connections_reason,omitempty"`
	MaxConnectionsReason string  `json:"max_connections_reason,omitempty"`
	CapacityReason       string  `json:"capacity_bytes_reason,omitempty"`
}

// OfShard makes the document of a shard's status.
func OfShard(v session.ShardStatus) Shard {
	d := Shard{ShardStatus: v, Database: known(v.Database, v.Configured), Host: known(v.Host, v.Configured), Port: known(v.Port, v.Configured)}
	because(reason(v),
		unknown{!v.Configured, &d.AddressReason}, unknown{v.Connections == nil, &d.ConnectionsReason}, unknown{v.MaxConnections == nil, &d.MaxConnectionsReason})
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
	Control Shard   `json:"control"`
	Shards  []Shard `json:"shards"`
}

// OfStatus makes the document of a status.
func OfStatus(v session.Status) Status {
	d := Status{Status: v, Control: OfShard(v.Control), Shards: []Shard{}}
	if d.Control.Tenants == nil && d.Control.TenantsReason == "" {
		d.Control.TenantsReason = "tenants are counted by shard"
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
		x := ShardHealth{ShardHealth: h}
		why := "the shard did not answer"
		if h.Problem != nil {
			why = h.Problem.Message
		}
		because(why,
			unknown{h.LatencyMS == nil, &x.LatencyReason}, unknown{h.Connections == nil, &x.ConnectionsReason},
			unknown{h.MaxConnections == nil, &x.MaxConnectionsReason}, unknown{h.SizeBytes == nil, &x.SizeReason},
			unknown{x.CacheHitRate == nil && x.CacheReason == "", &x.CacheReason}, unknown{x.IndexHitRate == nil && x.IndexReason == "", &x.IndexReason})
		d.Shards = append(d.Shards, x)
	}
	return d
}

// Tenant is a tenant with its rows.
type Tenant struct {
	session.TenantView
	Rows        *int64 `json:"rows"`
	RowsReason  string `json:"rows_reason,omitempty"`
	Bytes       *int64 `json:"bytes"`
	BytesReason string `json:"bytes_reason,omitempty"`
	Move        *Move  `json:"move"`
}

// OfTenant makes the document of a tenant.
func OfTenant(v session.TenantView) Tenant {
	counted := v.TablesReason == ""
	d := Tenant{TenantView: v, Rows: known(v.Rows, counted), Bytes: known(v.Bytes, counted), RowsReason: v.TablesReason, BytesReason: v.TablesReason}
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

// Move is a move.
type Move struct {
	session.MoveView
	PauseReason     string      `json:"write_pause_ms_reason,omitempty"`
	RowsPerSReason  string      `json:"rows_per_s_reason,omitempty"`
	BytesPerSReason string      `json:"bytes_per_s_reason,omitempty"`
	MeasuredReason  string      `json:"measured_at_reason,omitempty"`
	Tables          []MoveTable `json:"tables"`
}

// OfMove makes the document of a move.
func OfMove(v session.MoveView) Move {
	d := Move{MoveView: v, Tables: []MoveTable{}}
	if v.WritePauseMS == nil {
		d.PauseReason = "the tenant was not switched, so its writes were not paused to the end"
	}
	because(v.RateReason, unknown{v.RowsPerS == nil, &d.RowsPerSReason}, unknown{v.BytesPerS == nil, &d.BytesPerSReason})
	because(v.TimeLeftReason, unknown{v.MeasuredAt == nil, &d.MeasuredReason})
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
}

// Check is what the check of a fleet found.
type Check struct {
	session.FleetCheck
	Databases []Database `json:"databases"`
}

// OfCheck makes the document of a fleet's check.
func OfCheck(v session.FleetCheck) Check {
	d := Check{FleetCheck: v, Databases: []Database{}}
	for _, c := range v.Databases {
		x := Database{DatabaseCheck: c, Version: known(c.Version, c.Version != ""), TLS: known(c.TLS, c.Version != ""), WALLevel: known(c.WALLevel, c.WALLevel != ""), Pooler: known(c.Pooler, c.Version != "")}
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
