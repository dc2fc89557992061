//go:build unix

// Package controltest gives tests a control database of their own and a role
// that owns nothing in it, is no superuser and may only create schemas.
package controltest

import (
	"context"
	"net"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest"
)

// Control is a control database with a fleet around it.
type Control struct {
	t        testing.TB
	Fleet    *fleet.Fleet
	Database string
	// Role is the operator's; it may connect and create schemas.
	Role string
	Set  *conn.Set
	DB   *conn.Database
}

// Password is that of every role that Role makes.
const Password = "operator-password"

type resolver map[string]string

func (r resolver) Resolve(_ context.Context, _, name string, _ credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: r[name], Password: credential.NewSecret(Password)}, credential.FromKeychain, nil
}

// Role makes a role that may log in, owned by nobody; the test's end drops it.
func Role(t testing.TB) string {
	t.Helper()
	s := pgtest.Server(t, 0)
	name := pgtest.Random("op_")
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+name+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(Password)+"'")
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
		if err != nil {
			return
		}
		defer func() { _ = c.Close(context.Background()) }()
		_, _ = c.Exec(context.Background(), "DROP ROLE IF EXISTS "+name)
	})
	return name
}

// New makes a database from sql (as pgtest.Database does) for a fleet of the
// environment. Nothing is installed.
func New(t testing.TB, env fleet.Environment, sql string) *Control {
	t.Helper()
	role := Role(t)
	name := pgtest.Database(t, 0, sql)
	pgtest.Exec(t, pgtest.Server(t, 0), "postgres", "GRANT CREATE ON DATABASE "+name+" TO "+role)
	c := &Control{t: t, Database: name, Role: role, Fleet: &fleet.Fleet{
		Name: "test", Environment: env, Control: fleet.Endpoint{URL: pgtest.Server(t, 0).URL(role, name)},
		Shards: []fleet.Shard{{Name: "default", InControl: true}},
	}}
	c.Set = c.As(role)
	c.DB = c.Set.Control()
	return c
}

// Installed is New with the schema installed by the operator.
func Installed(t testing.TB, env fleet.Environment) *Control {
	t.Helper()
	c := New(t, env, "")
	require.NoError(t, install.New("").Install(t.Context(), c.DB))
	return c
}

// As opens the same fleet as another role.
func (c *Control) As(role string) *conn.Set {
	f := *c.Fleet
	f.Control.URL = pgtest.Server(c.t, 0).URL(role, c.Database)
	set := conn.Open(&f, conn.Options{Resolver: resolver{fleet.ControlName: role, "default": role}})
	c.t.Cleanup(set.Close)
	return set
}

// Server is the address of the server.
func (c *Control) Server() string {
	c.t.Helper()
	u, err := pgx.ParseConfig(c.Fleet.Control.URL)
	require.NoError(c.t, err)
	return net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port)))
}

// Through opens the same fleet as the operator with its server at another address.
func (c *Control) Through(address string) *conn.Set {
	c.t.Helper()
	f := *c.Fleet
	f.Control.URL = "postgres://" + c.Role + "@" + address + "/" + c.Database + "?sslmode=disable"
	set := conn.Open(&f, conn.Options{Resolver: resolver{fleet.ControlName: c.Role, "default": c.Role}})
	c.t.Cleanup(set.Close)
	return set
}

// Super opens a session of the superuser.
func (c *Control) Super() *pgx.Conn {
	return pgtest.Connect(c.t, pgtest.Server(c.t, 0).URL("", c.Database))
}

// Exec runs statements as the superuser.
func (c *Control) Exec(sql string) {
	c.t.Helper()
	pgtest.Exec(c.t, pgtest.Server(c.t, 0), c.Database, sql)
}
