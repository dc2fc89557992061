package health

import (
	"shardadmin/internal/sample"
)

type connectionsLimits struct {
	Connections Pair // share of those that applications may have
}

// connections compares with what applications may have: the reserved ones are
// for whoever comes to help.
func connections() Check {
	return Check{
		Name: "connections", Title: "Connections are left", Group: "sessions", Tier: sample.Live, Monitor: true, Server: true,
		Queries: []sample.Query{query("connections", sample.Live), query("connection_sources", sample.Live)},
		Why:     "When none is left every new connection is refused, on all databases of the server.",
		Remedy:  "The rows say who holds them. Close idle ones, make the application's pools smaller, or put a pooler in front; raising max_connections needs a restart and memory.",
		Limits:  func(l *Limits) { l.Connections = Pair{0.75, 0.9} },
		Thresholds: func(l Limits) string {
			return pairOf(l.Connections, percent) + " of max_connections − superuser_reserved_connections − reserved_connections"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			row, ok := now.row("connections")
			if !ok {
				return nil
			}
			used := row.FloatOr("used", 0)
			limit := row.FloatOr("max", 0) - row.FloatOr("reserved", 0) - row.FloatOr("reserved_for_roles", 0)
			if limit <= 0 {
				return nil
			}
			s := grade(used/limit, l.Connections)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: whole(used) + " of " + whole(limit), Message: whole(used) + " of the " + whole(limit) + " connections that applications may have are taken",
				Advice: "close what is idle, make the application's pools smaller, or put a pooler in front", Evidence: table(now.rows("connection_sources"), "connections", "state", "user", "database", "application", "client"),
			}}
		},
	}
}
