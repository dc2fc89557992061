package cli

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"shardadmin/internal/credential"
	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

func (p *program) fleetCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the fleets that are known on this computer", Args: want(),
		RunE: func(*cobra.Command, []string) error { return p.runFleetList() },
	}
	show := &cobra.Command{
		Use: "show [NAME]", Short: "Show a fleet's databases and shards", Args: maybe("NAME"),
		RunE: func(_ *cobra.Command, args []string) error { return p.runFleetShow(p.named(args)) },
	}
	check := &cobra.Command{
		Use: "check [NAME]", Short: "Say what is reachable and which rights are missing", Args: maybe("NAME"),
		Long: `Say of every database whether it answers, what it is, and which rights the
connected role lacks, each with the GRANT that gives it. Nothing is changed.

Exit status: 0 all is well, 3 a right is missing, 5 a database does not answer.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runFleetCheck(cmd.Context(), p.named(args)) },
	}
	use := &cobra.Command{
		Use: "use NAME", Short: "Choose the fleet that is meant where none is named", Args: want("NAME"),
		RunE: func(_ *cobra.Command, args []string) error { return p.runFleetUse(args[0]) },
	}
	var forget bool
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Forget a fleet's file; its databases are left as they are", Args: want("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runFleetRemove(cmd.Context(), args[0], forget)
		},
	}
	remove.Flags().BoolVar(&forget, "forget-credentials", false, "take its passwords out of the keychain too")
	return group("fleet", "Describe fleets: databases, credentials, operators",
		p.fleetAddCommand(), p.fleetImportCommand(), list, show, check, p.trustCommand(), use, remove,
		p.credentialCommand(), p.installCommand(), p.uninstallCommand(), p.operatorCommand(), p.policyCommand(), p.stripeCommand())
}

// named is the fleet of an argument, else that of --fleet.
func (p *program) named(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return p.fleet
}

type fleetLine struct {
	Name        string           `json:"name"`
	Environment string           `json:"environment"`
	Profile     string           `json:"profile"`
	Current     bool             `json:"current"`
	Shards      int              `json:"shards"`
	Path        string           `json:"path"`
	Error       *session.Problem `json:"error"`
}

func (p *program) runFleetList() error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	entries, err := h.Fleets()
	if err != nil {
		return err
	}
	out := struct {
		Fleets []fleetLine `json:"fleets"`
	}{[]fleetLine{}}
	for _, e := range entries {
		l := fleetLine{Name: e.Name, Current: e.Current, Path: e.Path}
		if e.Fleet != nil {
			l.Environment, l.Profile, l.Shards = string(e.Fleet.Environment), e.Fleet.Profile, len(e.Fleet.Shards)
		}
		if e.Err != nil {
			x := p.problem(e.Err)
			l.Error = &x
		}
		out.Fleets = append(out.Fleets, l)
	}
	return p.answer(out, func(w io.Writer) {
		if len(out.Fleets) == 0 {
			line(w, "No fleet is known on this computer.")
			line(w, "shard-admin fleet add describes one; shard-admin demo starts one to try.")
			return
		}
		t := newTable(left(""), long("FLEET", 12), left("ENVIRONMENT"), right("SHARDS"), long("PROFILE", 12))
		for _, l := range out.Fleets {
			mark, shards := "", strconv.Itoa(l.Shards)
			if l.Current {
				mark = "*"
			}
			if l.Error != nil {
				shards = none
			}
			t.add(mark, l.Name, or(l.Environment, "cannot be read"), shards, or(l.Profile, none))
		}
		t.print(w)
		for _, l := range out.Fleets {
			if l.Error != nil {
				line(w, "")
				paragraph(w, "", l.Error.Message)
				paragraph(w, "  ", l.Error.Hint)
			}
		}
	})
}

// noCapacity is why a capacity is not known.
const noCapacity = "the fleet file says nothing of a capacity"

type shardEntry struct {
	Name          string            `json:"name"`
	Configured    bool              `json:"configured"`
	InControl     bool              `json:"in_control"`
	URL           string            `json:"url"`
	Direct        string            `json:"direct"`
	Credential    string            `json:"credential"`
	CapacityBytes *int64            `json:"capacity_bytes"`
	Capacity      string            `json:"capacity_bytes_reason,omitempty"`
	SSH           string            `json:"ssh"`
	Placement     string            `json:"placement"`
	Region        string            `json:"region"`
	Labels        map[string]string `json:"labels"`
}

type fleetShown struct {
	Name        string       `json:"name"`
	Environment string       `json:"environment"`
	Profile     string       `json:"profile"`
	Schema      string       `json:"schema"`
	Path        string       `json:"path"`
	Control     shardEntry   `json:"control"`
	Shards      []shardEntry `json:"shards"`
	Credentials []string     `json:"credentials"`
}

func shown(f *fleet.Fleet) fleetShown {
	out := fleetShown{
		Name: f.Name, Environment: string(f.Environment), Profile: f.Profile, Schema: or(f.Schema, "shard_admin"), Path: f.Path,
		Control: shardEntry{
			Name: fleet.ControlName, Configured: true, InControl: true, URL: f.Control.URL, Direct: f.Control.Direct,
			Credential: f.CredentialOf(fleet.ControlName), SSH: f.Control.SSH, Labels: map[string]string{}, Capacity: noCapacity,
		},
		Shards: []shardEntry{}, Credentials: f.Credentials(),
	}
	for _, s := range f.Shards {
		e := shardEntry{
			Name: s.Name, Configured: s.Configured(), InControl: s.InControl, URL: s.Endpoint.URL, Direct: s.Endpoint.Direct,
			Capacity: noCapacity, SSH: s.Endpoint.SSH, Placement: string(s.Placement), Region: s.Region, Labels: s.Labels,
		}
		if s.InControl {
			e.Credential = out.Control.Credential
		} else if s.Configured() {
			e.Credential = f.CredentialOf(s.Name)
		}
		if s.Capacity > 0 {
			e.CapacityBytes, e.Capacity = &s.Capacity, ""
		}
		if e.Labels == nil {
			e.Labels = map[string]string{}
		}
		out.Shards = append(out.Shards, e)
	}
	return out
}

func (p *program) runFleetShow(name string) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	f, err := h.Fleet(name)
	if err != nil {
		return err
	}
	out := shown(f)
	return p.answer(out, func(w io.Writer) { p.printFleet(w, out) })
}

func (p *program) printFleet(w io.Writer, f fleetShown) {
	facts(w, "Fleet", f.Name, "Environment", f.Environment, "Profile", or(f.Profile, none), "Schema", f.Schema,
		"Credentials", strings.Join(f.Credentials, ", "), "File", f.Path)
	line(w, "")
	t := newTable(long("DATABASE", 10), left("PLACEMENT"), left("CREDENTIAL"), long("ADDRESS", 20))
	t.add("control", "", f.Control.Credential, f.Control.URL)
	for _, s := range f.Shards {
		address := s.URL
		switch {
		case s.InControl:
			address = "in the control database"
		case !s.Configured:
			address = "known, not configured"
		}
		t.add(s.Name, s.Placement, or(s.Credential, none), address)
	}
	t.print(w)
	printThrough(w, append([]shardEntry{f.Control}, f.Shards...))
}

// printThrough says through which SSH hosts databases are reached, once for all
// that go the same way.
func printThrough(w io.Writer, databases []shardEntry) {
	ways, of := []string{}, map[string][]string{}
	for _, d := range databases {
		if d.SSH == "" {
			continue
		}
		if of[d.SSH] == nil {
			ways = append(ways, d.SSH)
		}
		of[d.SSH] = append(of[d.SSH], d.Name)
	}
	for _, way := range ways {
		line(w, "")
		paragraph(w, "", strings.Join(of[way], ", ")+": through ssh "+way)
	}
}

func (p *program) runFleetUse(name string) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	if err := h.Use(name); err != nil {
		return err
	}
	return p.answer(map[string]string{"current": name}, func(w io.Writer) { line(w, "%s is the current fleet.", name) })
}

func (p *program) runFleetRemove(ctx context.Context, name string, forget bool) error {
	h, err := p.openHome()
	if err != nil {
		return err
	}
	f, err := h.Fleet(name)
	if err != nil && (fault.CodeOf(err) == fault.FleetUnknown || name == "") {
		return err
	}
	if p.asks() {
		p.say("The file of fleet %s is removed from this computer. Its databases stay as they are.", name)
		if err := p.sure(ctx); err != nil {
			return err
		}
	}
	out := struct {
		Removed   string   `json:"removed"`
		Forgotten []string `json:"forgotten"`
	}{name, []string{}}
	if forget && f != nil {
		for _, c := range f.Credentials() {
			switch err := h.Credentials().Delete(ctx, name, c); {
			case err == nil:
				out.Forgotten = append(out.Forgotten, c)
			case !errors.Is(err, credential.ErrNotFound):
				return err
			}
		}
	}
	if err := h.RemoveFleet(name); err != nil {
		return err
	}
	return p.answer(out, func(w io.Writer) {
		line(w, "Fleet %s is no longer known on this computer.", name)
		if len(out.Forgotten) > 0 {
			line(w, "Taken out of the keychain or vault: %s.", strings.Join(out.Forgotten, ", "))
		}
	})
}

func (p *program) runFleetCheck(ctx context.Context, name string) error {
	s, err := p.sessionOf(ctx, name, "cli")
	if err != nil {
		return err
	}
	c, err := s.Check(ctx)
	if err != nil {
		return err
	}
	if err := p.answer(document.OfCheck(c), func(w io.Writer) { printCheck(w, c) }); err != nil {
		return err
	}
	// What does not answer comes first: nothing is known of its rights.
	missing := 0
	for _, d := range c.Databases {
		if d.Configured && !d.Reachable {
			code := fault.DatabaseUnreachable
			if d.Problem != nil && fault.Exit(fault.New(fault.Code(d.Problem.Code), "", "")) == 5 {
				code = fault.Code(d.Problem.Code)
			}
			return &found{code: code}
		}
		missing += len(d.Missing)
	}
	switch {
	case missing > 0:
		return &found{code: fault.RightMissing}
	case !c.OK:
		return &found{code: fault.SameDatabase}
	}
	return nil
}

func printCheck(w io.Writer, c session.FleetCheck) {
	t := newTable(long("DATABASE", 10), left("STATUS"), long("VERSION", 8), long("TLS", 7), right("LATENCY"), left("ROLE"), left("RIGHTS"))
	for _, d := range c.Databases {
		status, rights := "reachable", "complete"
		switch {
		case !d.Configured:
			status, rights = "not configured", none
		case !d.Reachable:
			status, rights = "unreachable", none
		case len(d.Missing) > 0:
			rights = count(int64(len(d.Missing)), "right") + " missing"
		}
		t.add(d.Name, status, or(d.Version, none), or(d.TLS, none), milliseconds(d.LatencyMS), or(d.User, none), rights)
	}
	t.print(w)
	printServers(w, c)
	for _, d := range c.Databases {
		if d.Problem != nil {
			line(w, "\n%s", d.Name)
			paragraph(w, "  ", strings.TrimPrefix(d.Problem.Message, d.Name+": "))
			paragraph(w, "  ", d.Problem.Hint)
		}
		if len(d.Missing) > 0 {
			line(w, "\n%s: to be run by the owner of the tables or a superuser", d.Name)
			for _, m := range d.Missing {
				line(w, "  %s  -- %s", plain(m.Grant), plain(m.Capability))
			}
		}
	}
	printOptional(w, c)
	printWays(w, c)
	texts, of := []string{}, map[string][]string{}
	for _, d := range c.Databases {
		for _, x := range d.Warnings {
			if d.Configured {
				if of[x] == nil {
					texts = append(texts, x)
				}
				of[x] = append(of[x], d.Name)
			}
		}
	}
	for _, x := range texts {
		line(w, "")
		paragraph(w, "", strings.Join(of[x], ", ")+": "+x)
	}
	if c.OK {
		line(w, "\nEvery database answers and no right that is needed is missing.")
	}
}

// printOptional prints the rights without which a fleet is complete, each once with
// the databases that it is for.
func printOptional(w io.Writer, c session.FleetCheck) {
	grants, of := []session.MissingRight{}, map[string][]string{}
	for _, d := range c.Databases {
		for _, m := range d.Optional {
			if of[m.Grant] == nil {
				grants = append(grants, m)
			}
			of[m.Grant] = append(of[m.Grant], d.Name)
		}
	}
	if len(grants) == 0 {
		return
	}
	line(w, "\nOptional; without it shards cancel and shards terminate are refused:")
	for _, m := range grants {
		line(w, "  %s  -- %s, on %s", plain(m.Grant), plain(m.Capability), few(of[m.Grant]))
	}
}

// printServers prints what the servers that answer are set to: whether they take
// writes, and what following a tenant's changes would take of them.
func printServers(w io.Writer, c session.FleetCheck) {
	t := newTable(long("DATABASE", 10), left("SERVER"), left("WRITES"), left("WAL LEVEL"), right("FREE SLOTS"))
	rows := 0
	for _, d := range c.Databases {
		if d.InRecovery == nil || d.ReadOnly == nil || d.FreeSlots == nil {
			continue
		}
		server, writes := "primary", "taken"
		if *d.InRecovery {
			server = "standby"
		}
		if *d.InRecovery || *d.ReadOnly {
			writes = "refused"
		}
		t.add(d.Name, server, writes, d.WALLevel, strconv.Itoa(*d.FreeSlots))
		rows++
	}
	if rows > 0 {
		line(w, "")
		t.print(w)
	}
}

// printWays prints through which SSH hosts databases are reached, once for all
// that go the same way.
func printWays(w io.Writer, c session.FleetCheck) {
	ways, of := []string{}, map[string][]string{}
	hops := map[string][]session.SSHHop{}
	for _, d := range c.Databases {
		key := ""
		for _, h := range d.SSH {
			key += h.User + "@" + h.Host + ":" + strconv.Itoa(h.Port) + " "
		}
		if key == "" {
			continue
		}
		if of[key] == nil {
			ways = append(ways, key)
		}
		of[key] = append(of[key], d.Name)
		hops[key] = d.SSH
	}
	for _, key := range ways {
		line(w, "\n%s: through SSH", plain(strings.Join(of[key], ", ")))
		for _, h := range hops[key] {
			shown := "not reached"
			if h.Fingerprint != nil {
				shown = *h.Fingerprint
			}
			line(w, "  %s@%s port %d  %s", plain(h.User), plain(h.Host), h.Port, shown)
		}
	}
}

// inEnvironment reports whether a variable gives the credential already, as
// the same user's: then the file and the keychain need not hold it.
func inEnvironment(h *home.Home, f *fleet.Fleet, name string, c credential.Credential) bool {
	return userOf(f, name) == c.User && h.Env(credential.Variable(f.Name, name)) == c.Password.Reveal()
}

// withoutKeychain says which variables a fleet's passwords can be given in
// where no keychain answers.
func withoutKeychain(h *home.Home, f *fleet.Fleet, secrets map[string]credential.Credential, absent error) error {
	names := []string{}
	for _, name := range f.Credentials() {
		if c, ok := secrets[name]; ok && !c.Password.Empty() && !inEnvironment(h, f, name, c) {
			names = append(names, credential.Variable(f.Name, name))
		}
	}
	return fault.Wrap(absent, fault.KeychainAbsent, "no keychain answers on this computer, and a fleet file holds no password; nothing was written",
		"give the same passwords in "+strings.Join(names, " and ")+", then repeat the command; or start a keychain (on Linux gnome-keyring or KWallet)")
}

// keep writes the passwords of a new fleet into the keychain and then its
// file; what was written is taken back when the file cannot be. Without
// a keychain the passwords have to be in the environment.
func (p *program) keep(ctx context.Context, h *home.Home, f *fleet.Fleet, secrets map[string]credential.Credential) ([]string, error) {
	entries, err := h.Fleets()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name == f.Name {
			return nil, fault.Newf(fault.FleetExists, "choose another name, or remove it first: shard-admin fleet remove "+f.Name, "a fleet %q is known on this computer already", f.Name)
		}
	}
	// A file that would be refused is refused before a password is kept for it.
	b, err := f.Marshal()
	if err != nil {
		return nil, err
	}
	if _, err := fleet.Parse(b, f.Name+".toml"); err != nil {
		return nil, err
	}
	kept := []string{}
	for _, name := range f.Credentials() {
		c, ok := secrets[name]
		if !ok || c.Password.Empty() {
			continue
		}
		h.Hide(c.Password)
		err = h.Credentials().Set(ctx, f.Name, name, c)
		if fault.CodeOf(err) == fault.KeychainAbsent {
			if inEnvironment(h, f, name, c) {
				err = nil
				continue
			}
			err = withoutKeychain(h, f, secrets, err)
		}
		if err != nil {
			break
		}
		kept = append(kept, name)
	}
	if err == nil {
		err = h.AddFleet(f)
	}
	if err != nil {
		for _, name := range kept {
			_ = h.Credentials().Delete(context.WithoutCancel(ctx), f.Name, name)
		}
		return nil, err
	}
	return kept, nil
}

type fleetAdded struct {
	fleetShown
	// Kept are the credentials that went to the keychain.
	Kept []string `json:"kept_in_keychain"`
	// KeptIn is keychain, or vault where that is in its place.
	KeptIn credential.Source `json:"kept_in"`
	Notes  []string          `json:"notes"`
}

func (p *program) added(f *fleet.Fleet, kept, notes []string) error {
	if notes == nil {
		notes = []string{}
	}
	h, err := p.openHome()
	if err != nil {
		return err
	}
	out := fleetAdded{shown(f), kept, h.Credentials().Source(), notes}
	return p.answer(out, func(w io.Writer) {
		p.printFleet(w, out.fleetShown)
		line(w, "")
		if len(kept) > 0 {
			paragraph(w, "", "In the "+string(out.KeptIn)+", not in the file: "+strings.Join(kept, ", ")+".")
		}
		for _, n := range notes {
			paragraph(w, "", "Note: "+n)
		}
		line(w, "Next: shard-admin --fleet %s fleet check", f.Name)
	})
}
