package health_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/health"
	"shardadmin/internal/sample"
)

var update = flag.Bool("update", false, "write docs/health.md anew")

// intervals say how often what a tier holds is asked.
var intervals = map[sample.Tier]string{
	sample.Live: "at each look", sample.Minute: "each minute", sample.Tables: "every five minutes", sample.Hour: "each hour", sample.Day: "once a day",
}

// pghero is what PgHero 4.0 shows of a database (lib/pghero/methods), and which of
// our checks is its equal, or why there is none.
var pghero = []struct{ shows, checks, word string }{
	{"connections, by source, user and state", "connections", ""},
	{"long running queries", "long_queries long_transactions", "a transaction is judged too, whose statement may be short"},
	{"blocked queries", "blocking", "as a tree with the one that blocks them all"},
	{"slow and top queries (pg_stat_statements)", "statements", "as a difference between two looks; nothing is ever reset"},
	{"table hit rate, index hit rate", "cache_hits", "of the reads between two looks; a figure of all reads since the statistics were reset says so"},
	{"missing indexes", "missing_indexes foreign_keys", ""},
	{"unused indexes", "unused_indexes", "only one that no shard of the fleet uses"},
	{"duplicate indexes", "duplicate_indexes", ""},
	{"invalid indexes", "invalid_indexes", ""},
	{"invalid constraints", "invalid_constraints", "of domains too; one that is not enforced is left out"},
	{"index bloat", "bloat", "tables too"},
	{"transaction ID danger", "wraparound", "multixacts too"},
	{"autovacuum danger, maintenance", "vacuum wraparound", ""},
	{"vacuum progress", "vacuum", ""},
	{"sequence danger, unreadable sequences", "sequences", "against the column's type too"},
	{"replication lag, inactive slots", "replication slots", "with the WAL that a slot keeps"},
	{"settings", "settings", ""},
	{"relation sizes, database size, space growth", "capacity", "sizes of tables are in the shard's statistics"},
	{"users and their rights", "", "`fleet check` says which rights each capability lacks"},
	{"live queries", "long_queries long_transactions", "`shards sessions` lists every session of the database and who keeps whom waiting"},
	{"kill, kill all", "blocking long_queries idle_in_transaction", "`shards cancel` ends what one session runs, `shards terminate` the session, with a note in the record; never all at once"},
	{"suggested indexes", "", "needs a parser of SQL and guesses; the checks name tables that are read as a whole, and foreign keys without an index"},
	{"CPU, free disk", "", "plain SQL does not know them; a shard's capacity is what the operator states"},
	{"EXPLAIN, query history", "", "no check; `shards look` shows the statements between two looks"},
}

// TestDocument keeps docs/health.md what the checks say of themselves.
func TestDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# What is checked

` + "`shard-admin shards health`" + ` runs these checks on every shard; with a shard's name it shows
each finding with the rows it rests on. Checks that compare two looks need a second
one, as a window that stays open takes. A check that may not look says so, with the
GRANT that is missing. Limits are the same for all shards.

This page is written by a test from the checks themselves.
`)
	checks := health.Checks()
	groups := []string{}
	for _, c := range checks {
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
	}
	names := map[string]bool{}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(g[:1])+g[1:])
		for _, c := range checks {
			if c.Group != g {
				continue
			}
			require.False(t, names[c.Name], c.Name)
			names[c.Name] = true
			require.NotEmpty(t, intervals[c.Tier], c.Name)
			fmt.Fprintf(&b, "\n### %s: `%s`\n\n%s %s\n\n- When: %s\n- Asked: %s%s%s\n", c.Title, c.Name, c.Why, c.Remedy, c.Thresholds(health.Defaults()), intervals[c.Tier],
				map[bool]string{true: ", compared with an earlier look"}[c.Deltas], map[bool]string{true: "; of the whole server"}[c.Server])
			if c.Monitor {
				b.WriteString("- Needs: `pg_monitor`\n")
			}
		}
	}
	b.WriteString("\n## Beside PgHero\n\nWhat PgHero 4.0 shows of one database, and its equal here, for all shards at once.\n\n| PgHero | here | |\n|---|---|---|\n")
	for _, p := range pghero {
		equal := []string{}
		for _, name := range strings.Fields(p.checks) {
			require.True(t, names[name], "%s names the check %s", p.shows, name)
			equal = append(equal, "`"+name+"`")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.shows, strings.Join(equal, ", "), p.word)
	}
	path := filepath.Join("..", "..", "docs", "health.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	is, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(is), "go test ./internal/health -run Document -update writes it anew")
}
