package health

import (
	"shardadmin/internal/sample"
)

type tempFilesLimits struct {
	TempBytes Pair // a minute
}

func tempFiles() Check {
	return Check{
		Name: "temp_files", Title: "Sorts fit into memory", Group: "load", Tier: sample.Minute, Deltas: true, Queries: databaseQuery(),
		Why:        "What does not fit into work_mem is written to the disk and read back: the statement is slow, and so are its neighbours.",
		Remedy:     "log_temp_files names the statements; give them an index, less to sort, or the role that runs them more work_mem.",
		Limits:     func(l *Limits) { l.TempBytes = Pair{100 * mB, gB} },
		Thresholds: func(l Limits) string { return pairOf(l.TempBytes, size) + " a minute" },
		Judge: func(now, before Reading, l Limits) []Finding {
			rate, d, ok := perMinute(now, before, "temp_bytes")
			s := grade(rate, l.TempBytes)
			if !ok || s == "" {
				return nil
			}
			return []Finding{{
				Severity: s, Value: size(rate) + " a minute", Message: "temporary files take " + size(rate) + " a minute" + over(d),
				Advice: "find the statements with log_temp_files; they need an index, less to sort or more work_mem",
			}}
		},
	}
}
