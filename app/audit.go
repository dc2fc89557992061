package app

import (
	"context"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// Audit reads, verifies and exports the audit trail.
type Audit struct{ app *App }

// List returns a page of the trail, the newest first.
func (u *Audit) List(f session.AuditFilter) (session.EventList, error) {
	return look(u.app, short, func(ctx context.Context, s *session.Session) (session.EventList, error) { return s.Events(ctx, f) })
}

// Verify checks the whole trail.
func (u *Audit) Verify() (session.AuditVerification, error) {
	return look(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditVerification, error) {
		return s.VerifyAudit(ctx)
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

// Export writes what the filter selects to a file: one that the person chose,
// else a new one in the folder exports beside the settings.
func (u *Audit) Export(format string, f session.AuditFilter, note string) (session.AuditExport, error) {
	if format != "csv" && format != "jsonl" {
		return session.AuditExport{}, fault.Newf(fault.Usage, "choose csv or jsonl", "the trail cannot be exported as %q", format)
	}
	path, err := u.app.exportTo("Export the audit trail", "audit", format, "shard-admin audit export")
	if err != nil {
		return session.AuditExport{}, err
	}
	return change(u.app, long, func(ctx context.Context, s *session.Session) (session.AuditExport, error) {
		return s.ExportAudit(ctx, format, path, f, false, note)
	})
}
