package rights_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

var update = flag.Bool("update", false, "write docs/rights.md anew")

// example is a small application: its tables belong to a role that cannot log
// in, as migrations of an application usually leave them.
const example = `
	CREATE TABLE tenants (id bigint PRIMARY KEY, shard text, updated_at timestamptz);
	CREATE TABLE orders (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants);
	CREATE TABLE countries (id bigint PRIMARY KEY);
	CREATE TABLE moves_log (id bigserial PRIMARY KEY, tenant_id bigint, status text);
	CREATE MATERIALIZED VIEW order_totals AS SELECT tenant_id, count(*) FROM orders GROUP BY 1;
`

func exampleNeed(capabilities ...rights.Capability) rights.Need {
	table := func(name string) rights.Table { return rights.Table{Schema: "public", Name: name} }
	return rights.Need{
		Capabilities: capabilities, Schema: install.DefaultSchema, Root: table("tenants"), Pointer: []string{"shard", "updated_at"}, AppAudit: table("moves_log"),
		Read: []rights.Table{table("tenants"), table("orders"), table("countries"), table("moves_log")}, Owned: []rights.Table{table("orders")},
		Views: []rights.Table{table("order_totals")},
	}
}

// reasons say what each right is for; the first that fits.
var reasons = []struct{ right, title, why string }{
	{`^membership of pg_monitor`, "`pg_monitor`", "figures of sessions, sizes and settings; who holds a lock that a fence waits for"},
	{`^membership of pg_signal_backend`, "`pg_signal_backend`", "cancelling another session's statement and ending a session; never those of a superuser. Leave it out where nobody shall"},
	{`^membership of \S+, which owns`, "membership of the role that owns tenants' tables", "puts guards (triggers) on the tables and takes them off, refreshes materialized views, copies and purges rows, stripes their sequences"},
	{`^CREATE on the database`, "`CREATE` on the database", "the schema `shard_admin` in control; on a shard the schema of the guards, made for a move and removed with it"},
	{`^USAGE on the schema shard_admin$`, "`USAGE` on the schema `shard_admin`", "reaching what is granted in it"},
	{`^SELECT on shard_admin\.`, "`SELECT` in `shard_admin`", "moves, runs, operators, the fleet's policy, the audit trail"},
	{`^SELECT on `, "`SELECT` on the application's tables", "tenants, counts, sizes, where a tenant's rows are"},
	{`^UPDATE \(.*\) on tenants`, "`UPDATE` of the pointer's columns", "pointing a tenant at its shard: these columns and no other"},
	{`^INSERT, UPDATE(, DELETE)? on tenants`, "`INSERT`, `UPDATE`, `DELETE` on a shard's copy of the tenants table", "foreign keys of a tenant's rows need the tenant's row beside them; a move alone deletes it again"},
	{`on moves_log|sequence moves_log`, "the application's own record of moves", "a row for each move, if the profile names such a table"},
	{`^INSERT \(.*\) on shard_admin\.audit_event`, "`INSERT` of three columns into the audit trail", "who did what and why; nobody may change or delete an event, and the server stamps the rest"},
	{`on shard_admin\.`, "changes to leases, runs, moves and stripes in `shard_admin`", "one owner at a time; what a run does and how far it got; which ids are a shard's"},
}

func reasonOf(t *testing.T, right string) int {
	t.Helper()
	for i, r := range reasons {
		if regexp.MustCompile(r.right).MatchString(right) {
			return i
		}
	}
	require.Fail(t, "no reason is written down for: "+right)
	return -1
}

// asked are the rights that a bare role lacks for a capability.
type asked struct {
	capability rights.Capability
	place      string // control or shard
	missing    []rights.Missing
}

// ask grants what is printed, one capability at a time, each to a role of its
// own, and returns it with names that do not change.
func ask(t *testing.T) []asked {
	t.Helper()
	out := []asked{}
	for _, capability := range rights.Capabilities() {
		s := pgtest.Server(t, 0)
		b := open(t, example)
		if capability != rights.Install {
			require.NoError(t, install.New("").Install(t.Context(), b.admin(t).Control()))
		}
		for _, d := range b.dbs {
			pgtest.Exec(t, s, d, "ALTER DATABASE "+d+" OWNER TO postgres; ALTER TABLE tenants OWNER TO postgres; ALTER TABLE moves_log OWNER TO postgres; ALTER TABLE countries OWNER TO postgres")
		}
		for _, db := range b.databases(t) {
			place := "shard"
			if db.InControl() {
				place = "control"
			}
			need := exampleNeed(capability)
			missing := b.check(t, db, need)
			pgtest.Exec(t, s, b.dbs[db.Name()], rights.Script(missing))
			require.Empty(t, b.check(t, db, need), "what is printed is enough")
			if place == "shard" {
				// Memberships are the server's: granted for control, which lies
				// on the same one here.
				missing = append(memberships(out, capability), missing...)
			}
			names := strings.NewReplacer(b.role, "ops", b.dbs[db.Name()], "app", pgtest.Owner, "app_owner")
			a := asked{capability: capability, place: place}
			for _, m := range missing {
				m.Right, m.Grant = names.Replace(m.Right), names.Replace(m.Grant)
				a.missing = append(a.missing, m)
			}
			out = append(out, a)
		}
		var super, replication, bypass, createrole, createdb bool
		require.NoError(t, pgtest.Connect(t, s.URL("", "postgres")).QueryRow(t.Context(), `SELECT rolsuper, rolreplication, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = $1`, b.role).
			Scan(&super, &replication, &bypass, &createrole, &createdb))
		require.Equal(t, []bool{false, false, false, false, false}, []bool{super, replication, bypass, createrole, createdb}, "no attribute is ever asked for")
	}
	return out
}

// memberships are those that were granted for the control database before.
func memberships(before []asked, capability rights.Capability) []rights.Missing {
	out := []rights.Missing{}
	for _, a := range before {
		for _, m := range a.missing {
			if a.capability == capability && strings.HasPrefix(m.Right, "membership of ") {
				out = append(out, m)
			}
		}
	}
	return out
}

func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	text := document(t, ask(t))
	path := filepath.Join("..", "..", "..", "docs", "rights.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(b), text, "go test ./internal/conn/rights -run Document -update writes docs/rights.md anew")
}

func document(t *testing.T, all []asked) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Rights

What a database role needs, per capability. ` + "`shard-admin fleet check`" + ` compares it with what
the connected role has and prints the one statement for each right that is
missing; ` + "`shard-admin fleet install --print`" + ` writes them per database for a DBA.

- Nobody has to be a superuser, and no attribute is asked for: not ` + "`SUPERUSER`" + `,
  ` + "`REPLICATION`, `BYPASSRLS`, `CREATEROLE` or `CREATEDB`" + `. One exception: a move of tables with
  ` + "`FORCE ROW LEVEL SECURITY`, whose policies hold for their owner as well, asks for `BYPASSRLS`" + `;
  the plan says so.
- What is printed is enough, and each statement is needed: a right that another
  statement already brings is not printed.
- One right less is a refusal (` + "`right_missing`" + `, exit 3) that names the right; nothing
  is changed.
- ` + "`assign`, `move`, `stripe` and `signal` include `look`" + `.
- ` + "`signal`" + ` is optional: a fleet is complete without it, ` + "`fleet check`" + ` prints it apart and
  exits with 0.
- A role's rights are the database's answer to "may you". Flags, operators and
  confirmation are asked besides.

## Capability and right

"control" is the control database, "shard" each database with tenants' rows; a
shard that lives in the control database needs both there.

| right | for |`)
	for _, c := range rights.Capabilities() {
		fmt.Fprintf(&b, " %s |", c)
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(rights.Capabilities())) + "\n")
	used := map[int]bool{}
	for i, r := range reasons {
		cells := []string{}
		for _, c := range rights.Capabilities() {
			places := []string{}
			for _, a := range all {
				if a.capability != c {
					continue
				}
				for _, m := range a.missing {
					if reasonOf(t, m.Right) == i {
						places = append(places, a.place)
						used[i] = true
						break
					}
				}
			}
			cells = append(cells, strings.Join(places, ", "))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.title, r.why, strings.Join(cells, " | "))
		require.True(t, used[i], "nothing asks for: %s", r.title)
	}
	b.WriteString(`
## The statements, for a small application

Tables ` + "`tenants` (with the pointer `shard`), `orders`, `countries`, `moves_log`" + ` (its own
record of moves) and a materialized view ` + "`order_totals`" + `. ` + "`app_owner`" + ` owns ` + "`orders`" + ` and the
view, somebody else the rest; what one role owns needs no statements of its own
once the role is a member. The role is ` + "`ops`" + `, the control database holds a shard too,
and the schema ` + "`shard_admin`" + ` was installed by somebody else: whoever installs it owns
it and needs no more in it. Who files operators and sets the fleet's policy needs
` + "`INSERT` and `UPDATE` on `shard_admin.operator` and `shard_admin.policy`" + ` besides; the script of
` + "`fleet install --print`" + ` grants them to the role that asked for it.
`)
	for _, a := range all {
		if len(a.missing) == 0 {
			fmt.Fprintf(&b, "\n### %s, %s\n\nNothing.\n", a.capability, a.place)
			continue
		}
		fmt.Fprintf(&b, "\n### %s, %s\n\n```sql\n", a.capability, a.place)
		for _, m := range a.missing {
			b.WriteString(m.Grant + ";\n")
		}
		b.WriteString("```\n")
	}
	b.WriteString(`
## Managed services

There nobody is a superuser. Their administrator may log in, create roles and
databases, and grant; that is enough to run every statement above, as long as
the application's owner role was created by it. A test runs them all as such a
role.

| service | administrator |
| --- | --- |
`)
	for _, s := range services {
		fmt.Fprintf(&b, "| %s | %s |\n", s[0], s[1])
	}
	b.WriteString(`
- From PostgreSQL 16 on, ` + "`GRANT pg_monitor`" + ` needs the administrator to hold
  ` + "`pg_monitor`" + ` with the admin option, ` + "`pg_signal_backend`" + ` likewise, and ` + "`GRANT app_owner`" + ` the same of the owner; who
  created a role has that option.
- If tables belong to the administrator itself, give them to a role of their own
  first: ` + "`CREATE ROLE app_owner; REASSIGN OWNED BY … TO app_owner`" + `. Membership of an
  administrator would hand over all that it may do.
- A service's pooler is a pooler: give the server itself as ` + "`direct`" + ` in the fleet file.

This page is written by a test from what the check asks for; the same test keeps
it current.
`)
	return b.String()
}

// services are the administrators that the services document.
var services = [][2]string{
	{"Amazon RDS and Aurora", "`postgres`, or another member of `rds_superuser`"},
	{"Google Cloud SQL", "`postgres`, or another member of `cloudsqlsuperuser`"},
	{"Azure Database, flexible server", "the server admin, a member of `azure_pg_admin`"},
	{"Aiven", "`avnadmin`"},
	{"Neon", "the project's role, a member of `neon_superuser`"},
	{"Supabase", "`postgres`"},
}

// The administrator of a service is no superuser and can run what is printed.
func TestAnAdministratorWhoIsNoSuperuserCanGrantEverything(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	ctx := t.Context()
	admin, owner, database := pgtest.Random("admin_"), pgtest.Random("owner_"), pgtest.Random("t_")
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+admin+" LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '"+password+"'")
	if s.Major() >= 16 {
		pgtest.Exec(t, s, "postgres", "GRANT pg_monitor, pg_signal_backend TO "+admin+" WITH ADMIN OPTION")
	}
	c := connectAs(t, s.URL(admin, "postgres"))
	b := open(t, "") // for its role
	t.Cleanup(func() {
		pgtest.Exec(t, s, "postgres", "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
		pgtest.Exec(t, s, "postgres", "DROP ROLE "+owner+"; DROP OWNED BY "+admin+"; DROP ROLE "+admin)
	})
	for _, sql := range []string{"CREATE ROLE " + owner, "GRANT " + owner + " TO " + admin, "CREATE DATABASE " + database} {
		_, err := c.Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	in := connectAs(t, s.URL(admin, database))
	_, err := in.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS public; GRANT ALL ON SCHEMA public TO "+owner+"; SET ROLE "+owner+";"+example+"RESET ROLE", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		// The schema public of a new database is not the administrator's before
		// PostgreSQL 15; services give it to them.
		pgtest.Exec(t, s, database, "ALTER SCHEMA public OWNER TO "+admin)
		_, err = in.Exec(ctx, "GRANT ALL ON SCHEMA public TO "+owner+"; SET ROLE "+owner+";"+example+"RESET ROLE", pgx.QueryExecModeSimpleProtocol)
	}
	require.NoError(t, err)

	set := b.at(t, database)
	for _, capability := range []rights.Capability{rights.Install, rights.Look, rights.Assign, rights.Move} {
		need := exampleNeed(capability)
		missing, err := rights.Check(ctx, set.Control(), need)
		require.NoError(t, err)
		require.NotEmpty(t, missing, capability)
		_, err = in.Exec(ctx, rights.Script(missing), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err, rights.Script(missing))
		missing, err = rights.Check(ctx, set.Control(), need)
		require.NoError(t, err)
		require.Empty(t, missing, capability)
		if capability == rights.Install {
			// The administrator runs the script, as a DBA would.
			_, err = in.Exec(ctx, install.New("").Script(""), pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
		}
	}
}

// connectAs opens a session with the tests' password.
func connectAs(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	cfg.Password = password
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// at opens another database as the role; the shard default lives in it.
func (b bench) at(t *testing.T, database string) *conn.Set {
	t.Helper()
	f := &fleet.Fleet{Name: "f", Control: fleet.Endpoint{URL: pgtest.Server(t, 0).URL(b.role, database)}, Shards: []fleet.Shard{{Name: "default", InControl: true}}}
	set := conn.Open(f, conn.Options{Resolver: credential.Chain{NoKeychain: true, Env: func(string) string { return password }}})
	t.Cleanup(set.Close)
	return set
}
