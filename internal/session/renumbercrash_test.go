//go:build faults && unix

package session_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// Killed while new ids are given, while rows are copied by them, and on the way
// back: resume or cancel, and everything is where it was.
func TestKilledWhileIDsAreGiven(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.colliding(2)
	was, links, nine := f.owns(0, "7"), f.links(0, "7"), f.owns(1, "9")
	for i, k := range []killing{
		{"replaced", "start", "cancel"},
		{"copied", "start", "resume"},
		{"source_brought_up", "rollback", "resume"},
		{"first_batch_purged", "finalize", "resume"},
	} {
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: fmt.Sprint(i), Decisions: renumber})
		require.NoError(t, err, k.point)
		if k.action != "start" {
			m, err = s.Await(t.Context(), m.ID, nil)
			require.NoError(t, err, k.point)
			f.exec(1, "UPDATE pwb_contents SET updated_at = updated_at WHERE website_id = 7")
		}
		f.killedAt(k.action, m.ID, k.point)
		require.LessOrEqual(t, f.openSides("7"), 1)
		m, err = s.Move(t.Context(), m.ID)
		require.NoError(t, err)
		if action := k.recover(t, m); action != "" {
			m = act(t, s, action, session.MoveAction{ID: m.ID, Wait: true})
		}
		at := map[string]int{"default": 0, "shard_1": 1}[f.pointer("7")]
		require.Equal(t, links, f.links(at, "7"), k.point)
		require.Equal(t, nine, f.owns(1, "9"), k.point)
		switch {
		case m.State == "retained":
			require.Equal(t, was, f.owns(0, "7"), k.point)
			m = act(t, s, "rollback", session.MoveAction{ID: m.ID, Wait: true})
			require.Equal(t, "rolled_back", m.State)
			fallthrough
		case at == 0:
			require.Equal(t, was, f.owns(0, "7"), k.point)
			require.Empty(t, owned(t, f, 1, "7"), k.point)
		default:
			require.Equal(t, "finalized", m.State)
			require.Empty(t, owned(t, f, 0, "7"), k.point)
		}
		require.Empty(t, f.leftovers(0), k.point)
		require.Empty(t, f.leftovers(1), k.point)
	}
}
