package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type sequencesLimits struct {
	Sequence Pair // share of what the sequence and its column can hold
}

func sequences() Check {
	return Check{
		Name: "sequences", Title: "Sequences have numbers left", Group: "storage", Tier: sample.Hour, Queries: []sample.Query{query("sequences", sample.Hour)},
		Why:    "At the end of the sequence, or of the column's type before it, every insert fails.",
		Remedy: "Make the column bigint ahead of time: changing the type writes the whole table anew, so add a new column and fill it in batches. Columns that refer to it need the same.",
		Limits: func(l *Limits) { l.Sequence = Pair{0.7, 0.9} },
		Thresholds: func(l Limits) string {
			return pairOf(l.Sequence, percent) + " of the smaller of the sequence and the column's type"
		},
		Blind: func(now, _ Reading) (string, string) {
			n, schema := int64(0), ""
			for _, r := range now.rows("sequences") {
				if !r.Is("readable") {
					n++
					schema = r.Text("schema")
				}
			}
			if n == 0 {
				return "", ""
			}
			return "the role may not read " + figure.Count(n, "sequence"), "GRANT SELECT ON ALL SEQUENCES IN SCHEMA " + quoted(schema) + " TO " + quoted(now.Server.Role)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("sequences") {
				last, known := r.Float("last")
				if !known || r.Is("cycles") {
					continue
				}
				lowest, end := r.FloatOr("lowest", 1), r.FloatOr("highest", 0)
				if typed, ok := r.Float("type_highest"); ok {
					end = min(end, typed)
				}
				used := (last - max(lowest, 0)) / (end - max(lowest, 0))
				if r.IntOr("increment", 1) < 0 {
					used = (r.FloatOr("highest", 0) - last) / (r.FloatOr("highest", 0) - lowest)
				}
				s := grade(used, l.Sequence)
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: named(r, "sequence"), Value: percent(used), Message: "the sequence " + named(r, "sequence") + " has given " + percent(used) + " of its numbers; the last was " + text(r, "last"),
					Advice: "make room ahead of time", Evidence: table([]sample.Row{r}, "schema", "sequence", "last", "highest", "increment", "owner_table", "owner_column", "type"),
				}
				switch t := r.Text("type"); {
				case r.Text("owner_table") != "" && t != "bigint":
					f.Advice = "make " + r.Text("owner_table") + "." + r.Text("owner_column") + " (" + t + ") and what refers to it bigint; the statement locks and writes the table anew"
					f.Statement = "ALTER TABLE " + quoted(r.Text("owner_schema"), r.Text("owner_table")) + " ALTER COLUMN " + quoted(r.Text("owner_column")) + " TYPE bigint"
				case end < 1<<62:
					f.Statement = "ALTER SEQUENCE " + quoted(r.Text("schema"), r.Text("sequence")) + " AS bigint NO MAXVALUE"
				}
				out = append(out, f)
			}
			return out
		},
	}
}
