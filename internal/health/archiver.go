package health

import (
	"shardadmin/internal/figure"
	"shardadmin/internal/sample"
)

type archiverLimits struct {
	ArchiveFailed Pair // seconds since; the younger the worse
}

func archiver() Check {
	return Check{
		Name: "archiver", Title: "WAL is archived", Group: "server", Tier: sample.Minute, Monitor: true, Server: true, Queries: []sample.Query{query("archiver", sample.Minute)},
		Why:    "Without the archive a backup cannot be brought to now, and WAL that is not archived stays on the disk.",
		Remedy: "The server's log has what archive_command said.",
		Limits: func(l *Limits) { l.ArchiveFailed = Pair{24 * 3600, 3600} },
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
