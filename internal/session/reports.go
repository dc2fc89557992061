package session

import (
	"context"
	"io"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/move"
	"shardadmin/internal/policy"
	"shardadmin/internal/report"
)

// ReportRequest is a report that is wanted.
type ReportRequest struct {
	// Kind is one of ReportKinds; "" or "events" is what the filter selects.
	Kind   string      `json:"kind"`
	Format string      `json:"format"`
	Filter AuditFilter `json:"filter"`
	// Zone is where times are shown and dates are meant, such as Europe/Berlin;
	// "" is UTC.
	Zone string `json:"zone"`
	// RawCells leaves cells of a CSV file as they are, although a spreadsheet
	// would run some of them.
	RawCells bool `json:"raw_cells"`
	// Proof writes a line for every event that was left out, so that a file of
	// JSON lines shows how the others lie in the chain.
	Proof bool `json:"proof"`
	// Mirror makes it of this computer's copy of the trail and asks no database. That it
	// was made is recorded when the control database answers again.
	Mirror bool   `json:"mirror"`
	Note   string `json:"note"`
}

// ReportKind is a kind of report.
type ReportKind struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Holds string `json:"holds"`
	Needs string `json:"needs"` // "tenant", "actor" or ""
}

// ReportPreview is a report as it would be, with the first rows of its tables.
type ReportPreview struct {
	HTML         string `json:"html"`
	Statement    string `json:"statement"`
	Count        int64  `json:"count"`
	PeriodEvents int64  `json:"period_events"`
	ChainOK      bool   `json:"chain_ok"`
}

// ReportOfMoves is the kind that no copy of the trail is enough for.
const ReportOfMoves = string(report.Moves)

// ReportKinds lists the kinds of report.
func ReportKinds() []ReportKind {
	var out []ReportKind
	for _, a := range report.Kinds() {
		out = append(out, ReportKind{string(a.Kind), a.Title, a.Holds, a.Needs})
	}
	return out
}

// ReportFormats lists the forms of a report.
func ReportFormats() []string {
	var out []string
	for _, f := range audit.Formats() {
		out = append(out, string(f))
	}
	return out
}

// previewRows is how many rows of a table a preview shows.
const previewRows = 20

// requested reads what a request is about, but for its filter.
func (s *Session) requested(r ReportRequest) (report.Request, error) {
	out := report.Request{
		Kind: report.Events, Fleet: s.cfg.Fleet.Name, Environment: string(s.cfg.Fleet.Environment), RawCells: r.RawCells, At: time.Now(), Zone: time.UTC,
	}
	var err error
	if out.Format, err = audit.ParseFormat(r.Format); err != nil {
		return out, err
	}
	if r.Kind != "" && r.Kind != string(report.Events) {
		if out.Kind, err = report.ParseKind(r.Kind); err != nil {
			return out, err
		}
	}
	if zone := strings.TrimSpace(r.Zone); zone != "" {
		if out.Zone, err = time.LoadLocation(zone); err != nil || strings.EqualFold(zone, "local") {
			return out, fault.Newf(fault.Usage, "write it as Europe/Berlin or UTC", "there is no time zone %q", zone)
		}
	}
	return out, nil
}

// report is requested with the filter, and the moves of the kinds that list them.
func (s *Session) report(ctx context.Context, r ReportRequest) (report.Request, error) {
	out, err := s.requested(r)
	if err != nil {
		return out, err
	}
	if out.Filter, err = s.auditFilter(ctx, r.Filter, out.Zone); err != nil {
		return out, err
	}
	if out.Filter.Tenant != "" && s.cat != nil {
		// A tenant that is gone has a history all the same.
		if t, err := s.cat.Find(ctx, out.Filter.Tenant); err == nil {
			out.TenantLabel = t.Label
		}
	}
	if out.Kind == report.Moves || out.Kind == report.Tenant {
		if err := s.ready(); err != nil {
			return out, err
		}
		list, err := s.engine.Between(ctx, out.Filter.Tenant, out.Filter.Since, out.Filter.Until)
		if err != nil {
			return out, err
		}
		for _, m := range list {
			f := out.Filter
			if f.Shard != "" && f.Shard != m.Source && f.Shard != m.Target || f.Actor != "" && !strings.EqualFold(f.Actor, m.CreatedBy) && !strings.EqualFold(f.Actor, audit.Named(m.CreatedBy)) || !strings.HasPrefix(m.ID, f.MoveID) {
				continue
			}
			out.Moves = append(out.Moves, reportedMove(m))
		}
	}
	return out, nil
}

func reportedMove(m *move.Move) report.Move {
	out := report.Move{
		ID: m.ID, Tenant: m.Tenant, Label: m.Label, Source: m.Source, Target: m.Target, Mode: m.Mode, State: string(m.State), By: audit.Named(m.CreatedBy), Note: m.Note,
		FiledAt: m.CreatedAt, StartedAt: m.StartedAt, SwitchedAt: m.SwitchedAt, FinishedAt: m.FinishedAt, Rows: m.RowsCopied, Bytes: m.BytesCopied, Verified: m.Verified,
	}
	if m.WritePauseMS != nil {
		out.WritePause = ptr(time.Duration(*m.WritePauseMS) * time.Millisecond)
	}
	for _, t := range m.Tables {
		if a := t.Amount(); a != nil {
			out.Tables = append(out.Tables, report.MoveTable{Table: t.Table, Rows: a.Rows, SHA256: a.SHA256})
		}
	}
	return out
}

// evidence is what a file is signed with: the key that is kept here, where it counts in
// what the file is made of. A file without a signature is worth more than none.
func (s *Session) evidence(ctx context.Context, proof bool, counts func(*audit.SigningKey) error) audit.Evidence {
	out := audit.Evidence{Proof: proof}
	key, err := s.signingKey(ctx)
	if err == nil {
		err = counts(key)
	}
	if err != nil {
		out.Unsigned = *errorText(err)
		return out
	}
	out.Key = key
	return out
}

// WriteReport writes a report to a file with a manifest beside it, signed where
// a signing key is kept and enrolled, and records that it did.
func (s *Session) WriteReport(ctx context.Context, r ReportRequest, path string) (AuditExport, error) {
	if r.Mirror {
		return s.copiedReport(ctx, r, path)
	}
	if err := s.installed(ctx); err != nil {
		return AuditExport{}, err
	}
	return s.writeReport(ctx, r, path, nil, nil)
}

// writeReport writes a report with details of its own for the trail, and hands on what
// it wrote before it says that it did.
func (s *Session) writeReport(ctx context.Context, r ReportRequest, path string, details map[string]any, deliver func(context.Context, string, audit.Manifest) error) (AuditExport, error) {
	request, err := s.report(ctx, r)
	if err != nil {
		return AuditExport{}, err
	}
	permit, err := s.gate.Permit(ctx, policy.Request{Action: policy.AuditExport, Reason: r.Note, Tenant: request.Filter.Tenant})
	if err != nil {
		return AuditExport{}, err
	}
	request.Evidence, request.Details, request.Deliver = s.evidence(ctx, r.Proof, func(k *audit.SigningKey) error { return s.trail.Counts(ctx, k) }), details, deliver
	m, err := report.File(ctx, s.trail, permit, path, request)
	if err != nil {
		return AuditExport{}, err
	}
	return exportView(path, m), nil
}

// PreviewReport returns a report as one page of HTML with the first rows of its
// tables. Nothing leaves the program, so nothing is recorded.
func (s *Session) PreviewReport(ctx context.Context, r ReportRequest) (ReportPreview, error) {
	r.Format = string(audit.HTML)
	if r.Mirror {
		return s.copiedPreview(ctx, r)
	}
	if err := s.trailThere(ctx); err != nil {
		return ReportPreview{}, err
	}
	request, err := s.report(ctx, r)
	if err != nil {
		return ReportPreview{}, err
	}
	return preview(request, func(w io.Writer, r report.Request) (audit.Manifest, error) { return report.Write(ctx, s.trail, w, r) })
}

// preview makes the first page of a report and the first rows of its tables.
func preview(r report.Request, write func(io.Writer, report.Request) (audit.Manifest, error)) (ReportPreview, error) {
	r.Preview = previewRows
	r.Evidence.Unsigned = "a preview is not signed"
	var b strings.Builder
	m, err := write(&b, r)
	if err != nil {
		return ReportPreview{}, err
	}
	return ReportPreview{HTML: b.String(), Statement: m.Statement, Count: m.Count, PeriodEvents: m.PeriodEvents, ChainOK: m.ChainOK}, nil
}
