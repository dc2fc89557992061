//go:build faults && unix

package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// assignPoint is a place where an assignment dies, and what it leaves.
type assignPoint struct {
	name   string
	placed bool // the tenant's row is on the target
	fence  string
	guards bool
	ended  bool // the pointer has changed, and both trails say so
	closed bool // the tenant cannot write where the pointer leads
}

var assignPoints = []assignPoint{
	{name: "assign_intended"},
	{name: "assign_placed", placed: true},
	{name: "assign_armed", placed: true, fence: "armed", guards: true},
	{name: "assign_fenced", placed: true, fence: "fenced", guards: true, closed: true},
	{name: "assign_committing", placed: true, fence: "committing", guards: true, closed: true},
	{name: "assign_not_committed", placed: true, fence: "committing", guards: true, closed: true},
	{name: "assign_pointed", placed: true, fence: "committing", guards: true, ended: true},
	{name: "assign_unfenced", placed: true, guards: true, ended: true},
}

// found demands that an assignment from default to shard_1 has left what the
// point says.
func (f *fixture) found(id string, p assignPoint) {
	f.t.Helper()
	t := f.t
	require.Equal(t, map[bool]string{false: "default", true: "shard_1"}[p.ended], f.pointer(id), p.name)
	count := func(sql string) string { return f.text(0, "SELECT count(*)::text FROM "+sql) }
	said := map[bool]string{false: "0", true: "1"}
	require.Equal(t, said[p.ended], count("pwb_shard_audit_logs WHERE website_id = "+id), p.name)
	require.Equal(t, "1", count("shard_admin.audit_event WHERE body_json ->> 'phase' = 'intent' AND body_json ->> 'tenant' = '"+id+"'"), p.name)
	require.Equal(t, said[p.ended], count("shard_admin.audit_event WHERE body_json ->> 'phase' = 'outcome' AND body_json ->> 'tenant' = '"+id+"'"), p.name)
	require.Equal(t, said[p.placed], f.text(1, "SELECT count(*)::text FROM pwb_websites WHERE id = "+id), p.name)
	require.Equal(t, said[p.guards], count("pg_trigger WHERE tgname = 'zzzz_shard_admin_guard' AND tgrelid = 'pwb_contacts'::regclass"), p.name)
	state := ""
	if f.text(0, "SELECT (to_regclass('shard_admin_move.fence') IS NOT NULL)::text") == "true" {
		state = f.text(0, "SELECT coalesce((SELECT state FROM shard_admin_move.fence WHERE tenant = '"+id+"'), '')")
	}
	require.Equal(t, p.fence, state, p.name)
	require.Empty(t, f.leftovers(1), p.name)
	require.Equal(t, p.closed, !f.mayWrite(0, id) && !p.ended, p.name)
}

// Killed between any two of its effects, an assignment has changed the pointer
// together with both trails or has changed nothing that anybody serves from;
// what it left on the shard closes the tenant nowhere for longer than until the
// next assignment or move, wherever that leads.
func TestAssignmentsKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	for i, p := range assignPoints {
		for j, then := range []string{"assign", "assign, rows stay", "move"} {
			id := fmt.Sprint(5000 + 10*i + j)
			why := p.name + ", then " + then
			f.rowless(id)
			f.dies(errand{Assign: session.AssignRequest{Tenant: id, Shard: "shard_1", Note: "test"}}, p.name)
			f.found(id, p)

			to, side := "shard_1", 1
			if p.ended { // back to where the fence is
				to, side = "default", 0
			}
			begin := time.Now()
			if then == "move" {
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: to, Note: "test"})
				require.NoError(t, err, why)
				m, err = s.Await(t.Context(), m.ID, nil)
				require.NoError(t, err, why)
				require.Equal(t, "retained", m.State, why)
				require.Equal(t, "finalized", act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true}).State, why)
			} else {
				_, err := s.Assign(t.Context(), session.AssignRequest{Tenant: id, Shard: to, RowsStay: then != "assign", Note: "test"})
				require.NoError(t, err, why)
			}
			f.concluded(id)
			died := map[bool]string{false: "interrupted", true: "ok"}[p.ended]
			require.Equal(t, died, f.outcomes(id, "tenant.assign")[0], why)
			require.Less(t, time.Since(begin), 30*time.Second, "%s: it waited for the lease of a process that is dead", why)
			require.Equal(t, to, f.pointer(id), why)
			require.True(t, f.mayWrite(side, id), "%s: the tenant is closed where it lives", why)
			require.Empty(t, f.leftovers(1), why)
			if then != "move" { // which settled both sides
				to = map[string]string{"shard_1": "default", "default": "shard_1"}[to]
				_, err := s.Assign(t.Context(), session.AssignRequest{Tenant: id, Shard: to, Note: "test"})
				require.NoError(t, err, why)
				require.True(t, f.mayWrite(map[string]int{"default": 0, "shard_1": 1}[to], id), why)
			}
			if p.name != "assign_unfenced" { // guards without a fence go with whoever guards the shard next
				require.Empty(t, f.leftovers(0), why)
			}
		}
	}
	f.rowless("6000")
	_, err := s.Assign(t.Context(), session.AssignRequest{Tenant: "6000", Shard: "shard_1", Note: "test"})
	require.NoError(t, err)
	require.Empty(t, f.leftovers(0))
	v, err := s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, "%+v", v.Findings)
}
