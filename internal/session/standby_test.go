package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// The pointer moves only when readers of a standby find the tenant's rows there.
func TestStandbysAreWaitedForBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	f, s := readyOn(t, [2]int{30, 31})
	for _, c := range f.conns {
		_ = c.Close(t.Context())
	}
	standby := pgtest.Connect(t, pgtest.Standby(t, f.on[1]).URL("", f.dbs[1]))
	s.Reconnect()
	f.tenant("7", "default", 7000, 2)
	ctx := t.Context()
	require.Eventually(t, func() bool {
		var n int
		return f.super(1).QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n) == nil && n == 1
	}, 30*time.Second, 50*time.Millisecond)
	_, err := standby.Exec(ctx, "SELECT pg_wal_replay_pause()")
	require.NoError(t, err)

	// Whoever waits less long than the tenant may be closed says what it waited for.
	hasty := f.openAs(session.Config{Patience: time.Second})
	m, err := hasty.StartMove(ctx, session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "behind", MaxReadOnlyMS: 8000})
	require.NoError(t, err)
	m, err = hasty.Await(ctx, m.ID, nil)
	require.Equal(t, fault.StandbyBehind, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "shard-admin")
	require.Equal(t, "failed", m.State)
	require.Equal(t, "default", f.pointer("7"))
	_, err = f.app(0).Exec(ctx, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7")
	require.NoError(t, err)
	hasty.Close()

	_, err = s.ActOnMove(ctx, "resume", session.MoveAction{ID: m.ID, Note: "behind"})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.ErrorContains(t, err, "did not finish within")
	require.Equal(t, "failed", m.State)
	said := ""
	for _, l := range m.Log {
		said += l.Message + "\n"
	}
	require.Contains(t, said, "waiting for shard-admin to replay")
	_, err = f.app(0).Exec(ctx, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7")
	require.NoError(t, err)

	resumed := make(chan error, 1)
	time.AfterFunc(4*time.Second, func() {
		c, err := pgx.ConnectConfig(context.Background(), standby.Config())
		if err == nil {
			_, err = c.Exec(context.Background(), "SELECT pg_wal_replay_resume()")
			_ = c.Close(context.Background())
		}
		resumed <- err
	})
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	require.NoError(t, <-resumed)
	var n int
	require.NoError(t, standby.QueryRow(ctx, "SELECT count(*) FROM pwb_contacts WHERE website_id = 7").Scan(&n))
	require.Equal(t, 2, n)
}
