package seed_test

import (
	"context"
	"math"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/seed"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestTheDemoIsSkewedAndOneInTwentyCollides(t *testing.T) {
	t.Parallel()
	p := seed.Demo()
	list := p.Tenants()
	require.Len(t, list, 200)
	on, bases, properties, collide := map[string]int{}, map[int][]seed.Tenant{}, 0, 0
	for _, x := range list {
		on[x.Shard]++
		bases[x.Base] = append(bases[x.Base], x)
		properties += x.Properties
		require.Less(t, x.Base, math.MaxInt32-1_000_000, "ids fit an integer")
		if x.Collides {
			collide++
		}
	}
	require.Equal(t, map[string]int{"default": 80, "shard_1": 40, "shard_2": 40, "demo": 40}, on)
	require.Equal(t, 10, collide, "5 %% of the tenants")
	for base, same := range bases {
		require.Equal(t, len(same) > 1, same[0].Collides, base)
		if len(same) > 1 {
			require.Len(t, same, 2)
			require.NotEqual(t, same[0].Shard, same[1].Shard)
		}
	}
	few := 0
	for _, x := range list {
		if x.Properties > properties/50 {
			few += x.Properties
		}
	}
	require.Greater(t, few, properties/3, "a few are large")
}

// filled is a database with the tenants of one shard.
func filled(t *testing.T, p seed.Plan, shard string, server int) *pgx.Conn {
	t.Helper()
	c := pgtest.Connect(t, pgtest.Server(t, server).URL("", pgtest.Database(t, server, "pwb")))
	require.NoError(t, seed.Fill(t.Context(), c, p, shard))
	return c
}

func count(t *testing.T, c *pgx.Conn, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, c.QueryRow(context.Background(), sql, args...).Scan(&n), sql)
	return n
}

func mapOf(t *testing.T, c *pgx.Conn) *tenancy.Map {
	t.Helper()
	profile, err := tenancy.LoadProfile("property_web_builder_demo")
	require.NoError(t, err)
	s, err := structure.Read(t.Context(), c, nil)
	require.NoError(t, err)
	m, err := tenancy.BuildMap(s, profile)
	require.NoError(t, err)
	return m
}

// Every table that can hold a tenant's rows holds some of every tenant.
func TestEveryTenantHasRowsInEveryTableThatMoves(t *testing.T) {
	t.Parallel()
	p := seed.Small("default", "shard_1")
	c := filled(t, p, "default", 0)
	m := mapOf(t, c)
	moving := map[string]bool{}
	for _, class := range m.Order {
		if class.Kind.Moves() {
			moving[class.Name()] = true
		}
	}
	require.Greater(t, len(moving), 50)
	for _, x := range p.Tenants() {
		if x.Shard != "default" {
			continue
		}
		rows, err := m.Rows(t.Context(), c, strconv.Itoa(x.ID))
		require.NoError(t, err)
		has := map[string]bool{}
		for _, r := range rows {
			has[r.Table] = r.Rows > 0
		}
		for table := range moving {
			require.True(t, has[table], "tenant %d has no row in %s", x.ID, table)
		}
	}
	for _, table := range []string{"pwb_plans", "pwb_client_themes", "pwb_tenant_settings", "translations", "pwb_subscriptions", "pwb_subscription_events", "pwb_subdomains", "solid_queue_jobs"} {
		require.Positive(t, count(t, c, "SELECT count(*) FROM "+table), table)
	}
}

// The ways to own a row, each looked for in plain SQL.
func TestEveryWayToOwnARowIsThere(t *testing.T) {
	t.Parallel()
	c := filled(t, seed.Demo(), "shard_1", 1)
	for way, sql := range map[string]string{
		"direct":               "SELECT count(*) FROM pwb_contacts WHERE website_id IS NOT NULL",
		"child of a child":     "SELECT count(*) FROM pwb_search_alerts a JOIN pwb_saved_searches s ON s.id = a.saved_search_id",
		"two parents":          "SELECT count(*) FROM pwb_prop_translations WHERE prop_id IS NOT NULL AND realty_asset_id IS NOT NULL",
		"undeclared reference": "SELECT count(*) FROM pwb_page_translations x JOIN pwb_pages p ON p.id = x.page_id",
		"polymorphic":          "SELECT count(*) FROM active_storage_attachments x JOIN pwb_prop_photos p ON p.id = x.record_id WHERE x.record_type = 'Pwb::PropPhoto'",
		"renamed type":         "SELECT count(*) FROM active_storage_attachments x JOIN pwb_media p ON p.id = x.record_id WHERE x.record_type = 'PwbTenant::Media'",
		"a cycle of uploads":   "SELECT count(*) FROM active_storage_attachments x JOIN active_storage_variant_records v ON v.id = x.record_id WHERE x.record_type = 'ActiveStorage::VariantRecord'",
		"owned backwards":      "SELECT count(*) FROM active_storage_blobs b WHERE EXISTS (SELECT FROM active_storage_attachments a WHERE a.blob_id = b.id)",
		"mixed with nobody's":  "SELECT count(*) FROM pwb_addresses a WHERE NOT EXISTS (SELECT FROM pwb_agencies g WHERE g.primary_address_id = a.id) AND a.id < 100",
		"self reference":       "SELECT count(*) FROM pwb_media_folders f JOIN pwb_media_folders p ON p.id = f.parent_id AND p.website_id = f.website_id",
		"shared user":          "SELECT count(*) FROM pwb_user_memberships m JOIN pwb_users u ON u.id = m.user_id AND u.website_id <> m.website_id",
		"shared upload":        "SELECT count(*) FROM (SELECT a.blob_id FROM active_storage_attachments a JOIN pwb_prop_photos p ON p.id = a.record_id AND a.record_type = 'Pwb::PropPhoto' JOIN pwb_realty_assets r ON r.id = p.realty_asset_id GROUP BY 1 HAVING count(DISTINCT r.website_id) > 1) x",
	} {
		require.Positive(t, count(t, c, sql), way)
	}
}

// Rows are filed without the checks of foreign keys, so the test makes them.
func TestEveryReferenceHolds(t *testing.T) {
	t.Parallel()
	c := filled(t, seed.Small("default", "shard_1"), "default", 0)
	s, err := structure.Read(t.Context(), c, nil)
	require.NoError(t, err)
	seen := 0
	for _, table := range s.Tables {
		for _, f := range table.ForeignKeys {
			seen++
			on, from := "", pgx.Identifier{f.Columns[0]}.Sanitize()
			for i := range f.Columns {
				on += " AND p." + pgx.Identifier{f.RefColumns[i]}.Sanitize() + " = x." + pgx.Identifier{f.Columns[i]}.Sanitize()
			}
			sql := "SELECT count(*) FROM " + table.Quoted() + " x WHERE x." + from + " IS NOT NULL AND NOT EXISTS (SELECT FROM " + pgx.Identifier{f.RefTable}.Sanitize() + " p WHERE true" + on + ")"
			require.Zero(t, count(t, c, sql), f.Name)
		}
	}
	require.Equal(t, 78, seen)
	for _, e := range mapOf(t, c).References {
		if e.TypeColumn != "" || e.Backward {
			continue
		}
		sql := "SELECT count(*) FROM " + pgx.Identifier{e.From}.Sanitize() + " x WHERE x." + pgx.Identifier{e.FromColumns[0]}.Sanitize() + " IS NOT NULL AND NOT EXISTS (SELECT FROM " +
			pgx.Identifier{e.To}.Sanitize() + " p WHERE p." + pgx.Identifier{e.ToColumns[0]}.Sanitize() + " = x." + pgx.Identifier{e.FromColumns[0]}.Sanitize() + ")"
		require.Zero(t, count(t, c, sql), "%s.%s", e.From, e.FromColumns[0])
	}
}

// The whole demo: how many rows, and which tenants have ids that others have.
func TestTheDemoHasAboutThreeHundredThousandRows(t *testing.T) {
	t.Parallel()
	p := seed.Demo()
	rows := 0
	ids := map[string]map[int]bool{} // shard → millions in which it has ids
	for i, shard := range p.Shards {
		c := filled(t, p, shard, i%2)
		tables, err := structure.Read(t.Context(), c, nil)
		require.NoError(t, err)
		for _, table := range tables.Tables {
			if table.Kind == "r" {
				rows += count(t, c, "SELECT count(*) FROM "+table.Quoted())
			}
		}
		found, err := c.Query(t.Context(), "SELECT DISTINCT id / 1000000 FROM pwb_contacts")
		require.NoError(t, err)
		list, err := pgx.CollectRows(found, pgx.RowTo[int])
		require.NoError(t, err)
		ids[shard] = map[int]bool{}
		for _, n := range list {
			ids[shard][n] = true
		}
		// A new row gets an id behind every other.
		require.Greater(t, count(t, c, "SELECT nextval('pwb_messages_id_seq')::int"), count(t, c, "SELECT max(id) FROM pwb_messages"))
	}
	t.Logf("%d rows", rows)
	require.InDelta(t, 300_000, rows, 30_000)
	collide := 0
	for _, x := range p.Tenants() {
		for shard, has := range ids {
			if shard != x.Shard && has[x.Base/1_000_000] {
				collide++
			}
		}
	}
	require.Equal(t, 10, collide, "5 %% of the tenants")
}
