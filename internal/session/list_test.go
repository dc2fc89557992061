package session_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

func TestTheListOfTenantsKnowsSizesAndChanges(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	ctx := t.Context()
	all, err := f.Session.Tenants(ctx, session.TenantFilter{Full: true, Sort: "-rows", Limit: 1000})
	require.NoError(t, err)
	require.Len(t, all.Tenants, all.Total)
	require.Equal(t, []string{"owner_email", "site_type", "realty_assets_count"}, all.Fields)
	require.Empty(t, all.ChangedReason)
	exact, estimated := int64(0), int64(0)
	for i, r := range all.Tenants {
		require.NotNil(t, r.RowsEstimate, "%s: %s", r.Label, r.EstimateReason)
		require.NotNil(t, r.BytesEstimate)
		require.Nil(t, r.ChangedAt, "nobody changed it yet")
		if i > 0 {
			require.LessOrEqual(t, *r.RowsEstimate, *all.Tenants[i-1].RowsEstimate)
		}
		v, err := f.Session.Tenant(ctx, r.ID)
		require.NoError(t, err)
		require.Empty(t, v.TablesReason)
		exact, estimated = exact+v.Rows, estimated+*r.RowsEstimate
	}
	require.InEpsilon(t, exact, estimated, 0.25, "estimates of all tenants add up to what is there")
	largest, err := f.Session.Tenant(ctx, all.Tenants[0].ID)
	require.NoError(t, err)
	require.InEpsilon(t, largest.Rows, *all.Tenants[0].RowsEstimate, 0.5, "the largest is known by name")

	// Pages of an order that the catalogue does not know.
	second, err := f.Session.Tenants(ctx, session.TenantFilter{Full: true, Sort: "-rows", Limit: 3, Offset: 3})
	require.NoError(t, err)
	require.Equal(t, all.Tenants[3:6], second.Tenants)
	require.Equal(t, all.Total, second.Total)
	beyond, err := f.Session.Tenants(ctx, session.TenantFilter{Full: true, Sort: "-rows", Offset: all.Total + 5})
	require.NoError(t, err)
	require.Empty(t, beyond.Tenants)

	// Conditions.
	bound := *all.Tenants[2].BytesEstimate
	for _, c := range []struct {
		filter session.TenantFilter
		takes  func(session.TenantRow) bool
	}{
		{session.TenantFilter{MinBytes: bound}, func(r session.TenantRow) bool { return *r.BytesEstimate >= bound }},
		{session.TenantFilter{Demo: "yes"}, func(r session.TenantRow) bool { return r.Demo != nil && *r.Demo }},
		{session.TenantFilter{Demo: "no"}, func(r session.TenantRow) bool { return r.Demo != nil && !*r.Demo }},
		{session.TenantFilter{State: "live"}, func(r session.TenantRow) bool { return r.Status != nil && *r.Status == "live" }},
		{session.TenantFilter{State: "moving"}, func(r session.TenantRow) bool { return r.MoveState != nil }},
	} {
		want := 0
		for _, r := range all.Tenants {
			if c.takes(r) {
				want++
			}
		}
		c.filter.Full, c.filter.Limit = true, 1000
		got, err := f.Session.Tenants(ctx, c.filter)
		require.NoError(t, err)
		require.Equal(t, want, got.Total, "%+v", c.filter)
		for _, r := range got.Tenants {
			require.True(t, c.takes(r), "%+v", r)
		}
	}
	_, err = f.Session.Tenants(ctx, session.TenantFilter{MinBytes: 1})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = f.Session.Tenants(ctx, session.TenantFilter{Demo: "perhaps"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))

	// A change is an assignment that came to be; one that was refused is none.
	id := all.Tenants[0].ID
	_, err = f.Session.Assign(ctx, session.AssignRequest{Tenant: id, Shard: other(all.Tenants[0].Shard), Note: "a test"})
	require.Equal(t, fault.RowsExist, fault.CodeOf(err))
	after, err := f.Session.Tenants(ctx, session.TenantFilter{Full: true, Search: id, Sort: "-changed"})
	require.NoError(t, err)
	require.Nil(t, after.Tenants[0].ChangedAt)
	_, err = f.Session.Assign(ctx, session.AssignRequest{Tenant: id, Shard: other(all.Tenants[0].Shard), RowsStay: true, Note: "a test"})
	require.NoError(t, err)
	after, err = f.Session.Tenants(ctx, session.TenantFilter{Full: true, Sort: "-changed", Limit: 2})
	require.NoError(t, err)
	require.Equal(t, id, after.Tenants[0].ID)
	require.NotNil(t, after.Tenants[0].ChangedAt)
	require.Nil(t, after.Tenants[1].ChangedAt)
}

func other(shard string) string {
	if shard == "default" {
		return "shard_1"
	}
	return "default"
}

// Where a shard has no statistics, a size is not known and the reason is there.
func TestTenantsWithoutStatistics(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	_, err := f.Super("shard_1").Exec(t.Context(), `DO $$ DECLARE r regclass; BEGIN
		FOR r IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
			EXECUTE 'ALTER TABLE ' || r || ' SET (autovacuum_enabled = off)';
			UPDATE pg_class SET reltuples = -1 WHERE oid = r;
		END LOOP; END $$`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	list, err := f.Open(fleettest.Admin).Tenants(t.Context(), session.TenantFilter{Full: true, Sort: "-size", Limit: 1000})
	require.NoError(t, err)
	known := 0
	for i, r := range list.Tenants {
		if r.Shard == "shard_1" {
			require.Nil(t, r.RowsEstimate)
			require.Contains(t, r.EstimateReason, "run ANALYZE")
		} else {
			require.NotNil(t, r.RowsEstimate)
			require.Equal(t, known, i, "what is not known comes last")
			known++
		}
	}
	require.Positive(t, known)
	require.Less(t, known, list.Total)
}
