package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type blockingLimits struct {
	Blocking Pair    // seconds that the longest victim has waited
	Victims  float64 // critical from so many at once
}

// blocking speaks of those who block and do not wait themselves: ending anybody
// else mends nothing.
func blocking() Check {
	return Check{
		Name: "blocking", Title: "Nobody waits for a lock for long", Group: "sessions", Tier: sample.Live, Monitor: true, Queries: []sample.Query{query("blocking", sample.Live)},
		Why:    "Everybody behind the lock waits, and everybody behind them; an application's pool is full within moments.",
		Remedy: "The tree shows who is at its root. Cancel what they run; where they are idle in a transaction, end the session.",
		Limits: func(l *Limits) { l.Blocking, l.Victims = Pair{30, 300}, 5 },
		Thresholds: func(l Limits) string {
			return pairOf(l.Blocking, span) + " of waiting; critical with " + whole(l.Victims) + " or more behind one session"
		},
		Blind: waitersLeftOut,
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, root := range Tree(now) {
				var waited float64
				n := 0
				rows := [][]string{}
				root.walk(0, func(depth int, b *Blocked) {
					if depth > 0 {
						n++
						waited = max(waited, b.Waiting)
					}
					if len(rows) < most {
						rows = append(rows, []string{strings.Repeat("  ", depth) + strconv.FormatInt(b.PID, 10), b.User, b.Application, b.State, waitedFor(b), b.Relation, b.Query})
					}
				})
				s := grade(waited, l.Blocking)
				if float64(n) >= l.Victims {
					s = Critical
				}
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: "session " + strconv.FormatInt(root.PID, 10), Value: span(waited),
					Message: "session " + strconv.FormatInt(root.PID, 10) + " blocks " + figure.Count(int64(n), "session") + ", the longest for " + span(waited),
					Advice:  "cancel what it runs, or end it where it is idle", Statement: "SELECT pg_cancel_backend(" + strconv.FormatInt(root.PID, 10) + ")",
					Evidence: Evidence{Columns: []string{"session", "user", "application", "state", "waiting", "relation", "query"}, Rows: rows},
				}
				switch {
				case root.PID == 0:
					f.Subject, f.Statement, f.Advice = "prepared transaction", "", "commit or roll back the prepared transaction that holds the lock"
					f.Message = "a prepared transaction blocks " + figure.Count(int64(n), "session") + ", the longest for " + span(waited)
				case strings.HasPrefix(root.State, "idle"):
					f.Statement = "SELECT pg_terminate_backend(" + strconv.FormatInt(root.PID, 10) + ")"
				}
				out = append(out, f)
			}
			return out
		},
	}
}

// waitersLeftOut says of how many sessions that wait for a lock nothing is known.
func waitersLeftOut(now, _ Reading) (reason, grant string) {
	known, all := int64(0), int64(0)
	for _, r := range now.rows("blocking") {
		if n, waits := r.Int("all_waiting"); waits {
			known, all = known+1, n
		}
	}
	if known >= all {
		return "", ""
	}
	return figure.Number(all-known) + " of " + figure.Count(all, "session") + " that wait for a lock were left out: those are read that wait longest", ""
}

func waitedFor(b *Blocked) string {
	if len(b.By) == 0 {
		return ""
	}
	return span(b.Waiting)
}

// Blocked is a session in the tree of those that wait for locks.
type Blocked struct {
	// PID is 0 for a prepared transaction, which has no session.
	PID int64
	// Started is when the session began; zero where that is not known.
	Started time.Time
	// By are those whom it waits for; none at a root.
	By                                        []int64
	Waiting                                   float64 // seconds; 0 at a root
	User, Application, State, Relation, Query string
	// Victims wait for this session.
	Victims []*Blocked
}

func (b *Blocked) walk(depth int, visit func(depth int, b *Blocked)) {
	visit(depth, b)
	for _, v := range b.Victims {
		v.walk(depth+1, visit)
	}
}

// Tree is the sessions that block others, each with those who wait for it; one
// that waits for several is under the first of them. A circle, which the server
// is about to break, hangs under its lowest number.
func Tree(now Reading) []*Blocked {
	all := map[int64]*Blocked{}
	order := []*Blocked{}
	for _, r := range now.rows("blocking") {
		b := &Blocked{
			PID: r.IntOr("pid", 0), By: r.Ints("blockers"), Waiting: r.FloatOr("waiting_seconds", 0), User: r.Text("user"), Application: r.Text("application"),
			State: r.Text("state"), Relation: r.Text("relation"), Query: Masked(r.Text("query")),
		}
		b.Started, _ = r.Time("backend_start")
		all[b.PID] = b
		order = append(order, b)
	}
	slices.SortStableFunc(order, func(a, b *Blocked) int { return cmp.Compare(a.PID, b.PID) })
	placed := map[int64]bool{}
	var place func(*Blocked)
	place = func(b *Blocked) {
		placed[b.PID] = true
		for _, v := range order {
			if !placed[v.PID] && slices.Contains(v.By, b.PID) {
				b.Victims = append(b.Victims, v)
				place(v)
			}
		}
	}
	roots := []*Blocked{}
	waits := func(b *Blocked) bool {
		return slices.ContainsFunc(b.By, func(pid int64) bool { return all[pid] != nil })
	}
	for _, circle := range []bool{false, true} {
		for _, b := range order {
			if !placed[b.PID] && waits(b) == circle {
				roots = append(roots, b)
				place(b)
			}
		}
	}
	return slices.DeleteFunc(roots, func(b *Blocked) bool { return len(b.Victims) == 0 })
}
