package session

import (
	"context"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/report"
)

// AuditCut is what was removed from the control database's audit trail.
type AuditCut struct {
	// Through is the last event that was removed, and Events how many were.
	Through int64  `json:"through"`
	Events  int64  `json:"events"`
	Archive string `json:"archive"`
	SHA256  string `json:"sha256"`
	// EventID is the event of the trail that says so.
	EventID string `json:"audit_event"`
}

// ArchiveAudit writes the beginning of the trail, up to a time, to a signed file
// from which PurgeAudit takes what it may remove. It removes nothing.
func (s *Session) ArchiveAudit(ctx context.Context, until, path, note string) (AuditExport, error) {
	if err := s.installed(ctx); err != nil {
		return AuditExport{}, err
	}
	before, err := moment(until, time.UTC)
	if err != nil {
		return AuditExport{}, err
	}
	if before.IsZero() {
		return AuditExport{}, fault.New(fault.Usage, "up to when is missing", "--until 2026-01-31, or an age such as 9600h")
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditExport, Reason: note})
	if err != nil {
		return AuditExport{}, err
	}
	key, err := s.signingKey(ctx)
	if err == nil {
		err = s.trail.Counts(ctx, key)
	}
	if err != nil {
		return AuditExport{}, err // what nobody has signed is no archive
	}
	last, err := s.trail.LastBefore(ctx, before)
	if err != nil {
		return AuditExport{}, err
	}
	if last == 0 {
		return AuditExport{}, fault.Newf(fault.Usage, "choose a later time", "the trail has no event before %s", before.UTC().Format(time.RFC3339))
	}
	m, err := report.File(ctx, s.trail, permit, path, report.Request{
		Kind: report.Events, Format: audit.JSONL, Filter: audit.Filter{Before: last + 1}, Evidence: audit.Evidence{Key: key},
	})
	if err != nil {
		return AuditExport{}, err
	}
	return exportView(path, m), nil
}

// PurgeAudit removes the events that an archive holds from the control database,
// after the archive was verified and compared with the trail.
func (s *Session) PurgeAudit(ctx context.Context, path, note, confirm string) (AuditCut, error) {
	if err := s.installed(ctx); err != nil {
		return AuditCut{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditPurge, Reason: note, Confirm: confirm})
	if err != nil {
		return AuditCut{}, err
	}
	// The copy on this computer first: it is a witness of what goes.
	if _, err := s.SyncAudit(ctx); err != nil {
		return AuditCut{}, err
	}
	c, err := s.trail.Purge(ctx, permit, path)
	if err != nil {
		return AuditCut{}, err
	}
	s.checkpoint(ctx, "the beginning of the trail was archived and removed from "+fleet.ControlName)
	return AuditCut{Through: c.Through, Events: c.Events, Archive: path, SHA256: c.SHA256, EventID: c.EventID}, nil
}

// AuditErasure is what was erased of a person in the audit trail.
type AuditErasure struct {
	// Refs are the pseudonyms that nobody can resolve any more, the operator's first;
	// beside it those of computers and system users that were this person's alone.
	Refs []string `json:"refs"`
	// Events is how many events bear one of them and go on doing so.
	Events int64 `json:"events"`
	// PlainEvents is how many have the e-mail itself, which stays in them.
	PlainEvents int64 `json:"plain_events"`
	// EventID is the event of the trail that says so.
	EventID string `json:"audit_event"`
	// CopyReason is why this computer's copy still has the values, "" where it has not.
	CopyReason string `json:"copy_reason"`
}

// EraseAudit removes who somebody is, by their e-mail or pseudonym, from the audit trail
// and from this computer's copy of it.
func (s *Session) EraseAudit(ctx context.Context, who, note, confirm string) (AuditErasure, error) {
	if err := s.installed(ctx); err != nil {
		return AuditErasure{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditErase, Reason: note, Confirm: confirm})
	if err != nil {
		return AuditErasure{}, err
	}
	e, err := s.trail.Erase(ctx, permit, who)
	if err != nil {
		return AuditErasure{}, err
	}
	out := AuditErasure{Refs: e.Refs, Events: e.Events, PlainEvents: e.Plain, EventID: e.EventID}
	if _, err := s.SyncAudit(ctx); err != nil {
		out.CopyReason = "the copy could not be brought up to date"
		if f := fault.As(err); f != nil {
			out.CopyReason = f.Message
		}
	}
	return out, nil
}

func exportView(path string, m audit.Manifest) AuditExport {
	return AuditExport{
		File: path, Manifest: path + ".manifest.json", Kind: m.Kind, Format: string(m.Format), Statement: m.Statement, Bytes: m.Bytes, Count: m.Count,
		FirstSeq: m.FirstSeq, LastSeq: m.LastSeq, SHA256: m.SHA256, ChainOK: m.ChainOK, SignedBy: m.SignedBy, SignedByReason: m.SignedByReason,
		CopiedAt: stampPtr(m.CopiedAt),
	}
}
