package health

import (
	"fmt"

	"shardadmin/internal/sample"
)

type latencyLimits struct {
	Latency Pair // seconds of a trivial statement
}

// latency is the way to the server and back, not the server's load alone.
func latency() Check {
	return Check{
		Name: "latency", Title: "A trivial statement is answered at once", Group: "reach", Tier: sample.Live,
		Why:        "Every statement of the application waits at least so long.",
		Remedy:     "Look at the network first, then at the server's load: a trivial statement needs no disk.",
		Limits:     func(l *Limits) { l.Latency = Pair{0.25, 1} },
		Thresholds: func(l Limits) string { return pairOf(l.Latency, milliseconds) },
		Judge: func(now, _ Reading, l Limits) []Finding {
			rtt := now.RoundTrip.Seconds()
			s := grade(rtt, l.Latency)
			if s == "" {
				return nil
			}
			return []Finding{{Severity: s, Value: milliseconds(rtt), Message: "a trivial statement takes " + milliseconds(rtt), Advice: "look at the network and at the server's load"}}
		},
	}
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.0f ms", seconds*1000) }
