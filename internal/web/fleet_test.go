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
	h := openHome(t, env)
	require.NoError(t, h.AddFleet(&fleet.Fleet{
		Name: fleetName, Environment: fleet.Demo, Profile: profile,
		Control: fleet.Endpoint{URL: pgtest.Server(t, 0).URL(role, dbs[0])},
		Shards: []fleet.Shard{
			{Name: "default", InControl: true},
			{Name: "shard_1", Endpoint: fleet.Endpoint{URL: pgtest.Server(t, 1).URL(role, dbs[1])}},
			{Name: "shard_2"},
		},
	}))
	s, err := h.Session(t.Context(), fleetName, home.SessionOptions{Source: "cli"})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
	super := pgtest.Connect(t, pgtest.Server(t, 0).URL("", dbs[0]))
	m := filltest.Map(t, super, profile)
	for i, id := range []string{"7", "8"} {
		_, err := super.Exec(t.Context(), fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, company_display_name, created_at, updated_at)
			VALUES (%s, 'sub%s', 'slug%s', 'default', 'Company %s', now(), now())`, id, id, id, id))
		require.NoError(t, err)
		filltest.Tenant(t, super, m, id, 7000+1000*i, 2)
	}
	return h
}
