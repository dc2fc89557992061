package session_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
	"shardadmin/internal/tenancy"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const password = "operator-secret-7731"

// fixture is a fleet of databases, two on two servers where a test asks for no
// more, the first of which is control and the shard default, with an operator
// who is nobody's superuser.
type fixture struct {
	t      testing.TB
	fleet  *fleet.Fleet
	role   string
	wired  *fleet.Fleet // how child processes reach the fleet, nil where as everybody does
	on     []int        // the servers of the databases
	dbs    []string
	map_   *tenancy.Map
	dbPath string
	conns  map[string]*pgx.Conn
	acked  map[string]map[string][]string // by tenant: its rows after the last write of the application
}

// connect keeps one session for each URL.
func (f *fixture) connect(url string) *pgx.Conn {
	f.t.Helper()
	if c := f.conns[url]; c != nil && !c.IsClosed() {
		return c
	}
	c := pgtest.Connect(f.t, url)
	f.conns[url] = c
	return c
}

type fixedResolver struct{ user string }

func (r fixedResolver) Resolve(context.Context, string, string, credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: r.user, Password: credential.NewSecret(password)}, credential.FromEnvironment, nil
}

func newFixture(t testing.TB, sql, profile string) *fixture {
	t.Helper()
	return newFixtureOn(t, [2]int{0, 1}, sql, profile)
}

// newFixtureOn takes servers of its own numbers, for a test that crashes them.
func newFixtureOn(t testing.TB, on [2]int, sql, profile string) *fixture {
	t.Helper()
	return newFixtureOver(t, on[:], sql, profile)
}

// newFixtureOver makes a database for each server, two or three: the third is
// shard_2.
func newFixtureOver(t testing.TB, on []int, sql, profile string) *fixture {
	t.Helper()
	f := bare(t, on, pgtest.Random("op_"))
	for i, n := range on {
		if s := pgtest.Server(t, n); !slices.Contains(on[:i], n) {
			operator(t, s, f.role)
			t.Cleanup(func() {
				c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
				if err != nil {
					return
				}
				defer func() { _ = c.Close(context.Background()) }()
				_, _ = c.Exec(context.Background(), "DROP OWNED BY "+f.role+"; DROP ROLE IF EXISTS "+f.role)
			})
		}
		f.dbs = append(f.dbs, pgtest.Database(t, n, sql))
	}
	f.describe(profile)
	if profile != "" { // else the test brings one later
		f.map_ = filltest.Map(t, f.super(0), profile)
	}
	return f
}

func bare(t testing.TB, on []int, role string) *fixture {
	t.Helper()
	return &fixture{t: t, on: on, conns: map[string]*pgx.Conn{}, role: role, dbPath: filepath.Join(t.TempDir(), "shard-admin.db")}
}

// operator makes the role that shard-admin logs in as.
func operator(t testing.TB, s *localpg.Server, role string) {
	t.Helper()
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+role+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(password)+"'")
}

// describe writes the fleet that the databases are.
func (f *fixture) describe(profile string) {
	f.t.Helper()
	f.fleet = &fleet.Fleet{
		Name: "test", Environment: fleet.Demo, Profile: profile,
		Control: fleet.Endpoint{URL: f.server(0).URL(f.role, f.dbs[0])},
		Shards: []fleet.Shard{
			{Name: "default", InControl: true},
			{Name: "shard_1", Endpoint: fleet.Endpoint{URL: f.server(1).URL(f.role, f.dbs[1])}},
			{Name: "shard_2"},
		},
	}
	for i := range f.on[2:] {
		f.fleet.Shards[2+i].Endpoint.URL = f.server(2+i).URL(f.role, f.dbs[2+i])
	}
}

// server is the one that holds a database of the fleet.
func (f *fixture) server(n int) *localpg.Server {
	f.t.Helper()
	return pgtest.Server(f.t, f.on[n])
}

// super opens a session of the superuser on a database of the fleet.
func (f *fixture) super(n int) *pgx.Conn {
	return f.connect(f.server(n).URL("", f.dbs[n]))
}

func (f *fixture) exec(n int, sql string, args ...any) {
	f.t.Helper()
	_, err := f.super(n).Exec(context.Background(), sql, args...)
	require.NoError(f.t, err)
}

func (f *fixture) open() *session.Session { return f.openAs(session.Config{}) }

// openAs is open with limits of the test's own.
func (f *fixture) openAs(c session.Config) *session.Session {
	c.Fleet, c.Resolver, c.Email, c.Source, c.DBPath = f.fleet, fixedResolver{f.role}, "ann@example.com", "cli", f.dbPath
	c.Flag = func(policy.Flag) (bool, string) { return true, "test" }
	s := session.Open(c)
	f.t.Cleanup(s.Close)
	return s
}

// grant gives the operator exactly what the check prints, until it prints
// nothing more.
func (f *fixture) grant(s *session.Session) {
	f.t.Helper()
	f.granted(s)
}

// granted returns the statements that grant has executed, by database.
func (f *fixture) granted(s *session.Session) [][]string {
	f.t.Helper()
	done := make([][]string, len(f.dbs))
	for range 4 {
		check, err := s.Check(f.t.Context())
		require.NoError(f.t, err)
		missing := 0
		for i, d := range check.Databases {
			if !d.Configured {
				continue
			}
			require.Nil(f.t, d.Error, "%+v", d.Problem)
			for _, m := range d.Missing {
				missing++
				done[i] = append(done[i], m.Grant)
				pgtest.Exec(f.t, f.server(i), f.dbs[i], m.Grant)
			}
		}
		if missing == 0 {
			return done
		}
		s.Reconnect()
	}
	f.t.Fatal("the printed grants do not suffice")
	return nil
}

// sideOf is the number of a shard's database.
func sideOf(shard string) int { return map[string]int{"default": 0, "shard_1": 1, "shard_2": 2}[shard] }

// pointer is where the catalogue says that a tenant is.
func (f *fixture) pointer(tenant string) string {
	var shard string
	require.NoError(f.t, f.super(0).QueryRow(f.t.Context(), "SELECT shard_name FROM pwb_websites WHERE id = "+tenant).Scan(&shard))
	return shard
}

// tenant files a tenant in the catalogue and its rows where it lives.
func (f *fixture) tenant(id, shard string, base, n int) {
	f.t.Helper()
	on := sideOf(shard)
	for k := 0; k <= on; k += max(1, on) {
		f.exec(k, fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, company_display_name, created_at, updated_at) VALUES (%s, 'sub%s', 'slug%s', '%s', 'Company %s', now(), now())`, id, id, id, shard, id))
	}
	filltest.Tenant(f.t, f.super(on), f.map_, id, base, n)
}

// rowless files a tenant without rows on the shard default.
func (f *fixture) rowless(id string) {
	f.t.Helper()
	f.exec(0, fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at) VALUES (%[1]s, 'e%[1]s', 'e%[1]s', 'default', now(), now())`, id))
}

// text is one value of a query, as text.
func (f *fixture) text(n int, sql string) string {
	f.t.Helper()
	var v string
	require.NoError(f.t, f.super(n).QueryRow(f.t.Context(), sql).Scan(&v), sql)
	return v
}

// ready is a fleet that is installed and may be changed, with the whole schema of
// the reference application.
func ready(t testing.TB) (*fixture, *session.Session) {
	t.Helper()
	return readyOn(t, [2]int{0, 1})
}

// core is ready with half of the tables, some of every class: for tests of many
// moves, whose time is that of the tables.
func core(t testing.TB) (*fixture, *session.Session) {
	t.Helper()
	return readyOver(t, []int{0, 1}, "pwb core")
}

func readyOn(t testing.TB, on [2]int) (*fixture, *session.Session) {
	t.Helper()
	return readyOver(t, on[:], "pwb")
}

func readyOver(t testing.TB, on []int, schema string) (*fixture, *session.Session) {
	t.Helper()
	const profile = "property_web_builder_demo"
	if len(on) != 2 || on[0] == on[1] {
		f := newFixtureOver(t, on, schema, profile)
		s := f.open()
		f.install(s)
		return f, s
	}
	from := installedOn([2]int(on), schema)
	f := bare(t, on, "")
	f.role, f.dbs = from.Of(t, func() pgtest.Original {
		f := bare(t, on, pgtest.Random("op_"))
		for _, n := range on {
			operator(t, pgtest.Server(t, n), f.role)
			f.dbs = append(f.dbs, pgtest.Database(t, n, schema))
		}
		f.describe(profile)
		s := f.open()
		grants := f.install(s)
		s.Close()
		from.map_ = filltest.Map(t, f.super(0), profile)
		require.NoError(t, f.super(0).Close(t.Context()))
		return pgtest.Original{Role: f.role, Servers: on, Databases: f.dbs, Grants: grants}
	})
	f.describe(profile)
	f.map_ = from.map_
	return f, f.open()
}

// install makes a fleet one that may be changed, and returns the statements that
// gave the operator its rights, by database.
func (f *fixture) install(s *session.Session) [][]string {
	f.t.Helper()
	granted := f.granted(s)
	_, err := s.Install(f.t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(f.t, err)
	for i, more := range f.granted(s) {
		granted[i] = append(granted[i], more...)
	}
	return granted
}

// installation is a pair of databases on which a fleet was installed once.
type installation struct {
	pgtest.Copies
	map_ *tenancy.Map
}

var installations struct {
	sync.Mutex
	of map[installed]*installation
}

type installed struct {
	on     [2]int
	schema string
}

func installedOn(on [2]int, schema string) *installation {
	installations.Lock()
	defer installations.Unlock()
	if installations.of == nil {
		installations.of = map[installed]*installation{}
	}
	of := installed{on, schema}
	x := installations.of[of]
	if x == nil {
		x = &installation{}
		installations.of[of] = x
	}
	return x
}
