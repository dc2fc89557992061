package session_test

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
	"shardadmin/internal/tenancy"
)

//go:embed testdata/unseen.sql
var unseenSQL string

//go:embed testdata/unseen_rows.sql
var unseenRows string

// modules is how many generated tables the unseen schema has beside those that
// are written out.
const modules = 84

// unseenModule says what the i-th generated table refers to.
type unseenModule struct {
	tenant  string // how it names its tenant: "", "nullable" or "not null"
	parents []int
	users   bool
	soft    bool
}

func moduleOf(i int) unseenModule {
	m := unseenModule{tenant: "not null", users: i%2 == 0, soft: i%10 == 9}
	switch {
	case i < 3:
	case i%4 == 3:
		m.tenant = ""
	case i%4 == 1:
		m.tenant = "nullable"
	}
	for k := 1; k <= 4 && i-k*3 >= 0; k++ {
		m.parents = append(m.parents, i-k*3)
	}
	return m
}

// unseenSchema is the written tables and the generated ones.
func unseenSchema() string {
	var b strings.Builder
	b.WriteString(unseenSQL)
	for i := range modules {
		m := moduleOf(i)
		fmt.Fprintf(&b, "CREATE TABLE module%d_items (id uuid PRIMARY KEY, n bigserial, mark text", i)
		switch m.tenant {
		case "not null":
			b.WriteString(", organization_id uuid NOT NULL REFERENCES core.\"Organizations\"")
		case "nullable":
			b.WriteString(", organization_id uuid")
		}
		for k, p := range m.parents {
			null := ""
			if k == 0 && m.tenant == "" && i%8 == 3 {
				null = " NOT NULL"
			}
			fmt.Fprintf(&b, ", p%d uuid%s REFERENCES module%d_items", k, null, p)
		}
		if m.users {
			b.WriteString(", user_id bigint REFERENCES users")
		}
		if m.soft {
			fmt.Fprintf(&b, ", module%d_item_id uuid", i-1)
		}
		b.WriteString(");\n")
	}
	return b.String()
}

// unseenTenant is one organization with rows in every table.
type unseenTenant struct {
	id, mark string
	base     int
}

func (x unseenTenant) uuid(name string) string {
	return fmt.Sprintf("md5('%s %s')::uuid", x.mark, name)
}

func (x unseenTenant) root() string {
	return fmt.Sprintf(`INSERT INTO core."Organizations" ("Id", "Slug", "Name", status, country_id, settings, mark) VALUES ('%s', '%s', 'The %s', 'active', 1, '{"b": 1,  "a": 2}', '%s');`, x.id, x.mark, x.mark, x.mark)
}

// rows files three rows in every generated table; a row whose table has no
// tenant column, or has it null, hangs on a row of the tenant.
func (x unseenTenant) rows() string {
	var b strings.Builder
	b.WriteString(strings.NewReplacer("{T}", x.id, "{M}", x.mark, "{N}", fmt.Sprint(x.base)).Replace(unseenRows))
	for i := range modules {
		m := moduleOf(i)
		for r := range 3 {
			cols := []string{"id", "n", "mark"}
			vals := []string{x.uuid(fmt.Sprintf("module%d/%d", i, r)), fmt.Sprint(x.base + r), "'" + x.mark + "'"}
			if m.tenant == "not null" || (m.tenant == "nullable" && r == 0) {
				cols, vals = append(cols, "organization_id"), append(vals, "'"+x.id+"'")
			}
			for k, p := range m.parents {
				if k > 0 && r == k {
					continue // some are null
				}
				cols, vals = append(cols, fmt.Sprintf("p%d", k)), append(vals, x.uuid(fmt.Sprintf("module%d/%d", p, r)))
			}
			if m.users {
				cols, vals = append(cols, "user_id"), append(vals, fmt.Sprint(x.base+1+r))
			}
			if m.soft {
				cols, vals = append(cols, fmt.Sprintf("module%d_item_id", i-1)), append(vals, x.uuid(fmt.Sprintf("module%d/%d", i-1, r)))
			}
			fmt.Fprintf(&b, "INSERT INTO module%d_items (%s) VALUES (%s);\n", i, strings.Join(cols, ", "), strings.Join(vals, ", "))
		}
	}
	return b.String()
}

// marked reads every row of every table with a mark as text, by table, without
// the product's code: those of one mark, or with not those of all others.
func marked(t testing.TB, c *pgx.Conn, mark string, not bool) map[string][]string {
	t.Helper()
	rows, err := c.Query(context.Background(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'mark' AND NOT a.attisdropped WHERE c.relkind = 'r' ORDER BY 1`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 110)
	where := "mark = $1"
	if not {
		where = "mark IS DISTINCT FROM $1"
	}
	out := map[string][]string{}
	for _, table := range tables {
		rows, err := c.Query(context.Background(), "SELECT x::text FROM ONLY "+table+" x WHERE "+where+" ORDER BY 1", mark)
		require.NoError(t, err)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		if len(list) > 0 {
			out[table] = list
		}
	}
	return out
}

const unseenRoot = `core."Organizations"`

// without leaves tables out of what marked has read.
func without(all map[string][]string, tables ...string) map[string][]string {
	out := maps.Clone(all)
	for _, x := range tables {
		delete(out, x)
	}
	return out
}

// accept does with a proposal what a person does: it answers every question,
// and says that the application follows.
func accept(t testing.TB, text []byte, notes []string) []byte {
	t.Helper()
	asked := []string{}
	for _, n := range notes {
		if q, ok := strings.CutPrefix(n, "decide: "); ok {
			asked = append(asked, strings.SplitN(q, ": ", 2)[0])
		}
	}
	slices.Sort(asked)
	require.Equal(t, []string{"comments", "reactions"}, asked)
	p, err := tenancy.ParseProfile(text, "proposed.toml")
	require.NoError(t, err)
	require.Len(t, p.Polymorphic, 1)
	p.Polymorphic[0].Types = map[string]string{"Page": "pages", "Invoice": "billing.invoices"}
	p.Follows, p.RoutingTTLText, p.RoutingTTL = tenancy.FollowsTrue, "0s", 0
	out, err := p.Marshal()
	require.NoError(t, err)
	return out
}

// A schema that nobody has described is described by a proposal, and its
// tenants move like any other's: forth, back, forth again, and for good.
func TestATenantOfASchemaNeverSeenMoves(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	one := unseenTenant{"aaaaaaaa-0000-4000-8000-000000000001", "one", 10000}
	two := unseenTenant{"bbbbbbbb-0000-4000-8000-000000000002", "two", 20000}
	three := unseenTenant{"cccccccc-0000-4000-8000-000000000003", "three", 30000}
	f := newFixture(t, unseenSchema(), "")
	for n, sql := range []string{one.root() + two.root() + three.root() + one.rows(), three.root() + three.rows()} {
		pgtest.Exec(t, pgtest.Server(t, n), f.dbs[n], sql)
	}
	pgtest.Exec(t, pgtest.Server(t, 0), f.dbs[0], two.rows())
	for n := range 2 {
		pgtest.Exec(t, pgtest.Server(t, n), f.dbs[n], "REFRESH MATERIALIZED VIEW billing.totals; ANALYZE")
	}
	mine := marked(t, f.super(0), "one", false)
	require.Greater(t, len(mine), 110, "the tenant has rows in every table that can have some")

	// The proposal is made by a role that may only look.
	begin := time.Now()
	text, notes, err := session.ProposeProfile(ctx, pgtest.Server(t, 0).URL(f.role, f.dbs[0]), fixedResolver{f.role}, "")
	require.NoError(t, err)
	require.Less(t, time.Since(begin), time.Second, "a person waits for it")
	path := filepath.Join(t.TempDir(), "unseen.toml")
	require.NoError(t, os.WriteFile(path, accept(t, text, notes), 0o600))
	f.fleet.Profile = path

	s := f.open()
	f.grant(s)
	begin = time.Now()
	view, err := s.Map(ctx)
	require.NoError(t, err)
	require.Less(t, time.Since(begin), time.Second)
	require.Zero(t, view.Unclassified)
	require.Empty(t, view.Problems)
	require.Greater(t, len(view.Tables), 110)
	f.grant(s)
	_, err = s.Install(ctx, session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
	f.grant(s)
	for id, want := range map[string]string{one.id: "default", two.id: "default", three.id: "shard_1"} {
		v, err := s.Tenant(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, v.Shard, "installing files every tenant where its rows are")
	}

	others := []map[string][]string{marked(t, f.super(0), "one", true), marked(t, f.super(1), "one", true)}
	root := mine[unseenRoot]
	mine = without(mine, unseenRoot)
	untouched := func() {
		t.Helper()
		for n := range 2 {
			require.Equal(t, others[n], marked(t, f.super(n), "one", true))
		}
	}
	plan, err := s.PlanMove(ctx, session.MoveRequest{Tenant: "one", Target: "shard_1"})
	require.NoError(t, err)
	for _, c := range plan.Checks {
		require.NotEqual(t, "blocker", c.Status, "%+v %+v", c, plan.Decisions)
	}
	planned := int64(0)
	for _, rows := range mine {
		planned += int64(len(rows))
	}
	require.Equal(t, planned, plan.Rows)
	untouched()
	require.Empty(t, marked(t, f.super(1), "one", false))

	begin = time.Now()
	m := f.moved(s, "one", "shard_1")
	t.Log("moved in", time.Since(begin))
	require.True(t, m.Verified)
	require.Equal(t, planned, m.Rows)
	untouched()
	require.Equal(t, mine, without(marked(t, f.super(0), "one", false), unseenRoot), "the source keeps its copy")
	require.Equal(t, mine, without(marked(t, f.super(1), "one", false), unseenRoot))
	require.Equal(t, root, marked(t, f.super(1), "one", false)[unseenRoot])
	var total string
	require.NoError(t, f.super(1).QueryRow(ctx, "SELECT total::text FROM billing.totals WHERE organization_id = $1", one.id).Scan(&total))
	require.Equal(t, "600.60", total)

	begin = time.Now()
	// The source refuses every way of writing to the tenant, and nobody else.
	for _, table := range slices.Sorted(maps.Keys(mine)) {
		_, err := f.app(0).Exec(ctx, "UPDATE "+table+" SET mark = mark WHERE mark = 'one'")
		require.ErrorContains(t, err, "SA001", table)
		_, err = f.app(0).Exec(ctx, "UPDATE "+table+" SET mark = mark WHERE mark = 'two'")
		require.NoError(t, err, table)
		_, err = f.app(1).Exec(ctx, "UPDATE "+table+" SET mark = mark WHERE mark = 'one'")
		require.NoError(t, err, table)
	}

	t.Log("written everywhere in", time.Since(begin))

	// What is written on the target comes back with a rollback.
	for _, sql := range []string{
		`INSERT INTO folders VALUES (md5('new folder')::uuid, NULL, (SELECT id FROM folders WHERE mark = 'one' AND parent_id IS NULL), NULL, 'one')`,
		`INSERT INTO nodes VALUES (md5('new node')::uuid, 0, md5('one node4')::uuid, 0, NULL, 'one')`,
		`DELETE FROM nodes WHERE id = md5('new node')::uuid`,
		`INSERT INTO nodes VALUES (md5('newer node')::uuid, 1, md5('one node4')::uuid, 0, NULL, 'one')`,
		`UPDATE trucks SET load = 99 WHERE id = md5('one truck2')::uuid`,
		`DELETE FROM trucks WHERE id = md5('one truck3')::uuid`,
		`INSERT INTO log_lines VALUES ('` + one.id + `', now(), 'new', 'one')`,
		`DELETE FROM vehicle_logs WHERE ctid = (SELECT min(ctid) FROM vehicle_logs WHERE mark = 'one')`,
		`UPDATE events SET at = at + interval '1 year' WHERE mark = 'one' AND id = 10001 AND NOT EXISTS (SELECT FROM event_notes WHERE event_id = 10001)`,
		`DELETE FROM event_notes WHERE mark = 'one' AND event_id = 10002`,
		`UPDATE events SET kind = 7 WHERE mark = 'one' AND id = 10002`,
		`UPDATE "Weird Schema"."Order Books" SET "b""c" = ROW(NULL, 'none') WHERE mark = 'one'`,
		`UPDATE webhooks SET payload = payload || '{"changed": true}' WHERE mark = 'one'`,
		`INSERT INTO users (organization_id, email, mark) VALUES ('` + one.id + `', 'new@example.com', 'one')`,
		`UPDATE billing.invoices SET number = 4 - number WHERE mark = 'one'`,
	} {
		_, err := f.app(1).Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	begin = time.Now()
	written := without(marked(t, f.super(1), "one", false), unseenRoot)
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
	require.Equal(t, "rolled_back", m.State)
	untouched()
	require.Equal(t, written, without(marked(t, f.super(0), "one", false), unseenRoot), "every write since the switch is on the source")
	require.Empty(t, marked(t, f.super(1), "one", false))
	for n := range 2 {
		require.Empty(t, f.leftovers(n))
	}

	t.Log("rolled back in", time.Since(begin))

	// Forth again, and for good.
	begin = time.Now()
	m = f.moved(s, "one", "shard_1")
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	t.Log("moved again and finalized in", time.Since(begin))
	untouched()
	require.Equal(t, map[string][]string{unseenRoot: root}, marked(t, f.super(0), "one", false))
	require.Equal(t, written, without(marked(t, f.super(1), "one", false), unseenRoot))
	for n := range 2 {
		require.Empty(t, f.leftovers(n))
	}
	check, err := s.CheckTenants(ctx)
	require.NoError(t, err)
	require.True(t, check.OK, "%+v", check.Tenants)
	v, err := s.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, v.OK)
}
