package session_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// provoked is a small fleet with more in its schema, with one tenant on the shard
// default, in which a test then makes what a plan has to find.
type provoked struct {
	*fixture
	t *testing.T
}

func provoke(t *testing.T, profile, schema string) *provoked {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.toml")
	require.NoError(t, os.WriteFile(path, []byte(profile+smallProfile[strings.Index(smallProfile, "tenant_columns"):]), 0o600))
	f := newFixture(t, smallSchema+schema, path)
	f.exec(0, `INSERT INTO accounts VALUES (1, 'tenant1', 'default')`)
	f.exec(0, `INSERT INTO authors SELECT 10 + i, 1, 'author ' || i FROM generate_series(1, 3) i`)
	s := f.open()
	f.grant(s)
	_, err := s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
	f.grant(s)
	return &provoked{fixture: f, t: t}
}

// held opens a session of the superuser that keeps a transaction open.
func (f *provoked) held(n int, app string) {
	f.t.Helper()
	c := pgtest.Connect(f.t, f.server(n).URL("", f.dbs[n])+"&application_name="+app)
	_, err := c.Exec(f.t.Context(), "BEGIN")
	require.NoError(f.t, err)
	_, err = c.Exec(f.t.Context(), "SELECT 1")
	require.NoError(f.t, err)
}

// other gives shard_1 another database, of that encoding and order of text.
func (f *provoked) other(encoding, locale string) {
	f.t.Helper()
	f.dbs[1] = pgtest.Random("t_")
	pgtest.Exec(f.t, f.server(1), "postgres", fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LC_COLLATE '%s' LC_CTYPE '%[3]s' OWNER %[4]s", f.dbs[1], encoding, locale, pgtest.Owner))
	f.t.Cleanup(func() {
		if c, err := pgx.Connect(context.Background(), f.server(1).URL("", "postgres")); err == nil {
			_, _ = c.Exec(context.Background(), "DROP DATABASE IF EXISTS "+f.dbs[1]+" WITH (FORCE)")
			_ = c.Close(context.Background())
		}
	})
	f.exec(1, smallSchema)
	f.fleet.Shards[1].Endpoint.URL = f.server(1).URL(f.role, f.dbs[1])
	f.grant(f.open())
}

// finding is what a plan has to say: the check, how bad it is, and words of it.
type finding struct{ name, status, words string }

const (
	blocks = "blocker"
	warns  = "warning"
)

// Whatever a plan finds in the way it says with what it has seen and what to do, and
// each of these is found on real servers.
func TestEveryCheckOfAPlanHasItsEvidenceAndRemedy(t *testing.T) {
	t.Parallel()
	to := session.MoveRequest{Tenant: "1", Target: "shard_1"}
	for _, c := range []struct {
		name            string
		profile, schema string
		make            func(*provoked)
		request         session.MoveRequest
		want            []finding
	}{
		{
			name: "what is in the tables", request: to,
			schema: `CREATE TABLE files (id bigint PRIMARY KEY, account_id bigint NOT NULL, content oid);
				CREATE UNLOGGED TABLE scratch (id bigint PRIMARY KEY, account_id bigint NOT NULL);
				CREATE TABLE loose (id bigint PRIMARY KEY);
				CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := upper(NEW.name); RETURN NEW; END';
				CREATE TRIGGER shouts BEFORE INSERT ON authors FOR EACH ROW EXECUTE FUNCTION shout();
				ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY`,
			make: func(f *provoked) {
				f.exec(0, "ALTER TABLE scratch SET LOGGED")
				for n := range 2 {
					f.exec(n, "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE far (id bigint, account_id bigint) SERVER nowhere")
				}
				f.exec(1, "ALTER TABLE authors ADD COLUMN extra text")
				f.exec(0, "ALTER TABLE authors OWNER TO postgres")
			},
			want: []finding{
				{"large objects", blocks, "files.content"},
				{"unlogged tables", blocks, "shard_1: a crash of the server empties scratch"},
				{"row security", blocks, "default: policies of notes may hide rows"},
				{"row security", blocks, "shard_1: policies of notes may hide rows"},
				{"foreign table", blocks, "far is a foreign table"},
				{"table map", blocks, "loose"},
				{"triggers", warns, "authors has the trigger shouts"},
				{"structure", blocks, "extra"},
				{"rights", blocks, "ownership of authors"},
			},
		},
		{
			name: "what goes on in the databases", request: to,
			make: func(f *provoked) {
				c := pgtest.Connect(f.t, f.server(0).URL("", f.dbs[0]))
				gid := pgtest.Random("gid_")
				for _, sql := range []string{"BEGIN", "UPDATE accounts SET name = name", "PREPARE TRANSACTION '" + gid + "'"} {
					_, err := c.Exec(f.t.Context(), sql)
					require.NoError(f.t, err)
				}
				f.t.Cleanup(func() { _, _ = c.Exec(context.Background(), "ROLLBACK PREPARED '"+gid+"'") })
				f.held(1, "a_report")
				f.held(1, "shard-admin/left/0")
				f.held(0, "shard-admin/move-"+strings.Repeat("ab", 16)+"/3") // copies: neither ours to end nor in the way
				f.exec(1, "ALTER DATABASE "+f.dbs[1]+" SET default_transaction_read_only = on")
				f.fleet.Environment = fleet.Production
				f.fleet.Shards[1].Capacity = 1
			},
			want: []finding{
				{"prepared transactions", blocks, "default has 1 prepared transaction;"},
				{"long transactions", blocks, "shard_1: 2 transactions open for longer than"},
				{"own sessions", blocks, "shard_1: 1 session of our own"},
				{"writable", blocks, "shard_1 is read-only by setting"},
				{"second worker", blocks, "no worker is alive"},
				{"capacity", blocks, "of the stated 1 B"},
			},
		},
		{
			name: "alone in production", request: session.MoveRequest{Tenant: "1", Target: "shard_1", AcceptAlone: true},
			make: func(f *provoked) { f.fleet.Environment = fleet.Production },
			want: []finding{{"second worker", warns, "the operator accepts"}},
		},
		{
			name: "another encoding", request: to,
			make: func(f *provoked) { f.other("LATIN1", "C") },
			want: []finding{{"encoding", blocks, "shard_1 is LATIN1"}},
		},
		{
			name: "another order of text", request: to,
			make: func(f *provoked) {
				locale := "C"
				if f.text(0, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == locale {
					locale = f.text(1, "SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collencoding = pg_char_to_encoding('UTF8') AND collcollate NOT IN ('C', 'POSIX') ORDER BY 1 LIMIT 1")
				}
				f.other("UTF8", locale)
			},
			want: []finding{{"collation", warns, "shard_1 by "}},
		},
		{
			name: "one database by two names", request: session.MoveRequest{Tenant: "1", Target: "shard_2"},
			make: func(f *provoked) { f.fleet.Shards[2].Endpoint.URL = f.server(0).URL(f.role, f.dbs[0]) },
			want: []finding{
				{"two databases", blocks, "default and shard_2 are the same database"},
				{"control database", blocks, "shard_2 is the control database by another url"},
			},
		},
		{
			name: "an application that looks at the old shard", request: to,
			profile: "\n", schema: "CREATE TABLE tags (id bigint PRIMARY KEY, account_id bigint NOT NULL)",
			make: func(f *provoked) {
				text, err := os.ReadFile(f.fleet.Profile)
				require.NoError(f.t, err)
				require.NoError(f.t, os.WriteFile(f.fleet.Profile, []byte(strings.Replace(string(text), `follows = "true"`, `follows = "false"`, 1)), 0o600))
			},
			want: []finding{{"routing", blocks, "does not follow the pointer"}},
		},
		{
			name: "an application of which nobody knows", request: to,
			make: func(f *provoked) {
				text, err := os.ReadFile(f.fleet.Profile)
				require.NoError(f.t, err)
				require.NoError(f.t, os.WriteFile(f.fleet.Profile, []byte(strings.Replace(string(text), `follows = "true"`, `follows = "unproven"`, 1)), 0o600))
			},
			want: []finding{{"routing", warns, "nobody has shown"}},
		},
		{
			name: "tenants that are told apart by numbers that may be written in two ways", request: to,
			schema: "CREATE TABLE sums (id bigint PRIMARY KEY, account_id numeric NOT NULL)",
			make:   func(*provoked) {},
			want:   []finding{{"keys", blocks, "account_id"}},
		},
		{
			name: "what the target has already", request: session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "fenced", MaxReadOnlyMS: 1},
			profile: "reference = [\"countries\"]\n",
			schema: `CREATE TABLE countries (code text PRIMARY KEY);
				CREATE TABLE visits (id bigint PRIMARY KEY, account_id bigint NOT NULL, country text REFERENCES countries);
				CREATE TABLE hens (id bigint PRIMARY KEY, account_id bigint NOT NULL, egg bigint);
				CREATE TABLE eggs (id bigint PRIMARY KEY, account_id bigint NOT NULL, hen bigint REFERENCES hens);
				ALTER TABLE hens ADD FOREIGN KEY (egg) REFERENCES eggs`,
			make: func(f *provoked) {
				f.exec(0, "INSERT INTO countries VALUES ('fr'); INSERT INTO visits VALUES (1, 1, 'fr')")
				f.exec(1, "INSERT INTO accounts VALUES (1, 'an older name', 'default'), (90, 'tenant90', 'shard_1')")
				f.exec(1, "INSERT INTO authors VALUES (7000, 1, 'stray'), (11, 90, 'of others')")
			},
			want: []finding{
				{"reference rows", blocks, "1 rows of countries"},
				{"empty target", blocks, "has rows of the tenant already, in authors"},
				{"root row", warns, "name"},
				{"collisions", blocks, "1 row would collide"},
				{"decisions", blocks, "1 decisions are open"},
				{"read-only time", blocks, "expected to take"},
				{"foreign keys", blocks, "form a cycle"},
			},
		},
		{
			name: "what was decided against", request: session.MoveRequest{Tenant: "1", Target: "shard_1", Decisions: []session.Decision{{Table: "*", Key: "*", Case: "collision_key", Choice: "refuse"}}},
			make: func(f *provoked) {
				f.exec(1, "INSERT INTO accounts VALUES (90, 'tenant90', 'shard_1'); INSERT INTO authors VALUES (11, 90, 'of others')")
			},
			want: []finding{{"decisions", blocks, "1 decisions say refuse"}},
		},
		{
			name: "what cannot be decided so", request: session.MoveRequest{Tenant: "1", Target: "shard_1", Decisions: []session.Decision{{Table: "*", Key: "*", Case: "collision_key", Choice: "share"}}},
			make: func(f *provoked) {
				f.exec(1, "INSERT INTO accounts VALUES (90, 'tenant90', 'shard_1'); INSERT INTO authors VALUES (11, 90, 'of others')")
			},
			want: []finding{{"decisions", blocks, "a choice that their case does not have"}},
		},
		{
			name: "online where that cannot be", request: session.MoveRequest{Tenant: "1", Target: "shard_1", Mode: "online"},
			schema: `CREATE TABLE pots (n bigint UNIQUE, account_id bigint NOT NULL);
				CREATE TABLE seeds (id bigint PRIMARY KEY, pot bigint REFERENCES pots (n))`,
			make: func(*provoked) {},
			want: []finding{{"mode", blocks, "cannot follow pots"}},
		},
		{
			name: "a tenant that is on its way", request: to,
			make: func(f *provoked) {
				_, err := f.open().StartMove(f.t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", Note: "first"})
				require.NoError(f.t, err)
			},
			want: []finding{{"open move", blocks, "holds the tenant"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := provoke(t, c.profile, c.schema)
			c.make(f)
			s := f.open()
			var p session.Plan
			// What goes on has to have gone on for a while.
			require.EventuallyWithT(t, func(t *assert.CollectT) {
				var err error
				p, err = s.PlanAsOf(context.Background(), c.request, 20*time.Millisecond)
				require.NoError(t, err)
				for _, w := range c.want {
					require.True(t, has(p.Checks, w), "%v in %+v", w, p.Checks)
				}
			}, 10*time.Second, 100*time.Millisecond)
			stands := map[string]bool{}
			for _, w := range c.want {
				stands[w.name] = true
				if w.status == blocks {
					require.True(t, p.Blocked)
				}
			}
			for _, x := range p.Checks {
				if x.Status == "ok" {
					continue
				}
				require.NotEmpty(t, x.Evidence, "%+v", x)
				require.NotEmpty(t, x.Fix, "%+v", x)
				require.True(t, stands[x.Name] || x.Name == "decisions" || x.Name == "collisions" || x.Name == "read-only time", "%+v", x)
			}
		})
	}
}

func has(checks []session.Check, w finding) bool {
	for _, c := range checks {
		if c.Name == w.name && c.Status == w.status && strings.Contains(c.Message, w.words) {
			return true
		}
	}
	return false
}
