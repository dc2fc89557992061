package sample

import "time"

// Trail is the answers to one query, the oldest first, over the time of which its
// rates are made: Query.Over.
type Trail []Result

// With returns a trail that goes on with a newer answer and begins no earlier than it
// has to for the time. Counters that began anew begin it anew.
func (t Trail) With(r Result, over time.Duration) Trail {
	if r.Err != nil {
		return t
	}
	if len(t) > 0 && anew(t[len(t)-1], r) {
		t = nil
	}
	t = append(t[:len(t):len(t)], r)
	for len(t) > 2 && r.At.Sub(t[1].At) >= over {
		t = t[1:]
	}
	return t
}

// Before is the answer that the newest is compared with; false where there is none.
func (t Trail) Before() (Result, bool) {
	if len(t) < 2 {
		return Result{}, false
	}
	return t[0], true
}

// anew reports whether counters of one row were reset between two answers.
func anew(a, b Result) bool {
	if len(a.Rows) != 1 || len(b.Rows) != 1 {
		return true
	}
	x, y := a.Row(0), b.Row(0)
	for _, column := range b.Columns {
		if at, is := y.Time(column); is {
			if was, _ := x.Time(column); column == "stats_reset" && !was.Equal(at) {
				return true
			}
			continue
		}
		was, known := x.Float(column)
		if is, ok := y.Float(column); known && ok && is < was {
			return true
		}
	}
	return false
}
