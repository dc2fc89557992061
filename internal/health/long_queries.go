package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type longQueriesLimits struct {
	LongQuery Pair // seconds
}

func longQueries() Check {
	return Check{
		Name: "long_queries", Title: "No statement runs for long", Group: "sessions", Tier: sample.Live, Monitor: true, Queries: append(sessionsQuery(), progressQuery()),
		Why:        "A statement that runs for minutes takes a processor or the disk from all tenants of the shard, and holds back vacuum.",
		Remedy:     "See what it waits for, and how far it is where it builds an index, analyzes, clusters or copies; cancel it where it is not wanted. statement_timeout is the lasting remedy for an application's role.",
		Limits:     func(l *Limits) { l.LongQuery = Pair{60, 600} },
		Thresholds: func(l Limits) string { return pairOf(l.LongQuery, span) },
		Blind:      sessionsLeftOut,
		Judge: func(now, _ Reading, l Limits) []Finding {
			s, longest, rows := ofSessions(now, l.LongQuery, "statement_seconds", func(r sample.Row) bool { return r.Text("state") == "active" && r.Text("wait_event_type") != "Lock" })
			if s == "" {
				return nil
			}
			advice := "see what it does; cancelling ends the statement alone"
			if says := progress(now)[rows[0].IntOr("pid", 0)]; says != "" {
				advice = "it is at work, " + says + "; cancelling ends the statement alone"
			}
			return []Finding{{
				Severity: s, Subject: subject(rows[0]), Value: span(longest), Message: figure.Count(int64(len(rows)), "statement") + " running for long, the longest for " + span(longest),
				Advice: advice, Statement: cancel(rows[0]),
				Evidence: withProgress(table(rows, "pid", "user", "application", "client", "wait_event", "statement_seconds", "query"), now, rows),
			}}
		},
	}
}
