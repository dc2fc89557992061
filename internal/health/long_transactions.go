package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type longTransactionsLimits struct {
	LongTransaction Pair // seconds
}

// longTransactions are those that still do something; idle ones have a check of
// their own.
func longTransactions() Check {
	return Check{
		Name: "long_transactions", Title: "No transaction is open for long", Group: "sessions", Tier: sample.Live, Monitor: true, Queries: sessionsQuery(),
		Why:        "An open transaction keeps its locks and keeps vacuum from removing what it could still see; a move waits for it before it closes its fence.",
		Remedy:     "Find out what it does; let it finish or end it. Work on many rows belongs in batches.",
		Limits:     func(l *Limits) { l.LongTransaction = Pair{300, 1800} },
		Thresholds: func(l Limits) string { return pairOf(l.LongTransaction, span) },
		Blind:      sessionsLeftOut,
		Judge: func(now, _ Reading, l Limits) []Finding {
			s, longest, rows := ofSessions(now, l.LongTransaction, "transaction_seconds", func(r sample.Row) bool { return !isIdle(r) })
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Subject: subject(rows[0]), Value: span(longest), Message: figure.Count(int64(len(rows)), "transaction") + " open for long, the longest for " + span(longest),
				Advice: "let it finish or end it: it holds back vacuum and moves", Statement: terminate(rows[0]),
				Evidence: table(rows, "pid", "user", "application", "client", "state", "transaction_seconds", "query"),
			}}
		},
	}
}
