//go:build unix

package fleettest_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// A tenant with rows in every class of table moves, by a role that has the
// printed rights and no other.
func TestATenantOfTheFleetMoves(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 4)
	ctx := t.Context()
	st, err := f.Session.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, 4, st.Answering)
	require.EqualValues(t, 12, *st.Tenants)

	var super bool
	require.NoError(t, f.Super("shard_1").QueryRow(ctx, "SELECT rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = $1", f.Role).Scan(&super))
	require.False(t, super, "the operator is nothing special")
	require.Empty(t, f.Grant(), "no right is missing any more")

	moved := false
	for _, x := range f.On("default") {
		p, err := f.Session.PlanMove(ctx, session.MoveRequest{Tenant: strconv.Itoa(x.ID), Target: "shard_1", Mode: "fenced"})
		require.NoError(t, err)
		if p.Blocked {
			continue
		}
		m, err := f.Session.StartMove(ctx, session.MoveRequest{Tenant: x.Label(), Target: "shard_1", Mode: "fenced", Note: "a test"})
		require.NoError(t, err)
		m, err = f.Session.Await(ctx, m.ID, nil)
		require.NoError(t, err)
		require.Equal(t, "retained", m.State)
		_, err = f.App("default").Exec(ctx, "UPDATE pwb_contacts SET first_name = 'late' WHERE website_id = $1", x.ID)
		require.ErrorContains(t, err, "SA001")
		moved = true
		break
	}
	require.True(t, moved, "one tenant at least can be moved as it is")
}

// Tenants with the ids of another shard are refused, table by table.
func TestCollidingTenantsAreInThePlan(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	found := 0
	for _, x := range f.Tenants {
		if !x.Collides || x.Shard != "default" {
			continue
		}
		found++
		p, err := f.Session.PlanMove(t.Context(), session.MoveRequest{Tenant: strconv.Itoa(x.ID), Target: "shard_1", Mode: "fenced"})
		require.NoError(t, err)
		require.True(t, p.Blocked)
		said := ""
		for _, c := range p.Checks {
			said += c.Status + " " + c.Message + "\n"
		}
		require.True(t, strings.Contains(said, "blocker"), said)
	}
	require.Equal(t, 1, found)
}

func TestWithoutRightsTheCheckNamesThem(t *testing.T) {
	t.Parallel()
	f := fleettest.Bare(t, 1)
	check, err := f.Session.Check(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, check.Databases[0].Missing)
	require.NotEmpty(t, f.Grant())
}
