package health

import (
	"fmt"

	"shardadmin/internal/sample"
)

type wraparoundLimits struct {
	Freeze Pair // times the table's own freeze age
}

func wraparound() Check {
	return Check{
		Name: "wraparound", Title: "Transaction ids are far from wrapping", Group: "storage", Tier: sample.Hour, Queries: []sample.Query{query("wraparound", sample.Hour)},
		Why:    "When the ids run out the server takes no more writes until the oldest tables are frozen, which can take hours.",
		Remedy: "Find out what keeps the aggressive vacuum from the table (a lock, a snapshot, workers that are busy) and freeze it.",
		Limits: func(l *Limits) { l.Freeze = Pair{2, 4} },
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning from %gx, critical from %gx the table's own freeze age, or from vacuum_failsafe_age; the same for multixacts", l.Freeze.Warning, l.Freeze.Critical)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("wraparound") {
				for _, kind := range []struct{ age, limit, failsafe, word string }{
					{"xid_age", "xid_limit", "failsafe", "transactions"}, {"mxid_age", "mxid_limit", "multixact_failsafe", "multixacts"},
				} {
					age, limit, failsafe := r.FloatOr(kind.age, 0), r.FloatOr(kind.limit, 0), r.FloatOr(kind.failsafe, 0)
					if limit <= 0 {
						continue
					}
					var s Severity
					switch {
					case age >= min(l.Freeze.Critical*limit, failsafe):
						s = Critical
					case age >= l.Freeze.Warning*limit:
						s = Warning
					default:
						continue
					}
					f := Finding{
						Severity: s, Subject: r.Text("kind") + " " + named(r, "name"), Value: whole(age) + " " + kind.word,
						Message: fmt.Sprintf("the oldest row of %s %s is %s %s old, %.1f times the age at which it should have been frozen", r.Text("kind"), named(r, "name"), whole(age), kind.word, age/limit),
						Advice:  "find out what keeps vacuum from it, then freeze it", Evidence: table([]sample.Row{r}, "kind", "schema", "name", "xid_age", "xid_limit", "mxid_age", "mxid_limit"),
					}
					switch r.Text("kind") {
					case "table", "toast":
						f.Statement = "VACUUM (FREEZE, VERBOSE) " + quoted(r.Text("schema"), r.Text("name"))
					default:
						f.Advice = "freeze the oldest tables of that database"
					}
					out = append(out, f)
				}
			}
			return out
		},
	}
}
