package app

import (
	"context"
	"slices"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// Audit reads, verifies and exports the audit trail.
type Audit struct{ app *App }

// List returns a page of the trail, the newest first.
func (u *Audit) List(f session.AuditFilter) (session.EventList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.EventList, error) { return s.Events(ctx, f) })
}

// Facets counts the values of the newest events that a filter selects.
func (u *Audit) Facets(f session.AuditFilter) (session.AuditFacets, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.AuditFacets, error) {
		return s.AuditFacets(ctx, f)
	})
}

// Filters lists the filters that this computer keeps for the fleet.
func (u *Audit) Filters() (session.SavedFilterList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.SavedFilterList, error) {
		return s.SavedFilters(ctx)
	})
}

// SaveFilter keeps a filter under a name.
func (u *Audit) SaveFilter(r session.SaveFilterRequest) (session.SavedFilter, error) {
	return ask(u.app, short, func(ctx context.Context, s *session.Session) (session.SavedFilter, error) {
		return s.SaveFilter(ctx, r)
	})
}

// RemoveFilter forgets the filter of a name.
func (u *Audit) RemoveFilter(name string) (session.SavedFilter, error) {
	return ask(u.app, short, func(ctx context.Context, s *session.Session) (session.SavedFilter, error) {
		return s.RemoveFilter(ctx, name)
	})
}

// Verify checks the whole trail, and this computer's copy of it where the control
// database does not answer.
func (u *Audit) Verify() (session.AuditVerification, error) {
	return look(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditVerification, error) {
		return s.VerifySeen(ctx)
	})
}

// Sync brings this computer's copy up to date.
func (u *Audit) Sync() (session.AuditSync, error) {
	return ask(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditSync, error) { return s.SyncAudit(ctx) })
}

// Alarms lists what this computer's copy found wrong with the server's trail.
func (u *Audit) Alarms() (session.AlarmList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.AlarmList, error) { return s.AuditAlarms(ctx) })
}

// Restart keeps this computer's copy as it is and begins a new one.
func (u *Audit) Restart(note string) (session.AuditSync, error) {
	return ask(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditSync, error) {
		return s.RestartCopy(ctx, note)
	})
}

// ReportKinds lists the kinds of report.
func (u *Audit) ReportKinds() ([]session.ReportKind, error) { return session.ReportKinds(), nil }

// Schedules lists the reports that workers write by themselves, and how that goes.
func (u *Audit) Schedules() (session.ScheduleList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.ScheduleList, error) {
		return s.ReportSchedules(ctx)
	})
}

// Preview returns a report as it would be, with the first rows of its tables.
func (u *Audit) Preview(r session.ReportRequest) (session.ReportPreview, error) {
	return look(u.app, long, func(ctx context.Context, s *session.Session) (session.ReportPreview, error) {
		return s.PreviewReport(ctx, r)
	})
}

// Export writes a report to a file: one that the person chose, else a new one in
// the folder exports beside the settings.
func (u *Audit) Export(r session.ReportRequest) (session.AuditExport, error) {
	if !slices.Contains(session.ReportFormats(), r.Format) {
		return session.AuditExport{}, fault.Newf(fault.Usage, "choose one of "+strings.Join(session.ReportFormats(), ", "), "a report cannot be written as %q", r.Format)
	}
	what := "audit"
	if r.Kind != "" && r.Kind != "events" {
		what = "report-" + r.Kind
	}
	ending := r.Format
	if ending == "ocsf" {
		ending = "ocsf.jsonl"
	}
	path, err := u.app.exportTo("Save the report", what, ending, "shard-admin report")
	if err != nil {
		return session.AuditExport{}, err
	}
	return change(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditExport, error) {
		return s.WriteReport(ctx, r, path)
	})
}

// ShowFolder opens the folder of a file that Export wrote.
func (u *Audit) ShowFolder(file string) (string, error) {
	return answer(u.app, short, func(context.Context) (string, error) { return file, u.app.reveal(file) })
}
