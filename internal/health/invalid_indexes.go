package health

import (
	"shardadmin/internal/sample"
)

func invalidIndexes() Check {
	return Check{
		Name: "invalid_indexes", Title: "Every index is valid", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("invalid_indexes", sample.Tables)},
		Why:        "An index that a concurrent build left behind is kept up by every write and used by no read; a unique one does not promise anything.",
		Remedy:     "Build it anew, or drop it.",
		Thresholds: func(Limits) string { return "warning for each that nobody is building" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("invalid_indexes") {
				out = append(out, Finding{
					Severity: Warning, Subject: named(r, "index"), Message: "the index " + named(r, "index") + " of " + r.Text("table") + " is invalid: no read uses it",
					Advice: "build it anew, or drop it", Statement: "REINDEX INDEX CONCURRENTLY " + quoted(r.Text("schema"), r.Text("index")), Evidence: table([]sample.Row{r}, "schema", "table", "index", "written"),
				})
			}
			return out
		},
	}
}
