package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type idleInTransactionLimits struct {
	IdleInTransaction Pair    // seconds
	IdleShare         float64 // of the server's own limit for such sessions
}

// idleInTransaction goes by the server's own limit for such sessions where it
// has one, since that says what its owner means by long.
func idleInTransaction() Check {
	return Check{
		Name: "idle_in_transaction", Title: "No session sleeps in a transaction", Group: "sessions", Tier: sample.Live, Monitor: true, Queries: sessionsQuery(),
		Why:    "It holds locks and an old snapshot while nothing happens; most often a client died or waits for something else.",
		Remedy: "End the session and mend the client; idle_in_transaction_session_timeout ends such sessions by itself.",
		Limits: func(l *Limits) { l.IdleInTransaction, l.IdleShare = Pair{60, 300}, 0.5 },
		Thresholds: func(l Limits) string {
			return pairOf(l.IdleInTransaction, span) + "; with an own idle_in_transaction_session_timeout a warning from " + percent(l.IdleShare) + " of it"
		},
		Blind: sessionsLeftOut,
		Judge: func(now, _ Reading, l Limits) []Finding {
			p := l.IdleInTransaction
			if row, ok := now.row("sessions"); ok {
				if own, ok := row.Float("idle_limit_seconds"); ok && own > 0 {
					p = Pair{Warning: own * l.IdleShare}
				}
			}
			s, longest, rows := ofSessions(now, p, "state_seconds", isIdle)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Subject: subject(rows[0]), Value: span(longest), Message: figure.Count(int64(len(rows)), "session") + " idle in a transaction, the longest for " + span(longest),
				Advice: "end the session and mend its client", Statement: terminate(rows[0]),
				Evidence: table(rows, "pid", "user", "application", "client", "state", "state_seconds", "query"),
			}}
		},
	}
}
