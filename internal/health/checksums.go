package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

func checksums() Check {
	return Check{
		Name: "checksums", Title: "No block is damaged", Group: "storage", Tier: sample.Minute, Queries: databaseQuery(),
		Why:        "The disk or the memory gave back something else than what was written: data is lost and more may follow.",
		Remedy:     "Stop moving tenants there. Fail over to a standby or restore; have the storage examined before it is used again.",
		Thresholds: func(Limits) string { return "critical with any" },
		Blind: func(now, _ Reading) (reason, grant string) {
			if row, ok := now.row("database"); ok && row.Value("checksum_failures") == nil {
				return "the server keeps no checksums, so that nobody notices a block that the disk changes; pg_checksums --enable adds them while it is stopped", ""
			}
			return "", ""
		},
		Judge: func(now, _ Reading, _ Limits) []Finding {
			row, _ := now.row("database")
			n := row.IntOr("checksum_failures", 0)
			if n == 0 {
				return nil
			}
			return []Finding{{
				Severity: Critical, Value: figure.Number(n), Message: figure.Count(n, "checksum failure") + " since the statistics were reset, the last at " + cell(row, "checksum_last_failure"),
				Advice: "fail over or restore; have the storage examined",
			}}
		},
	}
}
