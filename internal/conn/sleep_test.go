package conn_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
)

// A sleep is seen once, by a wall clock that went on; a busy computer's late tick and a
// clock that is set back are none.
func TestASleepIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		var ahead atomic.Int64
		var woken atomic.Int32
		go conn.AfterSleep(ctx, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, func() { woken.Add(1) })
		after := func(jump, rest time.Duration) int32 {
			ahead.Add(int64(jump))
			time.Sleep(rest)
			synctest.Wait()
			return woken.Load()
		}
		require.EqualValues(t, 0, after(0, 10*time.Minute), "nobody slept")
		require.EqualValues(t, 0, after(10*time.Second, time.Minute), "late")
		require.EqualValues(t, 0, after(-time.Hour, time.Minute), "set back")
		require.EqualValues(t, 1, after(8*time.Hour, 6*time.Second), "at the next look")
		require.EqualValues(t, 1, after(0, time.Hour), "once")
		require.EqualValues(t, 2, after(30*time.Second, time.Minute))
	})
}
