package demo_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
)

// A user's own fleet may be called demo: the demo neither writes over its file nor
// removes it, and says what to do.
func TestTheDemoLeavesAFleetThatItDidNotWriteAlone(t *testing.T) {
	t.Parallel()
	mine := func(f *fleet.Fleet) []byte {
		b, err := f.Marshal()
		require.NoError(t, err)
		return b
	}
	own := fleet.Fleet{
		Name: demo.FleetName, Environment: fleet.Production, Profile: "property_web_builder",
		Control: fleet.Endpoint{URL: "postgres://ops@db1.example.com/pwb"}, Shards: []fleet.Shard{{Name: "default", InControl: true, Region: "eu"}},
	}
	trial, added := own, own
	trial.Environment = fleet.Demo
	added.Environment, added.Control.URL = fleet.Demo, "postgres://demo_operator@/pwb_control?host=%2Felsewhere%2Fdemo%2Fcontrol%2Fs&port=5001&sslmode=disable"
	added.Shards = []fleet.Shard{{Name: "default", InControl: true}, {Name: "mine", Endpoint: fleet.Endpoint{URL: "postgres://ops@db2.example.com/pwb_1"}}}
	for name, c := range map[string]struct {
		file []byte
		why  string
	}{
		"of production":             {mine(&own), "its environment is production"},
		"of the environment demo":   {mine(&trial), "control is not on a server of the demo"},
		"with a shard of one's own": {mine(&added), "shard mine is not on a server of the demo"},
		"that cannot be read":       {[]byte("name = \"demo\"\nnot yet finished"), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			h, err := home.Open(home.Options{Dir: dir, Env: func(string) string { return "" }})
			require.NoError(t, err)
			t.Cleanup(func() { _ = h.Close() })
			path := h.FleetPath(demo.FleetName)
			require.NoError(t, os.WriteFile(path, c.file, 0o600))
			d := demo.New(h)
			t.Cleanup(func() { // what a demo that did not refuse has left
				_ = os.Remove(path)
				_ = d.Reset(t.Context())
			})
			_, run := d.Run(t.Context(), demo.Options{Exit: true, Out: &bytes.Buffer{}})
			start := d.Start(t.Context(), func(step string) { t.Error("it began: " + step) })
			for what, err := range map[string]error{"run": run, "start": start, "reset": d.Reset(t.Context())} {
				require.Equal(t, fault.FleetExists, fault.CodeOf(err), "%s: %v", what, err)
				f := fault.As(err)
				require.Contains(t, f.Message, path, what)
				require.Contains(t, f.Message, c.why, what)
				require.Contains(t, f.Hint, "the file is as it was", what)
				require.Contains(t, f.Hint, "shard-admin fleet remove demo", what)
				require.NotEmpty(t, fault.Safe(err), what)
				now, err := os.ReadFile(path)
				require.NoError(t, err, what)
				require.Equal(t, string(c.file), string(now), what)
			}
			require.NoDirExists(t, filepath.Join(dir, "demo", "control"), "no server was made")
		})
	}
}
