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

// pghero is what PgHero 4.0 shows of a database, with the files of lib/pghero/methods
// that it comes from, and which of our checks is its equal, or why there is none.
var pghero = []struct{ files, shows, checks, word string }{
	{"basic", "a database that does not answer", "reachable latency", "PgHero gives up after its connect timeout and shows an error page"},
	{"connections", "connections, by source, user and state", "connections", ""},
	{"connections", "sessions idle in a transaction", "idle_in_transaction", "by how long they sleep, not by how many they are"},
	{"queries", "long running queries", "long_queries long_transactions", "a transaction is judged too, whose statement may be short"},
	{"queries", "blocked queries", "blocking", "as a tree with the one that blocks them all"},
	{"query_stats", "slow and top queries (pg_stat_statements)", "statements", "as a difference between two looks; nothing is ever reset"},
	{"query_stats", "whether pg_stat_statements is there, and its reset", "statements extensions", "where it is missing the statement that makes it is printed"},
	{"indexes tables", "table hit rate, index hit rate", "cache_hits", "of the reads between two looks; a figure of all reads since the statistics were reset says so"},
	{"indexes", "missing indexes", "missing_indexes foreign_keys", ""},
	{"indexes", "unused indexes", "unused_indexes", "only one that no shard of the fleet uses"},
	{"indexes", "duplicate indexes", "duplicate_indexes", ""},
	{"indexes", "invalid indexes", "invalid_indexes", ""},
	{"constraints", "invalid constraints", "invalid_constraints", "of domains too; one that is not enforced is left out"},
	{"indexes", "index bloat", "bloat", "tables too"},
	{"maintenance", "transaction ID danger", "wraparound", "multixacts too"},
	{"maintenance", "autovacuum danger, maintenance", "vacuum wraparound", ""},
	{"maintenance", "vacuum progress", "vacuum", ""},
	{"sequences", "sequence danger, unreadable sequences", "sequences", "against the column's type too"},
	{"replication", "replication lag, inactive slots", "replication slots", "with the WAL that a slot keeps"},
	{"settings", "settings", "settings", ""},
	{"space tables", "relation sizes, database size, space growth", "capacity", "sizes of tables are in the shard's statistics"},
	{"users", "users and their rights", "", "`fleet check` says which rights each capability lacks"},
	{"queries", "live queries", "long_queries long_transactions", "how far an index, an ANALYZE, a CLUSTER or a COPY is comes with them; `shards sessions` lists every session of the database and who keeps whom waiting"},
	{"kill", "kill, kill all", "blocking long_queries idle_in_transaction", "`shards cancel` ends what one session runs, `shards terminate` the session, with a note in the record; never all at once"},
	{"suggested_indexes", "suggested indexes", "", "needs a parser of SQL and guesses; the checks name tables that are read as a whole, and foreign keys without an index"},
	{"system", "CPU, free disk", "", "plain SQL does not know them; a shard's capacity is what the operator states"},
	{"explain query_stats", "EXPLAIN, query history", "", "no check; `shards look` shows the statements between two looks"},
}

// pgheroFiles are those of lib/pghero/methods at PgHero 4.0.1.
var pgheroFiles = []string{
	"basic", "connections", "constraints", "explain", "indexes", "kill", "maintenance", "queries", "query_stats", "replication", "sequences", "settings", "space",
	"suggested_indexes", "system", "tables", "users",
}

// Whatever PgHero can show is in the table, with a check that there is or with a word
// why there is none.
func TestEveryPartOfPgHeroHasItsEqual(t *testing.T) {
	t.Parallel()
	checks, files := []string{}, []string{}
	for _, c := range health.Checks() {
		checks = append(checks, c.Name)
	}
	for _, p := range pghero {
		for _, f := range strings.Fields(p.files) {
			require.Contains(t, pgheroFiles, f, p.shows)
			files = append(files, f)
		}
		named := strings.Fields(p.checks)
		for _, name := range named {
			require.Contains(t, checks, name, p.shows)
		}
		require.True(t, len(named) > 0 || p.word != "", "%s has neither a check nor a reason", p.shows)
	}
	for _, f := range pgheroFiles {
		require.Contains(t, files, f, "no row of the table is about lib/pghero/methods/%s.rb", f)
	}
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
