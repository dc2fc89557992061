//go:build faults && unix

package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/move"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// disconnect closes the sessions that the fixture keeps.
func (f *fixture) disconnect() {
	for _, c := range f.conns {
		_ = c.Close(f.t.Context())
	}
}

// restarted starts a server again that was ended in an orderly way, which ends each
// of its sessions, or as by a power cut.
func (f *fixture) restarted(n int, orderly bool) error {
	server := f.server(n)
	end := server.Crash
	if orderly {
		end = server.Stop
	}
	if err := end(f.t.Context()); err != nil {
		return err
	}
	return server.Restart(f.t.Context())
}

// restart is a server's restart at a point of an online move.
type restart struct {
	harming
	orderly bool
}

func (r restart) String() string {
	manner := "crashes"
	if r.orderly {
		manner = "restarts"
	}
	return fmt.Sprintf("%s %s at %s of %s", threeSides[r.side], manner, r.point, r.action)
}

// restarts are the points of an online move outside the switch, as those up to
// retained and those of the way back: in the soak each with every database, else some
// with one database in turn.
func restarts() (starts, ends []restart) {
	usual := []string{
		"first_table_copied", "copied", "verified", "passed", "caught_up", "views_refreshed",
		"rollback_begun", "noting_writes", "target_fenced", "rollback_verified", "flipped_back", "source_open",
	}
	on := map[string]int{}
	for _, k := range killings("online") {
		if k.recovery != "resume" || k.action != "start" && k.action != "rollback" || k.point == "held" ||
			decides(move.Point{Name: k.point}) || !thorough() && !slices.Contains(usual, k.point) {
			continue
		}
		for side := range threeSides {
			if !thorough() && side != on[k.action]%3 {
				continue
			}
			r := restart{harming{k, side}, (on[k.action]+side)%2 == 0}
			if k.action == "start" {
				starts = append(starts, r)
			} else {
				ends = append(ends, r)
			}
		}
		on[k.action]++
	}
	return starts, ends
}

// meets carries out an action whose process meets a restart. An orderly one comes
// while the process stands at the point, a crash while it goes on from there. What is
// left when it has ended is brought on by one resume.
func (f *fixture) meets(s *session.Session, b *books, r restart, id, want string) {
	t := f.t.(*testing.T)
	done := make(chan error, 1)
	f.disconnect()
	defer func() {
		if t.Failed() {
			f.disconnect()
			logOf(t, f.shown(s, id))
		}
	}()
	f.goesOn(r.harming, id, func(side int) {
		if r.orderly {
			done <- f.restarted(side, true)
			return
		}
		time.AfterFunc(5*time.Millisecond, func() { done <- f.restarted(side, false) })
	})
	require.NoError(t, <-done)
	f.goOnWriting(b, r)
	m := f.shown(s, id)
	was := m.State
	var err error
	for tries := 0; m.State != want; tries++ {
		// The session that brings it on may have connections of its own that ended
		// with the server: that costs it a try and no more.
		require.True(t, tries == 0 || tries == 1 && fault.Retryable(err), "%s, found %s, tried again: %v", r, was, err)
		action := r.action // where it failed before it began
		if slices.Contains(m.Actions, "resume") {
			action = "resume"
		}
		if _, err = s.ActOnMove(t.Context(), action, session.MoveAction{ID: id, Note: "after the restart", Wait: true}); err == nil {
			_, err = s.Await(t.Context(), id, nil)
		}
		m = f.shown(s, id)
		t.Logf("%s, found %s, then %s: %s %v", r, was, action, m.State, err)
	}
	require.Equal(t, want, m.State, "%s, found %s: %+v", r, was, m.Log)
}

// goOnWriting waits until the tenant is written again.
func (f *fixture) goOnWriting(b *books, after any) {
	f.t.Helper()
	before := b.l.acked.Load()
	require.Eventually(f.t, func() bool { return b.l.acked.Load() > before+int64(b.writers) }, 30*time.Second, 20*time.Millisecond, "%v: the tenant cannot write", after)
}

// A server restarts while the tenant is copied, compared and followed, while the move
// is retained, and on the way back, with writers at work on it: the move goes on by
// itself or by one resume, and what was acknowledged is there once.
func TestServerRestartedOutsideTheSwitch(t *testing.T) {
	t.Parallel()
	f, s := entriesOver(t, []int{65, 66, 67}, "")
	for n, database := range f.dbs { // as servers are run: what was acknowledged outlives a crash
		pgtest.Exec(t, f.server(n), "postgres", "ALTER DATABASE "+database+" SET synchronous_commit = 'on'")
	}
	s.Reconnect()
	f.disconnect()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := f.books(1, 2, 4, rand.New(rand.NewPCG(seed, 1)))
	starts, ends := restarts()
	for i := range max(len(starts), len(ends)) {
		begin := time.Now()
		story := []string{}
		stop := b.write()
		func() {
			defer stop()
			m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_2", Mode: "online", Note: "restarted"})
			require.NoError(t, err)
			if i < len(starts) {
				story = append(story, starts[i].String())
				f.meets(s, b, starts[i], m.ID, "retained")
			} else {
				_, err = s.Await(t.Context(), m.ID, nil)
				require.NoError(t, err)
			}
			side, orderly := (i+i/3)%3, i%2 == 0
			story = append(story, restart{harming{killing{point: "rest", action: "retained"}, side}, orderly}.String())
			f.disconnect()
			require.NoError(t, f.restarted(side, orderly))
			f.goOnWriting(b, story)
			if i < len(ends) {
				story = append(story, ends[i].String())
				f.meets(s, b, ends[i], m.ID, "rolled_back")
			} else {
				s.Reconnect() // its sessions ended with the server
				act(t, s, "rollback", session.MoveAction{ID: m.ID, Wait: true})
			}
			m = f.shown(s, m.ID)
			require.Equal(t, "rolled_back", m.State, "%v %+v", story, m.Log)
			time.Sleep(100 * time.Millisecond)
			stop()
			b.check(m, story)
		}()
		t.Logf("%v took %s", story, time.Since(begin).Round(10*time.Millisecond))
	}
	v, err := s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK)
}
