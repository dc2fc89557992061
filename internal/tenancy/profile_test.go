package tenancy_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/tenancy"
)

const smallProfile = "pointer = \"t.shard\"\n[tenants]\ntable = \"t\"\nkey = \"id\"\n"

func TestBuiltInProfilesReadBackAsWritten(t *testing.T) {
	t.Parallel()
	require.Contains(t, tenancy.Builtins(), "property_web_builder")
	for _, name := range tenancy.Builtins() {
		p, err := tenancy.LoadProfile(name)
		require.NoError(t, err, name)
		require.Equal(t, name, p.Name)
		text, err := p.Marshal()
		require.NoError(t, err)
		again, err := tenancy.ParseProfile(text, name+".toml")
		require.NoError(t, err, name)
		require.Equal(t, p.Extends, again.Extends)
		again.Extends = p.Extends
		require.Equal(t, p, again, name)
	}
}

func TestAProfileSaysLittleAndGetsTheRest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.toml")
	require.NoError(t, os.WriteFile(path, []byte(smallProfile), 0o600))
	p, err := tenancy.LoadProfile(path)
	require.NoError(t, err)
	require.Equal(t, []string{"id"}, p.Tenants.Labels)
	require.Equal(t, time.Minute, p.RoutingTTL)
	require.Equal(t, tenancy.FollowsUnproven, p.Follows, "nobody has shown that the application follows")
	require.Equal(t, "shard", p.PointerColumn())

	p, err = tenancy.ParseProfile([]byte("extends = \"property_web_builder\"\nfollows = \"true\"\nrouting_ttl = \"5s\"\n"), "own.toml")
	require.NoError(t, err)
	require.Equal(t, "pwb_websites", p.Tenants.Table)
	require.Equal(t, 5*time.Second, p.RoutingTTL)
}

func TestMistakesInAProfileAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":       {smallProfile + "colour = 1\n", `p.toml:5: there is no key "tenants.colour"`},
		"no TOML":              {"pointer = \n", "p.toml:1: "},
		"a wrong type":         {"pointer = 5\n", "p.toml:1: "},
		"no tenants":           {"pointer = \"t.s\"\n", "tenants.table and tenants.key are needed"},
		"no pointer":           {"[tenants]\ntable = \"t\"\nkey = \"id\"\n", "pointer is needed"},
		"a foreign pointer":    {"pointer = \"u.s\"\n[tenants]\ntable = \"t\"\nkey = \"id\"\n", `the pointer "u.s" is not a column of t`},
		"a bad time":           {"routing_ttl = \"soon\"\n" + smallProfile, `routing_ttl "soon"`},
		"a negative time":      {"routing_ttl = \"-1s\"\n" + smallProfile, `routing_ttl "-1s"`},
		"bad follows":          {"follows = \"maybe\"\n" + smallProfile, `not "maybe"`},
		"bad follows of one":   {smallProfile + "[[table]]\nname = \"x\"\nfollows = \"maybe\"\n", `table x: follows`},
		"bad kind of one":      {smallProfile + "[[table]]\nname = \"x\"\nkind = \"child\"\n", `table x: kind`},
		"a table with no name": {smallProfile + "[[table]]\nkind = \"control\"\n", "a [[table]] has no name"},
		"a backward no column": {smallProfile + "[[backward]]\ntable = \"x\"\nfrom = [\"y\"]\n", `backward x: from wants "table.column"`},
		"an unknown base":      {"extends = \"nobody\"\n", `extends "nobody"`},
		"a path as a base":     {"extends = \"../p.toml\"\n", `extends "../p.toml"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tenancy.ParseProfile([]byte(c.text), "p.toml")
			require.Equal(t, fault.ProfileInvalid, fault.CodeOf(err))
			require.Contains(t, err.Error(), "p.toml")
			require.Contains(t, err.Error(), c.want)
			require.NotEmpty(t, fault.HintOf(err))
		})
	}
	_, err := tenancy.LoadProfile("nowhere")
	require.Equal(t, fault.ProfileInvalid, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "property_web_builder")
}

func FuzzParseProfile(f *testing.F) {
	f.Add(smallProfile)
	f.Add("extends = \"property_web_builder\"\n")
	f.Add(smallProfile + "[[soft]]\ntable = \"a\"\ncolumn = \"b\"\nto = \"c\"\n[[polymorphic]]\ntable = \"x\"\n[polymorphic.types]\n\"A::B\" = \"y\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := tenancy.ParseProfile([]byte(text), "p.toml")
		if err != nil {
			require.Equal(t, fault.ProfileInvalid, fault.CodeOf(err))
			require.NotEmpty(t, fault.HintOf(err))
			return
		}
		written, err := p.Marshal()
		require.NoError(t, err)
		again, err := tenancy.ParseProfile(written, "p.toml")
		require.NoError(t, err, "%s", written)
		require.Equal(t, p.Tenants, again.Tenants)
		require.Equal(t, p.Pointer, again.Pointer)
		require.Equal(t, p.RoutingTTL, again.RoutingTTL)
	})
}
