package health

import (
	"shardadmin/internal/sample"
)

type horizonLimits struct {
	Horizon Pair // transactions since the oldest snapshot
}

// horizon names whoever holds the oldest snapshot by what they are, since each
// is ended in another way.
func horizon() Check {
	return Check{
		Name: "horizon", Title: "Vacuum may remove old rows", Group: "sessions", Tier: sample.Hour, Monitor: true, Server: true, Queries: []sample.Query{query("horizon", sample.Hour)},
		Why:        "While somebody could still see old versions of rows, vacuum keeps them in every table of the server: tables and indexes grow and get slower.",
		Remedy:     "End the session, the prepared transaction or the query on the standby that holds the snapshot; drop a slot that nobody reads.",
		Limits:     func(l *Limits) { l.Horizon = Pair{1e6, 1e7} },
		Thresholds: func(l Limits) string { return pairOf(l.Horizon, whole) + " transactions since the oldest snapshot" },
		Judge: func(now, _ Reading, l Limits) []Finding {
			rows := now.rows("horizon")
			if len(rows) == 0 {
				return nil
			}
			age := rows[0].FloatOr("age", 0)
			s := grade(age, l.Horizon)
			if s == "" {
				return nil
			}
			r := rows[0]
			f := Finding{
				Severity: s, Subject: r.Text("kind") + " " + r.Text("holder"), Value: whole(age) + " transactions",
				Message:  "the " + r.Text("kind") + " " + r.Text("holder") + " has kept vacuum from removing rows for " + whole(age) + " transactions",
				Evidence: table(rows, "kind", "holder", "user", "application", "database", "age"),
			}
			switch r.Text("kind") {
			case "session":
				f.Advice, f.Statement = "end the session", "SELECT pg_terminate_backend("+r.Text("holder")+")"
			case "prepared transaction":
				f.Advice, f.Statement = "commit or roll it back, in the database "+r.Text("database")+" alone that is possible", "ROLLBACK PREPARED "+literal(r.Text("holder"))
			case "replication slot":
				f.Advice, f.Statement = "let its reader go on, or drop the slot if there is none", "SELECT pg_drop_replication_slot("+literal(r.Text("holder"))+")"
			default:
				f.Advice = "end the long query on the standby, or turn hot_standby_feedback off there"
			}
			return []Finding{f}
		},
	}
}
