package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/fleet/importer"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

type fleetAddOptions struct {
	name, control, environment, profile, credential, schema, ssh string
	shards, direct                                               []string
}

func (p *program) fleetAddCommand() *cobra.Command {
	var o fleetAddOptions
	c := &cobra.Command{
		Use: "add NAME --control URL --shard NAME=URL…", Short: "Describe a fleet on this computer", Args: want("NAME"),
		Long: `Describe a fleet: its control database and its shards. A password in a URL goes
to the keychain and out of the file.

A shard is NAME=URL, NAME=control where it lives in the control database, or
NAME alone where it is known and not configured yet.`,
		Example: `  shard-admin fleet add pwb --control postgres://ops@db1.example.com/pwb \
      --shard default=control \
      --shard shard_1=postgres://ops@db2.example.com/pwb_1 \
      --profile property_web_builder --environment staging`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return p.runFleetAdd(cmd.Context(), o)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.control, "control", "", "the `URL` of the control database")
	fs.StringArrayVar(&o.shards, "shard", nil, "a shard as `NAME=URL`; may be given several times")
	fs.StringArrayVar(&o.direct, "direct", nil, "`NAME=URL` that leads past a pooler, for moves; NAME may be control")
	fs.StringVar(&o.ssh, "ssh", "", "reach every database through this `USER@HOST`; several hosts in their order, with commas between")
	fs.StringVar(&o.profile, "profile", "property_web_builder", "a built-in tenancy `PROFILE` or the path of a profile file")
	fs.StringVar(&o.environment, "environment", string(fleet.Production), "production, staging, development or demo")
	fs.StringVar(&o.credential, "credential", "", "the `NAME` of one keychain item for all databases")
	fs.StringVar(&o.schema, "schema", "", "the `NAME` of our schema in control (default: shard_admin)")
	return c
}

// secrets collects passwords by the credential they belong to.
type secrets map[string]credential.Credential

func (s secrets) take(url, name string) (string, error) {
	clean, c, err := fleet.SplitSecret(url)
	if err != nil {
		return "", err
	}
	if c.Password.Empty() {
		return clean, nil
	}
	if before, ok := s[name]; ok && (before.User != c.User || before.Password.Reveal() != c.Password.Reveal()) {
		return "", fault.Newf(fault.CredentialClash, "leave --credential out, so that each database has its own", "two URLs give different users or passwords for the one credential %q", name)
	}
	s[name] = c
	return clean, nil
}

func (p *program) runFleetAdd(ctx context.Context, o fleetAddOptions) error {
	if o.control == "" {
		return fault.New(fault.Usage, "the control database's URL is missing", `--control "postgres://host:5432/database?sslmode=verify-full"`)
	}
	h, err := p.openHome()
	if err != nil {
		return err
	}
	f := &fleet.Fleet{Name: o.name, Environment: fleet.Environment(o.environment), Profile: o.profile, Credential: o.credential, Schema: o.schema}
	found := secrets{}
	if f.Control.URL, err = found.take(o.control, or(o.credential, fleet.ControlName)); err != nil {
		return err
	}
	for _, text := range o.shards {
		name, url, given := strings.Cut(text, "=")
		s := fleet.Shard{Name: name, Placement: fleet.PlacementOpen}
		switch {
		case given && url == fleet.ControlName:
			s.InControl = true
		case given:
			if s.Endpoint.URL, err = found.take(url, or(o.credential, name)); err != nil {
				return err
			}
		}
		f.Shards = append(f.Shards, s)
	}
	for _, text := range o.direct {
		name, url, _ := strings.Cut(text, "=")
		clean, err := found.take(url, or(o.credential, name))
		if err != nil {
			return err
		}
		if name == fleet.ControlName {
			f.Control.Direct = clean
			continue
		}
		i := slices.IndexFunc(f.Shards, func(s fleet.Shard) bool { return s.Name == name })
		if i < 0 {
			return fault.Newf(fault.Usage, "name a shard of the fleet, or control", "--direct names the shard %s, which --shard does not", harmless(name))
		}
		f.Shards[i].Endpoint.Direct = clean
	}
	if f.Profile, err = profilePath(f.Profile); err != nil {
		return err
	}
	f.ReachThrough(o.ssh)
	kept, err := p.keep(ctx, h, f, found)
	if err != nil {
		return err
	}
	return p.added(f, kept, nil)
}

type fleetImportOptions struct{ file, env, name, profile, ssh, control string }

func (p *program) fleetImportCommand() *cobra.Command {
	var o fleetImportOptions
	c := &cobra.Command{
		Use: "import [FILE]", Short: "Describe a fleet from a database.yml or pg_service.conf", Args: maybe("FILE"),
		Long: `Describe a fleet from an application's config/database.yml, or from variables
such as DATABASE_URL and PWB_TENANT_SHARD_1_DATABASE_URL: those of a .env file,
or those of this shell where no file is given. Passwords go to the keychain.

Of libpq's pg_service.conf each section becomes a database: one is control, the
others are shards by their names. Sections of other programs have to be taken
out first.`,
		Example: `  shard-admin fleet import config/database.yml --env production --name pwb
  shard-admin fleet import ~/.pg_service.conf --control pwb_main --name pwb`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = strings.Join(args, "")
			return p.runFleetImport(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.env, "env", string(fleet.Production), "the `SECTION` of the file, or the environment")
	c.Flags().StringVar(&o.name, "name", "", "the fleet's `NAME` (default: that of --env)")
	c.Flags().StringVar(&o.control, "control", "", "the `SECTION` of a pg_service.conf that is the control database")
	c.Flags().StringVar(&o.profile, "profile", "property_web_builder", "a built-in tenancy `PROFILE` or the path of a profile file")
	c.Flags().StringVar(&o.ssh, "ssh", "", "reach every database through this `USER@HOST`; several hosts in their order, with commas between")
	return c
}

func (p *program) runFleetImport(ctx context.Context, o fleetImportOptions) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	r, err := p.imported(h, o)
	if err != nil {
		return err
	}
	if r.Fleet.Profile, err = profilePath(o.profile); err != nil {
		return err
	}
	r.Fleet.ReachThrough(o.ssh)
	kept, err := p.keep(ctx, h, r.Fleet, r.Credentials)
	if err != nil {
		return err
	}
	return p.added(r.Fleet, kept, r.Notes)
}

func (p *program) imported(h *home.Home, o fleetImportOptions) (*importer.Result, error) {
	with := importer.Options{Environment: o.env, Name: o.name, Env: h.Env}
	if o.file == "" {
		return importer.FromEnvironment(with)
	}
	var data []byte
	var err error
	if o.file == "-" {
		data, err = io.ReadAll(io.LimitReader(p.stdin, 1<<20))
	} else {
		data, err = os.ReadFile(o.file)
	}
	if err != nil {
		return nil, fault.Wrapf(err, fault.Usage, "give the path of a config/database.yml, .env or pg_service.conf", "%s cannot be read", harmless(o.file))
	}
	if name := filepath.Base(o.file); strings.HasPrefix(name, ".env") || strings.HasSuffix(name, ".env") {
		values := variables(string(data))
		with.Environ = []string{}
		for k := range values {
			with.Environ = append(with.Environ, k+"=")
		}
		with.Env = func(name string) string { return values[name] }
		return importer.FromEnvironment(with)
	}
	with.File, with.Control = harmless(filepath.Base(o.file)), o.control
	if o.file == "-" {
		with.File = ""
	}
	r, err := importer.Import(data, with)
	if err == nil && o.control != "" && !r.Service {
		return nil, fault.New(fault.Usage, "--control is for a pg_service.conf; of this file the primary database is control", "leave it out")
	}
	return r, err
}

// variables reads NAME=VALUE lines, as a .env file has them.
func variables(text string) map[string]string {
	out := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(l, "export ")), "=")
		if !ok {
			continue
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			value, _, _ = strings.Cut(value[1:], value[:1])
		} else if at := strings.Index(value, " #"); at >= 0 {
			value = strings.TrimSpace(value[:at])
		}
		out[name] = value
	}
	return out
}

// profilePath makes a path that was typed here mean the same from the fleet's
// file, and refuses a profile that cannot be read.
func profilePath(name string) (string, error) {
	if strings.ContainsAny(name, `/\.`) {
		path, err := filepath.Abs(name)
		if err != nil {
			return "", fault.Wrap(err, fault.Usage, "the path of the profile cannot be made out", "give it whole")
		}
		name = path
	}
	_, err := session.ShowProfile(name)
	return name, err
}
