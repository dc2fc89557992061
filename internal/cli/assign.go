package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

func (p *program) assignCommand() *cobra.Command {
	var o session.AssignRequest
	var where string
	var dryRun bool
	assign := &cobra.Command{
		Use: "assign TENANT SHARD", Short: "Point a tenant without rows to another shard",
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("where") {
				return want("SHARD")(cmd, args)
			}
			return want("TENANT", "SHARD")(cmd, args)
		},
		Long: `Point a tenant to another shard. Routing alone changes: no rows move, so it is
refused where the tenant has rows; move start takes them along.

With --where many are pointed to a shard, one after the other, each with its own
audit event; one that is refused stops no other. --dry-run says what would
become of each and changes nothing. A SELECTION is shard=NAME, demo=yes or no,
subdomain=PATTERN, or several with commas between; tenant=ID or SUBDOMAIN, which
may come more than once, chooses single ones.

Exit status: 0 all of them, 3 one at least was refused, 5 a database stopped
answering.`,
		Example: `  shard-admin shards assign acme shard_2 --note "a new customer of the north"
  shard-admin shards assign --where shard=default,demo=yes demo --dry-run
  shard-admin shards assign --where 'subdomain=trial-*' shard_2 --note "trials"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("where") {
				if dryRun {
					return fault.New(fault.Usage, "--dry-run is about many tenants", "select them with --where")
				}
				o.Tenant, o.Shard = args[0], args[1]
				return p.runShardsAssign(cmd.Context(), o)
			}
			w, err := session.ParseAssignWhere(where)
			if err != nil {
				return err
			}
			return p.runShardsAssignMany(cmd.Context(), session.AssignManyRequest{Where: w, Shard: args[0], RowsStay: o.RowsStay, DryRun: dryRun})
		},
	}
	assign.Flags().SortFlags = false
	assign.Flags().BoolVar(&o.RowsStay, "rows-stay", false, "although rows exist on the present shard: they stay there")
	assign.Flags().StringVar(&where, "where", "", "assign the many tenants of a `SELECTION`")
	assign.Flags().BoolVar(&dryRun, "dry-run", false, "say what would become of each, change nothing")
	return assign
}

func (p *program) runShardsAssign(ctx context.Context, o session.AssignRequest) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	what := "Tenant " + o.Tenant + " is pointed to " + o.Shard + ". No rows move."
	if o.RowsStay {
		what = "Tenant " + o.Tenant + " is pointed to " + o.Shard + ". Its rows stay where they are and are not seen from there."
	}
	if err := p.change(ctx, s.Fleet(), what, o.Tenant); err != nil {
		return err
	}
	o.Note, o.Confirm = p.note, p.confirm
	v, err := s.Assign(ctx, o)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "%s is on %s now; it was on %s.", or(v.Label, v.Tenant), v.To, v.From)
		line(w, "Audit event %s", v.AuditEvent)
	})
}

func (p *program) runShardsAssignMany(ctx context.Context, r session.AssignManyRequest) error {
	if r.DryRun {
		s, err := p.session(ctx)
		if err != nil {
			return err
		}
		return p.assignedMany(s.AssignMany(ctx, r))
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if p.asks() {
		preview := r
		preview.DryRun = true
		v, err := s.AssignMany(ctx, preview)
		if err != nil {
			return err
		}
		p.say("%s.", v.Sum())
	}
	what := "Tenants with " + r.Where.String() + " are pointed to " + r.Shard + ". No rows move."
	if r.RowsStay {
		what = "Tenants with " + r.Where.String() + " are pointed to " + r.Shard + ". Their rows stay where they are and are not seen from there."
	}
	if err := p.change(ctx, s.Fleet(), what, r.Shard); err != nil {
		return err
	}
	r.Note, r.Confirm = p.note, p.confirm
	return p.assignedMany(s.AssignMany(ctx, r))
}

// assignedMany prints what became of many; those that were done before a database
// stopped answering are printed as well.
func (p *program) assignedMany(v session.AssignedMany, err error) error {
	if err != nil && len(v.Tenants) == 0 {
		return err
	}
	if printed := p.answer(v, func(w io.Writer) {
		if len(v.Tenants) == 0 {
			line(w, "No tenant has %s.", v.Where)
			return
		}
		t := newTable(long("TENANT", 10), long("FROM", 8), left("STATUS"), long("WHY", 20))
		for _, x := range v.Tenants {
			why := ""
			if x.Problem != nil {
				why = x.Problem.Message
			}
			t.add(or(x.Label, x.Tenant), x.From, strings.ReplaceAll(x.Status, "_", " "), why)
		}
		t.print(w)
		line(w, "")
		paragraph(w, "", v.Sum()+".")
	}); printed != nil {
		return printed
	}
	switch {
	case err != nil:
		return &found{code: fault.CodeOf(err)}
	case v.Refused > 0:
		return &found{code: fault.RowsExist} // one of the reasons; each is listed
	}
	return nil
}
