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
		DELETE FROM shard_admin.audit_link; DELETE FROM shard_admin.audit_event; UPDATE shard_admin.audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')`, pgx.QueryExecModeSimpleProtocol)
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
	require.Zero(t, again.Seq)
	_, err = f.Session.SyncAudit(ctx)
	require.NoError(t, err)
}
