package fleet

import (
	"slices"
	"strings"
)

// Placing is the rule by which a worker points new tenants to shards.
type Placing struct {
	// Automatic is true where a worker does; a person does else.
	Automatic bool
	// AtOnce bounds how many tenants are pointed in one round.
	AtOnce int
	// Exclude are tenants that it leaves alone, by id or label.
	Exclude []string
}

// DefaultAtOnce is how many tenants a round points where the file says nothing.
const DefaultAtOnce = 10

// mostAtOnce is how many it may be told to.
const mostAtOnce = 100

type filePlacing struct {
	Automatic bool     `toml:"automatic"`
	AtOnce    *int     `toml:"at_once,omitempty"`
	Exclude   []string `toml:"exclude,omitempty"`
	Confirm   string   `toml:"confirm,omitempty"`
}

// check refuses a rule that nobody can keep to. Nobody is asked when a tenant comes, so
// in production the file confirms by the fleet's name what a person would.
func (m *filePlacing) check(f *Fleet, bad func(key, hint, format string, args ...any) error) (Placing, error) {
	out := Placing{Automatic: m.Automatic, AtOnce: DefaultAtOnce}
	if m.AtOnce != nil {
		out.AtOnce = *m.AtOnce
	}
	switch {
	case out.AtOnce < 1 || out.AtOnce > mostAtOnce:
		return out, bad("placement.at_once", "write a number from 1 to 100, or leave it out for 10", "%d tenants cannot be placed at once", out.AtOnce)
	case m.Confirm != "" && m.Confirm != f.Name:
		return out, bad("placement.confirm", `write confirm = "`+f.Name+`"`, "the rule is confirmed for %q, and this is fleet %s", m.Confirm, f.Name)
	case m.Automatic && f.Environment == Production && m.Confirm == "":
		return out, bad("placement.automatic", `add confirm = "`+f.Name+`" under [placement]: nobody is asked when a tenant comes`, "%s is production: that tenants are placed automatically must be confirmed by the fleet's name", f.Name)
	}
	for i, t := range m.Exclude {
		if strings.TrimSpace(t) == "" || slices.Contains(m.Exclude[:i], t) {
			return out, bad("placement.exclude", "name each tenant once, by id or label", "tenant %q is excluded twice, or by nothing", t)
		}
	}
	out.Exclude = m.Exclude
	return out, nil
}

// inFile is what a file says of the rule, nil where it is as if it said nothing.
func (p Placing) inFile(f *Fleet) *filePlacing {
	m := &filePlacing{Automatic: p.Automatic, Exclude: p.Exclude}
	if p.AtOnce != 0 && p.AtOnce != DefaultAtOnce {
		m.AtOnce = &p.AtOnce
	}
	if !p.Automatic && m.AtOnce == nil && len(m.Exclude) == 0 {
		return nil
	}
	if p.Automatic && f.Environment == Production {
		m.Confirm = f.Name
	}
	return m
}
