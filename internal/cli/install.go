package cli

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

type installOptions struct {
	admin, schema string
	print         bool
}

func (p *program) installCommand() *cobra.Command {
	var o installOptions
	c := &cobra.Command{
		Use: "install", Short: "Make or upgrade the schema that changes need", Args: want(),
		Long: `Make the shard_admin schema in the control database, or upgrade it: operators,
policy, moves, the audit trail. Without it a fleet may only be looked at.

--print changes nothing: it writes the SQL for each database, for whoever may
run it.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runInstall(cmd.Context(), o) },
	}
	c.Flags().StringVar(&o.admin, "admin", "", "file `EMAIL` as the fleet's first admin")
	c.Flags().BoolVar(&o.print, "print", false, "write the SQL per database and change nothing")
	c.Flags().StringVar(&o.schema, "schema", "", "the schema's `NAME`; the fleet's file keeps it")
	return c
}

func (p *program) uninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use: "uninstall", Short: "Remove the schema, and with it the audit trail", Args: want(),
		Long: `Remove the schema, and with it the audit trail. This computer's copy of the
trail is brought up to date and keeps all of it, up to the removal: audit list
--mirror. It is refused while a move is not finished.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runUninstall(cmd.Context()) },
	}
}

func (p *program) runInstall(ctx context.Context, o installOptions) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	f, err := h.Fleet(p.fleet)
	if err != nil {
		return err
	}
	if !o.print {
		if err := p.identify(ctx, h, f); err != nil {
			return err
		}
	}
	s, err := p.opened(ctx, f.Name, home.SessionOptions{Email: p.as, Source: "cli", Schema: o.schema})
	if err != nil {
		return err
	}
	if o.print {
		scripts, err := s.InstallScript(ctx)
		if err != nil {
			return err
		}
		return p.answer(struct {
			Scripts []session.Script `json:"scripts"`
		}{scripts}, func(w io.Writer) {
			for i, x := range scripts {
				if i > 0 {
					line(w, "")
				}
				line(w, "%s", strings.TrimRight(x.SQL, "\n"))
			}
		})
	}
	name := or(or(o.schema, f.Schema), "shard_admin")
	if err := p.change(ctx, f, "The schema "+name+" is made or upgraded in the control database of "+f.Name+".", f.Name); err != nil {
		return err
	}
	back, err := rename(h, f.Name, o.schema)
	if err != nil {
		return err
	}
	v, err := s.Install(ctx, session.InstallRequest{Admin: o.admin, Note: p.note, Confirm: p.confirm})
	if err != nil {
		back()
		return err
	}
	return p.answer(v, func(w io.Writer) {
		line(w, "The control database has schema %s, version %d.", v.Schema, v.Version)
		if o.admin != "" {
			line(w, "%s is an admin of %s.", o.admin, f.Name)
		}
	})
}

// rename writes the schema's name to the fleet's file, which says where the schema is.
// A failed installation leaves it as it was: back takes the name out again.
func rename(h *home.Home, name, schema string) (back func(), err error) {
	f, err := h.Fleet(name)
	if err != nil {
		return nil, err
	}
	if schema == "" || schema == or(f.Schema, "shard_admin") {
		return func() {}, nil
	}
	before := *f
	f.Schema = schema
	return func() { _ = h.ReplaceFleet(&before) }, h.ReplaceFleet(f)
}

func (p *program) runUninstall(ctx context.Context) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	f := s.Fleet()
	if err := p.change(ctx, f, "The schema "+or(f.Schema, "shard_admin")+" is removed from the control database of "+f.Name+
		", with operators, moves and the audit trail. The copy of the trail on this computer stays.", f.Name); err != nil {
		return err
	}
	if err := s.Uninstall(ctx, p.note, p.confirm); err != nil {
		return err
	}
	return p.answer(map[string]any{"fleet": f.Name, "schema": or(f.Schema, "shard_admin"), "uninstalled": true}, func(w io.Writer) {
		line(w, "The schema is gone; fleet %s may only be looked at.", f.Name)
	})
}

func (p *program) operatorCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the operators of the fleet", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runOperatorList(cmd.Context()) },
	}
	var role, dbRole string
	set := &cobra.Command{
		Use: "set EMAIL --role ROLE", Short: "Give an operator a role", Args: want("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runOperatorSet(cmd.Context(), args[0], role, dbRole)
		},
	}
	set.Flags().StringVar(&role, "role", "", "viewer, operator or admin (default: the present one)")
	set.Flags().StringVar(&dbRole, "db-role", "", "the database `ROLE` that the e-mail belongs to")
	remove := &cobra.Command{
		Use: "remove EMAIL", Short: "Take an operator off the list", Args: want("EMAIL"),
		Long: `Take an operator off the fleet's list. What they did stays in the audit trail;
audit erase removes who they were.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runOperatorRemove(cmd.Context(), args[0]) },
	}
	return group("operator", "Say who may do what", list, set, remove)
}

func (p *program) runOperatorList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	return p.answer(struct {
		Me        session.OperatorView   `json:"me"`
		Operators []session.OperatorView `json:"operators"`
	}{v.Me, v.Operators}, func(w io.Writer) { printOperators(w, v) })
}

func printOperators(w io.Writer, v session.PolicyView) {
	if len(v.Operators) == 0 {
		line(w, "The fleet has no list of operators.")
	} else {
		t := newTable(long("OPERATOR", 20), left("ROLE"), long("DATABASE ROLE", 13))
		for _, o := range v.Operators {
			t.add(o.Email, o.Role, or(o.DBRole, none))
		}
		t.print(w)
	}
	line(w, "")
	you := "You are " + or(v.Me.Email, "nobody, which --as EMAIL changes") + ", role " + or(v.Me.Role, "none")
	if v.Me.Why != "" {
		you += ": " + v.Me.Why
	}
	paragraph(w, "", you)
}

func (p *program) runOperatorSet(ctx context.Context, email, role, dbRole string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	if role == "" || dbRole == "" {
		v, err := s.Policy(ctx)
		if err != nil {
			return err
		}
		for _, o := range v.Operators {
			if strings.EqualFold(o.Email, email) {
				role, dbRole = or(role, o.Role), or(dbRole, o.DBRole)
			}
		}
	}
	switch role {
	case "viewer", "operator", "admin":
	default:
		return fault.New(fault.Usage, "an operator needs a role", "--role viewer, operator or admin")
	}
	f := s.Fleet()
	if err := p.change(ctx, f, email+" becomes "+role+" of "+f.Name+".", f.Name); err != nil {
		return err
	}
	if err := s.SetOperator(ctx, email, role, dbRole, p.note, p.confirm); err != nil {
		return err
	}
	return p.answer(map[string]string{"email": email, "role": role, "db_role": dbRole}, func(w io.Writer) {
		line(w, "%s is %s of %s.", email, role, f.Name)
	})
}

func (p *program) runOperatorRemove(ctx context.Context, email string) error {
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	f := s.Fleet()
	if err := p.change(ctx, f, email+" is no operator of "+f.Name+" any more.", f.Name); err != nil {
		return err
	}
	was, err := s.RemoveOperator(ctx, email, p.note, p.confirm)
	if err != nil {
		return err
	}
	return p.answer(map[string]string{"removed": was.Email, "role": was.Role}, func(w io.Writer) {
		line(w, "%s was %s of %s and is no operator any more.", was.Email, was.Role, f.Name)
	})
}

func (p *program) policyCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show the flags that changes need, and where each is off", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runPolicyShow(cmd.Context()) },
	}
	set := &cobra.Command{
		Use: "set FLAG true|false", Short: "Turn a flag on or off for the whole fleet", Args: want("FLAG", "true or false"),
		Long: `Turn a flag on or off in the fleet's own policy, in the control database. A flag
is on where this computer and the fleet both have it on.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runPolicySet(cmd.Context(), args[0], args[1])
		},
	}
	return group("policy", "The flags that changes need", show, set)
}

func (p *program) runPolicySet(ctx context.Context, flag, value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fault.Newf(fault.Usage, "write true or false", "a flag is true or false, not %s", harmless(value))
	}
	s, err := p.changing(ctx)
	if err != nil {
		return err
	}
	is := map[bool]string{true: "on", false: "off"}[on]
	f := s.Fleet()
	if err := p.change(ctx, f, flag+" is turned "+is+" for everybody who works on "+f.Name+".", f.Name); err != nil {
		return err
	}
	if err := s.SetFlag(ctx, flag, on, p.note, p.confirm); err != nil {
		return err
	}
	return p.answer(struct {
		Flag string `json:"flag"`
		On   bool   `json:"on"`
	}{flag, on}, func(w io.Writer) { line(w, "%s is %s in the fleet's own policy.", flag, is) })
}

func (p *program) runPolicyShow(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Policy(ctx)
	if err != nil {
		return err
	}
	return p.answer(v, func(w io.Writer) {
		t := newTable(left("FLAG"), left("IS"), long("WHERE", 16))
		for _, x := range v.Flags {
			is := "off"
			if x.On {
				is = "on"
			}
			t.add(x.Flag, is, or(x.Where, none))
		}
		t.print(w)
		for _, x := range v.Flags {
			if !x.On && x.Remedy != "" {
				line(w, "")
				paragraph(w, "", x.Remedy)
				break
			}
		}
		line(w, "")
		printOperators(w, v)
	})
}
