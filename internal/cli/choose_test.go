package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Which fleet is meant: the one that is named, else the only one, else the
// chosen one. Where none of these is, the error names those that there are and
// the command that chooses.
func TestWhichFleetIsMeant(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		known  []string
		chosen string
		gone   string // removed after it was chosen
		spoilt string // its file is made unreadable
		flags  []string
		want   string
		code   string
		says   []string // in message or hint
	}{
		"none is known":                     {code: "fleet_unknown", says: []string{"no fleet is known on this computer", "shard-admin fleet add", "shard-admin demo"}},
		"named, none is known":              {flags: []string{"--fleet", "one"}, code: "fleet_unknown", says: []string{`there is no fleet "one"`, "shard-admin fleet add one"}},
		"the only one":                      {known: []string{"one"}, want: "one"},
		"the only one, named":               {known: []string{"one"}, flags: []string{"--fleet", "one"}, want: "one"},
		"the only one, by an empty name":    {known: []string{"one"}, flags: []string{"--fleet", ""}, want: "one"},
		"the only one is not what is meant": {known: []string{"one"}, flags: []string{"--fleet", "two"}, code: "fleet_unknown", says: []string{`there is no fleet "two"`, "known are one"}},
		"several, none chosen":              {known: []string{"one", "two"}, code: "fleet_unknown", says: []string{"one, two", "none is chosen", "--fleet NAME", "shard-admin fleet use NAME"}},
		"several, one chosen":               {known: []string{"one", "two"}, chosen: "two", want: "two"},
		"several, another named":            {known: []string{"one", "two"}, chosen: "two", flags: []string{"--fleet=one"}, want: "one"},
		"several, an unknown one named":     {known: []string{"one", "two"}, chosen: "two", flags: []string{"--fleet", "three"}, code: "fleet_unknown", says: []string{`there is no fleet "three"`, "known are one, two"}},
		"several, the chosen one is gone":   {known: []string{"one", "three", "two"}, chosen: "two", gone: "two", code: "fleet_unknown", says: []string{"one, three", "none is chosen", "--fleet NAME", "shard-admin fleet use NAME"}},
		"one left, the chosen one is gone":  {known: []string{"one", "two"}, chosen: "two", gone: "two", want: "one"},
		"a name is no path":                 {known: []string{"one"}, flags: []string{"--fleet", "../fleets/one"}, code: "fleet_unknown", says: []string{"known are one"}},
		"a name keeps its case":             {known: []string{"one"}, flags: []string{"--fleet", "One"}, code: "fleet_unknown", says: []string{`there is no fleet "One"`}},
		"a file that cannot be read":        {known: []string{"one", "two"}, chosen: "two", spoilt: "two", code: "fleet_invalid", says: []string{"two.toml:1"}},
		"another's file cannot be read":     {known: []string{"one", "two"}, chosen: "two", spoilt: "one", want: "two"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			for _, name := range c.known {
				s.json(0, "fleet", "add", name, "--control", "postgres://nobody@127.0.0.1:1/none?sslmode=disable", "--shard", "default=control",
					"--environment", "staging", "--profile", "property_web_builder")
			}
			if c.chosen != "" {
				s.json(0, "fleet", "use", c.chosen)
			}
			if c.gone != "" {
				s.json(0, "fleet", "remove", c.gone, "--yes")
			}
			if c.spoilt != "" {
				require.NoError(t, os.WriteFile(filepath.Join(s.home, "fleets", c.spoilt+".toml"), []byte("colour = 1\n"), 0o600))
			}
			if c.want != "" {
				require.Equal(t, c.want, s.json(0, append([]string{"fleet", "show"}, c.flags...)...)["name"])
				return
			}
			// Whatever works on a fleet says the same, looking or changing.
			for _, command := range []string{
				"fleet show", "fleet check", "fleet install --note x", "shards status", "shards assign 7 shard_1 --note x", "tenants check", "map",
				"move list", "move start 7 shard_1 --note x", "audit list", "worker",
			} {
				e := s.refused(map[string]int{"fleet_unknown": 2, "fleet_invalid": 2}[c.code], c.code, append(strings.Fields(command), c.flags...)...)
				said := e["message"].(string) + "\n" + e["hint"].(string)
				for _, text := range c.says {
					require.Contains(t, said, text, command)
				}
			}
		})
	}
}
