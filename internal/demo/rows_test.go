package demo

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/seed"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// What is said by hand agrees with what the table map derives.
func TestTheHandWrittenConditionsAgreeWithTheMap(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	plan := seed.Small("default", "shard_1")
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "pwb")))
	require.NoError(t, seed.Fill(ctx, c, plan, "default"))
	profile, err := tenancy.LoadProfile("property_web_builder_demo")
	require.NoError(t, err)
	s, err := structure.Read(ctx, c, nil)
	require.NoError(t, err)
	m, err := tenancy.BuildMap(s, profile)
	require.NoError(t, err)
	for _, x := range plan.Tenants() {
		if x.Shard != "default" {
			continue
		}
		rows, err := m.Rows(ctx, c, strconv.Itoa(x.ID))
		require.NoError(t, err)
		want, have := map[string]int64{}, map[string]int64{}
		for _, r := range rows {
			want[r.Table] = r.Rows
		}
		for table, where := range seed.Conditions() {
			var n int64
			require.NoError(t, c.QueryRow(ctx, "SELECT count(*) FROM "+table+" x WHERE "+where, x.ID).Scan(&n), table)
			have[table] = n
		}
		for table, n := range want {
			if m.Root.Name() != table {
				require.Equal(t, n, have[table], "%s of tenant %d", table, x.ID)
			}
		}
	}
}

func TestCompareNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	source := map[string]map[string]int{"a": {"x": 1, "y": 2}, written: {"m": 1}}
	rows, wrong := compare(source, map[string]map[string]int{"a": {"x": 1, "y": 2}, written: {"m": 1, "n": 1}})
	require.Equal(t, 4, rows)
	require.Empty(t, wrong, "the application may write messages")
	_, wrong = compare(source, map[string]map[string]int{"a": {"x": 1, "y": 1, "z": 1}, written: {"n": 1}, "b": {"q": 1}})
	require.Equal(t, []string{
		"a: 1 rows are missing or differ", "a: 1 rows are there that the source does not have",
		"b: 1 rows are there that the source does not have", written + ": 1 rows are missing or differ",
	}, wrong)
}

func TestWrapKeepsToEightyColumns(t *testing.T) {
	t.Parallel()
	text := wrap("  warning: ", strings.Repeat("eleven chars ", 20))
	for _, line := range strings.Split(text, "\n") {
		require.LessOrEqual(t, len(line), 80)
	}
	require.Greater(t, strings.Count(text, "\n"), 2)
	require.True(t, strings.HasPrefix(text, "  warning: eleven chars"))
}
