package health

import (
	"shardadmin/internal/sample"
)

type walLimits struct {
	WALBytes Pair // a second
}

func wal() Check {
	return Check{
		Name: "wal", Title: "Not too much is logged", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Queries: []sample.Query{query("wal", sample.Minute)},
		Why:        "Standbys, slots and the archive must keep up with the WAL; where they do not, they fall behind or the disk fills.",
		Remedy:     "Find the statements that write most; slow a move down, or split up a large change.",
		Limits:     func(l *Limits) { l.WALBytes = Pair{50 * mB, 200 * mB} },
		Thresholds: func(l Limits) string { return pairOf(l.WALBytes, size) + " a second" },
		Judge: func(now, before Reading, l Limits) []Finding {
			n, ok := delta(now, before, "wal", "wal_bytes")
			d, reason := window(now, before, "wal")
			if !ok || reason != "" {
				return nil
			}
			s := grade(n/d.Seconds(), l.WALBytes)
			if s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: size(n/d.Seconds()) + " a second", Message: "the server writes " + size(n/d.Seconds()) + " of WAL a second" + over(d), Advice: "find the statements that write most",
			}}
		},
	}
}
