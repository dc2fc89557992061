package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) queueCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show what waits and what for: pause, windows, limits", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runQueueShow(cmd.Context()) },
	}
	pause := &cobra.Command{
		Use: "pause", Short: "Let nothing more begin, on any worker; what runs goes on", Args: want(),
		Long: `Let no worker begin anything more. What runs goes on, and so does what a worker
has left behind. cancel and rollback are carried out all the same: they bring a
tenant back to where it is safe. Everything else waits for move queue resume.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.runQueueChange(cmd.Context(), "No worker begins anything more on %s until move queue resume; what runs goes on.", (*session.Session).PauseQueue)
		},
	}
	resume := &cobra.Command{
		Use: "resume", Short: "End the pause", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.runQueueChange(cmd.Context(), "What waits in the queue of %s is begun.", (*session.Session).ResumeQueue)
		},
	}
	windows := &cobra.Command{
		Use: "window SPEC|none", Short: "Set the maintenance windows in which moves are begun",
		Long: `Set the maintenance windows in which queued moves are begun. A window is days,
times and a time zone; days are mon to sun, ranges and lists of them, or daily.
Several windows have a ; between them. A window is open while a clock on the
wall there shows a time in it; one that ends no later than it begins goes on
into the next day. none lets moves begin at any time.

Windows are for the beginning of moves alone, with --wait as well: what has
begun goes on outside of them, and resume, switch, cancel, rollback and finalize
wait for none.`,
		Example: `  shard-admin move queue window "sat,sun 22:00-04:00 Europe/Lisbon"
  shard-admin move queue window "mon-fri 01:00-05:00 UTC; sat 00:00-24:00 UTC"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return want("SPEC")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			spec := strings.Join(args, " ")
			what := "Moves of %s are begun in these windows alone: " + strings.ReplaceAll(spec, "%", "") + "."
			if spec == "none" {
				spec, what = "", "Moves of %s are begun at any time."
			}
			return p.runQueueChange(cmd.Context(), what, func(s *session.Session, ctx context.Context, r session.QueueRequest) (session.QueueState, error) {
				return s.SetQueueWindows(ctx, spec, r)
			})
		},
	}
	var perShard bool
	limit := &cobra.Command{
		Use: "limit N|none", Short: "Bound how many runs are carried out at once", Args: want("N"),
		Long: `Bound how many runs are carried out at once in the whole fleet, over all
workers, or with --per-shard on each shard. A run counts on its source and its
target. none takes the bound away; on one shard that leaves 2.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var n *int
			if args[0] != "none" {
				v, err := strconv.Atoi(args[0])
				if err != nil {
					return fault.Newf(fault.Usage, helpHint(cmd), "a limit is a number or none, not %s", harmless(args[0]))
				}
				n = &v
			}
			what := "The limit for the whole of %s is " + args[0] + "."
			if perShard {
				what = "The limit for each shard of %s is " + args[0] + "."
			}
			return p.runQueueChange(cmd.Context(), what, func(s *session.Session, ctx context.Context, r session.QueueRequest) (session.QueueState, error) {
				return s.LimitQueue(ctx, perShard, n, r)
			})
		},
	}
	limit.Flags().BoolVar(&perShard, "per-shard", false, "on each shard, not in the whole fleet")
	c := group("queue", "Show, pause and bound the queue of moves", show, pause, resume, windows, limit)
	c.RunE = show.RunE
	return c
}

type queueChanged struct {
	Queue session.QueueState `json:"queue"`
}

// runQueueChange makes one change and prints what the queue keeps to now; what
// says of the fleet what will be.
func (p *program) runQueueChange(ctx context.Context, what string, f func(*session.Session, context.Context, session.QueueRequest) (session.QueueState, error)) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	fleet := s.Fleet()
	if err := p.change(ctx, fleet, fmt.Sprintf(what, fleet.Name), fleet.Name); err != nil {
		return err
	}
	v, err := f(s, ctx, session.QueueRequest{Note: p.note, Confirm: p.confirm})
	if err != nil {
		return err
	}
	return p.answer(queueChanged{v}, func(w io.Writer) { printQueueState(w, v) })
}

func printQueueState(w io.Writer, v session.QueueState) {
	paused := "no"
	if v.Paused {
		paused = fmt.Sprintf("by %s since %s UTC: %s", v.PausedBy, momentOr(v.PausedAt), v.PausedWhy)
	}
	windows := "none, moves begin at any time"
	if v.Windows != "" {
		windows = v.Windows
		switch {
		case v.WindowOpen && v.WindowClosesAt != nil:
			windows += "; open until " + moment(*v.WindowClosesAt) + " UTC"
		case v.WindowOpen:
			windows += "; open"
		case v.WindowOpensAt != nil:
			windows += "; closed, opens at " + moment(*v.WindowOpensAt) + " UTC"
		default:
			windows += "; closed"
		}
	}
	fleet := "no limit"
	if v.PerFleet != nil {
		fleet = number(int64(*v.PerFleet)) + " at once"
	}
	facts(w, "Paused", paused, "Windows", windows, "In the fleet", fleet, "On one shard", number(int64(v.PerShard))+" at once")
}

func (p *program) runQueueShow(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Queue(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { printQueue(w, v) })
}

func printQueue(w io.Writer, v session.QueueView) {
	printQueueState(w, v.Queue)
	line(w, "")
	workers := "No worker is alive that carries out what others have queued."
	if v.Workers > 0 {
		workers = "Alive to carry them out: " + count(int64(v.Workers), "worker") + "."
	}
	paragraph(w, "", fmt.Sprintf("%s waiting, %s running. %s", count(int64(v.Waiting), "run"), number(int64(v.Running)), workers))
	if len(v.Runs) == 0 {
		return
	}
	line(w, "")
	t := newTable(left("MOVE"), long("TENANT", 10), left("RUN"), right("PRIORITY"), left("FILED"), whole("STATE", 24))
	for _, r := range v.Runs {
		stands := r.State
		if r.WaitsText != "" {
			stands = r.WaitsText
		}
		t.add(short(r.MoveID), or(r.Label, r.Tenant), r.Action, strconv.Itoa(r.Priority), age(r.CreatedAt), stands)
	}
	t.print(w)
	if more := v.Waiting + v.Running - len(v.Runs); more > 0 {
		line(w, "and %s more", number(int64(more)))
	}
}

// printQueueNotice says above or below other things that queued moves wait.
func printQueueNotice(w io.Writer, q *session.QueueState) {
	if q == nil || !q.Paused && q.WindowOpen {
		return
	}
	line(w, "")
	if q.Paused {
		paragraph(w, "", fmt.Sprintf("The queue is paused by %s since %s UTC: %s", q.PausedBy, momentOr(q.PausedAt), q.PausedWhy))
		line(w, "  shard-admin move queue resume --note REASON")
		return
	}
	opens := ""
	if q.WindowOpensAt != nil {
		opens = ", the next one opens at " + moment(*q.WindowOpensAt) + " UTC"
	}
	paragraph(w, "", "No maintenance window is open"+opens+": "+q.Windows)
}
