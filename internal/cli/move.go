package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

// moveOptions are the flags of plan and start.
type moveOptions struct {
	session.MoveRequest
	decisions   string
	maxReadOnly time.Duration
	wait        bool
}

func (p *program) moveCommand() *cobra.Command {
	var plan, start moveOptions
	shared := func(c *cobra.Command, o *moveOptions) {
		fs := c.Flags()
		fs.SortFlags = false
		fs.StringVar(&o.Mode, "mode", "", "`MODE` online or fenced (default: online where possible)")
		fs.StringVar(&o.decisions, "decisions", "", "take the choices for the plan's decisions from `FILE`, TOML or JSON")
		fs.DurationVar(&o.maxReadOnly, "max-read-only", 0, "refuse or give up if the tenant would be read-only for longer than `TIME` (default: 10s online, 5m fenced)")
	}
	planned := &cobra.Command{
		Use: "plan TENANT SHARD", Short: "Say what a move would do; exit 3 if a check blocks it", Args: want("TENANT", "SHARD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan.Tenant, plan.Target = args[0], args[1]
			return p.runMovePlan(cmd.Context(), plan, repeated(cmd))
		},
	}
	shared(planned, &plan)
	started := &cobra.Command{
		Use: "start TENANT SHARD", Short: "Move a tenant's rows to another shard", Args: want("TENANT", "SHARD"),
		Long: `File a move and queue its run. With --wait this process carries it out and ends
when nothing more happens without a person; otherwise a worker does.

An online move copies while the tenant writes and keeps its writes waiting for
the switch alone; a fenced one keeps them waiting until all rows are copied and
compared.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start.Tenant, start.Target = args[0], args[1]
			return p.runMoveStart(cmd.Context(), start)
		},
	}
	shared(started, &start)
	fs := started.Flags()
	fs.BoolVar(&start.wait, "wait", false, "carry it out here and return when it is settled")
	fs.BoolVar(&start.Hold, "hold", false, "stop at ready and wait for move switch: online when the target follows, fenced before anything is copied")
	fs.BoolVar(&start.FullSpeed, "full-speed", false, "online: make no way for others on the shards while rows are copied and compared")
	fs.IntVar(&start.Priority, "priority", 0, "runs of a higher `NUMBER` come first")
	fs.StringVar(&start.At, "at", "", "not before the `TIME`, RFC 3339")
	fs.BoolVar(&start.AcceptAlone, "accept-alone", false, "in production: without a second worker that could take over")

	var tenant string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List moves, the newest first", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runMoveList(cmd.Context(), tenant, limit) },
	}
	list.Flags().StringVar(&tenant, "tenant", "", "of the `TENANT`")
	list.Flags().IntVar(&limit, "limit", 50, "how `MANY`")
	show := &cobra.Command{
		Use: "show ID", Short: "Show a move: tables, log, and what may follow", Args: want("ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runMoveShow(cmd.Context(), args[0]) },
	}
	watch := &cobra.Command{
		Use: "watch ID", Short: "Follow a move until it is settled", Args: want("ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runMoveWatch(cmd.Context(), args[0]) },
	}
	var table, value string
	var most int
	ids := &cobra.Command{
		Use: "ids ID", Short: "List the ids and unique values that a move replaced", Args: want("ID"),
		Long: "List what became of ids and unique values that were taken on the target when\nthe tenant moved, and of those that were taken on the source when it came back.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runMoveIDs(cmd.Context(), args[0], table, value, most)
		},
	}
	ids.Flags().StringVar(&table, "table", "", "of the `TABLE`")
	ids.Flags().StringVar(&value, "value", "", "only where the `VALUE` is on either side")
	ids.Flags().IntVar(&most, "limit", 200, "how `MANY`; 0 is all")
	points := &cobra.Command{
		Use: "points", Short: "List the places at which tests stop a move", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runMovePoints() },
	}
	return group("move", "Move a tenant's rows to another shard",
		planned, started, list, show, watch, p.reportCommand(), ids,
		p.actionCommand("switch", "Go on with a move that waits at ready"),
		p.actionCommand("resume", "Go on with a move that was parked or has failed"),
		p.actionCommand("cancel", "Undo a move before its switch"),
		p.actionCommand("rollback", "Bring a switched tenant back, with what was written since"),
		p.actionCommand("finalize", "Delete the tenant's rows on the source"),
		p.queueCommand(), points)
}

// actionOptions are the flags of an action on a move that exists.
type actionOptions struct {
	session.MoveAction
	action        string
	wait          bool
	passwordStdin bool
}

func (p *program) actionCommand(action, short string) *cobra.Command {
	o := actionOptions{action: action}
	c := &cobra.Command{
		Use: action + " ID", Short: short, Args: want("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ID = args[0]
			return p.runMoveAction(cmd.Context(), o)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&o.wait, "wait", false, "carry it out here and return when it is settled")
	if action == "resume" {
		c.Flags().BoolVar(&o.Repair, "repair", false, "online, where rows differed: bring those anew from the source, compare all again and go on")
	}
	if action == "finalize" {
		c.Long = `Delete the tenant's rows on the source: what the move copied and verified, and
nothing else. With --wait the time in which the application may still route to
the source is waited out first.`
		c.Flags().BoolVar(&o.RoutingConfirmed, "routing-confirmed", false, "the application follows the pointer; --note says how you know")
		c.Flags().BoolVar(&o.passwordStdin, "password-stdin", false, "in production: the database password is a line on standard input")
	}
	return c
}

func (o moveOptions) request(p *program) (session.MoveRequest, error) {
	r := o.MoveRequest
	r.MaxReadOnlyMS = o.maxReadOnly.Milliseconds()
	r.Note, r.Confirm = p.note, p.confirm
	if o.decisions == "" {
		return r, nil
	}
	var data []byte
	var err error
	if o.decisions == "-" {
		data, err = io.ReadAll(io.LimitReader(p.stdin, 16<<20))
	} else {
		data, err = os.ReadFile(o.decisions)
	}
	if err != nil {
		return r, fault.Wrapf(err, fault.Usage, "shard-admin move plan TENANT SHARD --json prints the decisions in the form that is read", "the decisions file %s cannot be read", harmless(o.decisions))
	}
	r.Decisions, err = session.ParseDecisions(data, o.decisions)
	return r, err
}

// repeated is what a command was given of its own flags, as a person would type
// it again; what came on standard input needs a file the second time.
func repeated(cmd *cobra.Command) string {
	text := ""
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		value := f.Value.String()
		switch {
		case !f.Changed:
			return
		case value == "-":
			value = "FILE"
		case strings.ContainsFunc(value, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:,@", r)
		}):
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		text += " --" + f.Name + " " + value
	})
	return text
}

func (p *program) runMovePlan(ctx context.Context, o moveOptions, again string) error {
	r, err := o.request(p)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.PlanMove(ctx, r)
	if err != nil {
		return err
	}
	if err := p.answer(document.OfPlan(v), func(w io.Writer) { printPlan(w, v, again) }); err != nil {
		return err
	}
	if v.Blocked {
		return &found{code: fault.MoveBlocked}
	}
	return nil
}

// printPlan ends with the command that starts the move; again is what of the
// plan's flags it needs.
func printPlan(w io.Writer, v session.Plan, again string) {
	takes := "unknown: " + v.EstimateReason
	if v.EstimateMS != nil {
		takes = "about " + spanOr(v.EstimateMS) + ", writes wait about " + spanOr(v.PauseMS)
	}
	facts(w, "Tenant", v.Label+" ("+v.Tenant+")", "From", v.Source, "To", v.Target, "Mode", strings.TrimSuffix(v.Mode+", "+v.ModeReason, ", "),
		"Rows", number(v.Rows)+", "+size(v.Bytes), "Estimate", takes)
	line(w, "")
	t := newTable(long("TABLE", 24), left("KIND"), right("ROWS"), right("SIZE"))
	empty := 0
	for _, x := range v.Tables {
		if x.Rows == 0 {
			empty++
			continue
		}
		t.add(x.Table, state(x.Kind), number(x.Rows), size(x.Bytes))
	}
	t.print(w)
	if empty > 0 {
		line(w, "and %s without rows", count(int64(empty), "table"))
	}
	if len(v.Decisions) > 0 {
		line(w, "")
		t := newTable(long("TO DECIDE IN", 16), long("KEY", 8), left("CASE"), left("CHOICE"), long("OF", 8))
		for _, d := range v.Decisions {
			t.add(d.Table, d.Key, state(d.Case), or(d.Choice, "none yet"), strings.Join(d.Choices, ", "))
		}
		t.print(w)
	}
	if len(v.Replacing) > 0 {
		line(w, "")
		t := newTable(long("NEW VALUES IN", 20), left("HOW"), right("ROWS"), long("FOLLOWED BY", 12))
		for _, r := range v.Replacing {
			t.add(r.Table+"."+r.Column, map[string]string{"sequence": "next id", "rename": "renamed"}[r.Rule], number(r.Rows), or(strings.Join(r.References, ", "), "nothing"))
		}
		t.print(w)
	}
	line(w, "")
	printChecks(w, v.Checks)
	for _, n := range v.Notices {
		paragraph(w, "", "Note: "+n)
	}
	line(w, "")
	if v.Blocked {
		line(w, "Blocked: a move would be refused.")
		return
	}
	line(w, "Nothing stands in the way. Next:")
	line(w, "  %s", fault.Change("move start "+v.Label+" "+v.Target+again+" --wait"))
}

// printChecks prints what is not well, whole; what is well is one line.
func printChecks(w io.Writer, checks []session.Check) {
	well := 0
	for _, c := range checks {
		if c.Status == "ok" {
			well++
		}
	}
	if len(checks) == 0 {
		return
	}
	line(w, "%d of %s passed", well, count(int64(len(checks)), "check"))
	for _, c := range checks {
		if c.Status == "ok" {
			continue
		}
		paragraph(w, "", c.Status+" "+c.Name+": "+c.Message)
		for _, x := range []string{c.Evidence, c.Fix} {
			if x != "" {
				paragraph(w, "  ", x)
			}
		}
	}
}

// started is a move that may not have begun.
type startedMove struct {
	document.Move
	// Notice says that nobody carries it out yet.
	Notice *string `json:"notice"`
}

func (p *program) runMoveStart(ctx context.Context, o moveOptions) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if err := p.change(ctx, s.Fleet(), fmt.Sprintf("Tenant %s moves to %s. %s", o.Tenant, o.Target, writesWait(o.Mode)), o.Tenant); err != nil {
		return err
	}
	r, err := o.request(p)
	if err != nil {
		return err
	}
	v, err := s.StartMove(ctx, r)
	if err != nil {
		return err
	}
	return p.follow(ctx, s, v, o.wait)
}

// writesWait says for how long a move of a mode keeps the tenant from writing.
func writesWait(mode string) string {
	switch mode {
	case "online":
		return "Its writes wait for a moment while the last of them are carried over."
	case "fenced":
		return "Its site is read-only while its rows are copied and compared."
	}
	return "Its writes wait for the switch; where the move cannot be online, while its rows are copied and compared."
}

func (p *program) runMoveAction(ctx context.Context, o actionOptions) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	f := s.Fleet()
	if p.asks() {
		m, err := s.Move(ctx, o.ID)
		if err != nil {
			return err
		}
		what := map[string]string{
			"switch":   writesWait(m.Mode),
			"resume":   "The move goes on where it stopped.",
			"cancel":   "What was copied is removed; the tenant stays where it is.",
			"rollback": "The tenant goes back, with what was written since.",
			"finalize": "The tenant's rows on the source are deleted. After that nothing brings it back.",
		}[o.action]
		if err := p.change(ctx, f, fmt.Sprintf("Move %s of %s from %s to %s. %s", m.ID, m.Label, m.Source, m.Target, what), m.Label); err != nil {
			return err
		}
	}
	if o.action == "finalize" && f.Environment == fleet.Production {
		how, err := s.Reentry(ctx)
		if err != nil {
			return err
		}
		if _, ok := p.terminal(); o.passwordStdin || (ok && !p.yes && how == session.ReentryPassword) {
			secret, err := p.secret(ctx, "Password of the control database")
			if err != nil {
				return err
			}
			o.Password = secret.Reveal()
		}
	}
	o.Note, o.Confirm, o.Wait = p.note, p.confirm, o.wait
	v, err := s.ActOnMove(ctx, o.action, o.MoveAction)
	if err != nil {
		return err
	}
	return p.follow(ctx, s, v, o.wait)
}

// follow waits for a queued run if it is to be waited for, and prints the move.
func (p *program) follow(ctx context.Context, s *session.Session, v session.MoveView, wait bool) error {
	out := startedMove{Move: document.OfMove(v)}
	if wait {
		p.say("Move %s", v.ID)
		if why, err := s.Waits(ctx, v.Tenant); err == nil && why != "" {
			p.say("%s", why)
		}
		p.parks.Store(true)
		show := p.progress()
		done, err := s.Await(ctx, v.ID, show.move)
		show.end()
		if done.ID == "" {
			done = v
		}
		return p.moved(startedMove{Move: document.OfMove(done)}, err)
	}
	notices := []string{}
	if why, err := s.Waits(ctx, v.Tenant); err == nil && why != "" {
		notices = append(notices, why)
	}
	if n, err := s.WorkersAlive(ctx); err == nil && n == 0 {
		notices = append(notices, "no worker is alive to carry it out: shard-admin worker starts one, "+fault.Change("move resume "+v.ID+" --wait")+" does it here")
	}
	if len(notices) > 0 {
		notice := strings.Join(notices, "; ")
		out.Notice = &notice
	}
	return p.moved(out, nil)
}

// moved prints a move. One that ended with an error holds it, so that the
// document is an error's and the move's at once.
func (p *program) moved(v startedMove, err error) error {
	if err != nil {
		e := p.problem(err)
		v.Error = &e
	}
	if perr := p.answer(v, func(w io.Writer) {
		printMove(w, v.MoveView)
		if v.Notice != nil {
			line(w, "")
			paragraph(w, "", "Note: "+*v.Notice)
		}
	}); perr != nil {
		return perr
	}
	if err != nil {
		if p.home != nil {
			p.home.Logger().Error("move ended with an error", "move", v.ID, "code", string(fault.CodeOf(err)), "error", err.Error())
		}
		return &found{code: fault.CodeOf(err)}
	}
	return nil
}

func printMove(w io.Writer, v session.MoveView) {
	stands := state(v.State)
	switch {
	case v.Held:
		stands += ", waits for a person"
	case v.StandsStill:
		stands += ", stands still: nobody carries it out"
	}
	verified := "no"
	if v.Verified {
		verified = "every row, " + momentOr(v.VerifiedAt) + " UTC"
	}
	readOnly := ""
	if v.ReadOnlySince != nil {
		readOnly = "since " + moment(*v.ReadOnlySince) + " UTC, " + age(*v.ReadOnlySince)
	}
	finished := ""
	if v.FinishedAt != nil {
		finished = moment(*v.FinishedAt) + " UTC"
	}
	carried, behind := behindFact(v)
	facts(w, "Move", v.ID, "Tenant", v.Label+" ("+v.Tenant+")", "From", v.Source, "To", v.Target, "Mode", v.Mode, "State", stands,
		"Rows", number(v.Rows)+", "+size(v.Bytes), "Verified", verified, "Write pause", spanOr(v.WritePauseMS), "Read-only now", readOnly,
		"Pace", paceOf(v.RowsPerS, v.BytesPerS), "Time left", timeLeftFact(v), carried, behind,
		"By", v.CreatedBy, "Reason", v.Note, "Filed", moment(v.CreatedAt)+" UTC", "Finished", finished, "Carried out by", v.Owner)
	printMoveTables(w, v)
	for _, l := range v.Log {
		if l.Level == "warning" {
			line(w, "")
			paragraph(w, "", "Warning of "+moment(l.At)+" UTC: "+l.Message)
		}
	}
	if v.Error != nil {
		line(w, "")
		paragraph(w, "", "Error: "+v.Error.Message)
		if v.Error.Hint != "" {
			paragraph(w, "  ", v.Error.Hint)
		}
	}
	if len(v.Next) > 0 {
		line(w, "\nNext:")
		for _, n := range v.Next {
			line(w, "  %s", n)
		}
	}
}

func (p *program) runMoveList(ctx context.Context, tenant string, limit int) error {
	if limit < 1 {
		return fault.New(fault.Usage, "--limit wants a number of 1 or more", "shard-admin move list --help shows how it is written")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Moves(ctx, tenant, limit)
	if err != nil {
		return err
	}
	return p.answer(document.OfMoves(v), func(w io.Writer) { printMoves(w, v) })
}

func printMoves(w io.Writer, v session.MoveList) {
	defer printQueueNotice(w, v.Queue)
	if len(v.Moves) == 0 {
		line(w, "There is no move.")
		return
	}
	t := newTable(left("MOVE"), long("TENANT", 10), long("FROM", 9), long("TO", 9), left("STATE"), right("ROWS"), left("FILED"))
	for _, m := range v.Moves {
		stands := state(m.State)
		if m.Error != nil && m.State != "failed" {
			stands += " !"
		} else if m.StandsStill {
			stands += ", still"
		}
		t.add(short(m.ID), or(m.Label, m.Tenant), m.Source, m.Target, stands, number(m.Rows), age(m.CreatedAt))
	}
	t.print(w)
}

// short is the start of a move's id, by which commands know it as well.
func short(id string) string {
	if len(id) > 13 {
		return id[:13]
	}
	return id
}

func (p *program) runMoveShow(ctx context.Context, id string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Move(ctx, id)
	if err != nil {
		return err
	}
	return p.answer(document.OfMove(v), func(w io.Writer) {
		printMove(w, v)
		if len(v.Log) > 0 {
			line(w, "\nLog (UTC):")
			for _, l := range v.Log {
				mark := ""
				if l.Level != "info" {
					mark = l.Level + ": "
				}
				paragraph(w, "  ", moment(l.At)+"  "+mark+l.Message)
			}
		}
	})
}

func (p *program) runMoveWatch(ctx context.Context, id string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	show := p.progress()
	v, err := s.Watch(ctx, id, show.move)
	show.end()
	if err != nil {
		return err
	}
	if v.ID == "" {
		return ctx.Err()
	}
	if err := p.answer(document.OfMove(v), func(w io.Writer) { printMove(w, v) }); err != nil {
		return err
	}
	if ctx.Err() != nil && !v.Settled {
		return &found{code: fault.Cancelled, text: "only the watching has ended; the move goes on where it is carried out"}
	}
	return nil
}

func (p *program) runMoveIDs(ctx context.Context, id, table, value string, limit int) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.ReplacedIDs(ctx, id, table, value, limit)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		if len(v.Replaced) == 0 {
			line(w, "Move %s replaced no value%s.", v.ID, map[bool]string{true: " of those asked for"}[table != "" || value != ""])
			return
		}
		t := newTable(long("TABLE", 16), left("COLUMN"), long("ON THE SOURCE", 12), long("ON THE TARGET", 12))
		for _, r := range v.Replaced {
			t.add(r.Table, r.Column, r.Source, r.Target)
		}
		t.print(w)
		if v.More {
			line(w, "and more: --limit 0 lists all")
		}
	})
}

func (p *program) runMovePoints() error {
	points := session.Points()
	return p.answer(map[string]any{"points": points}, func(w io.Writer) {
		t := newTable(left("POINT"), left("STATE"), whole("AFTER", 20))
		for _, x := range points {
			t.add(x.Name, state(string(x.State)), x.After)
		}
		t.print(w)
	})
}
