package session

import (
	"context"
	"io"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/audit/mirror"
	"shardadmin/internal/audit/waiting"
	"shardadmin/internal/fault"
	"shardadmin/internal/policy"
	"shardadmin/internal/report"
)

// withSnapshot reads what a request is about in this computer's copy, and runs f on the
// copy as it is. The moves stand in the control database alone.
func (s *Session) withSnapshot(ctx context.Context, r ReportRequest, f func(*mirror.Snapshot, report.Request) error) error {
	request, err := s.requested(r)
	if err != nil {
		return err
	}
	switch request.Kind {
	case report.Moves:
		return fault.New(fault.Usage, "a report of moves is made of the control database: this computer's copy holds the events about them, and not their tables and times",
			"shard-admin audit export --mirror --action move -o FILE has the events")
	case report.Tenant:
		request.MovesReason = "they stand in the control database, and this is made of a computer's copy of the trail"
	}
	return s.withCopy(ctx, func(m *mirror.Mirror, synced time.Time) error {
		if request.Filter, err = copiedFilter(ctx, m, r.Filter); err != nil {
			return err
		}
		// Dates are meant in the report's zone.
		in, err := r.Filter.filter(request.Zone)
		if err != nil {
			return err
		}
		request.Filter.Since, request.Filter.Until, request.Copied = in.Since, in.Until, synced
		if request.Filter.Tenant != r.Filter.Tenant {
			request.TenantLabel = r.Filter.Tenant
		}
		src, err := m.Snapshot(ctx)
		if err != nil {
			return err
		}
		return f(src, request)
	})
}

// copiedPreview is PreviewReport of this computer's copy.
func (s *Session) copiedPreview(ctx context.Context, r ReportRequest) (ReportPreview, error) {
	var v ReportPreview
	err := s.withSnapshot(ctx, r, func(src *mirror.Snapshot, request report.Request) error {
		var err error
		v, err = preview(request, func(w io.Writer, r report.Request) (audit.Manifest, error) {
			return report.WriteOf(ctx, src, src.Origin(), w, r)
		})
		return err
	})
	return v, err
}

// copiedReport is WriteReport of this computer's copy. That it was made waits here to be
// recorded; where it cannot, there is no file.
func (s *Session) copiedReport(ctx context.Context, r ReportRequest, path string) (AuditExport, error) {
	operator, why, err := s.gate.Said(policy.AuditExport, r.Note)
	if err != nil {
		return AuditExport{}, err
	}
	var m audit.Manifest
	err = s.withSnapshot(ctx, r, func(src *mirror.Snapshot, request report.Request) error {
		request.Evidence = s.evidence(ctx, r.Proof, func(k *audit.SigningKey) error {
			keys, err := src.Keys(ctx)
			if err != nil {
				return err
			}
			return k.Among(keys)
		})
		var err error
		m, err = report.FileOf(ctx, src, src.Origin(), path, request, func(m audit.Manifest) error {
			details := map[string]any{
				"format": string(m.Format), "filter": m.Filter, "events": m.Count, "first_seq": m.FirstSeq, "last_seq": m.LastSeq, "sha256": m.SHA256, "copied_at": m.CopiedAt,
			}
			if request.Kind != report.Events {
				details["report"] = m.Kind
			}
			return s.withWaiting(ctx, func(w *waiting.Events) error {
				return w.Add(ctx, waiting.Event{At: time.Now(), Actor: operator, Action: string(policy.AuditExport), Tenant: m.Filter.Tenant, Note: why, Details: details})
			})
		})
		return err
	})
	if err != nil {
		return AuditExport{}, err
	}
	return exportView(path, m), nil
}
