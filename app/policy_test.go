package app

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
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

// An action that the server refuses for a right that the role lacks is rejected with
// the statement that gives it: executed as it is, the action is done.
func TestARefusalForAMissingRightBringsItsGrant(t *testing.T) {
	t.Parallel()
	f := fleettest.Apart(t, 2)
	require.NoError(t, f.Home.Settings().Set(home.OperatorEmail, fleettest.Admin))
	super := f.Super("default")
	// As where a DBA installed it, so that the role owns nothing of ours.
	_, err := super.Exec(t.Context(), `DO $$ DECLARE c regclass; p regprocedure; BEGIN
		FOR c IN SELECT oid FROM pg_class WHERE relnamespace = 'shard_admin'::regnamespace AND relkind IN ('r', 'v') LOOP EXECUTE 'ALTER TABLE ' || c || ' OWNER TO postgres'; END LOOP;
		FOR p IN SELECT oid FROM pg_proc WHERE pronamespace = 'shard_admin'::regnamespace LOOP EXECUTE 'ALTER ROUTINE ' || p || ' OWNER TO postgres'; END LOOP;
		END $$; ALTER SCHEMA shard_admin OWNER TO postgres; GRANT USAGE ON SCHEMA shard_admin TO `+f.Role, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	a, _ := start(t, Options{Home: f.Home})
	tenants := &Tenants{a}
	assign := func() error {
		_, err := tenants.Assign(session.AssignRequest{Tenant: f.On("default")[0].Label(), Shard: "shard_1", RowsStay: true, Note: "a test"})
		return err
	}
	executed, first := []string{}, ""
	for range 40 { // each attempt may meet the next one
		err := assign()
		if err == nil {
			break
		}
		require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
		if first == "" {
			first = err.Error()
		}
		said := struct{ Grants []string }{}
		require.NoError(t, json.Unmarshal([]byte(ProblemText(err)), &said))
		require.NotEmpty(t, said.Grants, "%s", ProblemText(err))
		for _, grant := range said.Grants {
			require.Regexp(t, `^GRANT .+ TO "?`+f.Role+`"?;`, grant)
			_, err := super.Exec(t.Context(), grant)
			require.NoError(t, err, grant)
			executed = append(executed, grant)
		}
	}
	require.Contains(t, first, "SQLSTATE 42501", "it is the server that refuses, which names no right")
	require.NotEmpty(t, executed)
	shard := ""
	require.NoError(t, super.QueryRow(t.Context(), "SELECT shard_name FROM pwb_websites WHERE id = $1", f.On("default")[0].ID).Scan(&shard))
	require.Equal(t, "shard_1", shard, "after %v", executed)
}
