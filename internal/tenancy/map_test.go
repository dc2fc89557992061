package tenancy_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func buildMap(t testing.TB, c *pgx.Conn, p *tenancy.Profile) *tenancy.Map {
	t.Helper()
	s, err := structure.Read(context.Background(), c, nil)
	require.NoError(t, err)
	m, err := tenancy.BuildMap(s, p)
	require.NoError(t, err)
	return m
}

func TestPWBIsClassifiedWhole(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "pwb")))
	p, err := tenancy.LoadProfile("property_web_builder")
	require.NoError(t, err)
	m := buildMap(t, c, p)
	require.Zero(t, m.Unclassified)
	require.Len(t, m.Order, 78)
	want := map[string]tenancy.Kind{
		"pwb_websites": tenancy.Root, "pwb_realty_assets": tenancy.Tenant_, "pwb_field_keys": tenancy.Tenant_,
		"pwb_sale_listings": tenancy.Child, "pwb_game_listings": tenancy.Child, "pwb_search_alerts": tenancy.Child, "pwb_features": tenancy.Child,
		"pwb_content_photos": tenancy.Declared, "pwb_link_translations": tenancy.Declared, "pwb_authorizations": tenancy.Declared, "pwb_clients": tenancy.Declared,
		"active_storage_attachments": tenancy.Declared, "active_storage_variant_records": tenancy.Child,
		"active_storage_blobs": tenancy.OwnedByRef, "pwb_addresses": tenancy.OwnedByRef,
		"pwb_plans": tenancy.Reference, "translations": tenancy.Reference,
		"pwb_subscriptions": tenancy.Control, "pwb_shard_audit_logs": tenancy.Control, "solid_queue_jobs": tenancy.Control,
	}
	for name, kind := range want {
		require.Equal(t, kind, m.Table(name).Kind, name)
	}
	require.True(t, m.Table("pwb_addresses").Mixed)
	require.NotZero(t, m.Table("active_storage_blobs").Cycle)
	require.Equal(t, m.Table("active_storage_blobs").Cycle, m.Table("active_storage_attachments").Cycle)
	require.Equal(t, m.Table("active_storage_blobs").Cycle, m.Table("active_storage_variant_records").Cycle)
	position := map[string]int{}
	for i, c := range m.Order {
		position[c.Name()] = i
	}
	for _, class := range m.Order {
		for _, f := range class.Table.ForeignKeys {
			if f.RefTable != class.Name() {
				require.Less(t, position[f.RefTable], position[class.Name()], "%s before %s", f.RefTable, class.Name())
			}
		}
		if class.Kind.Moves() || class.Kind == tenancy.Root {
			for _, sql := range []string{
				"SELECT count(*) FROM " + class.Table.Quoted() + " t WHERE " + m.Owned(class.Name(), m.Literal("1")),
				"SELECT count(*) FROM " + class.Table.Quoted() + " t WHERE EXISTS (" + m.Owners(class.Name(), "t") + ")",
			} {
				var n int
				require.NoError(t, c.QueryRow(t.Context(), sql).Scan(&n), class.Name()+": "+sql)
			}
		}
	}
	require.NotEmpty(t, m.Unproven(), "nobody has shown yet that the application follows")
	demo, err := tenancy.LoadProfile("property_web_builder_demo")
	require.NoError(t, err)
	require.Empty(t, buildMap(t, c, demo).Unproven())
}

// world is a random schema with random rows, held in Go as well.
type world struct {
	tables []*randomTable
	sql    strings.Builder
	p      *tenancy.Profile
}

type randomTable struct {
	name     string
	tenant   int // 0 no column, 1 nullable, 2 not null
	edges    []randomEdge
	backward []randomEdge // this table is owned by rows of edge.to whose column points here
	rows     []map[string]int
}

type randomEdge struct {
	column string
	to     int
	fk     bool
}

const tenants = 3

func drawWorld(t *rapid.T, prefix string) *world {
	w := &world{p: &tenancy.Profile{
		Name: "random", Tenants: tenancy.Tenants{Table: prefix + "root", Key: "id", Labels: []string{"id"}},
		TenantColumns: []string{"tenant_id"}, Pointer: prefix + "root.shard", Follows: tenancy.FollowsTrue,
	}}
	fmt.Fprintf(&w.sql, "CREATE TABLE %sroot (id int PRIMARY KEY, shard text); INSERT INTO %sroot SELECT generate_series(1, %d);\n", prefix, prefix, tenants)
	n := rapid.IntRange(2, 6).Draw(t, "tables")
	for i := range n {
		w.tables = append(w.tables, &randomTable{name: fmt.Sprintf("%st%d", prefix, i), tenant: rapid.IntRange(0, 2).Draw(t, "tenant")})
	}
	w.tables[0].tenant = 2
	for i, tb := range w.tables {
		for e := range rapid.IntRange(0, 2).Draw(t, "edges") {
			to := rapid.IntRange(0, n-1).Draw(t, "to")
			if to == i && tb.tenant == 0 {
				continue
			}
			edge := randomEdge{column: fmt.Sprintf("e%d", e), to: to, fk: to < i && rapid.Bool().Draw(t, "fk")}
			tb.edges = append(tb.edges, edge)
			switch {
			case edge.fk:
			case to != i && w.tables[to].tenant == 0 && rapid.Bool().Draw(t, "backward"):
				w.tables[to].backward = append(w.tables[to].backward, randomEdge{column: edge.column, to: i})
				w.p.Backward = append(w.p.Backward, tenancy.Backward{Table: w.tables[to].name, Key: "id", From: []string{tb.name + "." + edge.column}})
				tb.edges[len(tb.edges)-1].to = -1 - to // a reference, no ownership
			default:
				w.p.Soft = append(w.p.Soft, tenancy.SoftRef{Table: tb.name, Column: edge.column, To: w.tables[to].name, Key: "id"})
			}
		}
	}
	for _, tb := range w.tables {
		cols := "id int PRIMARY KEY"
		if tb.tenant > 0 {
			cols += ", tenant_id int" + map[int]string{1: "", 2: " NOT NULL"}[tb.tenant]
		}
		for _, e := range tb.edges {
			cols += ", " + e.column + " int"
			if e.fk {
				cols += " REFERENCES " + w.tables[e.to].name
			}
		}
		fmt.Fprintf(&w.sql, "CREATE TABLE %s (%s);\n", tb.name, cols)
	}
	for _, tb := range w.tables {
		for id := range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := map[string]int{"id": id + 1}
			names, values := []string{"id"}, []string{fmt.Sprint(id + 1)}
			put := func(col string, v int) {
				row[col] = v
				names = append(names, col)
				if v == 0 {
					values = append(values, "NULL")
				} else {
					values = append(values, fmt.Sprint(v))
				}
			}
			switch tb.tenant {
			case 1:
				put("tenant_id", rapid.IntRange(0, tenants).Draw(t, "owner"))
			case 2:
				put("tenant_id", rapid.IntRange(1, tenants).Draw(t, "owner"))
			}
			for _, e := range tb.edges {
				limit := 6
				if e.fk {
					limit = len(w.tables[e.to].rows)
				}
				put(e.column, rapid.IntRange(0, limit).Draw(t, "ref"))
			}
			tb.rows = append(tb.rows, row)
			fmt.Fprintf(&w.sql, "INSERT INTO %s (%s) VALUES (%s);\n", tb.name, strings.Join(names, ", "), strings.Join(values, ", "))
		}
	}
	return w
}

// owners reads the rules of the package comment literally: start with what
// decides alone, then pass owners along edges until nothing changes.
func (w *world) owners() map[string]map[int]bool {
	key := func(table, id int) string { return fmt.Sprintf("%d/%d", table, id) }
	out := map[string]map[int]bool{}
	for i, tb := range w.tables {
		for _, r := range tb.rows {
			out[key(i, r["id"])] = map[int]bool{}
			if r["tenant_id"] > 0 {
				out[key(i, r["id"])][r["tenant_id"]] = true
			}
		}
	}
	for changed := true; changed; {
		changed = false
		pass := func(from, to string) {
			for o := range out[from] {
				if !out[to][o] {
					out[to][o], changed = true, true
				}
			}
		}
		for i, tb := range w.tables {
			for _, r := range tb.rows {
				me := key(i, r["id"])
				if tb.tenant == 2 || r["tenant_id"] > 0 {
					continue // the column decides alone
				}
				for _, e := range tb.edges {
					if e.to >= 0 && r[e.column] > 0 && out[key(e.to, r[e.column])] != nil {
						pass(key(e.to, r[e.column]), me)
					}
				}
				for _, b := range tb.backward {
					for _, o := range w.tables[b.to].rows {
						if o[b.column] == r["id"] {
							pass(key(b.to, o["id"]), me)
						}
					}
				}
			}
		}
	}
	return out
}

func TestOwnershipAgreesWithThePlainReading(t *testing.T) {
	t.Parallel()
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		ctx := context.Background()
		prefix := fmt.Sprintf("w%d_", n)
		w := drawWorld(rt, prefix)
		tx, err := c.Begin(ctx)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(ctx) }()
		_, err = tx.Exec(ctx, w.sql.String(), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err, w.sql.String())
		s, err := structure.Read(ctx, tx, nil)
		require.NoError(t, err)
		want := w.owners()
		for _, build := range []func(*structure.Schema, *tenancy.Profile) (*tenancy.Map, error){tenancy.BuildMap, tenancy.BuildMapGathering} {
			m, err := build(s, w.p)
			require.NoError(t, err)
			for i, tb := range w.tables {
				class := m.Table(tb.name)
				if class.Kind == tenancy.Unclassified {
					for _, r := range tb.rows {
						if got := want[fmt.Sprintf("%d/%d", i, r["id"])]; len(got) > 0 {
							rt.Fatalf("%s is unclassified and row %v has owners %v\n%s", tb.name, r, got, w.sql.String())
						}
					}
					continue
				}
				for tenant := 1; tenant <= tenants; tenant++ {
					expected := []int{}
					for _, r := range tb.rows {
						if want[fmt.Sprintf("%d/%d", i, r["id"])][tenant] {
							expected = append(expected, r["id"])
						}
					}
					sql := "SELECT t.id FROM " + tb.name + " t WHERE " + m.Owned(tb.name, m.Param(1)) + " ORDER BY 1"
					rows, err := tx.Query(ctx, sql, fmt.Sprint(tenant))
					require.NoError(t, err, sql)
					got, err := pgx.CollectRows(rows, pgx.RowTo[int])
					require.NoError(t, err, sql)
					if fmt.Sprint(got) != fmt.Sprint(expected) {
						rt.Fatalf("tenant %d in %s: got %v, want %v\n%s\n%s", tenant, tb.name, got, expected, w.sql.String(), sql)
					}
				}
				for _, r := range tb.rows {
					expected := []string{}
					for o := range want[fmt.Sprintf("%d/%d", i, r["id"])] {
						expected = append(expected, fmt.Sprint(o))
					}
					sort.Strings(expected)
					sql := "SELECT DISTINCT o.owner FROM " + tb.name + " t CROSS JOIN LATERAL (" + m.Owners(tb.name, "t") + ") o WHERE t.id = $1 ORDER BY 1"
					rows, err := tx.Query(ctx, sql, r["id"])
					require.NoError(t, err, sql)
					got, err := pgx.CollectRows(rows, pgx.RowTo[string])
					require.NoError(t, err, sql)
					if fmt.Sprint(got) != fmt.Sprint(expected) {
						rt.Fatalf("owners of %s %v: got %v, want %v\n%s\n%s", tb.name, r, got, expected, w.sql.String(), sql)
					}
				}
			}
		}
	})
}
