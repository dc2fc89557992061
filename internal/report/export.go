package report

import (
	"context"
	"io"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/policy"
)

// Request is a report that is wanted.
type Request struct {
	Kind   Kind
	Format audit.Format
	// Filter narrows it, besides what the kind selects.
	Filter audit.Filter
	// Zone is where times are shown; nil is UTC. Files for programs keep UTC.
	Zone               *time.Location
	Fleet, Environment string
	// TenantLabel is the name of the filter's tenant.
	TenantLabel string
	// Moves are those of the period, for the kinds that list them.
	Moves []Move
	// MovesReason is why a kind that lists moves besides lists none.
	MovesReason string
	// Copied is that of the draft.
	Copied time.Time
	// RawCells leaves cells of a CSV file as they are, although a spreadsheet
	// would run some of them.
	RawCells bool
	// Preview is how many rows of a table are shown at most; 0 is all. A file that
	// shows less than it counts says so.
	Preview int64
	// At is when the report is made; zero is now.
	At time.Time
	// Details and Deliver are those of the draft.
	Details map[string]any
	Deliver func(ctx context.Context, path string, m audit.Manifest) error
	// Evidence signs the file and proves what it left out.
	Evidence audit.Evidence
}

// draft is what the trail is asked for.
func (r Request) draft() (audit.Draft, error) {
	if err := r.check(); err != nil {
		return audit.Draft{}, err
	}
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.At = r.At.UTC().Truncate(time.Second)
	d := audit.Draft{
		Kind: string(r.Kind), Format: r.Format, Filter: narrow(r.Kind, r.Filter), Fleet: r.Fleet, Zone: r.Zone, At: r.At,
		CellsGuarded: r.Format == audit.CSV && !r.RawCells, Chain: r.Format == audit.JSONL && r.Kind != Moves, Evidence: r.Evidence, Details: r.Details, Deliver: r.Deliver, Copied: r.Copied,
	}
	if r.listsMoves() {
		n := len(r.Moves)
		d.Moves = &n
	}
	d.Content = func(w io.Writer) (audit.Content, error) { return r.content(d, w) }
	return d, nil
}

func (r Request) listsMoves() bool { return r.Kind == Moves || r.Kind == Tenant && r.MovesReason == "" }

// WriteOf writes a report of another source than the trail, and returns its manifest.
func WriteOf(ctx context.Context, src audit.Source, origin string, w io.Writer, r Request) (audit.Manifest, error) {
	d, err := r.draft()
	if err != nil {
		return audit.Manifest{}, err
	}
	return d.Make(ctx, src, origin, w)
}

// FileOf writes such a report to path with what lies beside it: see audit.Draft.FileOf.
func FileOf(ctx context.Context, src audit.Source, origin, path string, r Request, record func(audit.Manifest) error) (audit.Manifest, error) {
	d, err := r.draft()
	if err != nil {
		return audit.Manifest{}, err
	}
	return d.FileOf(ctx, src, origin, path, record)
}

// Write writes a report to w and returns its manifest. It records nothing;
// File does.
func Write(ctx context.Context, t *audit.Trail, w io.Writer, r Request) (audit.Manifest, error) {
	d, err := r.draft()
	if err != nil {
		return audit.Manifest{}, err
	}
	return t.Write(ctx, w, d)
}

// File writes a report to path with what lies beside it, and records it in the
// trail: see audit.Trail.File.
func File(ctx context.Context, t *audit.Trail, p policy.Permit, path string, r Request) (audit.Manifest, error) {
	r.Fleet = p.Fleet()
	d, err := r.draft()
	if err != nil {
		return audit.Manifest{}, err
	}
	return t.File(ctx, p, path, d)
}

// content is a report while the chain is walked over.
type content struct {
	r      Request
	w      io.Writer
	filter audit.Filter
	// lines is what writes events as they are walked over, nil for a form that
	// needs the whole first.
	lines audit.Content
	sums  *summary
}

func (r Request) content(d audit.Draft, w io.Writer) (audit.Content, error) {
	c := &content{r: r, w: w, filter: d.Filter, sums: newSummary(r.Zone)}
	var err error
	if r.Kind != Moves {
		switch r.Format {
		case audit.CSV, audit.JSONL:
			c.lines, err = d.EventLines(w)
		case audit.OCSF:
			c.lines = newOCSFLines(w)
		}
	}
	return c, err
}

// Entry implements audit.Content.
func (c *content) Entry(x audit.Walked) error {
	if c.lines != nil {
		return c.lines.Entry(x)
	}
	if x.Selected {
		c.sums.tally(x.Sealed)
	}
	return nil
}

// End implements audit.Content.
func (c *content) End(ctx context.Context, src audit.Source, m *audit.Manifest) error {
	m.Statement = c.r.statement(*m)
	if c.lines != nil {
		return c.lines.End(ctx, src, m)
	}
	d := c.r.document(c.sums, *m, func(do func(audit.Sealed) error) error { return src.Each(ctx, c.filter, do) })
	return d.write(c.w, c.r)
}

func (d *Document) write(w io.Writer, r Request) error {
	switch r.Format {
	case audit.CSV:
		return writeCSV(w, d.main(), !r.RawCells)
	case audit.JSONL:
		return writeJSONL(w, d.main())
	case audit.XLSX:
		return writeXLSX(w, d)
	case audit.HTML:
		return writeHTML(w, d)
	}
	return writePDF(w, d)
}

// main is the table that a form with only one table holds.
func (d *Document) main() Table { return d.Sections[0].Tables[0] }
