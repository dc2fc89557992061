package health

import (
	"fmt"
	"slices"

	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

func replication() Check {
	return Check{
		Name: "replication", Title: "Standbys keep up", Group: "server", Tier: sample.Live, Monitor: true, Server: true, Queries: []sample.Query{query("replication", sample.Live)},
		Why:    "What a standby has not got is lost when the primary is; who reads from it sees the past, and a switch of a move waits for it.",
		Remedy: "Look at the standby: its disk, long queries that hold up replay, the network between.",
		Thresholds: func(l Limits) string {
			return pairOf(l.ReplicationDelay, span) + ", or " + pairOf(l.ReplicationBytes, size) + " behind"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("replication") {
				delay, behind := r.FloatOr("seconds", 0), r.FloatOr("bytes", 0)
				s := worse(grade(delay, l.ReplicationDelay), grade(behind, l.ReplicationBytes))
				if s == "" {
					continue
				}
				out = append(out, Finding{
					Severity: s, Subject: "standby " + r.Text("standby"), Value: size(behind), Message: "the standby " + r.Text("standby") + " is " + size(behind) + " and " + span(delay) + " behind",
					Advice: "look at the standby's disk, its long queries and the network", Evidence: table([]sample.Row{r}, "standby", "client", "state", "mode", "seconds", "bytes"),
				})
			}
			return out
		},
	}
}

// ReplicationLag is how many bytes the standby that is furthest behind has not replayed;
// false without a standby, or where the role may not see it.
func ReplicationLag(now Reading) (behind float64, ok bool) {
	for _, r := range now.rows("replication") {
		if v, known := r.Float("bytes"); known && (!ok || v > behind) {
			behind, ok = v, true
		}
	}
	return behind, ok
}

func slots() Check {
	return Check{
		Name: "slots", Title: "Replication slots are read", Group: "server", Tier: sample.Hour, Server: true, Queries: []sample.Query{query("slots", sample.Hour)},
		Why:    "A slot keeps all WAL that its reader has not taken. With nobody reading it the disk of the server fills up.",
		Remedy: "Start its reader, or drop the slot. max_slot_wal_keep_size bounds what all slots may keep.",
		Thresholds: func(l Limits) string {
			return "warning where nobody reads it; " + pairOf(l.SlotBytes, size) + " kept; warning below " + percent(l.SlotLeft) + " of max_slot_wal_keep_size left; critical where it is unreserved or lost"
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			out := []Finding{}
			for _, r := range now.rows("slots") {
				kept := r.FloatOr("kept_bytes", 0)
				s := grade(kept, l.SlotBytes)
				says := "keeps " + size(kept) + " of WAL"
				if !r.Is("active") {
					s = worse(s, Warning)
					says += " and nobody reads it"
					if d, ok := r.Float("inactive_seconds"); ok {
						says += ", for " + span(d)
					}
				}
				safe, bounded := r.Float("safe_bytes")
				if all, ok := r.Float("limit_bytes"); ok && bounded && safe < all*l.SlotLeft {
					s = worse(s, Warning)
					says += "; " + size(max(safe, 0)) + " are left before it is lost"
				}
				if status := r.Text("status"); status == "unreserved" || status == "lost" {
					s = Critical
					says += "; its WAL is " + status
				}
				if s == "" {
					continue
				}
				f := Finding{
					Severity: s, Subject: "slot " + r.Text("slot"), Value: size(kept), Message: "the slot " + r.Text("slot") + " " + says, Advice: "start its reader; drop the slot only when nobody needs it",
					Evidence: table([]sample.Row{r}, "slot", "type", "database", "active", "status", "kept_bytes", "safe_bytes", "invalid"),
				}
				if !r.Is("active") {
					f.Statement = "SELECT pg_drop_replication_slot(" + literal(r.Text("slot")) + ")"
				}
				out = append(out, f)
			}
			return out
		},
	}
}

func archiver() Check {
	return Check{
		Name: "archiver", Title: "WAL is archived", Group: "server", Tier: sample.Minute, Monitor: true, Server: true, Queries: []sample.Query{query("archiver", sample.Minute)},
		Why:    "Without the archive a backup cannot be brought to now, and WAL that is not archived stays on the disk.",
		Remedy: "The server's log has what archive_command said.",
		Thresholds: func(l Limits) string {
			return "by the last failure, if nothing was archived since: critical within " + span(l.ArchiveFailed.Critical) + ", warning within " + span(l.ArchiveFailed.Warning)
		},
		Judge: func(now, _ Reading, l Limits) []Finding {
			r, _ := now.row("archiver")
			failed, ok := r.Time("last_failed_time")
			if !ok || r.Text("mode") == "off" {
				return nil
			}
			if done, ok := r.Time("last_archived_time"); ok && done.After(failed) {
				return nil
			}
			age := r.FloatOr("failed_seconds", 0)
			var s Severity
			switch {
			case age <= l.ArchiveFailed.Critical:
				s = Critical
			case age <= l.ArchiveFailed.Warning:
				s = Warning
			default:
				return nil
			}
			return []Finding{{
				Severity: s, Value: figure.Count(r.IntOr("failed_count", 0), "failure"), Message: "archiving " + r.Text("last_failed_wal") + " failed " + span(age) + " ago, and nothing was archived since",
				Advice: "the server's log has what archive_command said", Evidence: table([]sample.Row{r}, "archived_count", "failed_count", "last_archived_wal", "last_archived_time", "last_failed_wal", "last_failed_time"),
			}}
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

func settings() Check {
	return Check{
		Name: "settings", Title: "Settings are safe and in effect", Group: "configuration", Tier: sample.Day, Monitor: true, Server: true, Queries: []sample.Query{query("settings", sample.Day)},
		Why:    "Some settings trade the data for speed; others were changed and still wait for a restart, which brings them at a moment that nobody chose.",
		Remedy: "Set them back; plan the restart.",
		Thresholds: func(Limits) string {
			return "critical with fsync, full_page_writes, autovacuum or track_counts off; warning where a change waits for a restart; between shards info"
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

func extensions() Check {
	return Check{
		Name: "extensions", Title: "Extensions are up to date", Group: "configuration", Tier: sample.Day, Queries: []sample.Query{query("extensions", sample.Day)},
		Why:        "After an upgrade of the server an extension keeps its old functions until it is updated, too.",
		Remedy:     "ALTER EXTENSION … UPDATE, after a look at its release notes.",
		Thresholds: func(Limits) string { return "info where the server has a newer version; between shards info" },
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

func version() Check {
	return Check{
		Name: "version", Title: "The server's version is supported", Group: "configuration", Tier: sample.Day, Server: true,
		Why:    "After the end of support nobody mends security holes and lost data. Within support the newest minor version has the mended ones.",
		Remedy: "Plan the upgrade; a move to a shard on a newer version is one way.",
		Thresholds: func(l Limits) string {
			return fmt.Sprintf("warning after the end of support, info %.0f days before; info for a minor version that is older than the newest known, and for a major that is newer than any that was tried", l.EndOfLifeDays)
		},
		Judge: func(now, _ Reading, l Limits) []Finding { return aged(now, l) },
	}
}

// release is what is known of a major version.
type release struct {
	major int
	// until is when its support ends; minor the newest minor version known.
	until string
	minor int
}

// knownOn is when releases was written.
const knownOn = "2026-11-01"

// releases are the versions that this program was tried with.
func releases() []release {
	return []release{{14, "2026-11-12", 23}, {15, "2027-11-11", 18}, {16, "2028-11-09", 14}, {17, "2029-11-08", 10}, {18, "2030-11-14", 4}}
}

func aged(now Reading, l Limits) []Finding {
	major, minor := now.Server.Major(), now.Server.Version%10000
	list := releases()
	i := slices.IndexFunc(list, func(r release) bool { return r.major == major })
	switch {
	case major > newest:
		return []Finding{{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("PostgreSQL %d is newer than %d, the newest that this program was tried with; it is asked as if it were %d", major, newest, newest), Advice: "look for a newer version of this program"}}
	case i < 0:
		return []Finding{{Severity: Warning, Value: now.Server.VersionText, Message: fmt.Sprintf("PostgreSQL %d has been without support for years", major), Advice: "plan the upgrade"}}
	}
	out := []Finding{}
	until, _ := parseDay(list[i].until)
	switch days := until.Sub(now.At).Hours() / 24; {
	case days < 0:
		out = append(out, Finding{Severity: Warning, Value: now.Server.VersionText, Message: fmt.Sprintf("support for PostgreSQL %d ended on %s", major, list[i].until), Advice: "plan the upgrade"})
	case days < l.EndOfLifeDays:
		out = append(out, Finding{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("support for PostgreSQL %d ends on %s", major, list[i].until), Advice: "plan the upgrade"})
	}
	if minor < list[i].minor {
		out = append(out, Finding{Severity: Info, Value: now.Server.VersionText, Message: fmt.Sprintf("%d.%d is older than %d.%d, the newest known on %s", major, minor, major, list[i].minor, knownOn), Advice: "minor versions mend faults and need a restart only"})
	}
	return out
}
