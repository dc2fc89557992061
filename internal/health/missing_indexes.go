package health

import (
	"shardadmin/internal/sample"
)

type missingIndexesLimits struct {
	SeqScanShare float64 // of a table's scans
	SeqScanRows  float64 // of at least so many rows
}

func missingIndexes() Check {
	return Check{
		Name: "missing_indexes", Title: "Large tables are not read as a whole", Group: "indexes", Tier: sample.Tables, Deltas: true, Queries: []sample.Query{query("tables", sample.Tables)},
		Why:    "Reading a whole table for a few of its rows takes time and pushes other tables out of memory.",
		Remedy: "Look for the statements on that table (top statements, auto_explain) and give their conditions an index.",
		Limits: func(l *Limits) { l.SeqScanShare, l.SeqScanRows = 0.05, 10_000 },
		Thresholds: func(l Limits) string {
			return "info where at least " + percent(l.SeqScanShare) + " of the scans between two looks read the whole of a table of " + whole(l.SeqScanRows) + " rows"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			earlier := map[string]sample.Row{}
			for _, r := range before.rows("tables") {
				earlier[r.Text("schema")+"."+r.Text("table")] = r
			}
			d, _ := window(now, before, "tables")
			out := []Finding{}
			for _, r := range now.rows("tables") {
				b, ok := earlier[r.Text("schema")+"."+r.Text("table")]
				if !ok || r.FloatOr("rows", 0) < l.SeqScanRows {
					continue
				}
				seq, ok := grown(r, b, "seq_scan")
				idx, also := grown(r, b, "idx_scan")
				if r.Value("idx_scan") == nil { // it has no index at all
					idx, also = 0, true
				}
				if !ok || !also || seq == 0 || seq/(seq+idx) < l.SeqScanShare {
					continue
				}
				out = append(out, Finding{
					Severity: Info, Subject: named(r, "table"), Value: percent(seq / (seq + idx)), Message: whole(seq) + " of " + whole(seq+idx) + " scans of " + named(r, "table") + " read all its " + whole(r.FloatOr("rows", 0)) + " rows" + over(d),
					Advice: "look for the statements and give their conditions an index", Evidence: table([]sample.Row{r}, "schema", "table", "rows", "bytes", "seq_scan", "idx_scan"),
				})
			}
			return out
		},
	}
}
