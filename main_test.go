package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
)

// What demo status prints is what the demo itself says, server by server, also before
// there is any.
func TestDemoStatusIsThatOfTheDemo(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	exit := cli.Main(t.Context(), cli.Faces{Demo: sample{}}, []string{"--home", filepath.Join(t.TempDir(), "home"), "demo", "status", "--json"}, &bytes.Buffer{}, &out, &errs)
	require.Zero(t, exit, errs.String())
	var v map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &v))
	require.Equal(t, map[string]any{"running": false, "fleet": "demo"}, map[string]any{"running": v["running"], "fleet": v["fleet"]})
	servers, is := v["servers"].([]any)
	require.True(t, is, out.String())
	databases := map[string]string{}
	for _, x := range servers {
		s := x.(map[string]any)
		databases[s["name"].(string)] = s["database"].(string)
		require.Equal(t, false, s["running"])
		port, there := s["port"]
		require.True(t, there)
		require.Nil(t, port)
		require.NotEmpty(t, s["port_reason"])
	}
	require.Equal(t, map[string]string{"control": "pwb_control", "shard_1": "pwb_shard_1", "shard_2": "pwb_shard_2", "demo": "pwb_demo"}, databases)
}
