//go:build faults && unix

package session_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// What the model in internal/move/model has found is tried here on servers.

// A cancel that dies when the copy is gone must not be resumed as though the copy
// were there: the tenant would be served from an empty target.
func TestACancelThatDiedIsNotResumedWithoutItsCopy(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	for i, failed := range []bool{false, true} {
		id := fmt.Sprint(610000 + i)
		f.tenant(id, "default", (610000+i)*1000, 2)
		want := f.rowsOf(0, id)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "online", Note: "test", Hold: true})
		require.NoError(t, err)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.NoError(t, err)
		require.True(t, m.Held)
		if failed {
			f.exec(0, "UPDATE shard_admin.move SET state = 'failed', step = '', failed_in = 'switching' WHERE id = $1", m.ID)
		}
		f.killedAt("cancel", m.ID, "copy_removed")
		for range 2 { // it may be held again
			m, err = s.Move(t.Context(), m.ID)
			require.NoError(t, err)
			action := "resume"
			if m.Held {
				action = "switch"
			}
			if m.State != "retained" {
				_, err = s.ActOnMove(t.Context(), action, session.MoveAction{ID: m.ID, Wait: true, Note: "test"})
				require.NoError(t, err)
				m, err = s.Await(t.Context(), m.ID, nil)
			}
		}
		t.Logf("%s: %v; %d rows on the source, %d on the target, pointer on %s", m.State, err, count(f.rowsOf(0, id)), count(f.rowsOf(1, id)), f.pointer(id))
		require.NoError(t, err)
		require.Equal(t, "retained", m.State)
		f.whole(m, want)
	}
}

func count(rows map[string][]string) (n int) {
	for _, list := range rows {
		n += len(list)
	}
	return n
}

// A move that fails before it has made anything on a shard goes on when what
// stood in its way is gone, or is cancelled.
func TestAMoveThatFailedBeforeItBeganGoesOn(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	for i, action := range []string{"cancel", "resume"} {
		id := fmt.Sprint(620000 + i)
		f.tenant(id, "default", (620000+i)*1000, 2)
		want := f.rowsOf(0, id)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "fenced", Note: "test"})
		require.NoError(t, err)
		f.exec(0, "UPDATE shard_admin.move SET state = 'failed', failed_in = 'planned', error_code = 'fence_blocked', error_message = 'older transactions' WHERE id = $1", m.ID)
		m = act(t, s, action, session.MoveAction{ID: m.ID, Wait: true})
		require.Equal(t, map[string]string{"resume": "retained", "cancel": "cancelled"}[action], m.State)
		f.whole(m, want)
	}
}

// A rollback keeps the target closed until nobody remembers it any more.
func TestARollbackOutwaitsTheRoutes(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("630", "default", 630000, 2)
	want := f.rowsOf(0, "630")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "630", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	f.killedAt("rollback", m.ID, "target_purged")
	// The pointer is back, and the target was closed just now.
	f.exec(1, "UPDATE shard_admin_move.fence SET since = clock_timestamp()")
	begin := time.Now()
	m = act(t, s, "rollback", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	f.whole(m, want)
	// routing_ttl of the profile is 2 s.
	require.GreaterOrEqual(t, time.Since(begin), 2*time.Second, "the guards of the target went while routes could still lead there")
}

// A rollback that died between the removal of the source's fence and the record
// of it comes to its end.
func TestARollbackThatDiedWhileItTookDownEnds(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("640", "default", 640000, 2)
	want := f.rowsOf(0, "640")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "640", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	f.killedAt("rollback", m.ID, "target_purged")
	f.exec(0, "DELETE FROM shard_admin_move.fence WHERE move_id = $1", m.ID)
	f.exec(0, "DELETE FROM shard_admin_move.epoch WHERE move_id = $1", m.ID)
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	f.whole(m, want)
}

// passes lets the time of an owner's lease and heartbeat pass.
func (f *fixture) passes(tenant string, pid int) {
	f.t.Helper()
	f.exec(0, "UPDATE shard_admin.lease SET expires_at = '-infinity' WHERE resource = $1", "tenant/"+tenant)
	f.exec(0, "UPDATE shard_admin.worker SET seen_at = '-infinity' WHERE pid = $1", pid)
}

// A new owner's epoch is on the move before it changes anything: an older owner
// changes no state from then on.
func TestAnOwnersEpochIsOnTheMoveFirst(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("660", "default", 660000, 2)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "660", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	f.killedAt("start", m.ID, "cleanup_recorded")
	var state string
	var on, lease int64
	require.NoError(t, f.super(0).QueryRow(t.Context(), `SELECT m.state, m.epoch, l.epoch FROM shard_admin.move m JOIN shard_admin.lease l ON l.resource = 'tenant/' || m.tenant WHERE m.id = $1`, m.ID).Scan(&state, &on, &lease))
	require.Equal(t, "planned", state)
	require.Equal(t, lease, on)
}

// Who was taken over before it wrote its epoch to a shard arms nothing when the
// move is over: the tenant stays writable, and can be moved again.
func TestWhoSleptThroughTheWholeMoveArmsNothing(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("650", "default", 650000, 2)
	want := f.rowsOf(0, "650")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "650", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	cmd, out := f.child("start", m.ID, "SHARD_ADMIN_SLEEP_AT", "cleanup_recorded")
	f.asleep(cmd, out)
	f.passes("650", cmd.Process.Pid)
	require.Eventually(t, func() bool {
		_, err = s.ActOnMove(t.Context(), "resume", session.MoveAction{ID: m.ID, Note: "take over", Wait: true})
		return err == nil
	}, 90*time.Second, 300*time.Millisecond, "%v", err)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.NoError(t, err)
	m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "finalized", m.State)
	require.NoError(t, syscall.Kill(cmd.Process.Pid, syscall.SIGCONT))
	_, _ = cmd.Process.Wait()
	f.whole(m, want)
	require.True(t, f.mayWrite(1, "650"), "the tenant is closed where it lives")
	for n := range 2 {
		var left bool
		require.NoError(t, f.super(n).QueryRow(t.Context(), "SELECT to_regnamespace('shard_admin_move') IS NOT NULL").Scan(&left))
		require.False(t, left, "side %d", n)
	}
}
