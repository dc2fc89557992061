package health

import (
	"slices"
	"strings"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

func settings() Check {
	return Check{
		Name: "settings", Title: "Settings are safe and in effect", Group: "configuration", Tier: sample.Day, Monitor: true, Server: true, Queries: []sample.Query{query("settings", sample.Day)},
		Why:    "Some settings trade the data for speed; others were changed and still wait for a restart, which brings them at a moment that nobody chose.",
		Remedy: "Set them back; plan the restart.",
		Thresholds: func(Limits) string {
			return "critical with fsync, full_page_writes, autovacuum or track_counts off; warning where a change waits for a restart; between shards info"
		},
		Between: func(shards map[string]Reading, _ Limits) []Finding {
			return drift(shards, "settings", "name", "setting", differsByNature)
		},
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, bad := range risky() {
				for _, r := range now.rows("settings") {
					if r.Text("name") == bad.name && r.Text("setting") == "off" {
						out = append(out, Finding{
							Severity: Critical, Subject: bad.name, Value: "off", Message: bad.name + " is off: " + bad.says, Advice: "set it on", Statement: "ALTER SYSTEM SET " + bad.name + " = on",
						})
					}
				}
			}
			waiting := []sample.Row{}
			for _, r := range now.rows("settings") {
				if r.Is("pending_restart") {
					waiting = append(waiting, r)
				}
			}
			if len(waiting) > 0 {
				out = append(out, Finding{
					Severity: Warning, Subject: waiting[0].Text("name"), Value: figure.Number(int64(len(waiting))), Message: figure.Count(int64(len(waiting)), "changed setting") + " will be in effect after a restart",
					Advice: "plan the restart, or take the change back", Evidence: table(waiting, "name", "setting", "unit", "source"),
				})
			}
			return out
		},
	}
}

// risky are the settings that lose data or end in a stop, with what they do.
func risky() []struct{ name, says string } {
	return []struct{ name, says string }{
		{"fsync", "a crash of the machine destroys the database"},
		{"full_page_writes", "a crash in the middle of a write leaves half a page"},
		{"autovacuum", "dead rows stay and transaction ids run out"},
		{"track_counts", "autovacuum and all statistics are without figures"},
	}
}

// differsByNature are settings that say where a server is and what it is
// called, or that a session has for itself.
func differsByNature(r sample.Row) bool {
	switch r.Text("source") {
	case "client", "session", "override":
		return true
	}
	switch n := r.Text("name"); {
	case slices.Contains([]string{
		"port", "listen_addresses", "cluster_name", "primary_conninfo", "primary_slot_name", "application_name", "archive_command", "restore_command", "recovery_target_timeline", "server_version", "server_version_num",
		"transaction_isolation", "transaction_read_only", "transaction_deferrable", "in_hot_standby", "search_path",
	}, n):
		return true
	case strings.HasSuffix(n, "_file"), strings.HasSuffix(n, "_directory"), strings.HasSuffix(n, "_directories"), strings.HasPrefix(n, "ssl"), strings.HasPrefix(n, "log_"), strings.HasPrefix(n, "lc_"):
		return true
	}
	return false
}
