package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) sessionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sessions NAME", Short: "Show who is connected to a shard and what they run", Args: want("NAME"),
		Long: `Show the client sessions of a shard's database: those that keep others waiting
first, then those whose transaction is the oldest. Statements are shown without
the texts in them. Sessions of this program are marked "ours".`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runShardsSessions(cmd.Context(), args[0]) },
	}
}

func (p *program) cancelCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "cancel NAME PID", Short: "Cancel the statement that a session runs", Args: want("NAME", "PID"),
		Long: `Cancel the statement that a session of a shard runs; the session stays, and its
transaction fails. A session that runs something else by the time it is told is
left alone. The database role needs pg_signal_backend. A number may be another
session's by now: at a terminal the session is shown and confirmed, elsewhere
--started says which one is meant.

In production it is confirmed with the shard's name. The audit trail keeps whose
session it was and why, not what it ran.`,
		Example: `  shard-admin shards sessions shard_1
  shard-admin shards cancel shard_1 4711 --note "blocks the import"`,
	}
	return p.ending(c, false)
}

func (p *program) terminateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "terminate NAME PID", Short: "End a session, whatever it is doing", Args: want("NAME", "PID"),
		Long: `End a session of a shard's server: its connection is closed and its transaction
rolled back. A session that got the number of one that ended is left alone. The
database role needs pg_signal_backend. At a terminal the session is shown and
confirmed, elsewhere --started says which one is meant.

In production it is confirmed with the shard's name. The audit trail keeps whose
session it was and why, not what it ran.`,
		Example: `  shard-admin shards terminate shard_1 4711 --note "idle in a transaction"`,
	}
	return p.ending(c, true)
}

// ending gives a command that ends something in a session its flag and its work.
func (p *program) ending(c *cobra.Command, terminate bool) *cobra.Command {
	r := session.EndRequest{}
	c.Flags().StringVar(&r.StartedAt, "started", "", "the `TIME` at which the session began, from sessions --json")
	c.Flags().BoolVar(&r.Ours, "ours", false, "although it is a session of shard-admin: a move may break off")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		pid, err := strconv.ParseInt(args[1], 10, 32)
		if err != nil || pid <= 0 {
			return fault.New(fault.Usage, "PID is the number of a session", "shard-admin shards sessions "+args[0]+" lists them")
		}
		r.Shard, r.PID = args[0], int(pid)
		return p.runShardsEnd(cmd.Context(), r, terminate)
	}
	return c
}

func (p *program) runShardsSessions(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Backends(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(document.OfBackends(v), func(w io.Writer) { printBackends(w, v) })
}

func printBackends(w io.Writer, v session.Backends) {
	if len(v.Sessions) == 0 {
		line(w, "Nobody else is connected to %s.", v.Shard)
		return
	}
	t := newTable(right("PID"), long("USER", 8), long("APPLICATION", 8), left("STATE"), right("FOR"), right("TRANSACTION"), left("LOCKS"), long("STATEMENT", 12))
	hidden := ""
	for _, b := range v.Sessions {
		application := or(b.Application, none)
		if b.Ours {
			application += " (ours)"
		}
		hidden = or(hidden, b.Reason)
		t.add(strconv.Itoa(b.PID), or(b.User, none), application, or(b.State, none), spanOr(b.StateMS), spanOr(b.TransactionMS), locks(b), or(b.Query, none))
	}
	t.print(w)
	if hidden != "" {
		line(w, "")
		paragraph(w, "", "What some of them do is not shown: "+hidden)
	}
}

// locks says who waits for a session and for whom it waits.
func locks(b session.BackendView) string {
	parts := []string{}
	if b.Blocks > 0 {
		parts = append(parts, fmt.Sprintf("blocks %d", b.Blocks))
	}
	if len(b.BlockedBy) > 0 {
		by := []string{}
		for _, pid := range b.BlockedBy {
			by = append(by, strconv.Itoa(pid))
		}
		parts = append(parts, "waits for "+few(by))
	}
	return or(strings.Join(parts, ", "), none)
}

// meant shows the session that has the number, so that what is confirmed is what
// was seen. Where nobody is asked it is refused: a script says by --started which
// session it saw.
func (p *program) meant(ctx context.Context, s *session.Session, r *session.EndRequest, terminate bool) error {
	v, err := s.Backends(ctx, r.Shard)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(v.Sessions, func(b session.BackendView) bool { return b.PID == r.PID })
	if i < 0 {
		return fault.Newf(fault.NotFound, "shard-admin shards sessions "+r.Shard+" lists those that there are", "%s has no client session %d", r.Shard, r.PID)
	}
	b := v.Sessions[i]
	if b.StartedAt == nil {
		return nil // it may not be seen, and is refused for that
	}
	if !p.asks() {
		return fault.Newf(fault.Usage, "--started "+*b.StartedAt+" means the one that has the number now", "which session %d is meant has to be said where nobody is asked", r.PID)
	}
	if r.StartedAt == "" {
		r.StartedAt = *b.StartedAt
	}
	if b.StatementAt != nil && !terminate {
		r.StatementAt = *b.StatementAt
	}
	printBackends(p.stderr, session.Backends{Shard: r.Shard, Sessions: []session.BackendView{b}})
	return nil
}

func (p *program) runShardsEnd(ctx context.Context, r session.EndRequest, terminate bool) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if p.asks() || r.StartedAt == "" {
		if err := p.meant(ctx, s, &r, terminate); err != nil {
			return err
		}
	}
	what := "The statement of session " + strconv.Itoa(r.PID) + " on " + r.Shard + " is cancelled."
	if terminate {
		what = "Session " + strconv.Itoa(r.PID) + " on " + r.Shard + " is ended; what it has not committed is lost."
	}
	if r.Ours {
		what += " If it is one of shard-admin's own, a move that runs in it breaks off where it stands."
	}
	if err := p.change(ctx, s.Fleet(), what, r.Shard); err != nil {
		return err
	}
	r.Note, r.Confirm = p.note, p.confirm
	end := s.CancelBackend
	if terminate {
		end = s.TerminateBackend
	}
	v, err := end(ctx, r)
	if err != nil {
		return err
	}
	return p.answer(document.OfEnded(v), func(w io.Writer) {
		done, told := "The statement of session %d on %s is cancelled.", "Session %d on %s was told to cancel its statement and has not yet."
		if terminate {
			done, told = "Session %d on %s has ended.", "Session %d on %s was told to end and has not yet."
		}
		if !v.Ended {
			done = told
		}
		line(w, done, v.Session.PID, v.Shard)
		line(w, "Audit event %s", v.AuditEvent)
	})
}
