package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shardadmin/internal/session"
)

// savedHelp is what the commands that take --saved say of it.
const savedHelp = `--saved takes what audit filters save has kept; each of --tenant, --actor,
--shard, --action, --outcome, --since, --until and --search that is given beside
it stands instead of the saved one, and "" takes that out.`

func savedFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "saved", "", "as the saved filter `NAME` selects; other flags stand before it")
}

// useSaved fills a filter with the saved one of a name, and leaves what a flag was
// given for.
func (p *program) useSaved(c *cobra.Command, name string, f *session.AuditFilter) error {
	if !c.Flags().Changed("saved") {
		return nil
	}
	s, err := p.session(c.Context())
	if err != nil {
		return err
	}
	v, err := s.SavedFilter(c.Context(), name)
	if err != nil {
		return err
	}
	names := &cobra.Command{}
	auditFilters(names, &session.AuditFilter{})
	given := map[string]string{}
	c.Flags().Visit(func(x *pflag.Flag) {
		if names.Flags().Lookup(x.Name) != nil {
			given[x.Name] = x.Value.String()
		}
	})
	limit := f.Limit
	*f = v.Filter
	f.Limit = limit
	for flag, value := range given {
		if err := c.Flags().Set(flag, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) auditFiltersCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "filters", Short: "List the saved filters of the fleet", Args: want(),
		Long: `List the filters that were saved for the fleet. They are kept on this computer
alone, and nothing of them is recorded; audit list and audit export use one with
--saved, and the Audit screen has them in a menu.`,
		Example: "  shard-admin audit filters\n  shard-admin audit filters --json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.runAuditFilters(cmd.Context()) },
	}
	var r session.SaveFilterRequest
	save := &cobra.Command{
		Use: "save NAME", Short: "Keep a filter under a name, on this computer", Args: want("NAME"),
		Long: `Keep a filter under a name, for the fleet and on this computer. It is kept as it
is written: --since 30d is the last 30 days on each day that it is used. A name
is found in whatever case it is written.`,
		Example: `  shard-admin audit filters save "failed moves" --action move --outcome failed
  shard-admin audit list --saved "failed moves"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			return p.runAuditFilterSave(cmd.Context(), r)
		},
	}
	auditFilters(save, &r.Filter)
	save.Flags().BoolVar(&r.Replace, "replace", false, "also where a saved filter has the name")
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Forget a saved filter", Args: want("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runAuditFilterRemove(cmd.Context(), args[0]) },
	}
	list.AddCommand(save, remove)
	return list
}

func (p *program) runAuditFilters(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.SavedFilters(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		if len(v.Filters) == 0 {
			line(w, "No filter is saved for this fleet; shard-admin audit filters save keeps one.")
			return
		}
		t := newTable(long("NAME", 12), whole("SELECTS", 30), left("SAVED (UTC)"))
		for _, f := range v.Filters {
			t.add(f.Name, or(selects(f.Filter), "cannot be used"), moment(f.MadeAt))
		}
		t.print(w)
		for _, f := range v.Filters {
			if f.Reason != "" {
				paragraph(w, "", "! "+f.Reason)
			}
		}
	})
}

func (p *program) runAuditFilterSave(ctx context.Context, r session.SaveFilterRequest) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.SaveFilter(ctx, r)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { line(w, "Saved on this computer as %s: %s", v.Name, selects(v.Filter)) })
}

func (p *program) runAuditFilterRemove(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.RemoveFilter(ctx, name)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) { line(w, "%s is forgotten.", v.Name) })
}

// selects is a filter as the flags that make it.
func selects(f session.AuditFilter) string {
	c := &cobra.Command{}
	have := f
	auditFilters(c, &have)
	have = f
	var out []string
	c.Flags().VisitAll(func(x *pflag.Flag) {
		v := x.Value.String()
		switch {
		case v == "":
			return
		case strings.ContainsAny(v, " \t\"'\\"):
			v = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		}
		out = append(out, "--"+x.Name+" "+v)
	})
	return strings.Join(out, " ")
}
