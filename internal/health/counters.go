package health

import (
	"time"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

// databaseQuery is asked once for all checks of the database's counters.
func databaseQuery() []sample.Query { return []sample.Query{query("database", sample.Minute)} }

// over says of which time a rate is.
func over(d time.Duration) string { return " in the last " + figure.Span(d) }

// perMinute is how fast a counter of the database ran.
func perMinute(now, before Reading, column string) (rate float64, d time.Duration, ok bool) {
	d, reason := window(now, before, "database")
	grown, ok := delta(now, before, "database", column)
	if reason != "" || !ok {
		return 0, d, false
	}
	return grown / d.Minutes(), d, true
}

// Transactions is how many transactions a second ended in the database between two
// looks; false where that is not known.
func Transactions(now, before Reading) (perSecond float64, over time.Duration, ok bool) {
	d, reason := window(now, before, "database")
	commits, first := delta(now, before, "database", "xact_commit")
	rollbacks, second := delta(now, before, "database", "xact_rollback")
	if reason != "" || !first || !second {
		return 0, d, false
	}
	return (commits + rollbacks) / d.Seconds(), d, true
}
