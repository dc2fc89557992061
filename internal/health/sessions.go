package health

import (
	"cmp"
	"slices"
	"strings"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

// sessionsQuery is asked once for all checks of sessions that take long.
func sessionsQuery() []sample.Query { return []sample.Query{query("sessions", sample.Live)} }

// ofSessions judges the sessions that pick chooses by the seconds in a column.
// The rows have the longest first, which is the one that severity, message,
// subject and statement of the finding mean.
func ofSessions(now Reading, p Pair, column string, pick func(sample.Row) bool) (Severity, float64, []sample.Row) {
	var worst Severity
	var longest float64
	rows := []sample.Row{}
	for _, r := range now.rows("sessions") {
		seconds := r.FloatOr(column, 0)
		s := grade(seconds, p)
		if s == "" || !pick(r) {
			continue
		}
		rows = append(rows, r)
		worst, longest = worse(worst, s), max(longest, seconds)
	}
	slices.SortStableFunc(rows, func(a, b sample.Row) int { return cmp.Compare(b.FloatOr(column, 0), a.FloatOr(column, 0)) })
	return worst, longest, rows
}

// sessionsLeftOut says of how many open transactions the checks of sessions know
// nothing, since there are more than are read.
func sessionsLeftOut(now, _ Reading) (reason, grant string) {
	rows := now.rows("sessions")
	if len(rows) == 0 {
		return "", ""
	}
	open := rows[0].IntOr("open", 0)
	left := open - int64(len(rows))
	if left <= 0 {
		return "", ""
	}
	return figure.Number(left) + " of " + figure.Count(open, "open transaction") + " were left out: those are read that hold or wait for a lock or have taken longest", ""
}

func isIdle(r sample.Row) bool { return strings.HasPrefix(r.Text("state"), "idle in transaction") }

// terminate is the statement that ends a session, cancel the one that ends what
// it does.
func terminate(r sample.Row) string { return "SELECT pg_terminate_backend(" + text(r, "pid") + ")" }
func cancel(r sample.Row) string    { return "SELECT pg_cancel_backend(" + text(r, "pid") + ")" }

func subject(r sample.Row) string { return "session " + text(r, "pid") }
