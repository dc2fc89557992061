package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) auditCommand() *cobra.Command {
	var f session.AuditFilter
	copied, follow, saved := false, false, ""
	list := &cobra.Command{
		Use: "list", Short: "List who did what, when and why", Args: want(),
		Long: `List who did what, when and why. Where the control database does not answer,
this computer's copy is listed, and how far it goes is said. --follow lists the
newest last and goes on with what comes, until Ctrl-C; with --json each event is
a line.

` + savedHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.useSaved(cmd, saved, &f); err != nil {
				return err
			}
			if follow && (copied || f.Until != "") {
				return fault.New(fault.Usage, "--follow goes with neither --mirror nor --until: nothing comes to either", "shard-admin audit list --help shows how it is written")
			}
			if follow {
				return p.runAuditFollow(cmd.Context(), f)
			}
			return p.runAuditList(cmd.Context(), f, copied)
		},
	}
	auditFilters(list, &f)
	auditLimit(list, &f, 100)
	savedFlag(list, &saved)
	list.Flags().BoolVar(&copied, "mirror", false, "from this computer's copy; asks no database")
	list.Flags().BoolVar(&follow, "follow", false, "go on with what comes, until Ctrl-C (exit 1)")
	restart := false
	sync := &cobra.Command{
		Use: "sync", Short: "Bring this computer's copy of the trail up to date", Args: want(),
		Long: `Bring this computer's copy of the trail up to date. A trail that is not the one
that was copied is an alarm, and stays one. --restart keeps the copy as it is,
with the reason, and begins a new one: after a restore that everybody knows of.
That is an event of the trail, with the alarm and both ends.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAuditSync(cmd.Context(), restart) },
	}
	sync.Flags().BoolVar(&restart, "restart", false, "keep the old copy and begin a new one; needs a reason")
	var check verifyFlags
	verify := &cobra.Command{
		Use: "verify [--server|--mirror|--file FILE]", Short: "Compute every hash of the trail anew; exit 4 if one is wrong", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check.server && check.mirror || check.file != "" && (check.server || check.mirror) {
				return fault.New(fault.Usage, "--server, --mirror and --file each name what is verified: one of them", helpHint(cmd))
			}
			return p.runAuditVerify(cmd.Context(), check)
		},
	}
	verify.Flags().SortFlags = false
	verify.Flags().BoolVar(&check.server, "server", false, "the trail in the control database (the default)")
	verify.Flags().BoolVar(&check.mirror, "mirror", false, "this computer's copy of it")
	verify.Flags().StringVar(&check.file, "file", "", "an exported `FILE`; needs no database, no keychain and no fleet")
	verify.Flags().StringVar(&check.from, "from-checkpoint", "", "and compare with the signed checkpoint in the `FILE`")
	verify.Flags().StringArrayVar(&check.keys, "key", nil, "trust the public `KEY`, and no key that the trail names; repeatable")
	var e session.ReportRequest
	var file, savedExport string
	export := &cobra.Command{
		Use: "export -o FILE", Short: "Write events to a file with a manifest", Args: want(),
		Long: `Write events to a file with a manifest beside it, signed with your key if you
have enrolled one. The manifest says what the file holds: filter, period,
numbers, hashes, whether the chain verifies, its digest.

` + savedHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.useSaved(cmd, savedExport, &e.Filter); err != nil {
				return err
			}
			return p.runReport(cmd.Context(), e, file)
		},
	}
	reportFlags(export, &e, &file)
	export.Flags().BoolVar(&e.Proof, "proof", false, "also a line for every event left out, without what it says (jsonl)")
	auditFilters(export, &e.Filter)
	auditLimit(export, &e.Filter, 0)
	savedFlag(export, &savedExport)
	return group("audit", "Read, check and export the audit trail", list, sync, verify, export, p.auditFiltersCommand(), p.auditCheckpointCommand(), p.auditKeyCommand(), p.auditArchiveCommand(), p.auditPurgeCommand(), p.auditEraseCommand())
}

// auditFilters are the flags that select events.
func auditFilters(c *cobra.Command, f *session.AuditFilter) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.Tenant, "tenant", "", "of the `TENANT`, an id or a subdomain")
	fs.StringVar(&f.Actor, "actor", "", "by the operator `EMAIL`, or by a pseudonym")
	fs.StringVar(&f.Shard, "shard", "", "from or to the `SHARD`")
	fs.StringVar(&f.Action, "action", "", "of the `KIND`, such as move.start")
	fs.StringVar(&f.Status, "outcome", "", "that ended as `STATUS`: ok, failed, refused, cancelled, rolled_back, interrupted, or begun")
	fs.StringVar(&f.Since, "since", "", "from the `TIME` on: 2026-01-31, RFC 3339, or an age such as 24h or 30d")
	fs.StringVar(&f.Until, "until", "", "up to the `TIME`")
	fs.StringVar(&f.Search, "search", "", "whose reason, tenant or action holds `TEXT`")
}

// auditLimit is the flag of how many of them.
func auditLimit(c *cobra.Command, f *session.AuditFilter, limit int) {
	c.Flags().IntVar(&f.Limit, "limit", limit, "how `MANY`, the newest first")
}

func (p *program) runAuditList(ctx context.Context, f session.AuditFilter, copied bool) error {
	if f.Limit < 1 {
		return fault.New(fault.Usage, "--limit wants a number of 1 or more", "shard-admin audit list --help shows how it is written")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	events := s.Events
	if copied {
		events = s.CopiedEvents
	}
	v, err := events(ctx, f)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		if v.CopyTo != nil {
			if v.CopyReason != "" {
				paragraph(w, "", "! "+v.CopyReason)
			}
			paragraph(w, "", fmt.Sprintf("From this computer's copy: up to number %s, brought up to date %s.", number(*v.CopyTo), moment(*v.CopyAt)))
		}
		if len(v.Events) == 0 {
			line(w, "The audit trail has no such event.")
			return
		}
		printEvents(w, v.Events)
	})
}

// runAuditFollow prints each event on a line of its own. No table: how wide the
// columns are is known only when all rows are.
func (p *program) runAuditFollow(ctx context.Context, f session.AuditFilter) error {
	if f.Limit < 1 {
		return fault.New(fault.Usage, "--limit wants a number of 1 or more", "shard-admin audit list --help shows how it is written")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	reason, lines := "", json.NewEncoder(p.stdout)
	lines.SetEscapeHTML(false)
	err = s.FollowEvents(ctx, f, func(v session.EventList) error {
		if v.CopyReason != reason && v.CopyTo != nil {
			p.say("! %s\nfrom this computer's copy now: up to number %s, brought up to date %s", v.CopyReason, number(*v.CopyTo), moment(*v.CopyAt))
		} else if v.CopyReason != reason {
			p.say("the control database answers again")
		}
		reason = v.CopyReason
		for _, e := range v.Events {
			if !p.json {
				line(p.stdout, "%s  %s  %s  %s  %s  %s", moment(e.At), e.Actor, e.Action, or(e.Tenant, none), e.Status, or(e.Note, none))
			} else if err := lines.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) { p.say("! %s\nwhat comes is not seen until it answers again", fault.As(err).Message) })
	if err != nil {
		return err
	}
	return &found{code: fault.Cancelled, text: "only the following has ended"}
}

// alarmed says before anything else, on standard error, what makes everything that
// follows doubtful: until a new copy is begun, whatever the command.
func (p *program) alarmed(ctx context.Context, s *session.Session) {
	list, err := s.AuditAlarms(ctx)
	if err != nil || len(list.Alarms) == 0 || p.alarms[s.Fleet().Name] {
		return
	}
	p.alarms[s.Fleet().Name] = true
	paragraph(p.stderr, "", "! ALARM of the audit trail of "+s.Fleet().Name+" since "+moment(list.Alarms[len(list.Alarms)-1].At)+" UTC: "+list.Alarms[0].Message)
	paragraph(p.stderr, "  ", list.Hint)
}

func printEvents(w io.Writer, events []session.Event) {
	t := newTable(left("AT (UTC)"), long("WHO", 8), left("ACTION"), long("TENANT", 6), left("STATUS"), long("REASON", 8))
	for _, e := range events {
		t.add(moment(e.At), e.Actor, e.Action, or(e.Tenant, none), e.Status, or(e.Note, none))
	}
	t.print(w)
}

func (p *program) runAuditSync(ctx context.Context, restart bool) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	look := s.SyncAudit
	if restart {
		look = func(ctx context.Context) (session.AuditSync, error) { return s.RestartCopy(ctx, p.note) }
	}
	v, err := look(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "%s copied; this computer has the trail up to number %s of %s.", count(v.Pulled, "event"), number(v.Seq), number(v.Head))
	})
}

func exported(w io.Writer, v session.AuditExport) {
	made := "the trail in the control database"
	if v.CopiedAt != nil {
		made = "this computer's copy, brought up to date " + moment(*v.CopiedAt)
	}
	facts(w, "File", v.File, "Made of", made, "Manifest", v.Manifest, "Events", number(v.Count), "Numbers", number(v.FirstSeq)+" to "+number(v.LastSeq), "SHA-256", v.SHA256, "Chain verified", yesNo(v.ChainOK), "Signed by", or(v.SignedBy, "nobody: "+v.SignedByReason))
}
