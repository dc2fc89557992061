package conn_test

import (
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/cable"
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

// Connections of before a sleep or of another network stand and carry nothing. After a
// reset the next question is answered at once; without one each costs its caller's own
// time, and then it is answered as well.
func TestAPoolOutlivesItsNetwork(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	user := role(t, s)
	wire := cable.New(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())))
	databases := open(t, logins{user, word}, conn.Options{ConnectTimeout: time.Second}, fleet.Endpoint{URL: "postgres://" + wire.Address() + "/postgres?sslmode=disable"})
	db := databases.Control()
	const patience = 700 * time.Millisecond
	ask := func() error {
		ctx, end := context.WithTimeout(t.Context(), patience)
		defer end()
		pool, err := db.Pool(ctx)
		if err != nil {
			return err
		}
		var n int
		return conn.Fault(pool.QueryRow(ctx, "SELECT 1").Scan(&n), db.Name())
	}
	// Three are open and idle.
	pool, err := db.Pool(t.Context())
	require.NoError(t, err)
	idle := func() {
		all := []interface{ Release() }{}
		for range 3 {
			c, err := pool.Acquire(t.Context())
			require.NoError(t, err)
			all = append(all, c)
		}
		for _, c := range all {
			c.Release()
		}
	}
	idle()
	wire.Strand()
	databases.Reset()
	begin := time.Now()
	require.NoError(t, ask(), "after a reset")
	require.Less(t, time.Since(begin), patience)

	pool, err = db.Pool(t.Context())
	require.NoError(t, err)
	idle()
	wire.Strand()
	failed := 0
	for ; ; failed++ {
		err := ask()
		if err == nil {
			break
		}
		require.Contains(t, []fault.Code{fault.DatabaseGone, fault.DatabaseUnreachable, fault.TimedOut}, fault.CodeOf(err), "%v", err)
		require.Less(t, failed, 4, "each dead one costs one time at the most")
	}
	require.Positive(t, failed, "the connections were dead")
}
