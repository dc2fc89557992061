package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/pgtest/controltest"
)

const ttl = time.Minute

func control(t testing.TB) *controltest.Control {
	t.Helper()
	return controltest.Installed(t, fleet.Staging)
}

func jobs(c *controltest.Control, holder string) *Jobs {
	return New(c.DB, install.DefaultSchema, holder)
}

// expire makes the database's clock pass the end of every lease.
func expire(c *controltest.Control) {
	c.Exec("UPDATE shard_admin.lease SET expires_at = clock_timestamp() - interval '1 ms' WHERE expires_at > '-infinity'")
}

// standing is a clock that the test moves.
type standing struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

func (s *standing) clock() clock {
	s.wall = time.Unix(1_800_000_000, 0)
	return clock{
		wall: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.wall },
		mono: func() time.Duration { s.mu.Lock(); defer s.mu.Unlock(); return s.mono },
	}
}

func (s *standing) pass(wall, mono time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wall, s.mono = s.wall.Add(wall), s.mono+mono
}

func guard(t testing.TB, c *controltest.Control, l *Lease, write string) error {
	t.Helper()
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if err := l.GuardTx(t.Context(), tx); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), write)
		return err
	})
}

func TestOneOfTwoOwnersHasTheLease(t *testing.T) {
	t.Parallel()
	c := control(t)
	laptop, server := jobs(c, "laptop"), jobs(c, "server")
	l, err := laptop.Acquire(t.Context(), "tenant/7", ttl)
	require.NoError(t, err)
	require.EqualValues(t, 1, l.Epoch)
	_, err = server.Acquire(t.Context(), "tenant/7", ttl)
	require.Equal(t, fault.LeaseHeld, fault.CodeOf(err))
	require.ErrorContains(t, err, "laptop")
	_, err = laptop.Acquire(t.Context(), "tenant/7", ttl)
	require.Equal(t, fault.LeaseHeld, fault.CodeOf(err), "not twice for one holder either")
	other, err := server.Acquire(t.Context(), "tenant/8", ttl)
	require.NoError(t, err)
	require.NoError(t, other.Release(t.Context()))

	require.NoError(t, l.Release(t.Context()))
	require.ErrorIs(t, context.Cause(l.Context()), context.Canceled)
	second, err := server.Acquire(t.Context(), "tenant/7", ttl)
	require.NoError(t, err, "given back, it is free at once")
	require.EqualValues(t, 2, second.Epoch)
	require.Equal(t, fault.LeaseLost, fault.CodeOf(guard(t, c, l, "SELECT 1")))
	require.NoError(t, guard(t, c, second, "SELECT 1"))
	require.NoError(t, second.Release(t.Context()))
	require.Equal(t, fault.LeaseLost, fault.CodeOf(guard(t, c, second, "SELECT 1")), "given back is given up")
}

func TestManyAtOnceGiveOneOwner(t *testing.T) {
	t.Parallel()
	c := control(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := []*Lease{}
	for i := range 12 {
		wg.Go(func() {
			l, err := jobs(c, fmt.Sprint("holder ", i)).Acquire(t.Context(), "r", ttl)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, l)
			} else if fault.CodeOf(err) != fault.LeaseHeld {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, won, 1)
	require.NoError(t, won[0].Release(t.Context()))
}

func TestASleeperWritesNothing(t *testing.T) {
	t.Parallel()
	c := control(t)
	c.Exec("CREATE TABLE public.written (who text); GRANT ALL ON public.written TO " + c.Role)
	laptop := jobs(c, "laptop")
	var s standing
	laptop.clock = s.clock()
	old, err := laptop.Acquire(t.Context(), "tenant/7", ttl)
	require.NoError(t, err)
	require.NoError(t, guard(t, c, old, "INSERT INTO public.written VALUES ('laptop awake')"))

	// The laptop sleeps: the monotonic clock stands still, wall time passes,
	// nobody renews. The server takes over.
	expire(c)
	server := jobs(c, "server")
	now, err := server.Acquire(t.Context(), "tenant/7", ttl)
	require.NoError(t, err)
	require.EqualValues(t, 2, now.Epoch)

	// Before it has noticed anything, the sleeper's write is refused.
	require.Equal(t, fault.LeaseLost, fault.CodeOf(guard(t, c, old, "INSERT INTO public.written VALUES ('laptop asleep')")))
	require.Equal(t, fault.LeaseLost, fault.CodeOf(context.Cause(old.Context())), "and its work ends")
	require.Equal(t, fault.LeaseLost, fault.CodeOf(old.renew(t.Context())))
	require.NoError(t, guard(t, c, now, "INSERT INTO public.written VALUES ('server')"))
	rows, err := c.Super().Query(t.Context(), "SELECT who FROM public.written ORDER BY 1")
	require.NoError(t, err)
	who, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"laptop awake", "server"}, who)

	// Giving back a spent lease takes nothing from the new owner.
	require.NoError(t, old.Release(t.Context()))
	require.NoError(t, guard(t, c, now, "SELECT 1"))
	require.NoError(t, now.Release(t.Context()))
}

func TestTrustEndsBeforeTheDatabaseGivesTheLeaseAway(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]struct{ wall, mono time.Duration }{
		"asleep: only wall time passed": {51 * time.Second, 0},
		"wall clock set back":           {-time.Hour, 51 * time.Second},
		"awake":                         {51 * time.Second, 51 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := control(t)
			j := jobs(c, "laptop")
			var s standing
			j.clock = s.clock()
			l, err := j.Acquire(t.Context(), "r", ttl)
			require.NoError(t, err)
			require.True(t, l.Trusted())
			c.Exec("ALTER TABLE shard_admin.lease RENAME TO away") // no renewal can succeed
			s.pass(jump.wall, jump.mono)
			require.False(t, l.Trusted())
			<-l.Context().Done()
			require.Equal(t, fault.LeaseLost, fault.CodeOf(context.Cause(l.Context())))
		})
	}
}

func TestRenewalExtendsTrustAndTime(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "laptop")
	var s standing
	j.clock = s.clock()
	l, err := j.Acquire(t.Context(), "r", ttl)
	require.NoError(t, err)
	c.Exec("UPDATE shard_admin.lease SET expires_at = clock_timestamp() + interval '20 s'")
	s.pass(16*time.Second, 16*time.Second) // a quarter has passed: the background renews
	require.Eventually(t, func() bool {
		var left float64
		err := c.Super().QueryRow(t.Context(), "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM shard_admin.lease").Scan(&left)
		return err == nil && left > 50
	}, 10*time.Second, 20*time.Millisecond)
	s.pass(49*time.Second, 49*time.Second)
	require.True(t, l.Trusted(), "trust counts from the renewal")
	require.NoError(t, l.Release(t.Context()))
}

func TestALeaseThatRanOutIsNotRenewed(t *testing.T) {
	t.Parallel()
	c := control(t)
	l, err := jobs(c, "laptop").Acquire(t.Context(), "r", ttl)
	require.NoError(t, err)
	expire(c)
	require.Equal(t, fault.LeaseLost, fault.CodeOf(l.renew(t.Context())), "although nobody has it")
}

func TestNobodyTakesTheLeaseWhileAGuardedTransactionIsOpen(t *testing.T) {
	t.Parallel()
	c := control(t)
	l, err := jobs(c, "laptop").Acquire(t.Context(), "r", ttl)
	require.NoError(t, err)
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	expire(c)
	require.NoError(t, l.GuardTx(t.Context(), tx), "nobody has taken it: it is still the owner's")
	_, err = jobs(c, "server").Acquire(t.Context(), "r", ttl)
	require.Equal(t, fault.LockTimeout, fault.CodeOf(err))
	require.NoError(t, tx.Commit(t.Context()))
	taken, err := jobs(c, "server").Acquire(t.Context(), "r", ttl)
	require.NoError(t, err)
	require.EqualValues(t, 2, taken.Epoch)
}

func TestStopEndsTheContextAndKeepsTheLease(t *testing.T) {
	t.Parallel()
	c := control(t)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := jobs(c, "laptop").Acquire(ctx, "r", ttl)
	require.NoError(t, err)
	cancel()
	require.NoError(t, l.Context().Err(), "the caller's context is not the lease's")
	l.Stop()
	require.True(t, errors.Is(context.Cause(l.Context()), context.Canceled))
	_, err = jobs(c, "server").Acquire(t.Context(), "r", ttl)
	require.Equal(t, fault.LeaseHeld, fault.CodeOf(err))
	require.NoError(t, guard(t, c, l, "SELECT 1"), "the owner may still record how it ended")
	require.NoError(t, l.Release(t.Context()))
}
