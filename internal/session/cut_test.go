//go:build faults && unix

package session_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
	"shardadmin/internal/move"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/session"
)

// threeSides names the databases of a fleet over three: a move from shard_1 to shard_2
// has control, source and target apart.
var threeSides = []string{"control", "source", "target"}

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

// harming is a point at which something happens to one database of a move while
// the process that carries it out goes on.
type harming struct {
	killing
	side int // of threeSides
}

// decides reports whether a point is of the switch, where each database counts.
func decides(p move.Point) bool {
	return slices.Contains([]string{"fenced", "switch_fenced", "before_committing", "committing", "flip_not_committed", "flipped", "source_moved", "target_open"}, p.Name)
}

// harmings are the points of a mode that a filter keeps, as those before a move
// is retained and those behind, each with one database in turn, or with all three.
func harmings(mode string, keep, all func(i int, p move.Point) bool) (starts, ends []harming) {
	for i, p := range move.Points() {
		list := slices.DeleteFunc(killings(mode), func(k killing) bool { return k.point != p.Name })
		if len(list) == 0 || !keep(i, p) {
			continue
		}
		sides := []int{i % 3}
		if all(i, p) {
			sides = []int{0, 1, 2}
		}
		for _, side := range sides {
			h := harming{list[(i+side)/2%len(list)], side} // resume or cancel
			if h.action == "rollback" || h.action == "finalize" {
				ends = append(ends, h)
			} else {
				starts = append(starts, h)
			}
		}
	}
	return starts, ends
}

// goesOn carries out an action in a process that sleeps at the point while harm
// is done, and waits until the process has ended by itself.
func (f *fixture) goesOn(h harming, id string, harm func(side int)) {
	f.t.Helper()
	cmd, out := f.child(h.action, id, "SHARD_ADMIN_SLEEP_AT", h.point)
	f.asleep(cmd, out)
	harm(h.side)
	require.NoError(f.t, syscall.Kill(cmd.Process.Pid, syscall.SIGCONT))
	begin := time.Now()
	require.Eventually(f.t, func() bool {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(cmd.Process.Pid, &ws, syscall.WUNTRACED|syscall.WNOHANG, nil)
		if err != nil || pid != cmd.Process.Pid {
			return err != nil
		}
		if ws.Stopped() { // it came by the point once more
			_ = syscall.Kill(pid, syscall.SIGCONT)
			return false
		}
		require.True(f.t, ws.Exited(), "%s: %v %s", h.point, ws, out)
		return true
	}, 50*time.Second, 10*time.Millisecond, "%s of %s without %s does not end: %s", h.action, h.point, threeSides[h.side], out)
	_ = cmd.Wait()
	f.t.Logf("%s of %s without %s: ended after %s: %s", h.action, h.point, threeSides[h.side], time.Since(begin).Round(10*time.Millisecond), strings.TrimSpace(out.String()))
}

// survives lets moves from shard_1 to shard_2 meet every harm: what the run ends
// with, and then its ways out, leave every row that was acknowledged on the one
// open side.
func (f *fixture) survives(s *session.Session, mode string, base int, starts, ends []harming, harm func(side int)) {
	t := f.t.(*testing.T)
	bystander := fmt.Sprint(base + 777)
	f.tenant(bystander, "shard_1", (base+777)*1000, 1)
	before := f.rowsOf(1, bystander)
	ended := func(h harming, m session.MoveView) session.MoveView {
		require.LessOrEqual(t, f.openSides(m.Tenant), 1, "%s without %s: two open sides", h.point, threeSides[h.side])
		if f.openSides(m.Tenant) == 1 {
			f.writes(m.Tenant, "after the harm")
		}
		m, err := s.Move(t.Context(), m.ID)
		require.NoError(t, err)
		was := m.State
		require.Equal(t, 1, f.openSides(m.Tenant), "%s without %s: %s and closed, although all is there again", h.point, threeSides[h.side], was)
		action := h.recover(t, m)
		if action != "" {
			m = act(t, s, action, session.MoveAction{ID: m.ID, Wait: true})
		}
		require.True(t, m.Settled, "%s: %s", h.point, m.State)
		if m.State == "ready" { // held again before the fence
			require.Equal(t, 1, f.openSides(m.Tenant))
			m = act(t, s, "cancel", session.MoveAction{ID: m.ID, Wait: true})
		}
		f.wrote(m)
		t.Logf("%s of %s without %s, found %s, then %q: %s", h.action, h.point, threeSides[h.side], was, action, m.State)
		return m
	}
	for i := 0; i < len(starts) || len(ends) > 0; i++ {
		id := fmt.Sprint(base + i)
		f.tenant(id, "shard_1", (base+i)*1000, 2)
		h := harming{}
		if i < len(starts) {
			h = starts[i]
		}
		m, err := s.StartMove(t.Context(), session.MoveRequest{
			Tenant: id, Target: "shard_2", Mode: mode, Note: "harmed",
			Hold: h.point == "held" || (h.action == "cancel" && (mode == "online" || h.point != "copy_removed")),
		})
		require.NoError(t, err)
		switch {
		case h.action == "start":
		case h.action == "cancel" && mode == "fenced" && h.point == "copy_removed": // of what was copied
			f.killedAt("start", m.ID, "copied")
		default:
			m, err = s.Await(t.Context(), m.ID, nil)
			require.NoError(t, err, h.point)
		}
		if f.openSides(id) == 1 {
			f.writes(id, "before")
		} else {
			f.acked[id] = f.rowsOf(1, id)
		}
		if h.point != "" {
			f.goesOn(h, m.ID, harm)
			m = ended(h, m)
		}
		if m.State == "retained" { // it would keep the guards of the next
			if len(ends) > 0 {
				f.writes(id, "on the target")
				f.goesOn(ends[0], m.ID, harm)
				m, ends = ended(ends[0], m), ends[1:]
			}
			if m.State == "retained" {
				m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
				f.wrote(m)
			}
		}
		require.Equal(t, before, f.rowsOf(1, bystander))
	}
	v, err := s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK)
}

// thorough reports whether every point is met in every way, as in the soak; else
// modes and databases take turns.
func thorough() bool { return os.Getenv("CUT_ALL") != "" }

// Every stop point: the connections to one database end there, and new ones are
// let in after a moment. Points that both modes pass take turns; those of the
// switch are met with each database, and in the soak in both modes.
func TestCutAtEveryPoint(t *testing.T) {
	t.Parallel()
	for i, mode := range []string{"fenced", "online"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f, s := readyOver(t, []int{0, 1, 1}, "pwb core")
			cables := f.wire()
			starts, ends := harmings(mode, func(n int, p move.Point) bool { return p.Mode != "" || n%2 == i || decides(p) && thorough() }, func(_ int, p move.Point) bool { return decides(p) })
			f.survives(s, mode, 200000+10000*i, starts, ends, func(side int) {
				cables[side].Cut()
				time.AfterFunc(300*time.Millisecond, cables[side].Mend)
			})
		})
	}
}

// The points of the switch, in the soak of a fenced move's too, and those at which an
// online move follows its tenant:
// one database's server ends as in a power cut there, and is started again. What
// it had not been made to put on the disk is lost.
func TestServerRestartedAtTheSwitch(t *testing.T) {
	t.Parallel()
	f, s := readyOver(t, []int{60, 61, 62}, "pwb core")
	for i, mode := range []string{"online", "fenced"} {
		if i > 0 && !thorough() {
			break
		}
		starts, ends := harmings(mode, func(_ int, p move.Point) bool {
			return decides(p) || p.State == move.CatchingUp || p.State == move.Switching
		}, func(int, move.Point) bool { return false })
		f.survives(s, mode, 300000+10000*i, starts, ends, func(side int) {
			f.crash(side)
			s.Reconnect()
		})
	}
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
			f, s := readyOver(t, []int{0, 1, 1}, "pwb core")
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
