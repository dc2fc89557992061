package health

import (
	"fmt"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type deadlocksLimits struct {
	Deadlocks Pair // a minute
}

func deadlocks() Check {
	return Check{
		Name: "deadlocks", Title: "Transactions do not lock each other out", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:    "The server ends one of the two transactions with an error; somebody's request failed.",
		Remedy: "The server's log has both statements. Lock rows in the same order everywhere, or try again.",
		Limits: func(l *Limits) { l.Deadlocks = Pair{0.001, 5} },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning with any, critical from %s a minute", whole(l.Deadlocks.Critical))
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			rate, d, ok := perMinute(now, before, "deadlocks")
			s := grade(rate, l.Deadlocks)
			if !ok || s == "" {
				return nil
			}
			n, _ := delta(now, before, "database", "deadlocks")
			return []Finding{{
				Severity: s, Value: whole(n), Message: figure.Count(int64(n), "deadlock") + over(d),
				Advice: "the server's log has the statements; rows must be locked in the same order everywhere",
			}}
		},
	}
}
