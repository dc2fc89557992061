package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

func (p *program) rebalanceCommand() *cobra.Command {
	var strategy, most string
	var r session.RebalanceApply
	var wait bool
	limits := func(c *cobra.Command) {
		c.Flags().SortFlags = false
		c.Flags().StringSliceVar(&r.By, "by", nil, "spread `WHAT`: bytes, rows, load, count, or several with\ncommas; what the fleet file says, else bytes")
		c.Flags().IntVar(&r.MaxMoves, "max-moves", 0, "end a plan after `N` moves")
		c.Flags().StringVar(&most, "max-size", "", "end a plan before it copies more than a `SIZE` such as 50GB")
	}
	size := func() error {
		if most == "" {
			return nil
		}
		n, err := fleet.ParseSize(most)
		if err != nil || n <= 0 {
			return fault.New(fault.Usage, "--max-size is not a size", "write it as 50GB")
		}
		r.MaxBytes = n
		return nil
	}
	plan := &cobra.Command{
		Use: "plan", Short: "Show what would spread tenants evenly: three plans side by side", Args: want(),
		Long: `Show how evenly tenants are spread over the shards, and three plans to mend it:
with the fewest moves, with the fewest bytes, and the most even one. Nothing is
changed. With --strategy one plan is shown whole: each move with its reason,
what a constraint forbids, and why a shard stays as it is.

Use is a multiple of an even spread: 1.00 is even. Something is proposed where a
shard is further from it than SHARD_IMBALANCE_THRESHOLD (0.2), or a tenant is
where it may not be. It is recommended once the fullest shard was that far above
even for 24 hours and enough is gained. The window, serve and worker look at
bytes, rows, load and count and keep in the control database since when each is
uneven; by which of them a plan spreads is another matter, and --by says it.
Sizes are estimates, with indexes; so is the load of a tenant, its share of the
rows that each table read and wrote a second. Pins, dedicated shards, tenants to
keep apart and the cool-down are in the fleet file, under [rebalance].`,
		Example: `  shard-admin rebalance plan
  shard-admin rebalance plan --strategy fewest-bytes --max-size 50GB`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := size(); err != nil {
				return err
			}
			return p.runRebalancePlan(cmd.Context(), r.RebalanceRequest, strategy)
		},
	}
	limits(plan)
	plan.Flags().StringVar(&strategy, "strategy", "", "show one plan whole: `S` is fewest-moves, fewest-bytes\nor most-even")
	apply := &cobra.Command{
		Use: "apply --strategy S", Short: "Queue the moves of a plan, in its order", Args: want(),
		Long: `Queue the moves of a plan, in its order; tenants without rows are only pointed.
The plan is made anew from the fleet as it is now; with --plan it has to be the
one that was shown, and is refused where the fleet has changed since.

Every move is checked before the first is queued: where one is refused, no move
is queued, and tenants without rows that were pointed by then stay so and are
named. When a queued move fails, is cancelled or rolled back, those of the
plan that have not begun are cancelled, and a fresh plan is made: --wait shows
it, and so does the alert of a move that failed. It is offered, and never queued
by itself. Old copies stay until each move is finalized. It needs
SHARD_BULK_OPS_ENABLED, and in production the fleet's name with --confirm.`,
		Example: `  shard-admin rebalance apply --strategy fewest-bytes --dry-run
  shard-admin rebalance apply --strategy fewest-moves --wait --note full`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.Strategy == "" {
				return fault.New(fault.Usage, "rebalance apply needs --strategy", "choose fewest-moves, fewest-bytes or most-even; shard-admin rebalance plan shows all three")
			}
			if err := size(); err != nil {
				return err
			}
			return p.runRebalanceApply(cmd.Context(), r, wait)
		},
	}
	limits(apply)
	apply.Flags().StringVar(&r.Strategy, "strategy", "", "`S` is fewest-moves, fewest-bytes or most-even")
	apply.Flags().StringVar(&r.Plan, "plan", "", "only if it is still the plan with this `ID`")
	apply.Flags().BoolVar(&r.DryRun, "dry-run", false, "check every move, change nothing")
	apply.Flags().BoolVar(&wait, "wait", false, "carry the moves out and return when all are settled")
	return group("rebalance", "Spread tenants evenly over the shards", plan, apply)
}

func (p *program) runRebalancePlan(ctx context.Context, r session.RebalanceRequest, strategy string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Rebalance(ctx, r)
	if err != nil {
		return err
	}
	one := -1
	for i, x := range v.Plans {
		if x.Strategy == strategy {
			one = i
		}
	}
	if strategy != "" && one < 0 {
		return fault.Newf(fault.Usage, "choose fewest-moves, fewest-bytes or most-even", "there is no strategy %s", harmless(strategy))
	}
	return p.answer(document.OfRebalance(v), func(w io.Writer) {
		printRebalance(w, v)
		if one >= 0 {
			printSpread(w, v.Plans[one], r.By)
			return
		}
		line(w, "")
		line(w, "Each move with its reason: shard-admin rebalance plan --strategy S")
	})
}

// printRebalance prints the fleet as it is and the plans side by side.
func printRebalance(w io.Writer, v session.Rebalance) {
	verdict := sentence(v.Verdict) + "."
	if !v.Needed {
		verdict += " Nothing has to be done."
	}
	paragraph(w, "", verdict)
	switch {
	case v.Recommended:
		paragraph(w, "", "Recommended: "+v.RecommendedReason+".")
	case v.Needed:
		paragraph(w, "", "Not recommended yet: "+v.RecommendedReason+".")
	}
	paragraph(w, "", fmt.Sprintf("%s; a mean shard has ≈ %s. Spread by %s; sizes are estimates, with indexes.", count(int64(v.Tenants), "tenant"), size(v.MeanBytes), strings.Join(v.By, ", ")))
	line(w, "")
	printDimensions(w, v.Recommendation)
	line(w, "")
	heads, each := []column{left("")}, func(name string, f func(session.RebalancePlan) string) []string {
		cells := []string{name}
		for _, x := range v.Plans {
			cells = append(cells, f(x))
		}
		return cells
	}
	for _, x := range v.Plans {
		heads = append(heads, right(strategyTitle(x.Strategy)))
	}
	t := newTable(heads...)
	t.add(each("Plan", func(x session.RebalancePlan) string { return x.ID })...)
	t.add(each("Moves", func(x session.RebalancePlan) string { return number(int64(len(x.Moves))) })...)
	t.add(each("Bytes ≈", func(x session.RebalancePlan) string { return size(x.Bytes) })...)
	t.add(each("Time ≈", func(x session.RebalancePlan) string {
		if x.EstimateMS == nil {
			return none
		}
		return figure.Span(time.Duration(*x.EstimateMS) * time.Millisecond)
	})...)
	t.add(each("Fullest after", func(x session.RebalancePlan) string { return times(x.After.Max) })...)
	t.add(each("Emptiest after", func(x session.RebalancePlan) string { return times(x.After.Min) })...)
	t.add(each("Where they may not be", func(x session.RebalancePlan) string { return number(int64(x.After.Misplaced)) })...)
	t.add(each("Not possible", func(x session.RebalancePlan) string { return number(int64(x.RejectedTotal)) })...)
	t.print(w)
	line(w, "")
	busy := v.Load.From != nil || slices.Contains(v.By, "load")
	cols := []column{long("SHARD", 8), right("SIZE ≈"), right("TENANTS")}
	if busy {
		cols = append(cols, right("ROWS/S ≈"))
	}
	cols = append(cols, right("NOW"))
	for _, x := range v.Plans {
		cols = append(cols, right(strings.Fields(strategyTitle(x.Strategy))[1]))
	}
	t = newTable(append(cols, whole("NOTE", 12))...)
	for i, sh := range v.Shards {
		cells := []string{sh.Name, sizeOr(sh.Bytes), number(int64(sh.Tenants))}
		if busy {
			cells = append(cells, loadOr(sh.Load))
		}
		cells = append(cells, times(sh.Use))
		for _, x := range v.Plans {
			cells = append(cells, times(x.Shards[i].Use))
		}
		t.add(append(cells, sh.Note)...)
	}
	t.print(w)
	line(w, "")
	if v.Load.From == nil {
		paragraph(w, "", "The load of tenants is not known: "+v.Load.Reason+".")
	} else {
		from, _ := time.Parse(time.RFC3339Nano, *v.Load.From)
		to, _ := time.Parse(time.RFC3339Nano, *v.Load.To)
		paragraph(w, "", fmt.Sprintf("Load is %s; over the last %s, until %s.", v.Load.Method, figure.Span(to.Sub(from)), to.Format("15:04 UTC on 2006-01-02")))
	}
	for _, o := range v.Oversized {
		line(w, "")
		paragraph(w, "", fmt.Sprintf("Oversized: tenant %s on %s, ≈ %s: %s.", or(o.Label, o.Tenant), o.Shard, size(o.Bytes), o.Reason))
	}
	if len(v.Pins)+len(v.Notes) > 0 || len(v.Plans) > 0 && v.Plans[0].EstimateMS == nil {
		line(w, "")
	}
	for _, pin := range v.Pins {
		paragraph(w, "", fmt.Sprintf("Pinned: tenant %s on %s: %s.", or(pin.Label, pin.Tenant), pin.Shard, pin.Reason))
	}
	for _, n := range v.Notes {
		paragraph(w, "", "Note: "+n+".")
	}
	if len(v.Plans) > 0 && v.Plans[0].EstimateMS == nil {
		paragraph(w, "", "No time is given: "+v.Plans[0].EstimateReason+".")
	}
	for _, c := range v.Placement {
		if c.Allowed {
			line(w, "")
			paragraph(w, "", fmt.Sprintf("A new tenant goes to %s: %s.", c.Shard, c.Reason))
			break
		}
	}
}

// printDimensions says of every dimension how it is spread and since when, and who saw
// it.
func printDimensions(w io.Writer, r session.Recommendation) {
	if r.Kept == nil {
		paragraph(w, "", "Since when it is uneven is not known: "+r.KeptReason+".")
		return
	}
	line(w, "By each dimension, as it was seen last:")
	for _, d := range r.Dimensions {
		text := d.By + ": "
		if d.Over != nil && d.Fullest != "" {
			text += fmt.Sprintf("%s %.0f %% above even. ", d.Fullest, 100**d.Over)
		}
		text += sentence(d.Reason) + "."
		if d.SeenAt != nil {
			text += " Seen " + figure.Span(time.Duration(*d.AgeMS)*time.Millisecond) + " ago by " + d.SeenBy + "."
		}
		paragraph(w, "  ", text)
	}
	if r.KeptReason != "" {
		paragraph(w, "", "Note: "+r.KeptReason+".")
	}
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// loadOr is rows a second.
func loadOr(v *float64) string {
	if v == nil {
		return none
	}
	return number(int64(math.Round(*v)))
}

func strategyTitle(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", " ")) }

// times is a use.
func times(v *float64) string {
	if v == nil {
		return none
	}
	return fmt.Sprintf("%.2f", *v)
}

// printSpread prints one plan whole.
func printSpread(w io.Writer, v session.RebalancePlan, by []string) {
	line(w, "")
	line(w, "%s, plan %s: %s", strategyTitle(v.Strategy), v.ID, count(int64(len(v.Moves)), "move"))
	for i, m := range v.Moves {
		paragraph(w, "", fmt.Sprintf("%d. %s, ≈ %s, from %s to %s", i+1, or(m.Label, m.Tenant), size(m.Bytes), m.Source, m.Target))
		paragraph(w, "   ", m.Reason+".")
	}
	if v.Stopped != "" {
		paragraph(w, "", "The plan ends there: its budget of "+v.Stopped+" is used up.")
	}
	if len(v.Rejected) > 0 {
		line(w, "")
		line(w, "Would help, and is not possible:")
		for _, r := range v.Rejected {
			to := ""
			if r.Target != "" {
				to = " to " + r.Target
			}
			paragraph(w, "  ", fmt.Sprintf("%s, ≈ %s, from %s%s: %s", or(r.Label, r.Tenant), size(r.Bytes), r.Source, to, r.Reason))
		}
		if more := v.RejectedTotal - len(v.Rejected); more > 0 {
			line(w, "  and %s more", number(int64(more)))
		}
	}
	if len(v.Left) > 0 {
		line(w, "")
		for _, l := range v.Left {
			paragraph(w, "", l.Shard+": "+l.Reason+".")
		}
	}
	if len(v.Moves) > 0 {
		line(w, "")
		spreadBy := ""
		if len(by) > 0 {
			spreadBy = " --by " + strings.Join(by, ",")
		}
		what, why, _ := strings.Cut(fault.Change("rebalance apply --strategy "+v.Strategy+spreadBy+" --plan "+v.ID), " --note ")
		line(w, "Nothing was changed. Next:")
		line(w, "  %s \\", what)
		line(w, "      --note %s", why)
	}
}

// appliedPlan is what became of a plan, and where it was waited for of its moves.
type appliedPlan struct {
	session.RebalanceApplied
	Ended []document.Move  `json:"ended"`
	Error *session.Problem `json:"error,omitempty"`
	// Notice says that nobody carries the moves out yet.
	Notice *string `json:"notice"`
	// Next is a fresh plan in the place of one that was stopped while it was waited for.
	// Nothing of it is queued.
	Next       *session.RebalanceNext `json:"next"`
	NextReason string                 `json:"next_reason"`
}

func (p *program) runRebalanceApply(ctx context.Context, r session.RebalanceApply, wait bool) error {
	open := p.changing
	if r.DryRun {
		open = p.session
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	if !r.DryRun && p.asks() {
		v, err := s.Rebalance(ctx, r.RebalanceRequest)
		if err != nil {
			return err
		}
		for _, x := range v.Plans {
			if x.Strategy != r.Strategy {
				continue
			}
			if r.Plan == "" {
				r.Plan = x.ID // what is shown is what is done
			}
			for _, m := range x.Moves {
				p.say("  %s, ≈ %s, from %s to %s", or(m.Label, m.Tenant), size(m.Bytes), m.Source, m.Target)
			}
			name := s.Fleet().Name
			if err := p.change(ctx, s.Fleet(), fmt.Sprintf("%s of fleet %s are queued. Each tenant's writes wait for its switch.", count(int64(len(x.Moves)), "move"), name), name); err != nil {
				return err
			}
		}
	}
	r.Note, r.Confirm = p.note, p.confirm
	v, err := s.ApplyRebalance(ctx, r, func(o session.RebalanceOne) {
		p.say("%s to %s: %s", or(o.Label, o.Tenant), o.Target, progressWord(o))
	})
	if err != nil && len(v.Moves) == 0 {
		return err
	}
	out := appliedPlan{RebalanceApplied: v, Ended: []document.Move{}, NextReason: "no move of the plan was waited for"}
	switch {
	case err != nil || r.DryRun || v.Queued == 0:
	case wait:
		ids := []string{}
		for _, m := range v.Moves {
			if m.MoveID != "" {
				ids = append(ids, m.MoveID)
			}
		}
		p.parks.Store(true)
		show := p.progress()
		var ended []session.MoveView
		ended, err = s.AwaitAll(ctx, ids, show.move)
		show.end()
		for _, m := range ended {
			out.Ended = append(out.Ended, document.OfMove(m))
		}
		out.replan(ctx, s, r)
	case v.Workers == 0:
		notice := "no worker is alive to carry them out: shard-admin worker starts one"
		out.Notice = &notice
	}
	if err != nil {
		e := p.problem(err)
		out.Error = &e
	}
	if perr := p.answer(out, func(w io.Writer) { printApplied(w, out) }); perr != nil {
		return perr
	}
	switch {
	case err != nil && p.json:
		return &found{code: fault.CodeOf(err)}
	case err != nil:
		return &found{code: fault.CodeOf(err), text: "shard-admin: " + out.Error.Message, hint: out.Error.Hint}
	case v.Refused > 0:
		return &found{code: fault.MoveBlocked} // one of the reasons; each is listed
	}
	return nil
}

// replan makes a fresh plan where a move of this one came to nothing.
func (v *appliedPlan) replan(ctx context.Context, s *session.Session, r session.RebalanceApply) {
	stopped := slices.ContainsFunc(v.Ended, func(m document.Move) bool {
		return slices.Contains([]string{"failed", "cancelled", "rolling_back", "rolled_back"}, m.State)
	})
	if !stopped {
		v.NextReason = "the plan was not stopped"
		return
	}
	next, err := s.Replan(ctx, r.RebalanceRequest, r.Strategy)
	if err != nil {
		v.NextReason = "a fresh plan could not be made: " + err.Error()
		return
	}
	v.Next, v.NextReason = &next, ""
}

func progressWord(o session.RebalanceOne) string {
	switch {
	case o.Problem != nil:
		return o.Problem.Message
	case o.MoveID != "":
		return "checked"
	}
	return strings.ReplaceAll(o.Status, "_", " ")
}

func printApplied(w io.Writer, v appliedPlan) {
	if len(v.Moves) > 0 {
		t := newTable(long("TENANT", 10), long("FROM", 8), long("TO", 8), left("STATUS"), whole("WHY", 20))
		for i, m := range v.Moves {
			status, why := m.Status, ""
			if m.Problem != nil {
				why = m.Problem.Message
			}
			for _, e := range v.Ended {
				if e.ID == m.MoveID {
					status = e.State
					if e.MoveView.Error != nil {
						why = e.MoveView.Error.Message
					}
				}
			}
			t.add(or(m.Label, m.Tenant), m.Source, v.Moves[i].Target, strings.ReplaceAll(status, "_", " "), why)
		}
		t.print(w)
		line(w, "")
	}
	paragraph(w, "", "Plan "+v.Plan+": "+v.Sum()+".")
	if v.Notice != nil {
		paragraph(w, "", "Note: "+*v.Notice+".")
	}
	switch {
	case v.Next == nil && strings.HasPrefix(v.NextReason, "a fresh plan"):
		paragraph(w, "", "The plan was stopped, and "+v.NextReason+".")
	case v.Next != nil && v.Next.Moves == 0:
		paragraph(w, "", "The plan was stopped, and "+v.Next.Summary+".")
	case v.Next != nil:
		paragraph(w, "", "The plan was stopped. A fresh one, "+v.Next.Plan+", has "+v.Next.Summary+". Nothing of it is queued:")
		what, why, _ := strings.Cut(v.Next.Command, " --note ")
		line(w, "  %s \\", what)
		line(w, "      --note %s", why)
	}
	if len(v.Ended) > 0 {
		paragraph(w, "", "Old copies stay until each move is finalized: "+fault.Change("move finalize ID"))
	}
}
