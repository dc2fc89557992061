package importer

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// Options of an import.
type Options struct {
	// Environment is the section of the file; production when empty.
	Environment string
	// Name of the fleet; the environment's when empty.
	Name string
	// File is what messages call a service file, Control its section that is the
	// control database; the one called control, or the only one, when empty.
	File, Control string
	// Env looks up a variable; os.Getenv when nil. An empty variable counts
	// as unset.
	Env func(string) string
	// Environ lists variables as KEY=VALUE, for their names alone; os.Environ
	// when nil.
	Environ []string
}

// Result of an import.
type Result struct {
	Fleet *fleet.Fleet
	// Credentials by the name under which the fleet looks for them.
	Credentials map[string]credential.Credential
	// Notes say what was guessed or left out.
	Notes []string
	// Service is true where it came from a pg_service.conf.
	Service bool
}

// fallbackURL is the variable that Rails takes for the primary database when
// the file gives no URL.
const fallbackURL = "DATABASE_URL"

func (o Options) filled() Options {
	if o.Environment == "" {
		o.Environment = string(fleet.Production)
	}
	if o.Name == "" {
		o.Name = o.Environment
	}
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	return o
}

// Import reads a config/database.yml, or libpq's pg_service.conf.
func Import(data []byte, o Options) (*Result, error) {
	o = o.filled()
	if isService(data) {
		return fromService(data, o)
	}
	t, err := expand(data, o.Env, false)
	if err != nil {
		return nil, err
	}
	root, err := read(t)
	if err != nil {
		return nil, err
	}
	if !root.isMap {
		return nil, invalid(root.line, "give the application's config/database.yml", "the file holds no sections")
	}
	section := root.child(o.Environment)
	if section == nil {
		known := slices.DeleteFunc(slices.Clone(root.keys), func(k string) bool { return !root.children[k].isMap })
		return nil, fault.Newf(fault.ImportInvalid, "choose with --env: "+strings.Join(known, ", "), "the file has no section %s", o.Environment)
	}
	if !section.isMap || len(section.keys) == 0 {
		return nil, invalid(section.line, "write entries below it, or choose another with --env", "the section %s has no entries", o.Environment)
	}
	b := newBuild(o)
	entries := entriesOf(section)
	for _, e := range entries {
		if err := b.entry(e); err != nil {
			return nil, err
		}
	}
	b.absent(data, entries)
	return b.result()
}

// entry is one database of the application.
type entry struct {
	name    string
	primary bool
	node    *node
}

// entriesOf lists the databases of a section as Rails does: a section whose
// values are all mappings has several, and the first stands in for a missing
// primary.
func entriesOf(section *node) []entry {
	several := true
	for _, k := range section.keys {
		if !section.children[k].isMap {
			several = false
		}
	}
	if !several {
		return []entry{{name: "primary", primary: true, node: section}}
	}
	out := []entry{}
	first := section.keys[0]
	if section.children["primary"] != nil {
		first = "primary"
	}
	out = append(out, entry{first, true, section.children[first]})
	for _, k := range section.keys {
		if k != first {
			out = append(out, entry{k, false, section.children[k]})
		}
	}
	return out
}

// build gathers a fleet.
type build struct {
	o     Options
	fleet *fleet.Fleet
	creds map[string]credential.Credential
	notes []string
	from  map[string]string // shard → where its name comes from
}

func newBuild(o Options) *build {
	f := &fleet.Fleet{Name: o.Name}
	b := &build{o: o, fleet: f, creds: map[string]credential.Credential{}, from: map[string]string{}}
	switch o.Environment {
	case "production":
		f.Environment = fleet.Production
	case "staging":
		f.Environment = fleet.Staging
	case "development", "test", "e2e":
		f.Environment = fleet.Development
	default:
		f.Environment = fleet.Production
		b.note("the environment %s is treated as production, the careful guess", o.Environment)
	}
	return b
}

func (b *build) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// railsOwn are the databases that Rails 8 keeps for itself.
var railsOwn = []string{"cache", "queue", "cable"}

func (b *build) entry(e entry) error {
	at := e.node.line
	replica, err := e.node.scalar("replica")
	if err != nil {
		return err
	}
	switch {
	case replica == "true":
		b.note("line %d: %s is a replica and was left out", at, e.name)
		return nil
	case !e.primary && slices.Contains(railsOwn, e.name):
		b.note("line %d: %s is the framework's own database and was left out", at, e.name)
		return nil
	}
	a, err := b.address(e)
	if err != nil || a == nil {
		return err
	}
	return b.add(e.name, e.primary, a, fmt.Sprintf("line %d", at))
}

// address reads an entry; nil where it has no URL and so does not exist.
func (b *build) address(e entry) (*address, error) {
	text, err := e.node.scalar("url")
	if err != nil {
		return nil, err
	}
	at := e.node.line
	if c := e.node.child("url"); c != nil {
		at = c.line
	}
	if text == "" {
		// Rails asks the environment for an entry without a URL.
		names := []string{strings.ToUpper(e.name) + "_" + fallbackURL}
		if e.primary {
			names = append(names, fallbackURL)
		}
		for _, n := range names {
			if text = strings.TrimSpace(b.o.Env(n)); text != "" {
				b.note("line %d: %s takes its URL from %s", at, e.name, n)
				break
			}
		}
	}
	a := &address{params: map[string][]string{}}
	if text != "" {
		parsed, problem, hint := parseAddress(text)
		if problem != "" {
			return nil, invalid(at, hint, "%s: %s", e.name, problem)
		}
		a = parsed
	} else if c := e.node.child("url"); c != nil {
		names := []string{}
		for _, v := range c.from {
			names = append(names, v.variables...)
		}
		if e.primary {
			return nil, invalid(at, "set "+orURL(names)+" for this command, with the URL that the application uses", "%s has no URL", e.name)
		}
		b.note("line %d: %s was left out, because %s is not set", at, e.name, orURL(names))
		return nil, nil //nolint:nilnil // no address is an answer
	}
	for _, k := range e.node.keys {
		if k == "url" || !e.node.children[k].isScalar {
			continue
		}
		v, err := e.node.scalar(k)
		if err != nil {
			return nil, err
		}
		if problem, hint := a.set(k, v, false); problem != "" {
			return nil, invalid(e.node.children[k].line, hint, "%s: %s", e.name, problem)
		}
	}
	if problem, hint := a.check(); problem != "" {
		return nil, invalid(at, hint, "%s: %s", e.name, problem)
	}
	return a, nil
}

func orURL(names []string) string {
	if len(names) == 0 {
		return "the url"
	}
	return strings.Join(names, " or ")
}

var entryPattern = regexp.MustCompile(`^(?:.*_)?tenant_(.+)$`)

// shardName guesses what the application calls the shard of an entry: the
// pairs stand in its code, not in the file.
func shardName(entry string) string {
	if m := entryPattern.FindStringSubmatch(entry); m != nil {
		return m[1]
	}
	if s := strings.TrimSuffix(entry, "_shard"); s != "" {
		return s
	}
	return entry
}

// primaryShard is what Rails calls the shard of the primary database.
const primaryShard = "default"

func (b *build) add(entry string, primary bool, a *address, where string) error {
	name := shardName(entry)
	if primary {
		name = primaryShard
	}
	return b.addAs(entry, name, primary, a, where)
}

// addAs adds a database as the shard of a name; the primary one is control, too.
func (b *build) addAs(entry, name string, primary bool, a *address, where string) error {
	if a.host == "" {
		a.host = "localhost"
		b.note("%s: %s names no host; localhost was written in its place", where, entry)
	}
	sh := fleet.Shard{Name: name, InControl: primary, Placement: fleet.PlacementOpen}
	cred := fleet.ControlName
	if !primary {
		cred = sh.Name
	}
	if other, twice := b.from[sh.Name]; twice {
		return asFault(fmt.Sprintf("%s: %s and %s would both be the shard %s", where, other, entry, sh.Name), "rename one of them in the file, or add the fleet by hand: shard-admin fleet add")
	}
	b.from[sh.Name] = entry
	if sh.Name != entry {
		b.note("%s: %s became the shard %s; if the application's pointer holds another name, change it in the fleet file", where, entry, sh.Name)
	}
	if strings.Contains(entry, "demo") && !primary {
		sh.Placement = fleet.PlacementDemo
		b.note("%s: the shard %s is kept for demo tenants (placement)", where, sh.Name)
	}
	if len(a.dropped) > 0 {
		b.note("%s: %s of %s is not carried over; tables outside public go by their schema's name", where, strings.Join(a.dropped, ", "), entry)
	}
	if a.params.Get("sslmode") == "" && !local(a.host) && b.fleet.Environment == fleet.Production {
		b.note("%s: the URL of %s names no sslmode; add sslmode=verify-full when the server has a certificate", where, entry)
	}
	if a.pooled {
		b.note("%s: %s does without prepared statements, so a pooler may be in front; give its server as direct for moves", where, entry)
	}
	if primary {
		b.fleet.Control = fleet.Endpoint{URL: a.url()}
	} else {
		sh.Endpoint = fleet.Endpoint{URL: a.url()}
	}
	b.fleet.Shards = append(b.fleet.Shards, sh)
	if !a.credential.Password.Empty() {
		b.creds[cred] = a.credential
	}
	return nil
}

func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasPrefix(host, "/")
}

// absent files the shards that the file knows and this environment does not
// configure; they are shown as such.
func (b *build) absent(data []byte, there []entry) {
	t, err := expand(data, b.o.Env, true)
	if err != nil {
		return
	}
	root, err := read(t)
	if err != nil {
		return // entries that exclude each other cannot all be there
	}
	section := root.child(b.o.Environment)
	if section == nil || !section.isMap || len(section.keys) == 0 {
		return
	}
	for _, e := range entriesOf(section) {
		name := shardName(e.name)
		known := slices.ContainsFunc(there, func(x entry) bool { return x.name == e.name && b.from[name] != "" })
		if e.primary || known || b.from[name] != "" || slices.Contains(railsOwn, e.name) {
			continue
		}
		if r, err := e.node.scalar("replica"); err != nil || r == "true" {
			continue
		}
		b.from[name] = e.name
		b.fleet.Shards = append(b.fleet.Shards, fleet.Shard{Name: name, Placement: fleet.PlacementOpen})
		b.note("line %d: the shard %s (%s) is known but not configured%s", e.node.line, name, e.name, because(e))
	}
}

// because names the variables that would give an entry its URL.
func because(e entry) string {
	names := []string{}
	if c := e.node.child("url"); c != nil {
		for _, v := range c.from {
			names = append(names, v.variables...)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", because " + strings.Join(names, " or ") + " is not set"
}

// result checks the fleet as its file will be checked.
func (b *build) result() (*Result, error) {
	text, err := b.fleet.Marshal()
	if err != nil {
		return nil, err
	}
	if _, err := fleet.Parse(text, b.o.Name+".toml"); err != nil {
		f := fault.As(err)
		if f == nil {
			return nil, err
		}
		return nil, fault.Wrapf(err, fault.ImportInvalid, f.Hint, "the fleet that the import gives cannot be used: %s", f.Message)
	}
	return &Result{Fleet: b.fleet, Credentials: b.creds, Notes: b.notes}, nil
}
