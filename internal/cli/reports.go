package cli

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// reportsCommand is `report`: one command for each kind.
func (p *program) reportsCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the kinds of report", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runReportList() },
	}
	schedules := &cobra.Command{
		Use: "schedules", Short: "List the scheduled reports: next, last delivered, missed", Args: want(),
		Long: `List the reports that the fleet file asks for with [[report]]: when the next is
due, when the last was delivered and what is missing, with the reason. The trail
says what was delivered and what has failed.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runReportSchedules(cmd.Context()) },
	}
	all := []*cobra.Command{list, schedules}
	for _, k := range session.ReportKinds() {
		all = append(all, p.reportKindCommand(k))
	}
	return group("report", "Write a report of the audit trail or of moves", all...)
}

func (p *program) reportKindCommand(k session.ReportKind) *cobra.Command {
	r := session.ReportRequest{Kind: k.Kind}
	var file string
	use := k.Kind
	for flag, value := range map[string]string{"tenant": "TENANT", "actor": "EMAIL"} {
		if k.Needs == flag {
			use += " --" + flag + " " + value
		}
	}
	c := &cobra.Command{
		Use: use + " -o FILE", Short: "Write a report: " + lowered(k.Title), Args: want(),
		Long: k.Title + ":\n" + k.Holds + ".\n\nThe first page says how many of the period's events it holds and that the chain\nof the trail was verified. A manifest lies beside the file,\nsigned with your key if you have enrolled one.",
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runReport(cmd.Context(), r, file) },
	}
	reportFlags(c, &r, &file)
	fs := c.Flags()
	fs.StringVar(&r.Filter.Since, "since", "", "from the `TIME` on: 2026-01-31, RFC 3339, or an age such as 24h or 30d")
	fs.StringVar(&r.Filter.Until, "until", "", "up to the `TIME`, not included")
	fs.StringVar(&r.Filter.Tenant, "tenant", "", "of the `TENANT`, an id or a subdomain")
	fs.StringVar(&r.Filter.Actor, "actor", "", "by the operator `EMAIL`")
	fs.StringVar(&r.Filter.Shard, "shard", "", "from or to the `SHARD`")
	return c
}

// lowered begins a title as it stands within a sentence.
func lowered(title string) string { return strings.ToLower(title[:1]) + title[1:] }

// reportFlags are the flags of a file that is written.
func reportFlags(c *cobra.Command, r *session.ReportRequest, file *string) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&r.Format, "format", "", "csv, jsonl, xlsx, html, pdf or ocsf (default: FILE's ending)")
	fs.StringVarP(file, "output", "o", "", "the `FILE` to write")
	fs.StringVar(&r.Zone, "zone", "", "show times and mean dates in the time `ZONE` (default: UTC)")
	if r.Kind != session.ReportOfMoves { // which stand in the control database alone
		fs.BoolVar(&r.Mirror, "mirror", false, "of this computer's copy; asks no database")
	}
	fs.BoolVar(&r.RawCells, "raw-cells", false, "csv: leave cells that a spreadsheet would run as they are")
}

func (p *program) runReportList() error {
	list := session.ReportKinds()
	return p.answer(map[string]any{"reports": list, "formats": session.ReportFormats()}, func(w io.Writer) {
		t := newTable(left("REPORT"), whole("HOLDS", 30), left("NEEDS"))
		for _, k := range list {
			needs := none
			if k.Needs != "" {
				needs = "--" + k.Needs
			}
			t.add(k.Kind, k.Holds, needs)
		}
		t.print(w)
	})
}

func (p *program) runReportSchedules(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.ReportSchedules(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		if len(v.Schedules) == 0 {
			line(w, "The fleet file has no [[report]].")
			return
		}
		t := newTable(left("SCHEDULE"), left("EVERY"), left("NEXT (UTC)"), left("DELIVERED (UTC)"), left("STATUS"), right("MISSING"), long("REASON", 10))
		for _, r := range v.Schedules {
			delivered := none
			if r.DeliveredAt != nil {
				delivered = moment(*r.DeliveredAt)
			}
			t.add(r.Name, r.Every, moment(r.NextAt), delivered, r.Status, number(int64(r.Missing)), or(r.Reason, none))
		}
		t.print(w)
	})
}

// outputPath is the whole path of the file that -o names.
func outputPath(file string) (string, error) {
	if file == "" {
		return "", fault.New(fault.Usage, "the file to write is missing", "-o FILE")
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fault.Wrap(err, fault.Usage, "the path of the file cannot be made out", "give it whole")
	}
	return path, nil
}

func (p *program) runReport(ctx context.Context, r session.ReportRequest, file string) error {
	path, err := outputPath(file)
	if err != nil {
		return err
	}
	if r.Format == "" {
		r.Format = strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
	}
	if !slices.Contains(session.ReportFormats(), r.Format) {
		return fault.Newf(fault.Usage, "--format "+strings.Join(session.ReportFormats(), "|"), "there is no format %s", harmless(or(r.Format, "without a name")))
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	r.Note = p.note
	v, err := s.WriteReport(ctx, r, path)
	if err != nil {
		if fault.Unreachable(err) && !r.Mirror && r.Kind != session.ReportOfMoves {
			if copied, none := s.CopiedEvents(ctx, session.AuditFilter{Limit: 1}); none == nil && copied.CopyTo != nil {
				p.say("this computer's copy of the trail goes up to number %s: the same command with --mirror makes the file of it", number(*copied.CopyTo))
			}
		}
		return err
	}
	return p.answer(document.OfExport(v), func(w io.Writer) {
		paragraph(w, "", v.Statement+".")
		exported(w, v)
	})
}
