package cli

import (
	"cmp"
	"io"
	"slices"
	"time"

	"shardadmin/internal/session"
)

// carries reports whether the notes of a move say how far one side is behind; those
// of a failed one that keeps its copy do.
func carries(v session.MoveView) bool {
	return v.Mode == "online" && (slices.Contains([]string{"catching_up", "ready", "switching", "retained", "rolling_back"}, v.State) || v.State == "failed" && v.GoesOn)
}

// back reports whether rows are carried back: the tenant lives on the target.
func back(v session.MoveView) bool { return v.State == "retained" || v.State == "rolling_back" }

// rowsBehind is a count of rows that may be more.
func rowsBehind(b *session.MoveBehind) string {
	if b.AtLeast {
		return "at least " + count(b.Rows, "row")
	}
	return count(b.Rows, "row")
}

// oldest says how old the oldest row is, "" where there is none.
func oldest(b *session.MoveBehind) string {
	switch {
	case b.Rows == 0:
		return ""
	case b.OldestMS == nil:
		return "; how old they are is unknown: " + b.OldestReason
	case b.OldestAtMost:
		return ", none written longer ago than " + spanOr(b.OldestMS)
	}
	return ", the oldest written " + spanOr(b.OldestMS) + " ago"
}

// behindFact is the name and the text of what is not carried yet, "" where
// nothing is carried.
func behindFact(v session.MoveView) (string, string) {
	name := map[string]string{"retained": "Rollback", "rolling_back": "To carry back"}[v.State]
	if name == "" {
		name = "Behind"
	}
	switch {
	case !carries(v):
		return name, ""
	case v.Behind == nil:
		return name, "unknown: " + v.BehindReason
	}
	rows := rowsBehind(v.Behind)
	if v.State == "retained" {
		rows = "would carry " + rows + " back"
	}
	return name, rows + oldest(v.Behind) + "; counted " + age(v.Behind.At)
}

// timeLeft is the range without what it ends with, "" where it is not known.
func timeLeft(v session.MoveView) string {
	if v.TimeLeft == nil {
		return ""
	}
	low, high := spanOr(&v.TimeLeft.Low), spanOr(&v.TimeLeft.High)
	if low == high {
		return "about " + low
	}
	return low + " to " + high
}

// timeLeftFact says how long it takes until what, or why that is not known.
func timeLeftFact(v session.MoveView) string {
	until := map[string]string{"compared": " until every row is compared", "caught_up": " until all is carried"}[v.TimeLeftUntil]
	switch {
	case v.TimeLeft != nil:
		return timeLeft(v) + until + "; measured " + age(*v.MeasuredAt)
	case v.Owner == "" || !slices.Contains([]string{"copying", "catching_up", "ready", "switching", "rolling_back"}, v.State):
		return ""
	}
	return "unknown: " + v.TimeLeftReason
}

// paceOf is how fast rows are copied, "" where that is not known.
func paceOf(rows, bytes *int64) string {
	if rows == nil || bytes == nil {
		return ""
	}
	return number(*rows) + " rows/s, " + size(*bytes) + "/s"
}

// underWay are the tables of which rows are copied now, the largest first.
func underWay(v session.MoveView) []session.MoveTable {
	out := slices.DeleteFunc(slices.Clone(v.Tables), func(t session.MoveTable) bool { return t.RowsPerS == nil })
	slices.SortStableFunc(out, func(a, b session.MoveTable) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return out
}

// printMoveTables prints the tables that have rows, with their pace while it is
// known of any.
func printMoveTables(w io.Writer, v session.MoveView) {
	now := len(underWay(v)) > 0
	t := newTable(long("TABLE", 24), right("ROWS"), right("COPIED"), right("SIZE"), left("VERIFIED"))
	if now {
		t = newTable(long("TABLE", 16), right("ROWS"), right("COPIED"), right("SIZE"), right("BYTES COPIED"), right("NOW"))
	}
	some := false
	for _, x := range v.Tables {
		switch {
		case x.Rows == 0:
			continue
		case now:
			t.add(x.Table, number(x.Rows), number(x.RowsCopied), size(x.Bytes), size(x.BytesCopied), or(paceOf(x.RowsPerS, x.BytesPerS), none))
		default:
			t.add(x.Table, number(x.Rows), number(x.RowsCopied), size(x.Bytes), yesNo(x.Verified))
		}
		some = true
	}
	if some {
		line(w, "")
		t.print(w)
	}
}

// going is what a line of progress says of pace, notes and time.
func going(v session.MoveView, now time.Time) string {
	text := ""
	if carries(v) && v.Behind != nil {
		text += "  " + rowsBehind(v.Behind) + map[bool]string{true: " to carry back", false: " behind"}[back(v)]
		if at, err := time.Parse(time.RFC3339Nano, v.Behind.At); err == nil && now.Sub(at) > 2*time.Second {
			text += " " + span(now.Sub(at)) + " ago"
		}
	}
	if pace := paceOf(v.RowsPerS, v.BytesPerS); pace != "" {
		text += "  " + pace
	}
	if left := timeLeft(v); left != "" {
		text += "  " + left + " left"
	}
	for i, t := range underWay(v) {
		if i == 2 {
			break
		}
		text += "  " + t.Table + ": " + number(t.RowsCopied) + " of " + count(t.Rows, "row") + ", " + size(t.BytesCopied) + ", " + size(*t.BytesPerS) + "/s"
	}
	return text
}
