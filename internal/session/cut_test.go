//go:build faults && unix

package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/session"
)

// wire lets child processes reach each database of the fleet through a cable of
// its own.
func (f *fixture) wire() []*cable.Cable {
	f.t.Helper()
	through := *f.fleet
	through.Shards = append([]fleet.Shard{}, f.fleet.Shards...)
	cables := []*cable.Cable{}
	for n := range f.dbs {
		straight := fmt.Sprintf("127.0.0.1:%d", f.server(n).Port())
		c := cable.New(f.t, straight)
		cables = append(cables, c)
		url := &through.Control.URL
		if n > 0 {
			url = &through.Shards[n].Endpoint.URL
		}
		require.Contains(f.t, *url, straight)
		*url = strings.Replace(*url, straight, c.Address(), 1)
	}
	f.wired = &through
	return cables
}

// The connection to control ends while the commit that moves the pointer is on
// its way. Control is asked what became of it: where it arrived the move goes on,
// where it did not the tenant writes where it was, and neither is guessed.
func TestTheAnswerToTheFlipsCommitIsLost(t *testing.T) {
	t.Parallel()
	pointer := `UPDATE "public"."pwb_websites"`
	for i, c := range []struct {
		name    string
		breaks  func(*cable.Cable)
		away    time.Duration // how long control stays away
		arrives bool
		modes   []string
	}{
		{"it arrived", func(w *cable.Cable) { w.BreakAt(true, pointer, "commit") }, 0, true, []string{"fenced", "online"}},
		{"it never arrived", func(w *cable.Cable) { w.BreakAt(false, pointer, "commit") }, 0, false, []string{"fenced", "online"}},
		{"it arrived and control is away", func(w *cable.Cable) { w.BreakAt(true, pointer, "commit") }, 2 * time.Second, true, []string{"online"}},
		{"it never arrived and control is away", func(w *cable.Cable) { w.BreakAt(false, pointer, "commit") }, 2 * time.Second, false, []string{"fenced"}},
		{"it arrives when control is asked already", func(w *cable.Cable) { w.LagAt(1500*time.Millisecond, pointer, "commit") }, 0, true, []string{"online"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, s := readyOver(t, []int{0, 1, 1})
			control := f.wire()[0]
			lost := func(action, id, tenant string) session.MoveView {
				c.breaks(control)
				cmd, out := f.child(action, id, "SHARD_ADMIN_TEST_NOTHING", "")
				require.Eventually(t, control.Broke, 60*time.Second, time.Millisecond, "%s", out)
				if c.away > 0 {
					control.Cut()
					time.Sleep(c.away)
					require.Zero(t, f.openSides(tenant), "a guess")
					control.Mend()
				}
				_ = cmd.Wait()
				t.Logf("%s: %s", action, out)
				m, err := s.Move(t.Context(), id)
				require.NoError(t, err)
				logOf(t, m)
				return m
			}
			for j, mode := range c.modes {
				id := fmt.Sprint(600000 + 10*i + j)
				f.tenant(id, "shard_1", (600000+10*i+j)*1000, 2)
				f.writes(id, "before")
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_2", Mode: mode, Note: "lost"})
				require.NoError(t, err)
				m = lost("start", m.ID, id)
				if !c.arrives {
					require.Equal(t, "failed", m.State)
					require.Equal(t, "shard_1", f.pointer(id))
					require.Equal(t, 1, f.openSides(id), "nobody has to open it")
					f.writes(id, "after it failed")
					m = act(t, s, "resume", session.MoveAction{ID: m.ID})
				}
				require.Equal(t, "retained", m.State)
				require.Equal(t, "shard_2", f.pointer(id))
				f.wrote(m)

				f.writes(id, "on the target")
				m = lost("rollback", m.ID, id)
				if !c.arrives {
					require.Equal(t, "retained", m.State)
					require.Equal(t, "shard_2", f.pointer(id))
					require.Equal(t, 1, f.openSides(id), "nobody has to open it")
					f.writes(id, "after it failed")
					m = act(t, s, "rollback", session.MoveAction{ID: m.ID})
				}
				require.Equal(t, "rolled_back", m.State)
				f.wrote(m)
			}
			v, err := s.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK)
		})
	}
}
