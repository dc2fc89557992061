package cli

import (
	"shardadmin/internal/session"
)

// The documents are the views as scripts read them: what is not known is null
// beside a reason and never a zero, an empty word or "none". A field of an
// outer struct stands in for the view's own of the same name.

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

type shardDocument struct {
	session.ShardStatus
	Database             *string `json:"database"`
	Host                 *string `json:"host"`
	Port                 *int    `json:"port"`
	AddressReason        string  `json:"address_reason,omitempty"`
	ConnectionsReason    string  `json:"connections_reason,omitempty"`
	MaxConnectionsReason string  `json:"max_connections_reason,omitempty"`
	CapacityReason       string  `json:"capacity_bytes_reason,omitempty"`
}

func shardDocumentOf(v session.ShardStatus) shardDocument {
	d := shardDocument{ShardStatus: v, Database: known(v.Database, v.Configured), Host: known(v.Host, v.Configured), Port: known(v.Port, v.Configured)}
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

type statusDocument struct {
	session.Status
	Control shardDocument   `json:"control"`
	Shards  []shardDocument `json:"shards"`
}

func statusDocumentOf(v session.Status) statusDocument {
	d := statusDocument{Status: v, Control: shardDocumentOf(v.Control), Shards: []shardDocument{}}
	for _, s := range v.Shards {
		d.Shards = append(d.Shards, shardDocumentOf(s))
	}
	return d
}

type shardHealthDocument struct {
	session.ShardHealth
	LatencyReason        string `json:"latency_ms_reason,omitempty"`
	ConnectionsReason    string `json:"connections_reason,omitempty"`
	MaxConnectionsReason string `json:"max_connections_reason,omitempty"`
	SizeReason           string `json:"size_bytes_reason,omitempty"`
}

type healthDocument struct {
	Shards []shardHealthDocument `json:"shards"`
	Fleet  []session.Finding     `json:"fleet"`
}

func healthDocumentOf(v session.Health) healthDocument {
	d := healthDocument{Shards: []shardHealthDocument{}, Fleet: v.Fleet}
	for _, h := range v.Shards {
		x := shardHealthDocument{ShardHealth: h}
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

type tenantDocument struct {
	session.TenantView
	Rows        *int64        `json:"rows"`
	RowsReason  string        `json:"rows_reason,omitempty"`
	Bytes       *int64        `json:"bytes"`
	BytesReason string        `json:"bytes_reason,omitempty"`
	Move        *moveDocument `json:"move"`
}

func tenantDocumentOf(v session.TenantView) tenantDocument {
	counted := v.TablesReason == ""
	d := tenantDocument{TenantView: v, Rows: known(v.Rows, counted), Bytes: known(v.Bytes, counted), RowsReason: v.TablesReason, BytesReason: v.TablesReason}
	if v.Move != nil {
		m := moveDocumentOf(*v.Move)
		d.Move = &m
	}
	return d
}

type mapTableDocument struct {
	session.MapTable
	RowsReason string `json:"rows_estimate_reason,omitempty"`
}

type mapDocument struct {
	session.MapView
	Tables []mapTableDocument `json:"tables"`
}

func mapDocumentOf(v session.MapView) mapDocument {
	d := mapDocument{MapView: v, Tables: []mapTableDocument{}}
	for _, t := range v.Tables {
		x := mapTableDocument{MapTable: t}
		if t.RowsEstimate == nil {
			x.RowsReason = "the table was never analyzed"
		}
		d.Tables = append(d.Tables, x)
	}
	return d
}

type moveTableDocument struct {
	session.MoveTable
	RowsPerSReason  string `json:"rows_per_s_reason,omitempty"`
	BytesPerSReason string `json:"bytes_per_s_reason,omitempty"`
}

type moveDocument struct {
	session.MoveView
	PauseReason     string              `json:"write_pause_ms_reason,omitempty"`
	RowsPerSReason  string              `json:"rows_per_s_reason,omitempty"`
	BytesPerSReason string              `json:"bytes_per_s_reason,omitempty"`
	MeasuredReason  string              `json:"measured_at_reason,omitempty"`
	Tables          []moveTableDocument `json:"tables"`
}

func moveDocumentOf(v session.MoveView) moveDocument {
	d := moveDocument{MoveView: v, Tables: []moveTableDocument{}}
	if v.WritePauseMS == nil {
		d.PauseReason = "the tenant was not switched, so its writes were not paused to the end"
	}
	because(v.RateReason, unknown{v.RowsPerS == nil, &d.RowsPerSReason}, unknown{v.BytesPerS == nil, &d.BytesPerSReason})
	because(v.TimeLeftReason, unknown{v.MeasuredAt == nil, &d.MeasuredReason})
	for _, t := range v.Tables {
		x := moveTableDocument{MoveTable: t}
		why := v.RateReason
		if why == "" {
			why = "its rows are not copied now"
		}
		because(why, unknown{t.RowsPerS == nil, &x.RowsPerSReason}, unknown{t.BytesPerS == nil, &x.BytesPerSReason})
		d.Tables = append(d.Tables, x)
	}
	return d
}

type movesDocument struct {
	session.MoveList
	Moves []moveDocument `json:"moves"`
}

func movesDocumentOf(v session.MoveList) movesDocument {
	d := movesDocument{MoveList: v, Moves: []moveDocument{}}
	for _, m := range v.Moves {
		d.Moves = append(d.Moves, moveDocumentOf(m))
	}
	return d
}

type databaseDocument struct {
	session.DatabaseCheck
	Version         *string `json:"version"`
	VersionReason   string  `json:"version_reason,omitempty"`
	TLS             *string `json:"tls"`
	TLSReason       string  `json:"tls_reason,omitempty"`
	LatencyReason   string  `json:"latency_ms_reason,omitempty"`
	RecoveryReason  string  `json:"in_recovery_reason,omitempty"`
	ReadOnlyReason  string  `json:"read_only_reason,omitempty"`
	FreeSlotsReason string  `json:"free_slots_reason,omitempty"`
	MissingReason   string  `json:"missing_reason,omitempty"`
}

type checkDocument struct {
	session.FleetCheck
	Databases []databaseDocument `json:"databases"`
}

func checkDocumentOf(v session.FleetCheck) checkDocument {
	d := checkDocument{FleetCheck: v, Databases: []databaseDocument{}}
	for _, c := range v.Databases {
		x := databaseDocument{DatabaseCheck: c, Version: known(c.Version, c.Version != ""), TLS: known(c.TLS, c.Version != "")}
		why := "the database is known and has no connection in the fleet file"
		if c.Error != nil {
			why = *c.Error
		}
		because(why,
			unknown{x.Version == nil, &x.VersionReason}, unknown{x.TLS == nil, &x.TLSReason}, unknown{c.LatencyMS == nil, &x.LatencyReason},
			unknown{c.InRecovery == nil, &x.RecoveryReason}, unknown{c.ReadOnly == nil, &x.ReadOnlyReason}, unknown{c.FreeSlots == nil, &x.FreeSlotsReason},
			unknown{c.Error != nil || !c.Configured, &x.MissingReason})
		d.Databases = append(d.Databases, x)
	}
	return d
}
