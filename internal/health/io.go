package health

import (
	"shardadmin/internal/sample"
)

type transfersLimits struct {
	IOBytes float64 // a second, read and written, from which it says so
}

func transfers() Check {
	return Check{
		Name: "io", Title: "The disk is not the limit", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Monitor: true, Queries: []sample.Query{query("io", sample.Minute)},
		Why:    "Every disk has a speed above which all statements wait for it.",
		Remedy: "Find the statements that read most; more memory, or a faster disk.",
		Limits: func(l *Limits) { l.IOBytes = 100 * mB },
		Thresholds: func(l Limits) string {
			return "info from " + size(l.IOBytes) + " a second, read and written"
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			read, ok := delta(now, before, "io", "read_bytes")
			written, also := delta(now, before, "io", "write_bytes")
			d, reason := window(now, before, "io")
			if !ok || !also || reason != "" {
				return nil
			}
			value := size(read/d.Seconds()) + " read and " + size(written/d.Seconds()) + " written a second"
			if (read+written)/d.Seconds() >= l.IOBytes {
				return []Finding{{Severity: Info, Value: value, Message: value + over(d), Advice: "find the statements that read most"}}
			}
			return nil
		},
	}
}
