package app

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// A flag of the fleet's policy is turned on the page, holds for the next call
// of anybody, and is in the trail; who may not, changes nothing.
func TestAFlagOfTheFleetIsTurned(t *testing.T) {
	t.Parallel()
	const flag = "SHARD_ASSIGNMENT_ENABLED"
	f := fleettest.New(t, 2)
	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	file.Environment = fleet.Staging // in a demo everything is on
	require.NoError(t, f.Home.ReplaceFleet(file))
	for _, name := range []string{"SHARD_ADMIN_ENABLED", flag} {
		require.NoError(t, f.Home.Settings().Set(name, "true"))
	}
	require.NoError(t, f.Home.Settings().Set(home.OperatorEmail, fleettest.Admin))
	a, _ := start(t, Options{Home: f.Home})
	settings, tenants := &Settings{a}, &Tenants{a}
	shown := func(v session.PolicyView) session.FlagView {
		t.Helper()
		for _, one := range v.Flags {
			if one.Flag == flag {
				return one
			}
		}
		require.Fail(t, "the flag is not shown")
		return session.FlagView{}
	}
	stored := func() (n int) {
		t.Helper()
		require.NoError(t, f.Super("default").QueryRow(t.Context(), "SELECT count(*) FROM shard_admin.policy WHERE name = $1", flag).Scan(&n))
		return n
	}
	assign := func() error {
		t.Helper()
		x := f.On("default")[0]
		_, err := tenants.Assign(session.AssignRequest{Tenant: strconv.Itoa(x.ID), Shard: "shard_1", Note: "a test"})
		return err
	}
	require.Equal(t, fault.RowsExist, fault.CodeOf(assign()), "it may be asked for")

	_, err = settings.SetFlag(FlagRequest{Flag: flag, On: false})
	require.Equal(t, fault.ReasonMissing, fault.CodeOf(err), "%v", err)
	_, err = settings.SetFlag(FlagRequest{Flag: "SHARD_NO_SUCH", On: true, Note: "a test"})
	require.Error(t, err)
	require.True(t, fault.Exit(err) == 2 || fault.Refused(err), "%v", err)
	require.Zero(t, stored())

	v, err := settings.SetFlag(FlagRequest{Flag: flag, On: false, Note: "frozen over the holidays"})
	require.NoError(t, err)
	require.False(t, shown(v).On)
	require.Contains(t, shown(v).Where, "policy")
	require.NotEmpty(t, shown(v).Remedy)
	require.Equal(t, fault.FlagOff, fault.CodeOf(assign()))
	again, err := settings.Policy()
	require.NoError(t, err)
	require.Equal(t, v, again)
	events, err := (&Audit{a}).List(session.AuditFilter{Search: "frozen over the holidays"})
	require.NoError(t, err)
	require.Len(t, events.Events, 1)
	require.Equal(t, fleettest.Admin, events.Events[0].Actor)

	// Somebody who only looks.
	_, err = settings.SetOperatorRole(RoleRequest{Email: "eve@example.com", Role: "viewer", Note: "a test"})
	require.NoError(t, err)
	_, err = (&Shell{a}).SetOperator("eve@example.com")
	require.NoError(t, err)
	_, err = settings.SetFlag(FlagRequest{Flag: flag, On: true, Note: "a test"})
	require.True(t, fault.Refused(err), "%v", err)
	again, err = settings.Policy()
	require.NoError(t, err)
	require.False(t, shown(again).On)

	_, err = (&Shell{a}).SetOperator(fleettest.Admin)
	require.NoError(t, err)
	v, err = settings.SetFlag(FlagRequest{Flag: flag, On: true, Note: "a test"})
	require.NoError(t, err)
	require.True(t, shown(v).On)
	require.Equal(t, fault.RowsExist, fault.CodeOf(assign()))
}
