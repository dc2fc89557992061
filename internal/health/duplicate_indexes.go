package health

import (
	"shardadmin/internal/sample"
)

func duplicateIndexes() Check {
	return Check{
		Name: "duplicate_indexes", Title: "No index repeats another", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("duplicate_indexes", sample.Tables)},
		Why:        "Every write keeps it up, and what it can answer another index answers, too.",
		Remedy:     "Drop the shorter one. Where it is much smaller it may still be the faster one for its column.",
		Thresholds: func(Limits) string { return "info for each; never more" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("duplicate_indexes") {
				out = append(out, Finding{
					Severity: Info, Subject: named(r, "index"), Value: text(r, "bytes"), Message: "the index " + named(r, "index") + " of " + r.Text("table") + " is covered by " + r.Text("covered_by"),
					Advice: "drop it on every shard, in a migration of the application", Statement: "DROP INDEX CONCURRENTLY " + quoted(r.Text("schema"), r.Text("index")),
					Evidence: table([]sample.Row{r}, "schema", "table", "index", "bytes", "covered_by"),
				})
			}
			return out
		},
	}
}
