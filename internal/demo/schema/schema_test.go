package schema_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
)

var (
	//go:embed testdata/columns.tsv
	columns string
	//go:embed testdata/constraints.tsv
	constraints string
	//go:embed testdata/indexes.tsv
	indexes string
	//go:embed testdata/facts.sql
	factsSQL string
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// lines are the facts of a file without its heading.
func lines(t *testing.T, file string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for i, line := range strings.Split(file, "\n") {
		if i > 0 && strings.TrimSpace(line) != "" {
			require.False(t, out[line], "twice: %s", line)
			out[line] = true
		}
	}
	require.Greater(t, len(out), 100)
	return out
}

// The schema has exactly the columns, constraints and indexes of the list of
// facts about the reference application.
func TestTheSchemaIsWhatTheFactsSay(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "pwb")))
	rows, err := c.Query(t.Context(), factsSQL)
	require.NoError(t, err)
	have := map[string]map[string]bool{}
	var what, fact string
	_, err = pgx.ForEachRow(rows, []any{&what, &fact}, func() error {
		if have[what] == nil {
			have[what] = map[string]bool{}
		}
		have[what][fact] = true
		return nil
	})
	require.NoError(t, err)
	tables := map[string]bool{}
	for line := range lines(t, columns) {
		tables[line[:strings.IndexByte(line, '\t')]] = true
	}
	require.Len(t, tables, 78)
	foreign := 0
	for line := range have["constraints"] {
		if strings.Contains(line, "\tforeign key\t") {
			foreign++
		}
	}
	require.Equal(t, 78, foreign)
	require.Equal(t, map[string]bool{"pwb_properties": true}, have["views"])
	for name, file := range map[string]string{"columns": columns, "constraints": constraints, "indexes": indexes} {
		want := lines(t, file)
		for line := range want {
			if !have[name][line] {
				t.Errorf("%s: missing: %s", name, line)
			}
		}
		for line := range have[name] {
			if !want[line] {
				t.Errorf("%s: not among the facts: %s", name, line)
			}
		}
	}
}
