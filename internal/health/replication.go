package health

import (
	"shardadmin/internal/sample"
)

type replicationLimits struct {
	ReplicationDelay Pair // seconds
	ReplicationBytes Pair
}

func replication() Check {
	return Check{
		Name: "replication", Title: "Standbys keep up", Group: "server", Tier: sample.Live, Monitor: true, Server: true, Queries: []sample.Query{query("replication", sample.Live)},
		Why:    "What a standby has not got is lost when the primary is; who reads from it sees the past, and a switch of a move waits for it.",
		Remedy: "Look at the standby: its disk, long queries that hold up replay, the network between.",
		Limits: func(l *Limits) { l.ReplicationDelay, l.ReplicationBytes = Pair{30, 300}, Pair{100 * mB, gB} },
		Thresholds: func(l Limits) string {
			return pairOf(l.ReplicationDelay, span) + ", or " + pairOf(l.ReplicationBytes, size) + " behind"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("replication") {
				delay, behind := r.FloatOr("seconds", 0), r.FloatOr("bytes", 0)
				s := worse(grade(delay, l.ReplicationDelay), grade(behind, l.ReplicationBytes))
				if s == "" {
					continue
				}
				out = append(out, Finding{
					Severity: s, Subject: "standby " + r.Text("standby"), Value: size(behind), Message: "the standby " + r.Text("standby") + " is " + size(behind) + " and " + span(delay) + " behind",
					Advice: "look at the standby's disk, its long queries and the network", Evidence: table([]sample.Row{r}, "standby", "client", "state", "mode", "seconds", "bytes"),
				})
			}
			return out
		},
	}
}

// ReplicationLag is how many bytes the standby that is furthest behind has not replayed;
// false without a standby, or where the role may not see it.
func ReplicationLag(now Reading) (behind float64, ok bool) {
	for _, r := range now.rows("replication") {
		if v, known := r.Float("bytes"); known && (!ok || v > behind) {
			behind, ok = v, true
		}
	}
	return behind, ok
}
