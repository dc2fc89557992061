package health

import (
	"time"

	"shardadmin/internal/sample"
)

type checkpointsLimits struct {
	Requested      float64 // share of checkpoints
	RequestedLeast float64 // of at least so many
}

func checkpoints() Check {
	asks := query("checkpoints", sample.Minute)
	asks.Over = checkpointsOver
	return Check{
		Name: "checkpoints", Title: "Checkpoints keep to their time", Group: "server", Tier: sample.Minute, Deltas: true, Server: true, Queries: []sample.Query{asks},
		Why:    "A checkpoint that comes because the WAL is full comes at the worst moment and writes whole pages anew after each.",
		Remedy: "Raise max_wal_size until checkpoints are started by checkpoint_timeout.",
		Limits: func(l *Limits) { l.Requested, l.RequestedLeast = 0.5, 2 },
		Thresholds: func(l Limits) string {
			return "warning above " + percent(l.Requested) + " requested of at least " + whole(l.RequestedLeast) + " checkpoints" + over(checkpointsOver)
		},
		Judge: func(now, before Reading, l Limits) []Finding {
			asked, ok := delta(now, before, "checkpoints", "requested")
			timed, also := delta(now, before, "checkpoints", "timed")
			d, _ := window(now, before, "checkpoints")
			if !ok || !also || asked+timed < l.RequestedLeast || asked/(asked+timed) <= l.Requested {
				return nil
			}
			return []Finding{{
				Severity: Warning, Value: percent(asked / (asked + timed)), Message: whole(asked) + " of " + whole(asked+timed) + " checkpoints did not wait for their time" + over(d),
				Advice: "raise max_wal_size",
			}}
		},
	}
}

// checkpointsOver is the time of which the share of requested checkpoints is made:
// checkpoint_timeout is 5 minutes and more, so that two neighbouring looks hardly ever
// have two checkpoints between them.
const checkpointsOver = time.Hour
