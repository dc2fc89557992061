package web_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

const (
	fleetName = "test"
	profile   = "property_web_builder_demo"
)

// fleetHome is the folder of somebody with a fleet of two databases on two
// servers, installed, with the tenants 7 and 8 on default.
func fleetHome(t testing.TB) *home.Home {
	t.Helper()
	h, dbs := emptyFleet(t, fleet.Demo)
	installed(t, h)
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", dbs[0]))
	m := filltest.Map(t, c, profile)
	tenant(t, c, "7")
	filltest.Tenant(t, c, m, "7", 7000, 2)
	tenant(t, c, "8")
	filltest.Tenant(t, c, m, "8", 8000, 2)
	return h
}

// installed installs what the fleet needs, with Ann for its admin.
func installed(t testing.TB, h *home.Home) {
	t.Helper()
	s, err := h.Session(t.Context(), fleetName, home.SessionOptions{Source: "cli"})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
}

// tenant files a tenant on default, without rows.
func tenant(t testing.TB, control *pgx.Conn, id string) {
	t.Helper()
	_, err := control.Exec(t.Context(), fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, company_display_name, created_at, updated_at)
		VALUES (%s, 'sub%s', 'slug%s', 'default', 'Company %s', now(), now())`, id, id, id, id))
	require.NoError(t, err)
}

// emptyFleet is a fleet without our schema and without tenants, and its databases.
func emptyFleet(t testing.TB, environment fleet.Environment) (*home.Home, []string) {
	t.Helper()
	const password = "operator-secret-5512"
	role, dbs, env := pgtest.Random("op_"), []string{}, map[string]string{}
	for n, name := range []string{"control", "shard_1"} {
		s := pgtest.Server(t, n)
		// Which rights suffice is the engine's test; here it may do everything.
		pgtest.Exec(t, s, "postgres", "CREATE ROLE "+role+" LOGIN SUPERUSER PASSWORD '"+pgtest.Verifier(password)+"'")
		dbs = append(dbs, pgtest.Database(t, n, "pwb"))
		env[credential.Variable(fleetName, name)] = password
		t.Cleanup(func() {
			c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
			if err != nil {
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			_, _ = c.Exec(context.Background(), "DROP ROLE IF EXISTS "+role)
		})
	}
	env["SHARD_ADMIN_OPERATOR"] = "ann@example.com"
	for _, f := range policy.Flags() {
		env[string(f)] = "true"
	}
	h := openHome(t, env)
	require.NoError(t, h.AddFleet(&fleet.Fleet{
		Name: fleetName, Environment: environment, Profile: profile,
		Control: fleet.Endpoint{URL: pgtest.Server(t, 0).URL(role, dbs[0])},
		Shards: []fleet.Shard{
			{Name: "default", InControl: true},
			{Name: "shard_1", Endpoint: fleet.Endpoint{URL: pgtest.Server(t, 1).URL(role, dbs[1])}},
			{Name: "shard_2"},
		},
	}))
	return h, dbs
}
