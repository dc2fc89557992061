package health

import (
	"fmt"

	"shardadmin/internal/sample"
)

type capacityLimits struct {
	Capacity Pair // share
	FullDays Pair // days until the capacity is reached at the soonest
}

func capacity() Check {
	return Check{
		Name: "capacity", Title: "There is room", Group: "storage", Tier: sample.Minute, Queries: append(databaseQuery(), query("tables", sample.Tables)),
		Why:    "A full disk stops every write on the server, vacuum included.",
		Remedy: "Move tenants to another shard, or give the server a larger disk and the fleet file the new capacity.",
		Limits: func(l *Limits) { l.Capacity, l.FullDays = Pair{0.75, 0.9}, Pair{30, 7} },
		Thresholds: func(l Limits) string {
			return pairOf(l.Capacity, percent) + fmt.Sprintf(" of the capacity in the fleet file, or when growth reaches it within %.0f and %.0f days; nothing without one", l.FullDays.Warning, l.FullDays.Critical)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			row, _ := now.row("database")
			bytes := row.FloatOr("bytes", 0)
			if now.CapacityBytes <= 0 {
				return nil
			}
			s := grade(bytes/float64(now.CapacityBytes), l.Capacity)
			if soon := soonFull(now, l); s == "" || soon != nil && soon.Severity.Rank() < s.Rank() {
				if soon == nil {
					return nil
				}
				soon.Evidence = table(now.rows("tables"), "schema", "table", "bytes", "rows")
				return []Finding{*soon}
			}
			return []Finding{{
				Severity: s, Value: percent(bytes / float64(now.CapacityBytes)), Message: "the database has " + size(bytes) + " of the " + size(float64(now.CapacityBytes)) + " that the fleet file gives it",
				Advice: "move tenants to another shard, or make room", Evidence: table(now.rows("tables"), "schema", "table", "bytes", "rows"),
			}}
		},
	}
}

// soonFull is what is said of a database that grows towards its capacity.
func soonFull(now Reading, l Limits) *Finding {
	if now.FullSoonest == nil || *now.FullSoonest > l.FullDays.Warning {
		return nil
	}
	f := &Finding{Severity: Warning, Value: fmt.Sprintf("%.0f days", *now.FullSoonest), Advice: "move tenants to another shard before it is full"}
	if *now.FullSoonest <= l.FullDays.Critical {
		f.Severity = Critical
	}
	f.Message = fmt.Sprintf("as it grows, the database reaches its capacity of %s in %.0f days at the soonest", size(float64(now.CapacityBytes)), *now.FullSoonest)
	if now.FullLatest != nil {
		f.Message += fmt.Sprintf(", in %.0f at the latest", *now.FullLatest)
	}
	return f
}
