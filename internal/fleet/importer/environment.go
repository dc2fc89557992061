package importer

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"shardadmin/internal/fault"
)

// environments that may stand in a variable's name.
var environments = []string{"PRODUCTION", "STAGING", "DEVELOPMENT", "TEST", "E2E"}

// FromEnvironment makes a fleet from DATABASE_URL, the same with the
// application's name in front (PWB_DATABASE_URL), with the environment's
// (PWB_STAGING_DATABASE_URL), and with an entry's (PWB_TENANT_SHARD_1_DATABASE_URL).
// Production takes variables without an environment's name; the others take
// such a variable for the primary database alone, where their own is missing.
func FromEnvironment(o Options) (*Result, error) {
	o = o.filled()
	urls := map[string]string{}
	names := []string{}
	for _, pair := range o.Environ {
		name, _, _ := strings.Cut(pair, "=")
		if name != fallbackURL && !strings.HasSuffix(name, "_"+fallbackURL) {
			continue
		}
		if v := strings.TrimSpace(o.Env(name)); v != "" && urls[name] == "" {
			urls[name] = v
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if len(names) == 0 {
		return nil, fault.New(fault.ImportInvalid, "no variable DATABASE_URL or …_DATABASE_URL is set", "set them as the application has them, or give its config/database.yml")
	}
	app := application(names)
	want := strings.ToUpper(o.Environment)
	primary, shards := choose(names, app, want)
	if primary == "" {
		return nil, fault.Newf(fault.ImportInvalid, "set "+strings.TrimPrefix(app+"_", "_")+fallbackURL+" to the URL of the primary database",
			"there are variables of shards (%s) and none of the primary database", strings.Join(names, ", "))
	}
	b := newBuild(o)
	for i, c := range append([]chosen{{entry: "primary", variable: primary}}, shards...) {
		a, problem, hint := parseAddress(urls[c.variable])
		if problem == "" {
			problem, hint = a.check()
		}
		if problem != "" {
			return nil, fault.Newf(fault.ImportInvalid, hint, "%s: %s", c.variable, problem)
		}
		if err := b.add(c.entry, i == 0, a, c.variable); err != nil {
			return nil, err
		}
	}
	return b.result()
}

// application returns the word that names of variables begin with: X where
// X_DATABASE_URL stands beside longer ones, or all begin with X_.
func application(names []string) string {
	long := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == fallbackURL })
	for _, n := range long {
		x := strings.TrimSuffix(n, "_"+fallbackURL)
		for _, other := range long {
			if x != "PRIMARY" && !slices.Contains(environments, x) && strings.HasPrefix(other, x+"_") && other != n {
				return x
			}
		}
	}
	if len(long) == 1 && len(names) == 1 && long[0] != "PRIMARY_"+fallbackURL {
		x := strings.TrimSuffix(long[0], "_"+fallbackURL)
		first, rest, ok := strings.Cut(x, "_")
		switch {
		case slices.Contains(environments, x):
			return ""
		case ok && slices.Contains(environments, rest):
			return first
		}
		return x
	}
	// So it is with an entry behind it that the reference application has.
	for _, n := range long {
		if m := knownEntry(n); m != "" {
			return m
		}
	}
	// With the environment's name behind it, one is enough.
	for _, n := range long {
		for _, e := range environments {
			if x, _, ok := strings.Cut(n, "_"+e+"_"); ok {
				return x
			}
		}
	}
	return ""
}

// knownEntry returns X of X_TENANT_SHARD_1_DATABASE_URL, X_DEMO_SHARD_DATABASE_URL
// and the same with an environment's name behind X; "" of any other variable.
func knownEntry(name string) string {
	x := strings.TrimSuffix(name, "_"+fallbackURL)
	before, ok := strings.CutSuffix(x, "_DEMO_SHARD")
	if !ok {
		var number string
		before, number, ok = strings.Cut(x, "_TENANT_SHARD_")
		if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil {
			return ""
		}
	}
	for _, e := range environments {
		if before == e {
			return ""
		}
		before = strings.TrimSuffix(before, "_"+e)
	}
	return before
}

type chosen struct{ entry, variable string }

// choose splits names into application, environment and entry, and keeps those
// of the environment.
func choose(names []string, app, want string) (primary string, shards []chosen) {
	rank := 0
	for _, n := range names {
		rest, own := n, app == ""
		if app != "" {
			if r, ok := strings.CutPrefix(n, app+"_"); ok {
				rest, own = r, true
			}
		}
		named := ""
		for _, e := range environments {
			if r, ok := strings.CutPrefix(rest, e+"_"); ok {
				rest, named = r, e
			}
		}
		entry := strings.TrimSuffix(strings.TrimSuffix(rest, fallbackURL), "_")
		if !own && entry != "" {
			continue // another application's
		}
		if named != "" && named != want {
			continue
		}
		if entry == "" || entry == "PRIMARY" {
			r := 1
			if own && app != "" {
				r = 2
			}
			if entry == "PRIMARY" {
				r++
			}
			if named != "" {
				r += 4
			}
			if r > rank {
				primary, rank = n, r
			}
			continue
		}
		if named == "" && want != "PRODUCTION" {
			continue
		}
		shards = append(shards, chosen{strings.ToLower(entry), n})
	}
	// A shard's variable with the environment's name wins over one without.
	byEntry := map[string]chosen{}
	for _, s := range shards {
		if old, ok := byEntry[s.entry]; !ok || len(s.variable) > len(old.variable) {
			byEntry[s.entry] = s
		}
	}
	shards = slices.DeleteFunc(shards, func(s chosen) bool { return byEntry[s.entry] != s })
	return primary, shards
}
