//go:build unix

package mirror

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/pgtest/trailtest"
)

// over is the same trail through a cable, on connections of its own.
func (s *setup) over(t testing.TB, c *cable.Cable) *audit.Trail {
	t.Helper()
	set := s.Through(c.Address())
	return audit.New(set.Control(), install.DefaultSchema)
}

// A first sync over a slow link that is cut again and again goes on where it was: what
// was copied stays, no event is asked for twice that is here, and at the end there is
// neither a gap nor an event too many.
func TestASyncOverALinkThatIsCutGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	s := open(t)
	const n, batch = 2_000, 50
	trailtest.Many(s.Control, n)
	s.batch = batch
	link := cable.New(t, s.Server())
	trail := s.over(t, link)

	// The link takes a moment for each batch, and is cut three times in the middle.
	slow, end := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for slow.Err() == nil {
			link.Stall()
			time.Sleep(15 * time.Millisecond)
			link.Resume()
			time.Sleep(5 * time.Millisecond)
		}
	})
	defer func() { end(); wg.Wait() }()
	var reached []int64
	for cuts := 0; ; cuts++ {
		require.Less(t, cuts, 30)
		begun, _, err := s.End(t.Context())
		require.NoError(t, err)
		done := make(chan struct{})
		if cuts < 3 {
			wg.Go(func() { // cut once two more batches are here
				for {
					select {
					case <-done:
						return
					case <-time.After(time.Millisecond):
					}
					if now, _, err := s.End(slow); err == nil && now >= begun+2*batch {
						link.Cut()
						return
					}
				}
			})
		}
		res, err := s.Sync(t.Context(), trail)
		close(done)
		link.Restore()
		end, _, kept := s.End(t.Context())
		require.NoError(t, kept)
		require.Equal(t, begun+res.Pulled, end, "every event that was pulled is here, once")
		require.GreaterOrEqual(t, end, begun)
		reached = append(reached, end)
		if err == nil {
			break
		}
		require.Contains(t, []fault.Code{fault.DatabaseGone, fault.DatabaseUnreachable}, fault.CodeOf(err), "%v", err)
		alarms, aerr := s.Alarms(t.Context())
		require.NoError(t, aerr)
		require.Empty(t, alarms, "a link that is cut is no tampering")
	}
	require.GreaterOrEqual(t, len(reached), 4, "it was cut three times: %v", reached)
	require.Positive(t, reached[0], "the first try has left something: %v", reached)
	require.Less(t, reached[0], int64(n))
	require.EqualValues(t, n, reached[len(reached)-1])
	v, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, v.Findings)
	require.EqualValues(t, n, v.Events)
	var twice, numbers int
	require.NoError(t, s.store.DB().QueryRow(`SELECT count(*) - count(DISTINCT event_id), count(DISTINCT seq) FROM mirror_event`).Scan(&twice, &numbers))
	require.Zero(t, twice)
	require.Equal(t, n, numbers)
	found, err := s.List(t.Context(), audit.Filter{Search: fmt.Sprintf("ticket%d", n-1)})
	require.NoError(t, err)
	require.Len(t, found, 1, "what came before a cut is found, and what came after")
}
