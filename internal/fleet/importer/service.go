package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// service is a section of a service file.
type service struct {
	name string
	line int
	keys []serviceKey
}

// serviceKey is a setting of a section; its value may be a password.
type serviceKey struct {
	name, value string
	line        int
}

// libpq are the parameters of libpq that a service file may hold beside those that
// a fleet's URL carries. They are not carried over, and the import says so.
var libpq = []string{
	"application_name", "fallback_application_name", "client_encoding", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	"passfile", "sslcompression", "sslcrl", "sslcrldir", "sslcertmode", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version", "sslkeylogfile",
	"requirepeer", "requiressl", "krbsrvname", "gsslib", "gssencmode", "gssdelegation", "replication", "load_balance_hosts", "min_protocol_version", "max_protocol_version",
	"require_auth", "scram_client_key", "scram_server_key", "servicefile",
}

// isService reports whether a text is a service file: a section comes first, which
// no database.yml and no list of variables has.
func isService(data []byte) bool {
	for l := range strings.Lines(string(data)) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return l[0] == '[' && l[len(l)-1] == ']'
		}
	}
	return false
}

// parseService reads a service file as libpq does: white space at both ends of a
// line and lines that begin with # do not count, nothing is quoted, and around =
// every character does. Of two sections or keys of one name the first holds.
func parseService(data []byte, file string) ([]service, error) {
	out, seen := []service{}, map[string]bool{}
	skip := false
	number := 0
	for l := range strings.Lines(string(data)) {
		number++
		l = strings.Trim(l, " \t\r\n\v\f")
		if l == "" || l[0] == '#' {
			continue
		}
		bad := func(hint, format string, args ...any) error {
			return fault.Newf(fault.ImportInvalid, hint, "%s, line %d: %s", file, number, fmt.Sprintf(format, args...))
		}
		if l[0] == '[' {
			name, ok := strings.CutSuffix(l[1:], "]")
			if !ok || name == "" {
				return nil, bad("write [NAME]", "this is no name of a section")
			}
			if skip = seen[name]; !skip {
				seen[name] = true
				out = append(out, service{name: name, line: number})
			}
			continue
		}
		if strings.HasPrefix(l, "ldap://") || strings.HasPrefix(l, "ldaps://") {
			return nil, bad("write the section's host and dbname themselves", "the section comes from an LDAP server, which is not asked")
		}
		key, value, ok := strings.Cut(l, "=")
		switch {
		case len(out) == 0:
			return nil, bad("write [NAME] above it", "this belongs to no section")
		case !ok:
			return nil, bad("write key=value", "this is neither [section] nor key=value")
		case key == "service":
			return nil, bad("write what that section holds", "a section cannot take another one in")
		case !known(key) && word.MatchString(key):
			return nil, bad("take it out, or mend it; there is no space around =", "libpq has no parameter %q", key)
		case !known(key): // it may be anything, a password too
			return nil, bad("write key=value", "what stands before = is no parameter of libpq")
		}
		if s := &out[len(out)-1]; !skip && !slices.ContainsFunc(s.keys, func(k serviceKey) bool { return k.name == key }) {
			s.keys = append(s.keys, serviceKey{key, value, number})
		}
	}
	return out, nil
}

// word is what a parameter may be that somebody meant to write.
var word = regexp.MustCompile(`^[A-Za-z_]{1,30} *$`)

func known(key string) bool {
	switch key {
	case "host", "hostaddr", "port", "dbname", "user", "password", "options", "sslpassword":
		return true
	}
	return slices.Contains(kept, key) || slices.Contains(libpq, key)
}

// fromService makes a fleet of the sections of a service file: one is control, the
// others are shards by their names.
func fromService(data []byte, o Options) (*Result, error) {
	if o.File == "" {
		o.File = "the service file"
	}
	sections, err := parseService(data, o.File)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, s := range sections {
		names = append(names, s.name)
	}
	at := slices.Index(names, o.Control)
	switch {
	case o.Control != "" && at < 0:
		return nil, fault.Newf(fault.ImportInvalid, "choose with --control: "+strings.Join(names, ", "), "%s has no section %s", o.File, o.Control)
	case at >= 0:
	case slices.Contains(names, fleet.ControlName):
		at = slices.Index(names, fleet.ControlName)
	case len(names) == 1:
		at = 0
	default:
		return nil, fault.Newf(fault.ImportInvalid, "choose with --control: "+strings.Join(names, ", "), "%s does not say which section is the control database", o.File)
	}
	b := newBuild(o)
	order := append([]service{sections[at]}, slices.Delete(slices.Clone(sections), at, at+1)...)
	for i, s := range order {
		a, err := b.service(s)
		if err != nil {
			return nil, err
		}
		name := s.name
		if i == 0 {
			name = primaryShard
			b.note("%s: %s is the control database, and the shard %s lives in it; take that shard out of the fleet file where no tenant is there", o.File, s.name, name)
		}
		if err := b.addAs(s.name, name, i == 0, a, o.File); err != nil {
			return nil, err
		}
	}
	r, err := b.result()
	if err != nil {
		return nil, err
	}
	r.Service = true
	return r, nil
}

// service is how the database of a section is reached.
func (b *build) service(s service) (*address, error) {
	a := &address{params: map[string][]string{}}
	numeric := serviceKey{}
	for _, k := range s.keys {
		problem, hint := "", ""
		switch {
		case k.name == "hostaddr":
			numeric = k
		case k.name == "options":
			a.params.Set(k.name, k.value)
		case slices.Contains(libpq, k.name) && !slices.Contains(kept, k.name):
			b.note("%s, line %d: %s of %s is not carried over", b.o.File, k.line, k.name, s.name)
		default:
			problem, hint = a.set(k.name, k.value, false)
		}
		if problem != "" {
			return nil, fault.Newf(fault.ImportInvalid, hint, "%s, line %d: %s: %s", b.o.File, k.line, s.name, problem)
		}
	}
	// With both, the name is what a certificate is checked against and the number
	// spares a look-up.
	switch {
	case numeric.value != "" && a.host == "":
		a.host = numeric.value
	case numeric.value != "":
		b.note("%s, line %d: hostaddr of %s is not carried over; its host is looked up", b.o.File, numeric.line, s.name)
	}
	if a.database == "" {
		a.database = a.credential.User // so libpq does
	}
	if problem, hint := a.check(); problem != "" {
		return nil, fault.Newf(fault.ImportInvalid, hint, "%s, line %d: %s: %s", b.o.File, s.line, s.name, problem)
	}
	return a, nil
}
