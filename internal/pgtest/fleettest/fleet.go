//go:build unix

// Package fleettest gives tests a whole fleet: shards on real servers with the
// reference application's schema, an operator who is nobody's superuser and has
// exactly the rights that the check prints, an application role, sample tenants
// in every class of table, and an opened session. Tests alone may import it.
package fleettest

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/demo/seed"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

const (
	// Name of the fleet.
	Name = "test"
	// Admin is the e-mail of the operator who installed it.
	Admin = "ann@example.com"
	// Password of the operator's role.
	Password = "operator-secret-5518"
	// servers that the databases are spread over.
	servers = 2
)

// Fleet is a fleet for one test. Its databases end with the test.
type Fleet struct {
	// Home is the user's folder with the fleet's file; Session is open in it.
	Home    *home.Home
	Session *session.Session
	// Role is the operator's in the databases.
	Role string
	// Shards by name; the first lives in control. One more, "spare", is known
	// and not configured.
	Shards []string
	// Tenants that were filed.
	Tenants []seed.Tenant

	t         testing.TB
	databases map[string]database
	signing   atomic.Pointer[string] // the key of Enroll
	given     map[int][]string       // what Grant has executed, by shard
}

type database struct {
	server *localpg.Server
	name   string
}

// New makes a fleet of n shards, one to four: default, which is in control,
// shard_1, shard_2, demo. The schema is installed and every right is granted.
// Other tests use the operator's role too: one that changes it takes Apart.
func New(t testing.TB, n int) *Fleet {
	t.Helper()
	require.Less(t, n, len(installations))
	role, databases := installations[n].Of(t, func() pgtest.Original { return installed(t, n) })
	f := empty(t, n, role)
	for i, shard := range f.Shards {
		f.databases[shard] = database{pgtest.Server(t, i%servers), databases[i]}
	}
	f.open()
	return f
}

var installations [5]pgtest.Copies // by the number of shards

// installed is a fleet that was filled, granted its rights and installed.
func installed(t testing.TB, n int) pgtest.Original {
	t.Helper()
	f := empty(t, n, pgtest.Random("op_"))
	for i := range f.Shards[:min(n, servers)] {
		operator(t, pgtest.Server(t, i), f.Role)
	}
	f.fill()
	f.open()
	f.install()
	f.Session.Close()
	out := pgtest.Original{Role: f.Role}
	for i, shard := range f.Shards {
		out.Servers, out.Databases, out.Grants = append(out.Servers, i%servers), append(out.Databases, f.databases[shard].name), append(out.Grants, f.given[i])
	}
	return out
}

// Apart is New with a role that no other test uses.
func Apart(t testing.TB, n int) *Fleet {
	t.Helper()
	f := Bare(t, n)
	f.install()
	return f
}

func (f *Fleet) install() {
	f.t.Helper()
	f.Grant()
	_, err := f.Session.Install(f.t.Context(), session.InstallRequest{Admin: Admin, Note: "a test"})
	require.NoError(f.t, err)
	f.Grant()
}

// Bare makes the fleet without any right of the operator and without our
// schema.
func Bare(t testing.TB, n int) *Fleet {
	t.Helper()
	f := empty(t, n, pgtest.Random("op_"))
	for i := range f.Shards[:min(n, servers)] {
		s := pgtest.Server(t, i)
		operator(t, s, f.Role)
		t.Cleanup(func() { // after the databases that know the role
			c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
			if err != nil {
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			_, _ = c.Exec(context.Background(), "DROP OWNED BY "+f.Role+"; DROP ROLE IF EXISTS "+f.Role, pgx.QueryExecModeSimpleProtocol)
		})
	}
	f.fill()
	f.open()
	return f
}

func empty(t testing.TB, n int, role string) *Fleet {
	t.Helper()
	all := seed.Demo().Shards
	require.True(t, n >= 1 && n <= len(all), "one to %d shards", len(all))
	f := &Fleet{t: t, Role: role, Shards: all[:n], databases: map[string]database{}, given: map[int][]string{}}
	f.Tenants = seed.Small(f.Shards...).Tenants()
	return f
}

func operator(t testing.TB, s *localpg.Server, role string) {
	t.Helper()
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+role+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(Password)+"'")
}

// fill makes the databases with the tenants' rows.
func (f *Fleet) fill() {
	t := f.t
	t.Helper()
	plan := seed.Small(f.Shards...)
	for i, shard := range f.Shards {
		s := pgtest.Server(t, i%servers)
		name := pgtest.Database(t, i%servers, "pwb")
		f.databases[shard] = database{s, name}
		c, err := pgx.Connect(t.Context(), s.URL("", name))
		require.NoError(t, err)
		err = seed.Fill(t.Context(), c, plan, shard)
		_ = c.Close(context.WithoutCancel(t.Context()))
		require.NoError(t, err)
	}
}

// open writes the fleet's file and opens a session with it.
func (f *Fleet) open() {
	t := f.t
	file := &fleet.Fleet{Name: Name, Environment: fleet.Demo, Profile: "property_web_builder_demo", Control: fleet.Endpoint{URL: f.url(f.Shards[0], f.Role)}}
	for i, shard := range f.Shards {
		s := fleet.Shard{Name: shard, InControl: i == 0, Placement: fleet.PlacementOpen}
		if i > 0 {
			s.Endpoint.URL = f.url(shard, f.Role)
		}
		file.Shards = append(file.Shards, s)
	}
	file.Shards = append(file.Shards, fleet.Shard{Name: "spare", Placement: fleet.PlacementOpen})
	// Passwords come from an environment of the test's own.
	env := func(name string) string {
		if key := f.signing.Load(); key != nil && strings.HasSuffix(name, "_AUDIT_KEY") {
			return *key
		}
		if strings.HasPrefix(name, "SHARD_ADMIN_PASSWORD_TEST_") {
			return Password
		}
		return ""
	}
	h, err := home.Open(home.Options{Dir: t.TempDir(), Env: env})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	require.NoError(t, h.AddFleet(file))
	f.Home = h
	f.Session = f.Open(Admin)
}

// Enroll gives this computer a key that signs the trail, and enrolls it.
func (f *Fleet) Enroll() {
	f.t.Helper()
	secret, _, err := audit.NewSigningKey(Admin)
	require.NoError(f.t, err)
	text := secret.Reveal()
	f.signing.Store(&text)
	_, err = f.Session.EnrollAuditKey(f.t.Context(), "my key")
	require.NoError(f.t, err)
}

// Open opens one more session, for an operator of the given e-mail.
func (f *Fleet) Open(email string) *session.Session {
	f.t.Helper()
	s, err := f.Home.Session(f.t.Context(), Name, home.SessionOptions{Email: email, Source: "cli"})
	require.NoError(f.t, err)
	f.t.Cleanup(s.Close)
	return s
}

// Grant executes what the check prints until it prints nothing, and returns the
// statements.
func (f *Fleet) Grant() []string {
	t := f.t
	t.Helper()
	done := []string{}
	for range 5 {
		check, err := f.Session.Check(t.Context())
		require.NoError(t, err)
		missing := 0
		for i, d := range check.Databases {
			if !d.Configured {
				continue
			}
			require.Nil(t, d.Problem, "%s: %+v", d.Database, d.Problem)
			for _, m := range slices.Concat(d.Missing, d.Optional) {
				missing++
				done = append(done, m.Grant)
				f.given[i] = append(f.given[i], m.Grant)
				on := f.databases[f.Shards[i]]
				pgtest.Exec(t, on.server, on.name, m.Grant)
			}
		}
		if missing == 0 {
			return done
		}
		f.Session.Reconnect()
	}
	require.Fail(t, "the printed rights do not suffice")
	return nil
}

func (f *Fleet) url(shard, role string) string {
	d := f.databases[shard]
	return d.server.URL(role, d.name)
}

// Super connects the superuser to a shard's database.
func (f *Fleet) Super(shard string) *pgx.Conn {
	f.t.Helper()
	return pgtest.Connect(f.t, f.url(shard, ""))
}

// App connects the application's role to a shard's database.
func (f *Fleet) App(shard string) *pgx.Conn {
	f.t.Helper()
	return pgtest.Connect(f.t, f.AppURL(shard))
}

// AppURL leads the application's role to a shard's database.
func (f *Fleet) AppURL(shard string) string {
	return f.url(shard, pgtest.AppRole) + "&password=" + pgtest.AppPassword
}

// Server is the server on which a shard's database is.
func (f *Fleet) Server(shard string) *localpg.Server { return f.databases[shard].server }

// On lists the tenants of a shard that share their ids with nobody.
func (f *Fleet) On(shard string) []seed.Tenant {
	out := []seed.Tenant{}
	for _, x := range f.Tenants {
		if x.Shard == shard && !x.Collides {
			out = append(out, x)
		}
	}
	return out
}
