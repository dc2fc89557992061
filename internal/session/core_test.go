package session_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/tenancy"
)

// What a test of many moves leaves out of the reference application's schema is
// more of the same.
func TestTheCoreHasTablesOfEveryClass(t *testing.T) {
	t.Parallel()
	kinds := map[string][]string{}
	for _, schema := range []string{"pwb", "pwb core"} {
		c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, schema)))
		m := filltest.Map(t, c, "property_web_builder_demo")
		kinds[schema] = slices.Sorted(maps.Keys(kindsOf(m)))
		for _, rows := range filltest.Dump(t, c) {
			require.Empty(t, rows, "a template has no rows")
		}
	}
	require.Greater(t, len(kinds["pwb"]), 20)
	require.Equal(t, kinds["pwb"], kinds["pwb core"])
}

// kindsOf lists what is different about the tables of a map, and about how they
// find their tenant.
func kindsOf(m *tenancy.Map) map[string]bool {
	out := map[string]bool{}
	for _, c := range m.Order {
		what := string(c.Kind)
		out[fmt.Sprintf("%s, of several tenants %v, a tenant column %v, its own %v", what, c.Mixed, c.TenantColumn != "", c.Ownerless)] = true
		out[fmt.Sprintf("%s, rows without an owner are fresh %v", what, c.FreshColumn != "")] = true
		if !c.Kind.Moves() {
			continue
		}
		out[fmt.Sprintf("%s, %d columns in the key", what, len(c.Table.Key()))] = true
		out[fmt.Sprintf("%s, unique besides %v", what, len(c.Table.Uniques) > 0)] = true
		for _, k := range c.Table.Key() {
			out["a key of "+c.Table.Column(k).Type] = true
		}
		out[fmt.Sprintf("%s, ways to an owner: %d", what, min(len(c.Owners), 2))] = true
		for _, e := range c.Owners {
			out[fmt.Sprintf("%s, backward %v, soft %v, polymorphic %v, of a cycle %v", what, e.Backward, e.Soft, e.TypeColumn != "", c.Cycle > 0)] = true
		}
		for _, f := range c.Table.ForeignKeys {
			out[fmt.Sprintf("%s, a foreign key to %s, itself %v", what, m.Table(f.RefTable).Kind, f.RefTable == c.Name())] = true
		}
	}
	return out
}
