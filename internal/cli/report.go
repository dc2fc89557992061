package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) reportCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "report ID", Short: "Say all about a settled move: who, when, how long, proof", Args: want("ID"),
		Long: `Say all that is known of a move that is settled: who moved the tenant, why and
when, how long each phase took and how long writes waited, rows and digest of
each table, decisions, refused writes, the events of the audit trail with their
hashes, and what may follow.

With -o the report goes to a new file, as text or with --json as JSON.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runMoveReport(cmd.Context(), args[0], file) },
	}
	c.Flags().StringVarP(&file, "output", "o", "", "the `FILE` to write (default: standard output)")
	return c
}

type reportDocument struct {
	session.MoveReport
	Move document.Move `json:"move"`
}

func (p *program) runMoveReport(ctx context.Context, id, file string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.ReportMove(ctx, id)
	if err != nil {
		return err
	}
	d := reportDocument{v, document.OfMove(v.Move)}
	if file == "" {
		return p.answer(d, func(w io.Writer) { printReport(w, v) })
	}
	var b bytes.Buffer
	if p.json {
		enc := json.NewEncoder(&b)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			return fault.Wrap(err, fault.Internal, "the report could not be written as JSON", "")
		}
	} else {
		printReport(&b, v)
	}
	// It names people and tenants.
	f, err := newFile(file, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b.Bytes()); err == nil {
		err = f.Close()
	}
	if err != nil {
		return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "%s could not be written", file)
	}
	return p.answer(map[string]string{"file": file, "move_id": v.Move.ID}, func(w io.Writer) { line(w, "The report is in %s.", file) })
}

// printReport prints a report as a person reads it, or files it with a ticket.
func printReport(w io.Writer, v session.MoveReport) {
	m := v.Move
	paragraph(w, "", fmt.Sprintf("Move of %s (%s) from %s to %s: %s", or(m.Label, m.Tenant), m.Tenant, m.Source, m.Target, state(m.State)))
	line(w, "")
	pause := "none: the tenant was not switched"
	if m.WritePauseMS != nil {
		pause = spanOr(m.WritePauseMS)
	}
	utc := func(at *string) string {
		if at == nil {
			return ""
		}
		return moment(*at) + " UTC"
	}
	verified := "no"
	if m.Verified {
		verified = "every row, " + momentOr(m.VerifiedAt) + " UTC"
	}
	mode := m.Mode
	if v.ModeReason != "" {
		mode += ", " + v.ModeReason
	}
	facts(w, "Fleet", v.Fleet+", "+v.Environment, "Move", m.ID, "Mode", mode, "By", m.CreatedBy, "Reason", m.Note, "Filed", moment(m.CreatedAt)+" UTC", "Begun", utc(m.StartedAt),
		"Switched", utc(m.SwitchedAt), "Finished", utc(m.FinishedAt), "Write pause", pause+"; at most "+spanOr(&m.MaxReadOnlyMS)+" allowed",
		"Rows", number(m.RowsCopied)+" copied, "+size(m.BytesCopied)+"; planned "+number(m.Rows)+", "+size(m.Bytes), "Verified", verified, "Report made", moment(v.MadeAt)+" UTC")
	line(w, "")
	paragraph(w, "", "The tenant: "+v.Safe+".")
	if m.Error != nil {
		line(w, "")
		paragraph(w, "", "Error "+m.Error.Code+": "+m.Error.Message)
		if m.Error.Hint != "" {
			paragraph(w, "  ", m.Error.Hint)
		}
	}
	printReportTimes(w, v)
	printReportTables(w, v)
	printReportRows(w, v)
	printReportEvents(w, v)
	if len(m.Log) > 0 {
		line(w, "\nLog (UTC):")
		for _, l := range m.Log {
			mark := ""
			if l.Level != "info" {
				mark = l.Level + ": "
			}
			paragraph(w, "  ", moment(l.At)+"  "+mark+l.Message)
		}
	}
	if len(m.Next) > 0 {
		line(w, "\nNext:")
		for _, n := range m.Next {
			line(w, "  %s", n)
		}
		return
	}
	line(w, "\nNext: nothing; the move is over.")
}

func printReportTimes(w io.Writer, v session.MoveReport) {
	line(w, "")
	if len(v.Phases) == 0 {
		line(w, "Its phases were not recorded.")
		return
	}
	t := newTable(left("PHASE"), left("BEGAN (UTC)"), right("TOOK"), whole("WHAT", 20))
	for _, p := range v.Phases {
		took := "goes on"
		if p.DurationMS != nil {
			took = spanOr(p.DurationMS)
		}
		t.add(p.Phase, moment(p.BeganAt), took, phaseMeans[p.Phase])
	}
	t.print(w)
}

// phaseMeans says what happens in each phase.
var phaseMeans = map[string]string{
	"Queue": "waited for a worker", "Check": "guards on both shards, older transactions", "Copy": "rows copied", "Catch up": "what was written meanwhile",
	"Verify": "every row compared", "Switch": "the tenant changed sides", "Watch": "the source kept its copy", "Finish": "the source's copy deleted",
	"Move back": "the tenant went back", "Hold": "waited for a person", "Stopped": "stood still after an error",
}

func printReportTables(w io.Writer, v session.MoveReport) {
	empty, some := 0, false
	t := newTable(long("TABLE", 20), right("ROWS"), right("COPIED"), right("SIZE"), left("VERIFIED"), left("DIGEST"))
	for _, x := range v.Tables {
		if x.Rows == 0 && x.RowsCopied == 0 && (x.Digest == nil || x.Digest.Rows == 0) {
			empty++
			continue
		}
		some = true
		rows, digest := none, none
		if x.Digest != nil {
			rows, digest = number(x.Digest.Rows), x.Digest.SHA256[:16]
		}
		t.add(x.Table, rows, number(x.RowsCopied), size(x.BytesCopied), yesNo(x.Verified), digest)
	}
	line(w, "")
	if some {
		t.print(w)
	}
	if empty > 0 {
		line(w, "%s without rows", count(int64(empty), "table"))
	}
}

func printReportRows(w io.Writer, v session.MoveReport) {
	line(w, "")
	if len(v.Decisions) == 0 {
		line(w, "Nothing had to be decided.")
	} else {
		t := newTable(long("DECIDED IN", 16), long("KEY", 8), left("CASE"), left("CHOICE"))
		for _, d := range v.Decisions {
			t.add(d.Table, d.Key, state(d.Case), or(d.Choice, "none yet"))
		}
		t.print(w)
	}
	for _, x := range []struct {
		what string
		rows []session.ReportRow
	}{{"Shared copies on " + v.Move.Target, v.Shared}, {"Kept on " + v.Move.Source + " for others", v.Kept}} {
		if len(x.rows) == 0 {
			continue
		}
		line(w, "\n%s:", x.what)
		for i, r := range x.rows {
			if i == 50 {
				line(w, "  and %s; --json lists them", count(int64(len(x.rows)-i), "row"))
				break
			}
			paragraph(w, "  ", r.Table+" "+r.Key)
		}
	}
	line(w, "\nWrites of the tenant that were refused:")
	for _, r := range v.Refused {
		n := "unknown: " + r.Reason
		if r.Count != nil {
			n = number(*r.Count)
		}
		paragraph(w, "  ", r.Shard+": "+n)
	}
}

func printReportEvents(w io.Writer, v session.MoveReport) {
	chain := "every hash of the trail was computed anew and is right"
	if !v.ChainOK {
		chain = "NOT PROVEN: " + v.ChainReason
	}
	line(w, "")
	paragraph(w, "", "Audit trail, "+count(int64(len(v.Events)), "event")+"; "+chain+":")
	for _, e := range v.Events {
		paragraph(w, "  ", fmt.Sprintf("%s  number %s, %s %s by %s: %s", moment(e.At), number(e.Seq), e.Action, e.Status, e.Actor, or(e.Note, none)))
		line(w, "    %s", plain(e.Hash))
	}
}
