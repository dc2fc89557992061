package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/credential"
	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

func (p *program) mapCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use: "map", Short: "Show how every table's rows belong to a tenant", Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runMap(cmd.Context(), check) },
	}
	c.Flags().BoolVar(&check, "check", false, "exit 3 if a table is unclassified or the profile fits nothing")
	return c
}

func (p *program) runMap(ctx context.Context, check bool) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	v, err := s.Map(ctx)
	if err != nil {
		return err
	}
	if err := p.answer(document.OfMap(v), func(w io.Writer) { printMap(w, v) }); err != nil {
		return err
	}
	if check && (v.Unclassified > 0 || len(v.Problems) > 0) {
		return &found{code: fault.MapUnclassified}
	}
	return nil
}

func printMap(w io.Writer, v session.MapView) {
	t := newTable(long("TABLE", 20), left("KIND"), right("ROWS ≈"), whole("BELONGS BY", 24))
	mixed := false
	for _, x := range v.Tables {
		rows, kind := none, state(x.Kind)
		if x.RowsEstimate != nil {
			rows = number(*x.RowsEstimate)
		}
		if x.Mixed {
			kind += " *"
			mixed = true
		}
		by := x.TenantColumn
		if by == "" {
			by = upwards(x)
		}
		t.add(x.Table, kind, rows, or(by, none))
	}
	t.print(w)
	line(w, "\n%s by profile %s, from %s; %d unclassified", count(int64(len(v.Tables)), "table"), v.Profile, v.Database, v.Unclassified)
	if mixed {
		line(w, "* holds rows without a tenant too")
	}
	for _, x := range v.Problems {
		paragraph(w, "", "! "+x)
	}
}

// upwards writes how rows find their tenant: the table's own column, then the
// tables on the way, ".column" where one is pointed at backwards.
func upwards(x session.MapTable) string {
	names := []string{}
	for i, hop := range x.Path {
		table, column := hop, ""
		if at := strings.LastIndex(hop, "."); at >= 0 {
			table, column = hop[:at], hop[at+1:]
		}
		switch {
		case i == 0 && table == x.Table:
			names = append(names, column)
		case i == 0:
			names = append(names, "pointed at by "+table)
		case len(names) > 0 && strings.HasSuffix(names[len(names)-1], table):
		default:
			names = append(names, table)
		}
	}
	return strings.Join(names, " → ")
}

func (p *program) profileCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the built-in tenancy profiles", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runProfileList() },
	}
	show := &cobra.Command{
		Use: "show NAME", Short: "Print a profile as a file", Args: want("NAME"),
		RunE: func(_ *cobra.Command, args []string) error { return p.runProfileShow(args[0]) },
	}
	var o profileInitOptions
	initial := &cobra.Command{
		Use: "init --url URL [-o FILE]", Short: "Propose a profile for a schema never seen before", Args: want(),
		Long: `Read a database's schema and propose a tenancy profile for it, with the evidence
for each guess, for a person to accept. Nothing is changed in the database.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runProfileInit(cmd.Context(), o) },
	}
	initial.Flags().SortFlags = false
	initial.Flags().StringVar(&o.url, "url", "", "the `URL` of a database with the schema")
	initial.Flags().StringVar(&o.tenants, "tenants", "", "the tenants `TABLE`, where the guess is wrong")
	initial.Flags().StringVarP(&o.file, "output", "o", "", "the `FILE` to write (default: standard output)")
	return group("profile", "Say how an application's rows belong to tenants", list, show, initial)
}

func (p *program) runProfileList() error {
	all := session.Profiles()
	return p.answer(struct {
		Profiles []session.ProfileInfo `json:"profiles"`
	}{all}, func(w io.Writer) {
		for i, x := range all {
			if i > 0 {
				line(w, "")
			}
			line(w, "%s", x.Name)
			paragraph(w, "  ", x.Description)
		}
	})
}

func (p *program) runProfileShow(name string) error {
	b, err := session.ShowProfile(name)
	if err != nil {
		return err
	}
	return p.answer(map[string]string{"name": name, "profile": string(b)}, func(w io.Writer) { _, _ = w.Write(b) })
}

type profileInitOptions struct{ url, tenants, file string }

// given answers with the credential that a URL held.
type given struct {
	credential.Credential
	otherwise credential.Resolver
}

// Resolve returns the URL's credential, else asks the others.
func (g given) Resolve(ctx context.Context, of, name string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	if !g.Password.Empty() {
		return g.Credential, credential.FromNowhere, nil
	}
	return g.otherwise.Resolve(ctx, of, name, at)
}

type proposedProfile struct {
	// File is null where the profile went to standard output.
	File    *string  `json:"file"`
	Profile string   `json:"profile"`
	Notes   []string `json:"notes"`
}

func (p *program) runProfileInit(ctx context.Context, o profileInitOptions) error {
	if o.url == "" {
		return fault.New(fault.Usage, "the database's URL is missing", `--url "postgres://user@host:5432/database"`)
	}
	h, err := p.openHome()
	if err != nil {
		return err
	}
	clean, c, err := fleet.SplitSecret(o.url)
	if err != nil {
		return err
	}
	h.Hide(c.Password)
	b, notes, err := session.ProposeProfile(ctx, clean, given{c, h.Resolver()}, o.tenants)
	if err != nil {
		return err
	}
	if notes == nil {
		notes = []string{}
	}
	if o.file != "" {
		f, err := newFile(o.file, 0o644)
		if err != nil {
			return err
		}
		if _, err = f.Write(b); err == nil {
			err = f.Close()
		}
		if err != nil {
			return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "%s could not be written", o.file)
		}
	}
	return p.answer(proposedProfile{pointer(o.file), string(b), notes}, func(w io.Writer) {
		out := w
		if o.file == "" {
			_, _ = w.Write(b)
			out = p.stderr
		} else {
			line(w, "%s holds the proposal. Read it, then name it as the fleet's profile.", o.file)
		}
		for _, n := range notes {
			paragraph(out, "", "Note: "+n)
		}
	})
}

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
