package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

type stripeOptions struct {
	plan, apply bool
	stripes     int
}

func (p *program) stripeCommand() *cobra.Command {
	var o stripeOptions
	c := &cobra.Command{
		Use: "stripe-sequences --plan|--apply", Short: "Let no two shards hand out the same id", Args: want(),
		Long: `Let the sequences of every shard count in stripes, so that no two shards hand
out the same id: with 8 stripes, one shard gives 8, 16, 24, the next 9, 17, 25.
Each shard keeps its stripe for good; a shard that is added later gets a free
one by the same command.

Striped is every sequence that fills a column of a table whose rows move. What
a shard hands out afterwards is above every id that the column has on any shard.
Rows that are there keep their ids. The tenants table is left out: tenants are
created in the control database alone.

--plan writes nothing: it shows for each shard and sequence how it counts now,
how it will, and what stands against it. --apply does it, one sequence at a
time, while the application writes; after an interruption, apply again. It is
refused while a shard does not answer, before anything is changed anywhere.

Exit status: 0 done, 3 a finding blocks, 5 a database does not answer.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runStripes(cmd.Context(), o) },
	}
	c.Flags().BoolVar(&o.plan, "plan", false, "show what would be done and write nothing")
	c.Flags().BoolVar(&o.apply, "apply", false, "do it")
	c.Flags().IntVar(&o.stripes, "stripes", 0, "how many stripes there are, chosen once (default: room for twice the shards, 8 at least)")
	return c
}

func (p *program) runStripes(ctx context.Context, o stripeOptions) error {
	if o.plan == o.apply {
		return fault.New(fault.Usage, "say either --plan or --apply", "shard-admin fleet stripe-sequences --plan writes nothing")
	}
	if o.plan {
		return p.runStripePlan(ctx, o.stripes)
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	f := s.Fleet()
	if err := p.change(ctx, f, "The sequences of every shard of "+f.Name+" are striped; --plan shows how.", f.Name); err != nil {
		return err
	}
	v, err := s.StripeSequences(ctx, session.StripeRequest{Stripes: o.stripes, Note: p.note, Confirm: p.confirm})
	if err != nil {
		for _, x := range v.Shards {
			if len(x.Changed) > 0 {
				p.say("%s: %s striped before that; apply again to go on", x.Name, count(int64(len(x.Changed)), "sequence"))
			}
		}
		return err
	}
	return p.answer(v, func(w io.Writer) { printStriped(w, v) })
}

func printStriped(w io.Writer, v session.StripeResult) {
	t := newTable(long("SHARD", 10), right("RESIDUE"), right("CHANGED"))
	n := 0
	for _, x := range v.Shards {
		t.add(x.Name, fmt.Sprintf("%d of %d", x.Residue, v.Stripes), number(int64(len(x.Changed))))
		n += len(x.Changed)
	}
	t.print(w)
	if n == 0 && v.AuditEvent == "" {
		line(w, "\nEvery sequence was striped already; nothing was changed.")
		return
	}
	line(w, "\nEvery sequence counts in its shard's stripe.")
}

func (p *program) runStripePlan(ctx context.Context, stripes int) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.PlanStripes(ctx, stripes)
	if err != nil {
		return err
	}
	if err := p.answer(v, func(w io.Writer) { printStripePlan(w, v) }); err != nil {
		return err
	}
	if v.Refusal != nil {
		return &found{code: fault.Code(v.Refusal.Code)}
	}
	return nil
}

func printStripePlan(w io.Writer, v session.StripePlan) {
	line(w, "%s, %s", count(int64(v.Stripes), "stripe"), map[bool]string{true: "chosen for good", false: "to be chosen"}[v.Chosen])
	printStripeFindings(w, "", v.Findings)
	for _, s := range v.Shards {
		line(w, "")
		switch {
		case s.Residue != nil:
			line(w, "%s: residue %d of %d", s.Name, *s.Residue, v.Stripes)
		default:
			paragraph(w, "", s.Name+": "+s.ResidueReason)
		}
		if s.Problem != nil {
			paragraph(w, "  ", strings.TrimPrefix(s.Problem.Message, s.Name+": "))
			paragraph(w, "  ", s.Problem.Hint)
		}
		printStripeFindings(w, "  ", s.Findings)
		printSequences(w, s)
	}
	if len(v.LeftOut) > 0 {
		line(w, "")
		for _, l := range v.LeftOut {
			paragraph(w, "", "Left as it is: "+l.Column+"; "+l.Reason+".")
		}
	}
	line(w, "")
	switch {
	case v.Refusal != nil:
		paragraph(w, "", "It cannot be carried out: "+v.Refusal.Message)
	case v.Done:
		line(w, "Every sequence is striped; nothing is left to do.")
	default:
		paragraph(w, "", "A session or an application that keeps ids which it has drawn before may still use them; they are below all new ones.")
		line(w, "Next: shard-admin --fleet %s fleet stripe-sequences --apply", v.Fleet)
	}
}

func printSequences(w io.Writer, s session.StripeShard) {
	if len(s.Sequences) == 0 {
		return
	}
	t := newTable(long("COLUMN", 20), right("BY"), right("LAST VALUE"), right("THEN BY"), right("NEXT VALUE"), left("STATE"))
	for _, q := range s.Sequences {
		state := "to do"
		switch {
		case q.Striped:
			state = "striped"
		case q.NextValue == nil:
			state = "blocked"
		}
		t.add(strings.Join(q.Columns, ", "), number(q.Increment), numberOr(q.LastValue), number(q.NewIncrement), numberOr(q.NextValue), state)
	}
	t.print(w)
	for _, q := range s.Sequences {
		printStripeFindings(w, "  ", q.Findings)
	}
}

func numberOr(n *int64) string {
	if n == nil {
		return none
	}
	return number(*n)
}

func printStripeFindings(w io.Writer, indent string, list []session.StripeFinding) {
	for _, f := range list {
		mark := map[string]string{"blocker": "✗ ", "warning": "! ", "info": "· "}[f.Severity]
		paragraph(w, indent, mark+f.Message)
		if f.Fix == "" {
			continue
		}
		if f.Check == "rights" {
			line(w, "%s  %s", indent, plain(f.Fix)+";") // to be copied
			continue
		}
		paragraph(w, indent+"  ", f.Fix)
	}
}
