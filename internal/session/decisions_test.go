package session_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/session"
)

func decision(p session.Plan, kind, table string) []session.Decision {
	out := []session.Decision{}
	for _, d := range p.Decisions {
		if d.Case == kind && (table == "" || d.Table == table) {
			out = append(out, d)
		}
	}
	return out
}

func blockers(p session.Plan) []string {
	out := []string{}
	for _, c := range p.Checks {
		if c.Status == "blocker" {
			out = append(out, c.Name)
		}
	}
	return out
}

// Ids and unique values that are taken on the target, edges between tenants
// and rows of nobody are in the plan, table by table, and nothing is written.
func TestPlanSaysWhatAPersonHasToDecide(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("8", "default", 8000, 2)
	f.tenant("9", "shard_1", 7000, 1) // the same ids on the target
	f.exec(0, `INSERT INTO pwb_contents (id, created_at, updated_at) VALUES (70001, now(), now())`)
	f.exec(0, `INSERT INTO pwb_features (id, created_at, updated_at) VALUES (70001, now(), now())`)
	// A membership of 7 names a user whose home is 8, and the other way round.
	f.exec(0, `UPDATE pwb_user_memberships SET user_id = 8001 WHERE id = 7001`)
	f.exec(0, `UPDATE pwb_user_memberships SET user_id = 7002 WHERE id = 8002`)
	// One blob for two tenants.
	f.exec(0, `UPDATE active_storage_attachments SET blob_id = 7001 WHERE id = 8001`)
	before := []map[string][]string{filltest.Dump(t, f.super(0)), filltest.Dump(t, f.super(1))}

	p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	require.True(t, p.Blocked)
	require.Equal(t, "warning", collisions(t, p).Status, "every row that collides can get a new id")
	require.Contains(t, blockers(p), "decisions")
	require.NotEmpty(t, decision(p, "collision_key", "pwb_users"))
	require.NotEmpty(t, decision(p, "null_tenant", "pwb_contents"))
	require.NotEmpty(t, decision(p, "ownerless", "pwb_features"))
	require.Equal(t, "8001", decision(p, "outbound", "pwb_users")[0].Key)
	require.Equal(t, "7002", decision(p, "inbound", "pwb_users")[0].Key)
	require.Equal(t, "7001", decision(p, "two_owners", "active_storage_blobs")[0].Key)
	_, err = s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Note: "test"})
	require.Equal(t, fault.MoveBlocked, fault.CodeOf(err))
	require.Equal(t, 3, fault.Exit(err))
	require.Equal(t, before[0], filltest.Dump(t, f.super(0)))
	require.Equal(t, before[1], filltest.Dump(t, f.super(1)))
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
}

func TestUniqueValuesCollide(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 1)
	f.tenant("9", "shard_1", 9000, 1)
	var mail string
	require.NoError(t, f.super(0).QueryRow(t.Context(), "SELECT email FROM pwb_users WHERE id = 7001").Scan(&mail))
	f.exec(1, "UPDATE pwb_users SET email = $1 WHERE id = 9001", mail)
	p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	require.Len(t, decision(p, "collision_unique", "pwb_users"), 1)
	require.Empty(t, decision(p, "collision_key", ""))
	require.True(t, p.Blocked)
}

// Rows that are shared by choice: another tenant's user goes along and stays,
// this tenant's user that another needs stays on the source.
func TestSharedRowsAreCopiedAndKept(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("8", "default", 8000, 2)
	f.exec(0, `UPDATE pwb_user_memberships SET user_id = 8001 WHERE id = 7001`)
	f.exec(0, `UPDATE pwb_user_memberships SET user_id = 7002 WHERE id = 8002`)
	f.exec(0, `UPDATE active_storage_attachments SET blob_id = 7001 WHERE id = 8001`)
	f.exec(0, `INSERT INTO pwb_contents (id, created_at, updated_at) VALUES (70001, now(), now())`)
	eight := owned(t, f, 0, "8")
	p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.NoError(t, err)
	req := session.MoveRequest{Tenant: "7", Target: "shard_1", Note: "test"}
	for range 3 { // a shared row may need others
		req.Decisions = nil
		for _, d := range p.Decisions {
			d.Choice = "share"
			if d.Case == "null_tenant" || d.Case == "ownerless" {
				d.Choice = "leave"
			}
			req.Decisions = append(req.Decisions, d)
		}
		p, err = s.PlanMove(t.Context(), req)
		require.NoError(t, err)
	}
	require.Empty(t, blockers(p), "%+v", p.Decisions)
	m, err := s.StartMove(t.Context(), req)
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	count := func(n int, sql string) (c int) {
		require.NoError(t, f.super(n).QueryRow(t.Context(), sql).Scan(&c))
		return c
	}
	require.Equal(t, 1, count(1, "SELECT count(*) FROM pwb_users WHERE id = 8001"))
	agrees := func() {
		check, err := s.CheckTenants(t.Context())
		require.NoError(t, err)
		require.True(t, check.OK, "%+v", check.Tenants)
	}
	agrees()
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	require.Equal(t, 1, count(0, "SELECT count(*) FROM pwb_users WHERE id = 7002"), "kept for the other tenant")
	require.Equal(t, 0, count(0, "SELECT count(*) FROM pwb_users WHERE id = 7001"))
	require.Equal(t, 1, count(0, "SELECT count(*) FROM active_storage_blobs WHERE id = 7001"))
	require.Equal(t, 1, count(1, "SELECT count(*) FROM active_storage_blobs WHERE id = 7001"))
	require.Equal(t, eight, owned(t, f, 0, "8"))
	agrees()
	f.exec(1, "INSERT INTO pwb_websites (id, subdomain, slug, created_at, updated_at) VALUES (8, 'sub8', 'slug8', now(), now()) ON CONFLICT DO NOTHING")
	f.exec(1, "UPDATE pwb_contacts SET website_id = 8 WHERE id = 7001")
	check, err := s.CheckTenants(t.Context())
	require.NoError(t, err)
	require.False(t, check.OK, "only the rows that were lent are passed over")
}

func TestAssignMovesNoRows(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	ctx := t.Context()
	f.tenant("7", "default", 7000, 1)
	for id := 20; id < 22; id++ {
		f.exec(0, fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, created_at, updated_at) VALUES (%d, 'e%d', 'e%d', 'default', now(), now())`, id, id, id))
	}
	for _, c := range []struct {
		req  session.AssignRequest
		code fault.Code
	}{
		{session.AssignRequest{Tenant: "20", Shard: "nowhere"}, fault.ShardUnknown},
		{session.AssignRequest{Tenant: "20", Shard: "shard_2"}, fault.ShardNotConfigured},
		{session.AssignRequest{Tenant: "20", Shard: "default"}, fault.SameShard},
		{session.AssignRequest{Tenant: "7", Shard: "shard_1"}, fault.RowsExist},
		{session.AssignRequest{Tenant: "no-such", Shard: "shard_1"}, fault.TenantUnknown},
	} {
		c.req.Note = "test"
		_, err := s.Assign(ctx, c.req)
		require.Equal(t, c.code, fault.CodeOf(err), "%+v: %v", c.req, err)
		require.Equal(t, 3, fault.Exit(err))
	}
	require.Empty(t, f.leftovers(0))
	a, err := s.Assign(ctx, session.AssignRequest{Tenant: "e20", Shard: "shard_1", Note: "test"})
	require.NoError(t, err)
	require.NotEmpty(t, a.AuditEvent)
	require.Empty(t, f.leftovers(0))
	var shard, status string
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT shard_name FROM pwb_websites WHERE id = 20").Scan(&shard))
	require.Equal(t, "shard_1", shard)
	require.NoError(t, f.super(0).QueryRow(ctx, "SELECT status FROM pwb_shard_audit_logs WHERE website_id = 20").Scan(&status))
	require.Equal(t, "completed", status)
	var name string
	require.NoError(t, f.super(1).QueryRow(ctx, "SELECT subdomain FROM pwb_websites WHERE id = 20").Scan(&name))
	require.Equal(t, "e20", name)
	list, err := s.Events(ctx, session.AuditFilter{Tenant: "20"})
	require.NoError(t, err)
	require.Len(t, list.Events, 2)
	require.Equal(t, a.AuditEvent, list.Events[0].ID)
	// With rows that stay, said so by the operator.
	_, err = s.Assign(ctx, session.AssignRequest{Tenant: "7", Shard: "shard_1", RowsStay: true, Note: "test"})
	require.NoError(t, err)
	check, err := s.CheckTenants(ctx)
	require.NoError(t, err)
	require.False(t, check.OK)
	require.Len(t, check.Tenants, 1)
	require.Equal(t, []string{"default"}, check.Tenants[0].RowsOn)
}

// A shard that is down is a row with its reason and holds nobody up.
func TestStatusWithoutOneShard(t *testing.T) {
	t.Parallel()
	f, _ := core(t)
	f.tenant("7", "default", 7000, 1)
	f.fleet.Shards[1].Endpoint.URL = "postgres://127.0.0.1:1/nothing"
	s := f.open()
	st, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, st.Answering)
	require.Equal(t, 2, st.Configured)
	require.True(t, st.Shards[0].Reachable)
	require.False(t, st.Shards[1].Reachable)
	require.NotNil(t, st.Shards[1].Error)
	require.Nil(t, st.Shards[1].SizeBytes)
	require.NotEmpty(t, st.Shards[1].SizeReason)
	require.Equal(t, "not_configured", st.Shards[2].Status)
	require.Equal(t, 1, *st.Tenants)
	_, err = s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
	require.Equal(t, 5, fault.Exit(err))
}
