package health

import (
	"shardadmin/internal/sample"
)

func extensions() Check {
	return Check{
		Name: "extensions", Title: "Extensions are up to date", Group: "configuration", Tier: sample.Day, Queries: []sample.Query{query("extensions", sample.Day)},
		Why:        "After an upgrade of the server an extension keeps its old functions until it is updated, too.",
		Remedy:     "ALTER EXTENSION … UPDATE, after a look at its release notes.",
		Thresholds: func(Limits) string { return "info where the server has a newer version; between shards info" },
		Between: func(shards map[string]Reading, _ Limits) []Finding {
			return drift(shards, "extensions", "extension", "installed", nil)
		},
		Judge: func(now, _ Reading, _ Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("extensions") {
				if have := r.Text("available"); have != "" && have != r.Text("installed") {
					out = append(out, Finding{
						Severity: Info, Subject: r.Text("extension"), Value: r.Text("installed"), Message: "the extension " + r.Text("extension") + " is " + r.Text("installed") + "; the server has " + have,
						Advice: "update it after a look at its release notes", Statement: "ALTER EXTENSION " + quoted(r.Text("extension")) + " UPDATE",
					})
				}
			}
			return out
		},
	}
}

// notInstalled is the value of an extension where it is not.
const notInstalled = "not installed"
