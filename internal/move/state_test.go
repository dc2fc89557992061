package move

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fault"
)

var allStates = []State{Planned, Copying, CatchingUp, Ready, Switching, Switched, Retained, Finalizing, Finalized, Cancelled, Failed, RollingBack, RolledBack}

func TestAfterTheFlipOnlyRollbackAndFinalizeExist(t *testing.T) {
	t.Parallel()
	undoable := map[State]bool{}
	for _, s := range allStates {
		undoable[s] = s.Undoable()
	}
	for _, s := range allStates {
		for _, to := range following[s] {
			if !undoable[s] {
				require.False(t, undoable[to], "%s may not go to %s: the pointer has moved", s, to)
			}
		}
	}
	require.Equal(t, []Action{ActionFinalize, ActionRollback}, (&Move{State: Retained}).Actions())
}

func TestEveryStateHasAWayOut(t *testing.T) {
	t.Parallel()
	reaches := func(s State) bool {
		seen := map[State]bool{}
		var walk func(State) bool
		walk = func(s State) bool {
			if s.Over() {
				return true
			}
			if seen[s] {
				return false
			}
			seen[s] = true
			for _, to := range following[s] {
				if walk(to) {
					return true
				}
			}
			return false
		}
		return walk(s)
	}
	for _, s := range allStates {
		require.True(t, reaches(s), "%s has no way out", s)
		m := &Move{State: s}
		if s.Over() {
			require.Empty(t, m.Actions())
		} else {
			require.NotEmpty(t, m.Actions(), "%s offers nothing to do", s)
			require.NotEmpty(t, m.Next())
		}
	}
}

func TestEveryStopPointIsListedAndPassed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, p := range Points() {
		require.False(t, listed[p.Name], "%s is listed twice", p.Name)
		listed[p.Name] = true
	}
	passed := map[string]bool{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	call := regexp.MustCompile(`(?:stopAt\(|stop: |closed: |opened: )"([a-z_]+)"`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			passed[m[1]] = true
			require.True(t, listed[m[1]], "%s in %s is not listed", m[1], f)
		}
	}
	for name := range listed {
		require.True(t, passed[name], "%s is listed and never passed", name)
	}
}

func TestNextOnStripeStaysOnTheStripe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.Int64Range(1, 1<<40).Draw(t, "last")
		inc := rapid.Int64Range(1, 64).Draw(t, "increment")
		floor := rapid.Int64Range(0, 1<<41).Draw(t, "floor")
		next := nextOnStripe(last, inc, floor)
		if next < last {
			t.Fatalf("lowered from %d to %d", last, next)
		}
		if (next-last)%inc != 0 {
			t.Fatalf("%d is not on the stripe of %d by %d", next, last, inc)
		}
		if next <= floor {
			t.Fatalf("%d is not above %d", next, floor)
		}
		if next != last && next-inc > floor {
			t.Fatalf("%d leaves a gap above %d", next, floor)
		}
	})
}

// What is said to be safe names the shard that the pointer leads to.
func TestWhatIsSafeNamesWhereTheTenantLives(t *testing.T) {
	t.Parallel()
	for _, s := range allStates {
		m := &Move{State: s, Tenant: "7", Label: "site-007", Source: "default", Target: "shard_1"}
		home := "shard_1"
		if s.Undoable() || s == Cancelled || s == RolledBack {
			home = "default"
		}
		require.Contains(t, m.Safe(), "site-007 lives on "+home, s)
		require.NotContains(t, m.Safe(), "wait", s)
	}
	m := &Move{State: RollingBack, Step: stepFlippedBack, Tenant: "7", Source: "default", Target: "shard_1"}
	require.Contains(t, m.Safe(), "7 lives on default again", "the pointer is back")
	since := time.Now()
	m = &Move{State: Failed, Tenant: "7", Source: "default", Target: "shard_1", ReadOnlySince: &since}
	require.Contains(t, m.Safe(), "its writes still wait")
}

// Whose time ran out is told where the tenant writes, and what may be typed now.
func TestAFenceThatRanOutSaysWhatGoesOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, c := range []struct {
		m          Move
		says, hint string
	}{
		{Move{Mode: "fenced", State: Copying}, "the copy did not finish within 10 s; the tenant writes on a again", "move start … --max-read-only"},
		{Move{Mode: "online", State: Switching}, "the switch did not finish within 10 s; the tenant writes on a again", "move resume 7 --wait"},
		{Move{Mode: "online", State: RollingBack}, "bringing the tenant back did not finish within 10 s; the tenant writes on b again", "move rollback 7 --wait"},
		{Move{Mode: "fenced", State: RollingBack}, "bringing the tenant back did not finish within 10 s; the tenant writes on b again", "move rollback 7 --wait"},
	} {
		c.m.ID, c.m.Source, c.m.Target = "7", "a", "b"
		r := &run{m: &c.m, closedFor: 10 * time.Second}
		err := r.inTime(ctx, errors.New("cut off"))
		require.Equal(t, fault.FenceExpired, fault.CodeOf(err))
		require.ErrorContains(t, err, c.says)
		require.Contains(t, fault.HintOf(err), c.hint)
		require.ErrorContains(t, r.inTime(t.Context(), errors.New("cut off")), "cut off")
		require.NotEqual(t, fault.FenceExpired, fault.CodeOf(r.inTime(t.Context(), errors.New("cut off"))))
	}
}
