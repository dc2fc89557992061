package fleet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
)

// kept is a file that people keep by hand, with comments wherever one may stand.
const kept = `# Production: ask in #databases before you change this.
name = 'production'   # the name in tickets

# everybody is careful here
environment = "production"
profile = "property_web_builder" # built in
credential = "ops"
# the catalogue
[control] # one server

  url = "postgres://db1.example.com:5432/app?sslmode=verify-full" # the primary
  # direct follows when the pooler is there

# shards, oldest first
[[shard]]
database = "control"
name = "default" # lives in control

[[shard]] # since May
# the large ones
name = "shard_1"
capacity = "200GB" # a disk of its own
url = """postgres://db2.example.com:5432/app_1?sslmode=verify-full""" # behind the pooler
  [shard.labels] # for the planner
  tier = "gold" # paid
  # nothing more
[[shard]]
name = "shard_2" # not yet
# the end`

// differing are the lines that only one of two texts has.
func differing(a, b string) (gone, came []string) {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, l := range la {
		if !slices.Contains(lb, l) {
			gone = append(gone, l)
		}
	}
	for _, l := range lb {
		if !slices.Contains(la, l) {
			came = append(came, l)
		}
	}
	return gone, came
}

// Only the lines of what changes differ afterwards; every comment is where it was.
func TestARewrittenFileKeepsWhatItsKeeperWrote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change     func(*fleet.Fleet)
		gone, came []string
	}{
		"nothing": {change: func(*fleet.Fleet) {}},
		"a key is added at the top": {
			change: func(f *fleet.Fleet) { f.Schema = "ops_admin" }, came: []string{`schema = "ops_admin"`},
		},
		"a key is added to tables": {
			change: func(f *fleet.Fleet) {
				f.Control.SSH, f.Shards[2].Region = "user@bastion", "eu"
			}, came: []string{`ssh = "user@bastion"`, `region = "eu"`},
		},
		"values change in their places": {
			change: func(f *fleet.Fleet) {
				f.Name, f.Control.URL, f.Shards[1].Capacity = "staging", "postgres://db9.example.com/app", 1<<30
				f.Shards[1].Endpoint.URL, f.Shards[1].Labels["tier"] = "postgres://db8.example.com/app", "silver"
			},
			gone: []string{
				`name = 'production'   # the name in tickets`, `  url = "postgres://db1.example.com:5432/app?sslmode=verify-full" # the primary`,
				`capacity = "200GB" # a disk of its own`, `url = """postgres://db2.example.com:5432/app_1?sslmode=verify-full""" # behind the pooler`, `  tier = "gold" # paid`,
			},
			came: []string{
				`name = "staging"   # the name in tickets`, `  url = "postgres://db9.example.com/app" # the primary`,
				`capacity = "1073741824B" # a disk of its own`, `url = "postgres://db8.example.com/app" # behind the pooler`, `  tier = "silver" # paid`,
			},
		},
		"a key goes": {
			change: func(f *fleet.Fleet) { f.Credential = "" }, gone: []string{`credential = "ops"`},
		},
		"shards come": {
			change: func(f *fleet.Fleet) {
				f.Shards = append(f.Shards, fleet.Shard{Name: "shard_3", Placement: fleet.PlacementOpen}, fleet.Shard{Name: "shard_4", Placement: fleet.PlacementDrain})
			}, came: []string{`name = "shard_3"`, `name = "shard_4"`, `placement = "drain"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := fleet.Parse([]byte(kept), "f.toml")
			require.NoError(t, err)
			c.change(f)
			text, err := fleet.Rewrite([]byte(kept), f)
			require.NoError(t, err)
			gone, came := differing(kept, string(text))
			require.Equal(t, c.gone, gone, "%s", text)
			require.Equal(t, c.came, came, "%s", text)
			require.Equal(t, strings.Count(kept, "#"), strings.Count(string(text), "#"))
			again, err := fleet.Parse(text, "f.toml")
			require.NoError(t, err)
			require.Equal(t, f, again)
			// And back: to the byte where nothing was written over.
			was, err := fleet.Parse([]byte(kept), "f.toml")
			require.NoError(t, err)
			if back, err := fleet.Rewrite(text, was); len(c.gone) == 0 && !strings.Contains(name, "shards") {
				require.NoError(t, err)
				require.Equal(t, kept, strings.TrimSuffix(string(back), "\n"))
			}
		})
	}
}

// What cannot be changed in its place is written anew, and says the same.
func TestAFileThatCannotBeChangedInItsPlaceIsWrittenAnew(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tables in a line": "name = \"f\"\ncontrol = {url = \"postgres://h/d\"} # one\nshard = [{name = \"a\"}]\n",
		"no fleet":         "name = ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := fleet.Parse([]byte(small), "f.toml")
			require.NoError(t, err)
			f.Control.URL = "postgres://other/d"
			f.Shards = append(f.Shards, fleet.Shard{Name: "b", Placement: fleet.PlacementOpen})
			out, err := fleet.Rewrite([]byte(text), f)
			require.NoError(t, err)
			again, err := fleet.Parse(out, "f.toml")
			require.NoError(t, err)
			require.Equal(t, f, again)
		})
	}
}
