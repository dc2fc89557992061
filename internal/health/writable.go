package health

import (
	"shardadmin/internal/sample"
)

// writable finds a shard that takes no writes.
func writable() Check {
	return Check{
		Name: "writable", Title: "The database takes writes", Group: "reach", Tier: sample.Live, Queries: []sample.Query{query("writable", sample.Live)},
		Why:        "An application that reaches a standby or a read-only database fails at its first write, and no tenant can be moved there.",
		Remedy:     "Name the primary in the fleet file; take default_transaction_read_only off once its reason is gone.",
		Thresholds: func(Limits) string { return "critical on a standby and where default_transaction_read_only is on" },
		Judge: func(now, _ Reading, _ Limits) []Finding {
			row, _ := now.row("writable")
			switch {
			case now.Server.InRecovery:
				return []Finding{{Severity: Critical, Value: "standby", Message: "the database is a standby and takes no writes", Advice: "name the primary in the fleet file"}}
			case row.Is("read_only"):
				return []Finding{{
					Severity: Critical, Value: "read-only", Message: "transactions are read-only by default", Advice: "take default_transaction_read_only off",
					Statement: "ALTER DATABASE " + quoted(now.Server.Database) + " RESET default_transaction_read_only",
				}}
			}
			return nil
		},
	}
}
