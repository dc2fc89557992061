package health

import (
	"shardadmin/internal/sample"
)

type preparedTransactionsLimits struct {
	Prepared Pair // seconds
}

func preparedTransactions() Check {
	return Check{
		Name: "prepared_transactions", Title: "No prepared transaction is forgotten", Group: "sessions", Tier: sample.Hour, Queries: []sample.Query{query("prepared_transactions", sample.Hour)},
		Why:        "A prepared transaction belongs to no session: it holds its locks and its snapshot until somebody ends it, even over a restart.",
		Remedy:     "Ask who prepared it, then commit it or roll it back.",
		Limits:     func(l *Limits) { l.Prepared = Pair{300, 1800} },
		Thresholds: func(l Limits) string { return pairOf(l.Prepared, span) },
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("prepared_transactions") {
				age := r.FloatOr("seconds", 0)
				if s := grade(age, l.Prepared); s != "" {
					out = append(out, Finding{
						Severity: s, Subject: r.Text("gid"), Value: span(age), Message: "the prepared transaction " + r.Text("gid") + " has waited for its end for " + span(age),
						Advice: "commit it or roll it back", Statement: "ROLLBACK PREPARED " + literal(r.Text("gid")), Evidence: table([]sample.Row{r}, "gid", "owner", "seconds", "age"),
					})
				}
			}
			return out
		},
	}
}
