package rights_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/conn/rights"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const password = "operator-password"

// bench is a fleet whose control database holds the shard default, with one
// more shard, and a role that was granted nothing.
type bench struct {
	set  *conn.Set
	role string
	dbs  map[string]string // name in the fleet → database
}

func open(t *testing.T, sql string) bench {
	t.Helper()
	s := pgtest.Server(t, 0)
	b := bench{role: pgtest.Random("ops_"), dbs: map[string]string{"control": pgtest.Database(t, 0, sql), "shard_1": pgtest.Database(t, 0, sql)}}
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+b.role+" LOGIN PASSWORD '"+pgtest.Verifier(password)+"'")
	t.Cleanup(func() {
		for _, d := range b.dbs {
			pgtest.Exec(t, s, d, "DROP OWNED BY "+b.role)
		}
		pgtest.Exec(t, s, "postgres", "DROP ROLE "+b.role)
	})
	f := &fleet.Fleet{
		Name: "f", Environment: fleet.Development, Control: fleet.Endpoint{URL: s.URL(b.role, b.dbs["control"])},
		Shards: []fleet.Shard{{Name: "default", InControl: true}, {Name: "shard_1", Endpoint: fleet.Endpoint{URL: s.URL(b.role, b.dbs["shard_1"])}}},
	}
	b.set = conn.Open(f, conn.Options{Resolver: credential.Chain{NoKeychain: true, Env: func(k string) string {
		if strings.HasPrefix(k, "SHARD_ADMIN_PASSWORD_") {
			return password
		}
		return ""
	}}})
	t.Cleanup(b.set.Close)
	return b
}

// admin is the same fleet, opened as the superuser.
func (b bench) admin(t *testing.T) *conn.Set {
	t.Helper()
	s := pgtest.Server(t, 0)
	set := conn.Open(&fleet.Fleet{Name: "f", Control: fleet.Endpoint{URL: s.URL("", b.dbs["control"])}, Shards: []fleet.Shard{{Name: "default", InControl: true}}},
		conn.Options{Resolver: credential.Chain{NoKeychain: true, Env: os.Getenv}})
	t.Cleanup(set.Close)
	return set
}

func pwb(t *testing.T, capabilities ...rights.Capability) rights.Need {
	t.Helper()
	n := rights.Need{
		Capabilities: capabilities, Schema: install.DefaultSchema, Root: rights.Table{Schema: "public", Name: "pwb_websites"}, Pointer: []string{"shard_name", "updated_at"},
		AppAudit: rights.Table{Schema: "public", Name: "pwb_shard_audit_logs"}, Views: []rights.Table{{Schema: "public", Name: "pwb_properties"}},
	}
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "pwb")))
	rows, err := c.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, name := range names {
		n.Read = append(n.Read, rights.Table{Schema: "public", Name: name})
		if name != "pwb_websites" && !strings.HasPrefix(name, "solid_queue") {
			n.Owned = append(n.Owned, rights.Table{Schema: "public", Name: name})
		}
	}
	require.Greater(t, len(n.Owned), 50)
	return n
}

func (b bench) check(t *testing.T, db *conn.Database, n rights.Need) []rights.Missing {
	t.Helper()
	m, err := rights.Check(t.Context(), db, n)
	require.NoError(t, err)
	return m
}

func (b bench) databases(t *testing.T) []*conn.Database {
	t.Helper()
	one, err := b.set.Shard("shard_1")
	require.NoError(t, err)
	return []*conn.Database{b.set.Control(), one}
}

func revoke(grant string) string {
	i := strings.LastIndex(grant, " TO ")
	return "REVOKE" + strings.TrimPrefix(grant[:i], "GRANT") + " FROM " + grant[i+4:]
}

// The promise: the printed statements are enough, and each of them is needed.
func TestEveryPrintedGrantIsEnoughAndNeeded(t *testing.T) {
	t.Parallel()
	for _, capability := range rights.Capabilities() {
		for _, installed := range []bool{true, false} {
			name := string(capability) + " before install"
			if installed {
				name = string(capability) + " after install"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := pgtest.Server(t, 0)
				b := open(t, "pwb")
				if installed {
					require.NoError(t, install.New("").Install(t.Context(), b.admin(t).Control()))
				}
				// Owners of databases are not the owners of tables everywhere.
				for _, d := range b.dbs {
					pgtest.Exec(t, s, d, "ALTER DATABASE "+d+" OWNER TO postgres")
				}
				if installed && capability == rights.Install {
					// A schema is upgraded by who made it.
					pgtest.Exec(t, s, b.dbs["control"], "CREATE ROLE made_by_"+b.role+"; ALTER SCHEMA shard_admin OWNER TO made_by_"+b.role)
					t.Cleanup(func() {
						pgtest.Exec(t, s, b.dbs["control"], "DROP OWNED BY made_by_"+b.role+" CASCADE; DROP ROLE made_by_"+b.role)
					})
				}
				need := pwb(t, capability)
				for _, db := range b.databases(t) {
					missing := b.check(t, db, need)
					// On a shard striping needs memberships alone, which the
					// server has by then.
					if (capability == rights.Install || capability == rights.Stripe) && !db.InControl() {
						require.Empty(t, missing)
						continue
					}
					require.NotEmpty(t, missing)
					for _, m := range missing {
						require.Equal(t, db.Name(), m.Database)
						require.NotContains(t, strings.ToLower(m.Grant), "superuser")
					}
					pgtest.Exec(t, s, b.dbs[db.Name()], rights.Script(missing))
					// Membership of a role is a server's; the second database
					// has it by now.
					require.Empty(t, b.check(t, db, need), db.Name())
					for _, m := range missing {
						pgtest.Exec(t, s, b.dbs[db.Name()], revoke(m.Grant))
						again := b.check(t, db, need)
						require.NotEmpty(t, again, "not needed: %s", m.Grant)
						require.Equal(t, m.Right, again[0].Right)
						require.Equal(t, m.Grant, again[0].Grant)
						pgtest.Exec(t, s, b.dbs[db.Name()], rights.Script(again))
						require.Empty(t, b.check(t, db, need))
					}
				}
			})
		}
	}
}

// One table less is named alone, and what is not needed is not asked for.
func TestOneTableLessIsNamed(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	b := open(t, "pwb")
	need := pwb(t, rights.Look)
	db := b.set.Control()
	pgtest.Exec(t, s, b.dbs["control"], rights.Script(b.check(t, db, need)))
	pgtest.Exec(t, s, b.dbs["control"], "REVOKE SELECT ON pwb_links FROM "+b.role)
	m := b.check(t, db, need)
	require.Len(t, m, 1)
	require.Equal(t, rights.Missing{Database: "control", Capability: rights.Look, Right: "SELECT on pwb_links", Grant: `GRANT SELECT ON "public"."pwb_links" TO "` + b.role + `"`}, m[0])
}

// A role that looks may do what looking is, and a role that moves may make
// guards, refresh views and place the root row: the grants are tried out.
func TestGrantsAreWhatTheServerAsksFor(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	b := open(t, "pwb")
	require.NoError(t, install.New("").Install(t.Context(), b.admin(t).Control()))
	need := pwb(t, rights.Look, rights.Assign, rights.Move)
	for _, db := range b.databases(t) {
		pgtest.Exec(t, s, b.dbs[db.Name()], rights.Script(b.check(t, db, need)))
	}
	ctx := t.Context()
	for _, db := range b.databases(t) {
		pool, err := db.Pool(ctx)
		require.NoError(t, err)
		statements := []string{
			"CREATE SCHEMA shard_admin_move",
			"CREATE FUNCTION shard_admin_move.guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER zz BEFORE INSERT ON pwb_links FOR EACH ROW EXECUTE FUNCTION shard_admin_move.guard()",
			"ALTER TABLE pwb_links ENABLE ALWAYS TRIGGER zz", "ALTER TABLE pwb_links DISABLE TRIGGER zz", "DROP TRIGGER zz ON pwb_links",
			"DROP SCHEMA shard_admin_move CASCADE", "REFRESH MATERIALIZED VIEW pwb_properties", "SELECT query FROM pg_stat_activity", "SELECT * FROM pg_control_system()",
			"INSERT INTO pwb_websites (subdomain, created_at, updated_at) VALUES ('x', now(), now())",
		}
		if db.InControl() {
			statements = append(statements[:len(statements)-1],
				"UPDATE pwb_websites SET shard_name = 'default'", "SELECT FROM pwb_websites FOR UPDATE",
				"INSERT INTO pwb_shard_audit_logs (website_id, new_shard_name, changed_by_email, status, created_at, updated_at) SELECT id, 'a', 'b', 'pending', now(), now() FROM pwb_websites LIMIT 0",
				"INSERT INTO shard_admin.lease VALUES ('r', 1, 'h', now())", "SELECT * FROM shard_admin.audit_head",
				"INSERT INTO shard_admin.audit_event (event_id, occurred_at, body) VALUES (gen_random_uuid(), now(), '{}')")
		}
		for _, sql := range statements {
			_, err := pool.Exec(ctx, sql)
			require.NoError(t, err, "%s: %s", db.Name(), sql)
		}
	}
	pool, err := b.set.Control().Pool(ctx)
	require.NoError(t, err)
	for _, sql := range []string{"DELETE FROM shard_admin.audit_event", "UPDATE shard_admin.audit_head SET seq = 9", "INSERT INTO shard_admin.operator VALUES ('a@b', 'admin')"} {
		_, err := pool.Exec(ctx, sql)
		require.ErrorContains(t, err, "42501", sql)
	}
}

// A member that does not inherit is told so, in the words of its version.
func TestMemberWithoutInheritance(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	b := open(t, "pwb")
	need := pwb(t, rights.Look, rights.Move)
	db := b.set.Control()
	pgtest.Exec(t, s, b.dbs["control"], rights.Script(b.check(t, db, need)))
	if s.Major() >= 16 {
		pgtest.Exec(t, s, "postgres", "GRANT pwb_owner TO "+b.role+" WITH INHERIT FALSE")
	} else {
		pgtest.Exec(t, s, "postgres", "ALTER ROLE "+b.role+" NOINHERIT")
	}
	m := b.check(t, db, need)
	require.NotEmpty(t, m)
	pgtest.Exec(t, s, b.dbs["control"], m[0].Grant)
	require.Empty(t, b.check(t, db, need))
}

// Quoted names, other schemas, several owners and an owner that is a superuser.
func TestUnusualNames(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	b := open(t, `CREATE SCHEMA "Odd ""s"; CREATE TABLE "Odd ""s"."A b" (id int); CREATE TABLE plain (id int)`)
	pgtest.Exec(t, s, b.dbs["control"], `ALTER TABLE plain OWNER TO postgres`)
	tables := []rights.Table{{Schema: `Odd "s`, Name: "A b"}, {Schema: "public", Name: "plain"}, {Schema: "public", Name: "not_there"}}
	need := rights.Need{Capabilities: []rights.Capability{rights.Move}, Schema: "shard_admin", Read: tables, Owned: tables}
	m := b.check(t, b.set.Control(), need)
	grants := rights.Script(m)
	require.Contains(t, grants, `ALTER TABLE "public"."plain" OWNER TO "`+b.role+`"`)
	require.Contains(t, grants, `GRANT "pwb_owner" TO "`+b.role+`"`)
	require.NotContains(t, grants, `GRANT "postgres"`)
	require.NotContains(t, grants, "not_there")
	c, err := pgx.Connect(context.Background(), s.URL("", b.dbs["control"]))
	require.NoError(t, err)
	defer func() { _ = c.Close(context.Background()) }()
	_, err = c.Exec(t.Context(), grants, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	require.Empty(t, b.check(t, b.set.Control(), need))
}
