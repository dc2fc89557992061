package health

import (
	"fmt"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type bloatLimits struct {
	BloatShare Pair
	BloatBytes Pair
}

func bloat() Check {
	return Check{
		Name: "bloat", Title: "Tables and indexes are not much larger than their rows", Group: "storage", Tier: sample.Day,
		Queries: []sample.Query{query("bloat", sample.Day), query("unreadable", sample.Day)},
		Why:     "Empty room is read, cached and backed up like the rest.",
		Remedy:  "REINDEX CONCURRENTLY for indexes; for tables pg_repack or a quiet hour for VACUUM FULL, which locks the table. Moving tenants away leaves such room behind.",
		Limits:  func(l *Limits) { l.BloatShare, l.BloatBytes = Pair{0.5, 0.7}, Pair{gB, 5 * gB} },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("estimate: warning from %s and %s, critical from %s and %s", percent(l.BloatShare.Warning), size(l.BloatBytes.Warning), percent(l.BloatShare.Critical), size(l.BloatBytes.Critical))
		},
		Blind: func(now, _ Reading) (string, string) {
			row, _ := now.row("unreadable")
			n := row.IntOr("tables", 0)
			if n == 0 {
				return "", ""
			}
			return "the role may not read " + figure.Count(n, "table") + ", whose bloat cannot be estimated", "GRANT SELECT ON ALL TABLES IN SCHEMA " + quoted(row.Text("schema")) + " TO " + quoted(now.Server.Role)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("bloat") {
				share, wasted := r.FloatOr("share", 0), r.FloatOr("wasted_bytes", 0)
				var s Severity
				switch {
				case share >= l.BloatShare.Critical && wasted >= l.BloatBytes.Critical:
					s = Critical
				case share >= l.BloatShare.Warning && wasted >= l.BloatBytes.Warning:
					s = Warning
				default:
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "name"), Value: size(wasted), Message: "about " + percent(share) + " of the " + r.Text("kind") + " " + named(r, "name") + " is empty room, " + size(wasted) + " (an estimate)",
					Advice: "pg_repack, or VACUUM FULL at a quiet hour: it locks the table", Evidence: table([]sample.Row{r}, "kind", "schema", "name", "bytes", "wasted_bytes", "share"),
				}
				if r.Text("kind") == "index" {
					f.Advice, f.Statement = "write the index anew beside its users", "REINDEX INDEX CONCURRENTLY "+quoted(r.Text("schema"), r.Text("name"))
				}
				out = append(out, f)
			}
			return out
		},
	}
}
