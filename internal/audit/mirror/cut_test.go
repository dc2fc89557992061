package mirror

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/install"
	"shardadmin/internal/policy"
	"shardadmin/internal/store"
)

// cutTo archives the trail up to an entry and removes it.
func (s *setup) cutTo(t testing.TB, through int64) {
	t.Helper()
	gate := policy.NewGate(policy.Config{Fleet: s.Fleet, Control: s.DB, Schema: install.DefaultSchema, Email: "ann@example.com", Source: "cli"})
	as := func(a policy.Action) policy.Permit {
		p, err := gate.Permit(t.Context(), policy.Request{Action: a, Reason: "retention"})
		require.NoError(t, err)
		return p
	}
	_, key, err := audit.NewSigningKey("ann@example.com")
	require.NoError(t, err)
	_, err = s.trail.EnrollKey(t.Context(), as(policy.AuditKeyEnroll), key.Public)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "archive.jsonl")
	_, err = s.trail.File(t.Context(), as(policy.AuditExport), path, audit.EventFile(audit.JSONL, audit.Filter{Before: through + 1}, audit.Evidence{Key: key}))
	require.NoError(t, err)
	_, err = s.trail.Purge(t.Context(), as(policy.AuditPurge), path)
	require.NoError(t, err)
}

func (s *setup) copied(t testing.TB) Result {
	t.Helper()
	res, err := s.Sync(t.Context(), s.trail)
	require.NoError(t, err)
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	return res
}

// A copy keeps what was removed from the server and goes on; one that is begun
// afterwards begins where the server does; one that lacks what was removed says
// so and is begun anew.
func TestACopyGoesOnAfterACut(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 5, "early")
	require.EqualValues(t, 5, s.copied(t).Seq)
	s.fill(t, 4, "later")
	require.EqualValues(t, 9, s.copied(t).Seq)
	s.cutTo(t, 7) // the key, its export's two events and the cut follow: 13
	require.Equal(t, Result{Pulled: 4, Seq: 13, Head: 13}, s.copied(t))
	all, err := s.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 13, "the copy still has what was removed")

	key, err := s.trail.Key(t.Context())
	require.NoError(t, err)
	fresh, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "fresh.db"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = fresh.Close() })
	late := &setup{s.Control, s.trail, fresh, New(fresh, key)}
	require.Equal(t, Result{Pulled: 6, Seq: 13, Head: 13}, late.copied(t))
	v, err := late.Verify(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 8, v.FirstSeq)
	require.Len(t, v.Keys, 1)

	s.fill(t, 3, "more")
	s.copied(t)
	s.cutTo(t, 15)
	_, err = late.Sync(t.Context(), late.trail)
	require.Equal(t, fault.MirrorBehindCut, fault.CodeOf(err), "%v", err)
	alarms, err := late.Alarms(t.Context())
	require.NoError(t, err)
	require.Empty(t, alarms, "nobody did anything wrong")
	require.NoError(t, late.Restart(t.Context(), "what lies between is in the archive"))
	require.EqualValues(t, 20, late.copied(t).Seq)
	require.EqualValues(t, 20, s.copied(t).Seq)
}

// Whoever cuts the beginning off and writes another in its place is found by a
// copy that has the event after which the trail is said to begin.
func TestABeginningThatIsNotTheCopiedOneIsAnAlarm(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 6, "x")
	s.copied(t)
	s.Exec(off + `ALTER TABLE shard_admin.audit_anchor DISABLE TRIGGER USER; CREATE TEMP TABLE gone AS SELECT event_id FROM shard_admin.audit_link WHERE seq <= 3;
		DELETE FROM shard_admin.audit_link WHERE seq <= 3; DELETE FROM shard_admin.audit_event WHERE event_id IN (SELECT event_id FROM gone);
		INSERT INTO shard_admin.audit_anchor VALUES (3, sha256('forged'), now(), now(), gen_random_uuid(), 'x')` + on)
	_, err := s.Sync(t.Context(), s.trail)
	require.Equal(t, fault.MirrorConflict, fault.CodeOf(err), "%v", err)
	alarms, err := s.Alarms(t.Context())
	require.NoError(t, err)
	require.Equal(t, Fork, alarms[0].Kind)
	require.EqualValues(t, 3, alarms[0].FirstSeq)
}

func TestACopyIsFoundWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.fill(t, 3, "x")
	s.copied(t)
	_, _, ok, err := Of(t.Context(), s.store, "test", "shard_admin")
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, s.Remember(t.Context(), "test", "shard_admin"))
	m, seen, ok, err := Of(t.Context(), s.store, "test", "shard_admin")
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, seen.IsZero())
	end, _, err := m.End(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, end)
	_, _, ok, err = Of(t.Context(), s.store, "another", "shard_admin")
	require.NoError(t, err)
	require.False(t, ok)
}

// A copy is asked as the trail is, and answers the same.
func TestACopyAnswersAsTheTrailDoes(t *testing.T) {
	t.Parallel()
	s := open(t)
	gate := policy.NewGate(policy.Config{Fleet: s.Fleet, Control: s.DB, Schema: install.DefaultSchema, Email: "ann@example.com", Source: "cli"})
	for i, in := range []audit.Intent{
		{Tenant: "1", Source: "default", Target: "shard_1", MoveID: "0199-aa"},
		{Tenant: "12", Source: "shard_1", Target: "shard_12"},
		{Tenant: "", Source: "shard 1"},
		{Tenant: "1", Target: "default", MoveID: "0199-ab"},
	} {
		p, err := gate.Permit(t.Context(), policy.Request{Action: []policy.Action{policy.MoveStart, policy.MoveSwitch, policy.QueuePause, policy.AssignTenant}[i], Reason: "50% of Grüße, \"why\""})
		require.NoError(t, err)
		_, err = s.trail.Begin(t.Context(), p, in)
		require.NoError(t, err)
	}
	s.copied(t)
	all, err := s.trail.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	for _, f := range []audit.Filter{
		{},
		{Tenant: "1"},
		{Tenant: "12"},
		{Shard: "shard_1"},
		{Shard: "shard 1"},
		{Shard: "default"},
		{Action: "move"},
		{Action: "move.start"},
		{Action: "mov"},
		{Actor: "ANN@example.com"},
		{Actor: "ann"},
		{MoveID: "0199-a"},
		{MoveID: "0199-ab"},
		{Search: "grüße"},
		{Search: "%"},
		{Search: "why tenant"},
		{Search: "nothing such"},
		{Search: "why", Before: all[1].Seq},
		{Search: "move", Until: all[0].At},
		{ID: all[1].ID},
		{Before: all[0].Seq},
		{Limit: 2},
		{Since: all[1].At},
		{Until: all[1].At},
		{Tenant: "1", Action: "move", Since: all[3].At},
	} {
		want, err := s.trail.List(t.Context(), f)
		require.NoError(t, err)
		have, err := s.List(t.Context(), f)
		require.NoError(t, err, "%+v", f)
		require.Equal(t, want, have, "%+v", f)
	}
}
