package health

import (
	"shardadmin/internal/sample"
)

type rollbacksLimits struct {
	Rollbacks     Pair    // share
	RollbackLeast float64 // of at least so many transactions
}

func rollbacks() Check {
	return Check{
		Name: "rollbacks", Title: "Transactions succeed", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:    "Many rollbacks are failed requests, or an application that tries what it could have asked.",
		Remedy: "The server's log has the errors; the application's log knows the requests.",
		Limits: func(l *Limits) { l.Rollbacks, l.RollbackLeast = Pair{0.05, 0.2}, 100 },
		Thresholds: func(l Limits) string {
			return pairOf(l.Rollbacks, percent) + " of at least " + whole(l.RollbackLeast) + " transactions"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			back, ok := delta(now, before, "database", "xact_rollback")
			done, also := delta(now, before, "database", "xact_commit")
			d, reason := window(now, before, "database")
			if !ok || !also || reason != "" || back+done < l.RollbackLeast {
				return nil
			}
			s := grade(back/(back+done), l.Rollbacks)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: percent(back / (back + done)), Message: whole(back) + " of " + whole(back+done) + " transactions were rolled back" + over(d),
				Advice: "the server's log has the errors",
			}}
		},
	}
}
