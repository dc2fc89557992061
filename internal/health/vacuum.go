package health

import (
	"fmt"

	"shardadmin/internal/sample"
)

type vacuumLimits struct {
	DeadRows  Pair    // times the table's own trigger
	DeadLeast float64 // rows below which nothing is said
}

func vacuum() Check {
	return Check{
		Name: "vacuum", Title: "Vacuum keeps up", Group: "storage", Tier: sample.Tables,
		Queries: []sample.Query{query("tables", sample.Tables), query("vacuum_progress", sample.Live)},
		Why:     "Dead rows are read and skipped by every scan, and their room is not used again; autovacuum should have come at the table's own trigger.",
		Remedy:  "See whether it runs and is slow, is kept from the table by a lock, or is held back by an old snapshot (horizon); then give it more cost, or run VACUUM.",
		Limits:  func(l *Limits) { l.DeadRows, l.DeadLeast = Pair{2, 10}, 1000 },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning from %gx, critical from %gx the table's own trigger, and at least %s dead rows", l.DeadRows.Warning, l.DeadRows.Critical, whole(l.DeadLeast))
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("tables") {
				dead, trigger := r.FloatOr("dead", 0), r.FloatOr("trigger", 0)
				if dead < l.DeadLeast || trigger <= 0 {
					continue
				}
				s := grade(dead/trigger, l.DeadRows)
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "table"), Value: fmt.Sprintf("%.1fx its trigger", dead/trigger),
					Message:   named(r, "table") + " has " + whole(dead) + " dead rows; autovacuum should have come at " + whole(trigger),
					Advice:    "see what keeps vacuum from it, or run it",
					Statement: "VACUUM (VERBOSE) " + quoted(r.Text("schema"), r.Text("table")),
					Evidence:  table([]sample.Row{r}, "schema", "table", "live", "dead", "trigger", "bytes", "last_vacuum", "last_autovacuum"),
				}
				if !r.Is("autovacuum") {
					f.Advice = "autovacuum is switched off for the table; run vacuum, or switch it on"
				}
				for _, p := range now.rows("vacuum_progress") {
					if p.Text("schema") == r.Text("schema") && p.Text("table") == r.Text("table") {
						f.Advice = "a vacuum is at it: " + p.Text("phase")
						f.Statement = ""
						f.Evidence = table([]sample.Row{p}, "pid", "schema", "table", "phase", "blocks", "scanned", "index_rounds", "indexes_total", "indexes_processed", "seconds", "by")
					}
				}
				if out = append(out, f); len(out) == most {
					break
				}
			}
			return out
		},
	}
}
