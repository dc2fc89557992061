package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/document"
	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// A move that keeps its source's copy holds its tenant however many moves were
// made and ended after it.
func TestAMoveHoldsItsTenantHoweverManyCameAfterIt(t *testing.T) {
	t.Parallel()
	f, s := small(t, 3)
	ctx := t.Context()
	m := f.moved(s, "1", "shard_1")
	f.exec(0, `INSERT INTO shard_admin.move SELECT (jsonb_populate_record(m, jsonb_build_object(
		'id', gen_random_uuid(), 'tenant', '2', 'state', 'finalized', 'created_at', m.created_at + i * interval '1 ms'))).*
		FROM shard_admin.move m, generate_series(1, 1001) i`)

	list, err := s.Tenants(ctx, session.TenantFilter{})
	require.NoError(t, err)
	require.Len(t, list.Tenants, 3)
	for _, r := range list.Tenants {
		require.Empty(t, r.MoveReason)
		if r.ID != "1" {
			require.Nil(t, r.MoveID, r.ID)
			continue
		}
		require.NotNil(t, r.MoveID, "a move holds it")
		require.Equal(t, []string{m.ID, "retained"}, []string{*r.MoveID, *r.MoveState})
	}
	for _, r := range document.OfTenants(list).Tenants {
		require.Equal(t, r.MoveID == nil, r.MoveReason == "no move holds the tenant", r.ID)
	}
	moving, err := s.Tenants(ctx, session.TenantFilter{State: "moving"})
	require.NoError(t, err)
	require.Equal(t, 1, moving.Total)
	check, err := s.CheckTenants(ctx)
	require.NoError(t, err)
	require.True(t, check.OK, "%+v", check)
	status, err := s.Status(ctx)
	require.NoError(t, err)
	for _, sh := range status.Shards[:2] {
		require.Equal(t, 1, *sh.OpenMoves, sh.Name)
	}
	would, err := s.AssignMany(ctx, session.AssignManyRequest{Where: session.AssignWhere{Shard: "shard_1"}, Shard: "default", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, string(fault.MoveInProgress), would.Tenants[0].Problem.Code)
}

// Where a role may not read moves, nobody says that no move holds a tenant, or that
// the rows which a move keeps are in the wrong place.
func TestMovesThatMayNotBeReadAreNotSaidToBeNone(t *testing.T) {
	t.Parallel()
	f, s := small(t, 2)
	ctx := t.Context()
	f.moved(s, "1", "shard_1")
	f.exec(0, "REVOKE ALL ON shard_admin.move FROM "+f.role)

	list, err := s.Tenants(ctx, session.TenantFilter{})
	require.NoError(t, err)
	for _, r := range append(document.OfTenants(list).Tenants, document.TenantRow{TenantRow: list.Tenants[0]}) {
		require.Nil(t, r.MoveState)
		require.Nil(t, r.MoveID)
		require.Contains(t, r.MoveReason, "permission denied", r.ID)
	}
	one, err := s.FindTenant(ctx, "1")
	require.NoError(t, err)
	require.Contains(t, document.OfTenant(one).MoveReason, "permission denied")
	_, err = s.Tenants(ctx, session.TenantFilter{State: "moving"})
	require.ErrorContains(t, err, "permission denied")
	check, err := s.CheckTenants(ctx)
	require.ErrorContains(t, err, "permission denied")
	require.Zero(t, check.Disagree)
	_, err = s.AssignMany(ctx, session.AssignManyRequest{Where: session.AssignWhere{Shard: "default"}, Shard: "shard_1", DryRun: true})
	require.ErrorContains(t, err, "permission denied")
	status, err := s.Status(ctx)
	require.NoError(t, err)
	for _, sh := range status.Shards[:2] {
		require.Nil(t, sh.OpenMoves, sh.Name)
		require.Contains(t, sh.OpenMovesReason, "permission denied")
	}
}
