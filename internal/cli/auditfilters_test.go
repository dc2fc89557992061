package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Filters are kept without any database: here none answers.
func TestFiltersAreKeptOnThisComputer(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, name := range []string{"other", "one"} {
		s.json(0, "fleet", "add", name, "--control", "postgres://127.0.0.1:1/none", "--shard", "default=control", "--environment", "demo")
	}
	s.json(0, "fleet", "use", "one")
	require.Empty(t, list(t, s.json(0, "audit", "filters"), "filters"))
	require.Contains(t, s.ok("audit", "filters"), "No filter is saved")

	made := s.json(0, "audit", "filters", "save", "failed moves", "--action", "move", "--outcome", "failed", "--since", "30d", "--search", "disk full")
	has(t, made, "name", "filter", "made_at", "reason")
	require.Equal(t, "30d", made["filter"].(map[string]any)["since"], "an age stays one")
	require.Equal(t, made, list(t, s.json(0, "audit", "filters"), "filters")[0])
	out := s.ok("audit", "filters")
	fits(t, out)
	require.Contains(t, out, "failed moves")
	require.Contains(t, out, `--search "disk full"`)
	require.Empty(t, list(t, s.json(0, "--fleet", "other", "audit", "filters"), "filters"), "each fleet has its own")

	e := s.refused(3, "filter_exists", "audit", "filters", "save", "Failed moves", "--tenant", "7")
	require.Contains(t, e["hint"], "--replace")
	again := s.json(0, "audit", "filters", "save", "Failed moves", "--tenant", "7", "--replace")
	require.Equal(t, "7", again["filter"].(map[string]any)["tenant"])
	require.Empty(t, again["filter"].(map[string]any)["action"], "it is written anew")
	require.Len(t, list(t, s.json(0, "audit", "filters"), "filters"), 1)

	s.refused(2, "filter_invalid", "audit", "filters", "save", "all")
	s.refused(2, "filter_invalid", "audit", "filters", "save", " ", "--tenant", "7")
	s.refused(2, "usage", "audit", "filters", "save", "x", "--since", "whenever")
	s.refused(2, "usage", "audit", "filters", "save")
	s.refused(2, "usage", "audit", "filters", "lst")
	s.refused(2, "filter_unknown", "audit", "filters", "remove", "nothing")
	s.refused(2, "filter_unknown", "audit", "list", "--saved", "nothing")
	s.refused(2, "filter_unknown", "audit", "export", "--saved", "", "-o", "x.csv", "--note", "x")

	require.Contains(t, s.ok("audit", "filters", "remove", "failed MOVES"), "Failed moves is forgotten")
	require.Empty(t, list(t, s.json(0, "audit", "filters"), "filters"))
}
