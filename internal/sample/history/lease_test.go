package history_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

func TestOneProgramKeepsTheSamplesOfAFleet(t *testing.T) {
	t.Parallel()
	h, c := open(t)
	value := []history.Value{{Shard: "s", Name: "x", Value: 1}}
	kept := func() int {
		s, err := h.Range(t.Context(), "f", "s", "x", begin, c.now.Add(time.Second), 1000)
		require.NoError(t, err)
		return len(s.Points)
	}
	first, by, err := h.Acquire(t.Context(), "f", "window", 11)
	require.NoError(t, err)
	require.Nil(t, by)
	require.NoError(t, first.Add(t.Context(), c.now, value))

	second, by, err := h.Acquire(t.Context(), "f", "worker", 12)
	require.NoError(t, err)
	require.Nil(t, second)
	require.Equal(t, &history.Holder{Face: "window", PID: 11, Since: begin, Until: begin.Add(history.LeaseTime)}, by)
	other, _, err := h.Acquire(t.Context(), "g", "worker", 12)
	require.NoError(t, err)
	require.NotNil(t, other, "another fleet is another lease")

	// Renewed, it lasts on; it ends with its time, and who slept through that writes
	// nothing once another one has it.
	c.now = begin.Add(history.LeaseTime - time.Second)
	require.NoError(t, first.Renew(t.Context()))
	c.now = begin.Add(history.LeaseTime + time.Second)
	second, _, err = h.Acquire(t.Context(), "f", "worker", 12)
	require.NoError(t, err)
	require.Nil(t, second)
	c.now = begin.Add(3 * history.LeaseTime)
	require.NoError(t, first.Add(t.Context(), c.now, value), "nobody has taken it")
	second, _, err = h.Acquire(t.Context(), "f", "worker", 12)
	require.NoError(t, err)
	require.NotNil(t, second)
	require.Equal(t, 2, kept())
	require.Equal(t, fault.LeaseLost, fault.CodeOf(first.Add(t.Context(), c.now.Add(time.Millisecond), value)))
	require.Equal(t, fault.LeaseLost, fault.CodeOf(first.Renew(t.Context())))
	require.Equal(t, 2, kept())
	require.NoError(t, first.Release(t.Context()))
	by, err = h.Holder(t.Context(), "f")
	require.NoError(t, err)
	require.Equal(t, 12, by.PID, "what another one has is not given back")
	require.NoError(t, second.Release(t.Context()))
	by, err = h.Holder(t.Context(), "f")
	require.NoError(t, err)
	require.Nil(t, by)
}

// Programs that start together open the file by themselves.
func TestOfManyThatAskAtOnceOneGetsTheLease(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/samples.db"
	got := make(chan bool, 8)
	var wg sync.WaitGroup
	first, err := store.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = first.Close() })
	for i := range 8 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = s.Close() }()
			l, _, err := history.New(s, time.Now).Acquire(t.Context(), "f", "worker", i)
			if err != nil {
				t.Error(err)
			}
			got <- l != nil
		})
	}
	wg.Wait()
	close(got)
	n := 0
	for won := range got {
		if won {
			n++
		}
	}
	require.Equal(t, 1, n)
}
