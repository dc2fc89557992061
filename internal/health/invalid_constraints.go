package health

import (
	"shardadmin/internal/sample"
)

func invalidConstraints() Check {
	return Check{
		Name: "invalid_constraints", Title: "Every constraint holds for every row", Group: "storage", Tier: sample.Tables, Queries: []sample.Query{query("invalid_constraints", sample.Tables)},
		Why:        "A constraint that was added NOT VALID is kept by new rows alone: older ones may break it. Such a row is refused when it is written again, as on the target of a move.",
		Remedy:     "Validate it, which reads the table beside its readers and writers and says which row breaks it; mend those rows first.",
		Thresholds: func(Limits) string { return "warning for each that is enforced and not validated" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("invalid_constraints") {
				where, statement := "table ", "ALTER TABLE "
				if r.Is("domain") {
					where, statement = "domain ", "ALTER DOMAIN "
				}
				out = append(out, Finding{
					Severity: Warning, Subject: named(r, "table") + "." + r.Text("constraint"),
					Message: "the " + r.Text("kind") + " constraint " + r.Text("constraint") + " of the " + where + named(r, "table") + " was not validated: rows from before it may break it",
					Advice:  "mend the rows that break it, then validate it", Statement: statement + quoted(r.Text("schema"), r.Text("table")) + " VALIDATE CONSTRAINT " + quoted(r.Text("constraint")),
					Evidence: table([]sample.Row{r}, "schema", "table", "constraint", "kind", "referenced", "rows"),
				})
			}
			return out
		},
	}
}
