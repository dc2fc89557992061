package health

import (
	"strings"

	"shardadmin/internal/sample"
)

func foreignKeys() Check {
	return Check{
		Name: "foreign_keys", Title: "Foreign keys have an index", Group: "indexes", Tier: sample.Tables, Queries: []sample.Query{query("foreign_keys", sample.Tables)},
		Why:    "Deleting a row that is referred to reads the whole referring table for each such key. A move deletes all rows of a tenant from its source.",
		Remedy: "Create the index concurrently.",
		Thresholds: func(l Limits) string {
			return "info; warning from " + whole(l.SeqScanRows) + " rows in the referring table"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("foreign_keys") {
				s := Info
				if r.FloatOr("rows", 0) >= l.SeqScanRows {
					s = Warning
				}
				columns := make([]string, 0, 2)
				for _, c := range r.Texts("columns") {
					columns = append(columns, quoted(c))
				}
				out = append(out, Finding{
					Severity: s, Subject: named(r, "table"), Message: named(r, "table") + " (" + strings.Join(r.Texts("columns"), ", ") + ") refers to " + r.Text("referenced") + " without an index",
					Advice: "create the index; it takes no lock that writers wait for", Statement: "CREATE INDEX CONCURRENTLY ON " + quoted(r.Text("schema"), r.Text("table")) + " (" + strings.Join(columns, ", ") + ")",
					Evidence: table([]sample.Row{r}, "schema", "table", "key", "columns", "referenced", "rows"),
				})
			}
			return out
		},
	}
}
