package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

type fileModel struct {
	Name        string         `toml:"name"`
	Environment string         `toml:"environment,omitempty"`
	Profile     string         `toml:"profile,omitempty"`
	Credential  string         `toml:"credential,omitempty"`
	Schema      string         `toml:"schema,omitempty"`
	Control     fileControl    `toml:"control"`
	Rebalance   *fileRules     `toml:"rebalance,omitempty"`
	Placing     *filePlacing   `toml:"placement,omitempty"`
	Shards      []fileShard    `toml:"shard"`
	Channels    []fileChannel  `toml:"notify,omitempty"`
	Schedules   []fileSchedule `toml:"report,omitempty"`
}

type fileControl struct {
	URL        string `toml:"url"`
	Direct     string `toml:"direct,omitempty"`
	Credential string `toml:"credential,omitempty"`
	SSH        string `toml:"ssh,omitempty"`
}

type fileShard struct {
	Name       string            `toml:"name"`
	Database   string            `toml:"database,omitempty"`
	URL        string            `toml:"url,omitempty"`
	Direct     string            `toml:"direct,omitempty"`
	Credential string            `toml:"credential,omitempty"`
	Capacity   string            `toml:"capacity,omitempty"`
	SSH        string            `toml:"ssh,omitempty"`
	Placement  string            `toml:"placement,omitempty"`
	Region     string            `toml:"region,omitempty"`
	Labels     map[string]string `toml:"labels,omitempty"`
	MaxTenants int               `toml:"max_tenants,omitempty"`
}

// Load reads and checks a fleet file.
func Load(path string) (*Fleet, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrapf(err, fault.FleetUnknown, "shard-admin fleet list shows those that are known", "the fleet file %s cannot be read", path)
	}
	return Parse(b, path)
}

// Parse checks the text of a fleet file; path is for messages.
func Parse(data []byte, path string) (*Fleet, error) {
	at := positions(data)
	var m fileModel
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, decodeFault(err, path, m.Name)
	}
	bad := func(key, hint, format string, args ...any) error {
		line := at.line(key)
		return fault.Newf(fault.FleetInvalid, hint, "%s:%d: "+format, append([]any{path, line}, args...)...)
	}
	f := &Fleet{Name: m.Name, Environment: Environment(m.Environment), Profile: m.Profile, Credential: m.Credential, Schema: m.Schema, Path: path}
	if !validName(m.Name) {
		return nil, bad("name", "use letters, digits, - and _", "the fleet's name %q is not usable", m.Name)
	}
	if f.Environment == "" {
		f.Environment = Production // the careful guess
	}
	if !slices.Contains([]Environment{Production, Staging, Development, Demo}, f.Environment) {
		return nil, bad("environment", "write production, staging, development or demo", "there is no environment %q", m.Environment)
	}
	if m.Schema != "" && (!schemaPattern.MatchString(m.Schema) || strings.HasPrefix(m.Schema, "pg_")) {
		return nil, bad("schema", "use lower-case letters, digits and _, or leave it out for shard_admin", "the schema's name %q is not usable", m.Schema)
	}
	if m.Control.URL == "" {
		return nil, bad("control", `write url = "postgres://host/database?sslmode=verify-full" under [control]`, "the control database has no url")
	}
	for _, u := range []struct{ key, url string }{{"control.url", m.Control.URL}, {"control.direct", m.Control.Direct}} {
		if err := checkURL(u.url, m.Name, credentialName(f, ControlName, m.Control.Credential), func(h, s string, a ...any) error { return bad(u.key, h, s, a...) }); err != nil {
			return nil, err
		}
	}
	if err := checkSSH(m.Control.SSH, func(h, s string, a ...any) error { return bad("control.ssh", h, s, a...) }); err != nil {
		return nil, err
	}
	f.Control = Endpoint{URL: m.Control.URL, Direct: m.Control.Direct, Credential: m.Control.Credential, SSH: m.Control.SSH}
	seen := map[string]bool{}
	inControl := ""
	for i, s := range m.Shards {
		key := fmt.Sprintf("shard[%d]", i)
		if !validName(s.Name) {
			return nil, bad(key, "use letters, digits, - and _", "the shard's name %q is not usable", s.Name)
		}
		if s.Name == ControlName {
			return nil, bad(key+".name", `give the shard another name, with database = "control" if it lives there`, "%q is the name of the control database", s.Name)
		}
		if seen[s.Name] {
			return nil, bad(key+".name", "give each shard its own name", "shard %s is named twice", s.Name)
		}
		seen[s.Name] = true
		out := Shard{Name: s.Name, Placement: Placement(s.Placement), Region: s.Region, Labels: s.Labels, MaxTenants: s.MaxTenants}
		switch s.Database {
		case "":
		case ControlName:
			if s.URL != "" {
				return nil, bad(key+".url", "leave url out, or database", "shard %s lives in the control database and has a url of its own", s.Name)
			}
			if s.Direct != "" {
				return nil, bad(key+".direct", "write it under [control]", "shard %s lives in the control database and has a direct url of its own", s.Name)
			}
			if s.Credential != "" {
				return nil, bad(key+".credential", "write it under [control]", "shard %s lives in the control database and has a credential of its own", s.Name)
			}
			if s.SSH != "" {
				return nil, bad(key+".ssh", "write it under [control]", "shard %s lives in the control database and has an ssh of its own", s.Name)
			}
			if inControl != "" {
				return nil, bad(key+".database", "only one shard can be the control database", "shards %s and %s both live in the control database", inControl, s.Name)
			}
			inControl, out.InControl = s.Name, true
		default:
			return nil, bad(key+".database", `write database = "control" or a url`, "shard %s names the database %q", s.Name, s.Database)
		}
		for _, u := range []struct{ key, url string }{{key + ".url", s.URL}, {key + ".direct", s.Direct}} {
			if err := checkURL(u.url, m.Name, credentialName(f, s.Name, s.Credential), func(h, t string, a ...any) error { return bad(u.key, h, t, a...) }); err != nil {
				return nil, err
			}
		}
		if s.Direct != "" && s.URL == "" {
			return nil, bad(key+".direct", "write it as url; direct stands beside a url that leads through a pooler", "shard %s has a direct url and no url", s.Name)
		}
		if err := checkSSH(s.SSH, func(h, t string, a ...any) error { return bad(key+".ssh", h, t, a...) }); err != nil {
			return nil, err
		}
		for label := range s.Labels {
			if slices.Contains(secretParameters, strings.ToLower(label)) {
				return nil, holdsSecret(bad(key+".labels", credentialHint(m.Name, credentialName(f, s.Name, s.Credential)), "a label holds a password; a fleet file must not"))
			}
		}
		if out.Placement == "" {
			out.Placement = PlacementOpen
		}
		if !slices.Contains([]Placement{PlacementOpen, PlacementPinned, PlacementDrain, PlacementDemo}, out.Placement) {
			return nil, bad(key+".placement", "write open, pinned, drain or demo", "there is no placement %q", s.Placement)
		}
		if s.Capacity != "" {
			n, err := ParseSize(s.Capacity)
			if err != nil {
				return nil, bad(key+".capacity", `write a size such as "200GB"`, "the capacity %q is not a size", s.Capacity)
			}
			out.Capacity = n
		}
		if s.MaxTenants < 0 {
			return nil, bad(key+".max_tenants", "write how many tenants it may hold, or leave it out", "shard %s cannot hold %d tenants", s.Name, s.MaxTenants)
		}
		out.Endpoint = Endpoint{URL: s.URL, Direct: s.Direct, Credential: s.Credential, SSH: s.SSH}
		f.Shards = append(f.Shards, out)
	}
	if len(f.Shards) == 0 {
		return nil, bad("shard", "add a [[shard]] with a name and a url", "the fleet has no shard")
	}
	for i, n := range m.Channels {
		c, err := channelOf(n, f.Channels, func(key, h, t string, a ...any) error { return bad(fmt.Sprintf("notify[%d].%s", i, key), h, t, a...) })
		if err != nil {
			return nil, err
		}
		f.Channels = append(f.Channels, c)
	}
	for i, n := range m.Schedules {
		s, err := scheduleOf(n, f, func(key, h, t string, a ...any) error { return bad(fmt.Sprintf("report[%d].%s", i, key), h, t, a...) })
		if err != nil {
			return nil, err
		}
		f.Schedules = append(f.Schedules, s)
	}
	if m.Rebalance != nil {
		var err error
		if f.Rebalance, err = m.Rebalance.check(f, bad); err != nil {
			return nil, err
		}
	}
	if m.Placing != nil {
		var err error
		if f.Placing, err = m.Placing.check(f, bad); err != nil {
			return nil, err
		}
	}
	// A database's password must not be tried on a key, nor open the API.
	for i, name := range append([]string{ControlName}, shardNames(f)...) {
		c := f.CredentialOf(name)
		of := map[string]string{SSHCredential: "SSH keys", AuditCredential: "the audit trail"}[c]
		if of == "" {
			of = "the monitoring API"
		}
		if c == APICredential || c == AuditCredential || c == SSHCredential && f.usesSSH() {
			key := "control.credential"
			if i > 0 {
				key = fmt.Sprintf("shard[%d].name", i-1)
			}
			return nil, bad(key, "give the database another credential", "%q is the credential of %s, and %s has it too", c, of, name)
		}
	}
	if a, b, clash := f.credentialClash(); clash {
		key := "control.credential"
		for i, s := range f.Shards {
			if f.CredentialOf(s.Name) == b {
				key = fmt.Sprintf("shard[%d].credential", i)
			}
		}
		return nil, fault.Newf(fault.CredentialClash, "rename one of them in "+path,
			"%s:%d: the credentials %q and %q would both be %s", path, at.line(key), a, b, credential.Variable(f.Name, a))
	}
	return f, nil
}

// CredentialOf returns the name of the keychain item of a database of the
// fleet: its own, else the fleet's, else the database's name.
func (f *Fleet) CredentialOf(name string) string {
	if name == ControlName {
		return credentialName(f, ControlName, f.Control.Credential)
	}
	if s, ok := f.Shard(name); ok {
		if s.InControl {
			return credentialName(f, ControlName, f.Control.Credential)
		}
		return credentialName(f, s.Name, s.Endpoint.Credential)
	}
	return name
}

// Credentials lists the names of the fleet's credentials, each once.
func (f *Fleet) Credentials() []string {
	out := []string{f.CredentialOf(ControlName)}
	for _, s := range f.Shards {
		if c := f.CredentialOf(s.Name); s.Configured() && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if f.usesSSH() && !slices.Contains(out, SSHCredential) {
		out = append(out, SSHCredential)
	}
	for _, c := range f.Channels {
		if c.NeedsCredential() {
			out = append(out, c.CredentialName())
		}
		if c.Kind == ChannelWebhook {
			out = append(out, c.SecretName())
		}
	}
	return out
}

// usesSSH reports whether a database is reached through an SSH host.
func (f *Fleet) usesSSH() bool {
	return f.Control.SSH != "" || slices.ContainsFunc(f.Shards, func(s Shard) bool { return s.Endpoint.SSH != "" })
}

func credentialName(f *Fleet, database, own string) string {
	switch {
	case own != "":
		return own
	case f.Credential != "":
		return f.Credential
	}
	return database
}

func shardNames(f *Fleet) []string {
	out := []string{}
	for _, s := range f.Shards {
		out = append(out, s.Name)
	}
	return out
}

func (f *Fleet) credentialClash() (a, b string, clash bool) {
	byVariable := map[string]string{}
	for _, c := range f.Credentials() {
		v := credential.Variable(f.Name, c)
		if other, ok := byVariable[v]; ok && other != c {
			return other, c, true
		}
		byVariable[v] = c
	}
	return "", "", false
}

func credentialHint(fleet, cred string) string {
	return "run: shard-admin --fleet " + fleet + " fleet credential set " + cred + ", then take the password out of the file"
}

// holdsSecret gives a mistake the code for a secret in the file.
func holdsSecret(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		f.Code = fault.FleetHoldsSecret
	}
	return err
}

// checkSSH refuses hosts that ParseBastions cannot read, with the place.
func checkSSH(text string, bad func(hint, format string, args ...any) error) error {
	_, err := ParseBastions(text)
	if err == nil {
		return nil
	}
	placed := bad(fault.HintOf(err), "%s", err.Error())
	if fault.CodeOf(err) == fault.FleetHoldsSecret {
		return holdsSecret(placed)
	}
	return placed
}

// schemaPattern is what needs no quotes.
var schemaPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func validName(s string) bool { return namePattern.MatchString(s) }

// secretParameters are connection parameters that hold a secret.
var secretParameters = []string{"password", "sslpassword", "pgpassword"}

// checkURL refuses a URL that cannot be used, or that holds a secret. The
// message never repeats the URL: it may hold one.
func checkURL(text, fleet, cred string, bad func(hint, format string, args ...any) error) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return bad(`write "postgres://host:5432/database?sslmode=verify-full"`, "this is not a PostgreSQL URL")
	}
	secret := false
	if u.User != nil {
		_, secret = u.User.Password()
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad(`write them as ?name=value&name=value`, "the URL's parameters cannot be read")
	}
	for k := range query {
		if slices.Contains(secretParameters, strings.ToLower(k)) {
			secret = true
		}
	}
	if secret {
		return holdsSecret(bad("run: shard-admin --fleet "+fleet+" fleet credential set "+cred+", which keeps the password elsewhere and takes it out of the file", "the URL holds a password; a fleet file must not"))
	}
	if misplaced(u) {
		return bad("special characters are written as %23 for #, %40 for @, %2F for /; a password does not belong here", "the URL has a part behind the database's name")
	}
	if u.Hostname() == "" && u.Query().Get("host") == "" {
		return bad(`write "postgres://host:5432/database"`, "the URL names no host")
	}
	if strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "" {
		return bad(`write "postgres://host:5432/database"`, "the URL names no database")
	}
	if m := u.Query().Get("sslmode"); m != "" && !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, m) {
		return bad("write sslmode=verify-full", "there is no sslmode %q", m)
	}
	return nil
}

// misplaced reports whether a URL has parts that a connection has no use for:
// most often the rest of a password with a bare #, / or ? in it.
func misplaced(u *url.URL) bool {
	return u.Fragment != "" || u.Opaque != "" || strings.ContainsAny(strings.TrimPrefix(u.EscapedPath(), "/"), "@/")
}

// SplitSecret takes user and password out of a URL, for those who paste one.
func SplitSecret(text string) (clean string, c credential.Credential, err error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", c, fault.New(fault.Usage, "this is not a PostgreSQL URL", `write "postgres://user@host:5432/database?sslmode=verify-full"`)
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || misplaced(u) {
		return "", c, fault.New(fault.Usage, "the URL has a part that belongs nowhere", "special characters of a password are written as %23 for #, %40 for @, %2F for /, %3F for ?")
	}
	if u.User != nil {
		c.User = u.User.Username()
		p, _ := u.User.Password()
		c.Password = credential.NewSecret(p)
		u.User = url.User(c.User)
		if c.User == "" {
			u.User = nil
		}
	}
	for k := range q {
		switch p := q.Get(k); strings.ToLower(k) {
		case "sslpassword":
			return "", credential.Credential{}, fault.New(fault.Usage, "the URL holds the password of a client's key", "use a key without one, readable by you alone")
		case "password", "pgpassword":
			if c.Password.Empty() {
				c.Password = credential.NewSecret(p)
			}
			q.Del(k)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), c, nil
}

// Marshal writes the fleet as a file. There is nothing secret in it to leave
// out.
func (f *Fleet) Marshal() ([]byte, error) {
	m := fileModel{
		Name: f.Name, Environment: string(f.Environment), Profile: f.Profile, Credential: f.Credential, Schema: f.Schema,
		Control: fileControl{URL: f.Control.URL, Direct: f.Control.Direct, Credential: f.Control.Credential, SSH: f.Control.SSH},
	}
	for _, s := range f.Shards {
		out := fileShard{
			Name: s.Name, URL: s.Endpoint.URL, Direct: s.Endpoint.Direct, Credential: s.Endpoint.Credential,
			SSH: s.Endpoint.SSH, Region: s.Region, Labels: s.Labels, MaxTenants: s.MaxTenants,
		}
		if s.InControl {
			out.Database = ControlName
		}
		if s.Placement != PlacementOpen {
			out.Placement = string(s.Placement)
		}
		if s.Capacity > 0 {
			out.Capacity = strconv.FormatInt(s.Capacity, 10) + "B"
		}
		m.Shards = append(m.Shards, out)
	}
	for _, c := range f.Channels {
		m.Channels = append(m.Channels, c.inFile())
	}
	for _, s := range f.Schedules {
		m.Schedules = append(m.Schedules, s.inFile())
	}
	m.Rebalance, m.Placing = rulesFile(f.Rebalance), f.Placing.inFile(f)
	b, err := toml.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the fleet could not be written", "")
	}
	return b, nil
}

var sizePattern = regexp.MustCompile(`(?i)^\s*(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?\s*$`)

// ParseSize reads a size such as 200GB into bytes; units are powers of 1024 as
// PostgreSQL counts.
func ParseSize(s string) (int64, error) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fault.Newf(fault.FleetInvalid, `write a size such as "200GB"`, "%q is not a size", s)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, fault.Newf(fault.FleetInvalid, `write a size such as "200GB"`, "%q is not a size", s)
	}
	switch strings.ToUpper(strings.Replace(strings.ToUpper(m[2]), "IB", "B", 1)) {
	case "KB":
		n *= 1 << 10
	case "MB":
		n *= 1 << 20
	case "GB":
		n *= 1 << 30
	case "TB":
		n *= 1 << 40
	}
	if n >= 1<<62 {
		return 0, fault.Newf(fault.FleetInvalid, `write a size such as "200GB"`, "%q is too large", s)
	}
	return int64(n), nil
}

func decodeFault(err error, path, fleet string) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		row, _ := e.Position()
		if key := e.Key(); strings.Contains(strings.ToLower(key[len(key)-1]), "password") {
			return fault.Newf(fault.FleetHoldsSecret, credentialHint(fleet, ControlName), "%s:%d: %s is a password; a fleet file must not hold one", path, row, strings.Join(key, "."))
		}
		return fault.Newf(fault.FleetInvalid, "take it out, or look it up in docs/operator.md", "%s:%d: there is no key %q in a fleet file", path, row, strings.Join(e.Key(), "."))
	}
	var d *toml.DecodeError
	if errors.As(err, &d) {
		row, col := d.Position()
		return fault.Newf(fault.FleetInvalid, "mend the line", "%s:%d:%d: %s", path, row, col, strings.TrimPrefix(d.Error(), "toml: "))
	}
	return fault.Wrapf(err, fault.FleetInvalid, "mend the file", "%s cannot be read as TOML", path)
}

// lines maps keys of the file to the lines that they stand on.
type lines map[string]int

func (l lines) line(key string) int {
	for k := key; ; k = k[:strings.LastIndex(k, ".")] {
		if n, ok := l[k]; ok {
			return n
		}
		if !strings.Contains(k, ".") {
			table, _, _ := strings.Cut(k, "[") // an array of inline tables
			return max(l[table], 1)
		}
	}
}

// positions walks the syntax tree; the text has not been checked yet, so what
// cannot be read is left to the decoder.
func positions(data []byte) lines {
	out := lines{}
	p := unstable.Parser{}
	p.Reset(data)
	prefix := ""
	counts := map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		key := []string{}
		row := 0
		for it := e.Key(); it.Next(); {
			key = append(key, string(it.Node().Data))
			if row == 0 && it.Node().Raw.Length > 0 {
				row = p.Shape(it.Node().Raw).Start.Line
			}
		}
		name := strings.Join(key, ".")
		switch e.Kind {
		case unstable.Table:
			prefix = name
			out[prefix] = row
		case unstable.ArrayTable:
			prefix = fmt.Sprintf("%s[%d]", name, counts[name])
			counts[name]++
			out[prefix] = row
		case unstable.KeyValue:
			if prefix != "" {
				name = prefix + "." + name
			}
			out[name] = row
		}
	}
	return out
}
