package session_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// A tenant with rows on two shards has no true pointer: the check finds it, and
// nothing is installed, by the program or by a DBA's script, until its rows are
// on one. A copy of its row in the catalogue is no row of it.
func TestATenantOnTwoShardsStandsInTheWayOfInstalling(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "pwb", "property_web_builder_demo")
	s := f.open()
	f.grant(s)
	f.tenant("7", "default", 7000, 1)
	f.tenant("8", "shard_1", 8000, 1)
	check, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.True(t, check.OK, "%+v", check.Tenants)
	require.Equal(t, 2, check.Checked)

	f.exec(0, "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (8, now(), now())")
	check, err = s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.False(t, check.OK)
	require.Len(t, check.Tenants, 1)
	require.Equal(t, session.Placement{
		ID: "8", Label: "sub8", Pointer: "shard_1", RowsOn: []string{"default", "shard_1"}, Why: "rows are on default, the pointer says shard_1",
	}, check.Tenants[0])

	install := func() error {
		_, err := s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
		return err
	}
	refuses := func(err error) {
		t.Helper()
		require.Equal(t, fault.PlacementDisagrees, fault.CodeOf(err), "%v", err)
		require.Contains(t, err.Error(), "sub8")
		require.Contains(t, fault.HintOf(err), "shard-admin tenants check")
	}
	script, err := s.InstallScript(t.Context())
	refuses(err)
	require.Empty(t, script)
	refuses(install())
	status, err := s.InstallStatus(t.Context())
	require.NoError(t, err)
	require.False(t, status.Installed)

	// A DBA ran the script before the row came: the first admin is filed only
	// where every tenant is on one shard.
	f.exec(0, "DELETE FROM pwb_contacts WHERE website_id = 8")
	script, err = s.InstallScript(t.Context())
	require.NoError(t, err)
	at := slices.IndexFunc(script, func(x session.Script) bool { return x.Database == "control" })
	f.exec(0, script[at].SQL)
	f.exec(0, "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (8, now(), now())")
	s = f.open()
	refuses(install())
	f.exec(0, "DELETE FROM pwb_contacts WHERE website_id = 8")
	require.NoError(t, install())

	// Once it works, what stays on two shards by choice does not stand in the
	// way of a newer version.
	f.grant(s)
	f.exec(0, "INSERT INTO pwb_contacts (website_id, created_at, updated_at) VALUES (8, now(), now())")
	require.NoError(t, install())
}

// Without our schema it is said that it is missing, not that a relation is.
func TestMovesWithoutTheSchemaSayThatItIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "pwb core", "property_web_builder_demo")
	s := f.open()
	f.grant(s)
	_, err := s.Moves(t.Context(), "", 10)
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err), "%v", err)
	_, err = s.Move(t.Context(), "019a0000")
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err), "%v", err)
}
