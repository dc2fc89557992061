//go:build unix

package session_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// A trail that was cut is an alarm with what to do, and stays one until somebody who
// knows why begins a new copy.
func TestANewCopyOfTheTrailIsBegunWithAReason(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	ctx := t.Context()
	_, err := f.Session.Assign(ctx, session.AssignRequest{Tenant: "none", Shard: "default", Note: "x"})
	require.Error(t, err)
	first, err := f.Session.SyncAudit(ctx)
	require.NoError(t, err)
	require.Positive(t, first.Seq)
	_, err = f.Super("default").Exec(ctx, `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER ALL; ALTER TABLE shard_admin.audit_link DISABLE TRIGGER ALL; ALTER TABLE shard_admin.audit_head DISABLE TRIGGER ALL;
		DELETE FROM shard_admin.audit_link; DELETE FROM shard_admin.audit_event; UPDATE shard_admin.audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex');
		DO $$ DECLARE r record; BEGIN FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname IN ('audit_event', 'audit_link', 'audit_head')
			LOOP EXECUTE format('ALTER TABLE shard_admin.%I ENABLE ALWAYS TRIGGER %I', r.relname, r.tgname); END LOOP; END $$`, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	for range 2 {
		_, err = f.Session.SyncAudit(ctx)
		require.Equal(t, fault.MirrorConflict, fault.CodeOf(err))
		require.Contains(t, fault.HintOf(err), "audit sync --restart")
	}
	_, err = f.Session.RestartCopy(ctx, " ")
	require.Equal(t, fault.ReasonMissing, fault.CodeOf(err))
	_, err = f.Session.SyncAudit(ctx)
	require.Error(t, err, "nothing has begun")
	again, err := f.Session.RestartCopy(ctx, "restored from the backup of Sunday")
	require.NoError(t, err)
	require.EqualValues(t, 2, again.Seq)
	_, err = f.Session.SyncAudit(ctx)
	require.NoError(t, err)

	// Whoever ends an alarm is in the trail, with what it was about.
	v, err := f.Session.Events(ctx, session.AuditFilter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, v.Events, 2)
	for i, e := range v.Events {
		require.Equal(t, []string{"audit.restart", []string{"outcome", "intent"}[i], "restored from the backup of Sunday"}, []string{e.Action, e.Phase, e.Note})
		require.NotEmpty(t, e.Actor)
		require.EqualValues(t, first.Seq, e.Before["seq"])
		require.Len(t, e.Before["hash"], 64)
		require.Equal(t, "rollback", e.Details["alarm"])
		require.EqualValues(t, first.Seq, e.Details["last_seq"])
	}
	require.EqualValues(t, 1, v.Events[0].After["seq"])
	require.Equal(t, v.Events[1].Hash, v.Events[0].After["hash"])
}
