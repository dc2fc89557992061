package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

// A shard that leads to the control database by another spelling of its
// address is found by the check, and neither move nor assignment goes there.
func TestAShardThatIsTheControlDatabase(t *testing.T) {
	t.Parallel()
	l := populated(t)
	l.exec(0, "GRANT INSERT, UPDATE, DELETE ON pwb_websites TO "+l.role)
	l.elsewhere(strings.Replace(pgtest.Server(t, 0).URL(l.role, l.dbs[0]), "127.0.0.1", "localhost", 1))
	check := l.json(3, "fleet", "check")
	same := map[string]any{}
	for _, d := range list(t, check, "databases") {
		require.Empty(t, d["missing"], d)
		same[d["name"].(string)] = d["same_as"]
	}
	require.Equal(t, map[string]any{"control": "", "shard_1": "control", "shard_2": ""}, same)
	r := l.run("fleet", "check")
	require.Equal(t, 3, r.exit)
	require.Contains(t, strings.Join(strings.Fields(r.out), " "), `this is the same database as control: give the shard database = "control"`)
	l.unchanged("a shard that is the control database", 3, "same_database", changes()[0], append(changes()[0], "--rows-stay"))
	p := l.json(3, "move", "plan", "7", "shard_1")
	require.Equal(t, true, p["blocked"])
}
