package job

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job/window"
	"shardadmin/internal/pgtest/controltest"
)

// change changes the rules of a queue in a transaction of its own.
func change(t require.TestingT, c *controltest.Control, f func(tx pgx.Tx) (Rules, error)) Rules {
	var before Rules
	ctx := context.Background()
	pool, err := c.DB.Pool(ctx)
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var err error
		before, err = f(tx)
		return err
	}))
	return before
}

func windows(t require.TestingT, text string) window.Set {
	s, err := window.Parse(text)
	require.NoError(t, err)
	return s
}

// hourly is a window that is open now, or opens in an hour at the soonest.
func hourly(open bool) string {
	from := time.Now().UTC().Add(-time.Hour)
	if !open {
		from = from.Add(2*time.Hour + time.Minute)
	}
	return fmt.Sprintf("daily %s-%s UTC", from.Format("15:04"), from.Add(3*time.Hour).Format("15:04"))
}

func TestNothingNewIsClaimedInAPause(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	begun := queued(t, j, Run{Waits: WaitWindow, Priority: 9})
	running := claim(t, j, w)
	require.Equal(t, begun, running.ID)
	change(t, c, func(tx pgx.Tx) (Rules, error) { return j.Pause(t.Context(), tx, "ann@example.com", "a disk is full") })
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := j.Pause(t.Context(), tx, "bob@example.com", "me too")
		return err
	})
	require.Equal(t, fault.QueueState, fault.CodeOf(err))
	require.Contains(t, err.Error(), "by ann@example.com since")
	require.Contains(t, err.Error(), "a disk is full")

	start := queued(t, j, Run{Waits: WaitWindow, Priority: 8})
	resume := queued(t, j, Run{})
	back := queued(t, j, Run{Waits: WaitNever})
	cancel := queued(t, j, Run{Waits: WaitNever, Interrupts: true})
	require.Equal(t, cancel, claim(t, j, w).ID, "what ends a run is not kept from it")
	require.Equal(t, back, claim(t, j, w).ID, "nor what brings a tenant back")
	require.Nil(t, claim(t, j, w))

	// What a worker gives back, or has left behind, was begun and goes on.
	require.NoError(t, j.Requeue(t.Context(), running, 0))
	again := claim(t, j, w)
	require.Equal(t, begun, again.ID)
	c.Exec("UPDATE shard_admin.worker SET seen_at = seen_at - interval '5 minutes'")
	w2 := worker(t, j)
	again = claim(t, j, w2)
	require.NotNil(t, again)
	// Its lease may not be free yet; it goes on all the same when it is.
	for again.ID != begun {
		require.NoError(t, j.Finish(t.Context(), again, nil))
		again = claim(t, j, w2)
		require.NotNil(t, again)
	}
	require.NoError(t, j.Requeue(t.Context(), again, time.Millisecond))
	require.Eventually(t, func() bool { again = claim(t, j, w2); return again != nil && again.ID == begun }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, j.Finish(t.Context(), again, nil))

	rules, line, err := j.Line(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a disk is full", rules.Paused.Why)
	held := []string{}
	for _, l := range line {
		// What the worker that is gone left behind was begun: nothing keeps it.
		if l.State == Queued && l.StartedAt == nil {
			held = append(held, l.ID)
			require.Equal(t, "pause", l.Hold.Code)
			require.Contains(t, l.Hold.Text, "paused by ann@example.com")
		}
	}
	require.ElementsMatch(t, []string{start, resume}, held)
	before := change(t, c, func(tx pgx.Tx) (Rules, error) { return j.Unpause(t.Context(), tx) })
	require.Equal(t, "ann@example.com", before.Paused.By)
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := j.Unpause(t.Context(), tx)
		return err
	})
	require.Equal(t, fault.QueueState, fault.CodeOf(err))
	require.Equal(t, start, claim(t, j, w2).ID)
	require.Equal(t, resume, claim(t, j, w2).ID)
}

// A run that came too early for its lease was not begun by that.
func TestARunThatCouldNotBeginWaitsAgain(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	id := queued(t, j, Run{Waits: WaitWindow})
	r := claim(t, j, w)
	require.NoError(t, j.Requeue(t.Context(), r, time.Millisecond))
	change(t, c, func(tx pgx.Tx) (Rules, error) { return j.Pause(t.Context(), tx, "ann@example.com", "x") })
	time.Sleep(20 * time.Millisecond)
	require.Nil(t, claim(t, j, w))
	change(t, c, func(tx pgx.Tx) (Rules, error) { return j.Unpause(t.Context(), tx) })
	require.Equal(t, id, claim(t, j, w).ID)
}

func TestStartsWaitForAWindow(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	start := queued(t, j, Run{Waits: WaitWindow, Priority: 1})
	resume := queued(t, j, Run{Resource: "tenant/2"})
	shut := windows(t, hourly(false))
	change(t, c, func(tx pgx.Tx) (Rules, error) { return j.SetWindows(t.Context(), tx, "ann@example.com", shut) })
	rules, line, err := j.Line(t.Context())
	require.NoError(t, err)
	require.False(t, rules.Open())
	require.Equal(t, shut.String(), rules.Windows.String())
	require.Equal(t, "ann@example.com", rules.ChangedBy)
	require.Equal(t, "window", line[0].Hold.Code)
	require.Contains(t, line[0].Hold.Text, shut.Opens(rules.Now).UTC().Format("2006-01-02 15:04 UTC"))
	require.Empty(t, line[1].Hold.Code)
	require.Equal(t, resume, claim(t, j, w).ID)
	require.Nil(t, claim(t, j, w))

	c.Exec("UPDATE shard_admin.queue SET windows = 'when the moon is full'")
	require.Nil(t, claim(t, j, w), "what cannot be read is closed")
	_, line, err = j.Line(t.Context())
	require.NoError(t, err)
	require.Contains(t, line[len(line)-1].Hold.Text, "cannot be read by this version")

	before := change(t, c, func(tx pgx.Tx) (Rules, error) {
		return j.SetWindows(t.Context(), tx, "ann@example.com", windows(t, hourly(true)))
	})
	require.Equal(t, "when the moon is full", before.Unread)
	require.Equal(t, start, claim(t, j, w).ID)
}

func TestLimitsOfTheWholeQueue(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w, other := worker(t, j), worker(t, jobs(c, "other"))
	limit := func(fleet, shard int) {
		p := func(n int) *int {
			if n == 0 {
				return nil
			}
			return &n
		}
		change(t, c, func(tx pgx.Tx) (Rules, error) {
			return j.SetLimit(t.Context(), tx, "ann@example.com", false, p(fleet))
		})
		change(t, c, func(tx pgx.Tx) (Rules, error) {
			return j.SetLimit(t.Context(), tx, "ann@example.com", true, p(shard))
		})
	}
	for i := range 8 {
		queued(t, j, Run{Shards: []string{fmt.Sprint("shard_", i/4)}})
	}
	limit(3, 0)
	first := claim(t, j, w)
	require.NotNil(t, claim(t, jobs(c, "other"), other))
	require.NotNil(t, claim(t, j, w))
	require.Nil(t, claim(t, j, w), "the fleet's limit, over all workers")
	require.Nil(t, claim(t, jobs(c, "other"), other))
	cancel := queued(t, j, Run{Resource: first.Resource, Shards: first.Shards, Interrupts: true})
	require.Equal(t, cancel, claim(t, j, w).ID)
	require.Nil(t, claim(t, j, w))
	_, line, err := j.Line(t.Context())
	require.NoError(t, err)
	require.Equal(t, Hold{"fleet", "the fleet has as many runs as its limit allows: 3"}, line[len(line)-1].Hold)
	limit(0, 0)
	require.NotNil(t, claim(t, j, w))
	require.Nil(t, claim(t, j, w), "two on each shard, as workers say")
	_, line, err = j.Line(t.Context())
	require.NoError(t, err)
	require.Equal(t, Hold{"shard", "shard_1 has as many runs as its limit allows: 2"}, line[len(line)-1].Hold)
	limit(0, 3)
	require.NotNil(t, claim(t, j, w))
	require.NotNil(t, claim(t, j, w))
	require.Nil(t, claim(t, j, w))
	for _, bad := range []int{-1, 10_001} {
		pool, err := c.DB.Pool(t.Context())
		require.NoError(t, err)
		err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := j.SetLimit(t.Context(), tx, "x", false, &bad)
			return err
		})
		require.Equal(t, fault.Usage, fault.CodeOf(err))
	}
}

// Whatever the rules and the runs: what the line says comes next is what a
// worker claims, and where the line says that everything waits, it claims
// nothing.
func TestTheLineSaysWhatIsClaimed(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	claimed, held := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		require.NoError(rt, j.Beat(t.Context(), WorkerInfo{ID: w.Worker, Host: "h", PID: 1, Version: "v", RunsAll: true}))
		c.Exec("DELETE FROM shard_admin.run; UPDATE shard_admin.queue SET paused_at = NULL, paused_by = NULL, paused_why = NULL, windows = '', per_fleet = NULL, per_shard = NULL")
		// What is drawn reaches some reasons to wait seldom; most times one is aimed at.
		bit := func(n int) int {
			if rapid.Bool().Draw(rt, "aim") {
				return n
			}
			return 0
		}
		aim := []string{"", "", "time", "pause", "window", "resource", "fleet", "shard"}[bit(1)+bit(2)+bit(4)]
		aimed := Run{Resource: "tenant/aimed", Shards: []string{"a"}}
		switch aim {
		case "time":
			aimed.NotBefore = time.Now().Add(time.Hour)
		case "pause", "window":
			aimed.Waits = WaitWindow
		case "resource", "fleet", "shard":
			before := Run{Resource: "tenant/before", Shards: aimed.Shards, Waits: WaitNever, Priority: 9}
			if aim == "resource" {
				before.Resource = aimed.Resource
			}
			require.Equal(rt, queued(t, j, before), claim(t, j, w).ID)
			aimed.Waits = WaitNever
		}
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			r := Run{
				Resource: fmt.Sprint("tenant/", rapid.IntRange(1, 5).Draw(rt, "tenant")), Priority: rapid.IntRange(0, 2).Draw(rt, "priority"),
				Shards: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 2, rapid.ID).Draw(rt, "shards"),
				Waits:  rapid.SampledFrom([]Wait{WaitNever, WaitPause, WaitWindow}).Draw(rt, "waits"), Interrupts: rapid.IntRange(0, 9).Draw(rt, "interrupts") == 0,
			}
			if rapid.IntRange(0, 5).Draw(rt, "later") == 0 {
				r.NotBefore = time.Now().Add(time.Hour)
			}
			queued(t, j, r)
		}
		for range rapid.IntRange(0, 3).Draw(rt, "running") {
			if r := claim(t, j, w); r != nil && rapid.IntRange(0, 3).Draw(rt, "given back") == 0 {
				require.NoError(rt, j.Requeue(t.Context(), r, 0))
			}
		}
		if aim != "" {
			queued(t, j, aimed)
		}
		change(rt, c, func(tx pgx.Tx) (Rules, error) {
			limits := rapid.Custom(func(t *rapid.T) *int {
				if n := rapid.IntRange(0, 3).Draw(t, "n"); n > 0 {
					return &n
				}
				return nil
			})
			one := 1
			for _, perShard := range []bool{false, true} {
				limit := limits.Draw(rt, "limit")
				switch {
				case aim == "fleet" && !perShard, aim == "shard" && perShard:
					limit = &one
				case aim == "shard":
					limit = nil
				}
				_, err := j.SetLimit(t.Context(), tx, "x", perShard, limit)
				require.NoError(rt, err)
			}
			if paused := rapid.IntRange(0, 2).Draw(rt, "paused") == 0; paused && aim != "window" || aim == "pause" {
				_, err := j.Pause(t.Context(), tx, "x", "y")
				require.NoError(rt, err)
			}
			text := rapid.SampledFrom([]string{"", hourly(true), hourly(false)}).Draw(rt, "windows")
			if aim == "window" {
				text = hourly(false)
			}
			return j.SetWindows(t.Context(), tx, "x", windows(rt, text))
		})
		_, line, err := j.Line(t.Context())
		require.NoError(rt, err)
		next, reached := "", aim == ""
		for _, l := range line {
			if l.State == Running {
				continue
			}
			held[l.Hold.Code]++
			if aim != "" && l.Resource == aimed.Resource && l.State == Queued {
				reached = reached || l.Hold.Code == aim
			}
			if l.Hold.Code == "" && next == "" {
				next = l.ID
			}
		}
		require.True(rt, reached, aim)
		r := claim(t, j, w)
		if next == "" {
			require.Nil(rt, r)
			return
		}
		require.NotNil(rt, r)
		require.Equal(rt, next, r.ID)
		claimed++
	})
	require.Positive(t, claimed)
	for _, code := range []string{"", "time", "pause", "window", "resource", "fleet", "shard"} {
		require.Positive(t, held[code], "%q: %v", code, held)
	}
}

func TestTheLineSaysThatNobodyWorks(t *testing.T) {
	t.Parallel()
	c := controltest.Installed(t, fleet.Staging)
	j := jobs(c, "laptop")
	queued(t, j, Run{})
	hold := func() string {
		_, line, err := j.Line(t.Context())
		require.NoError(t, err)
		return line[0].Hold.Code
	}
	require.Equal(t, "worker", hold())
	other := jobs(c, "other")
	require.NoError(t, j.Beat(t.Context(), WorkerInfo{ID: other.Holder() + "#1", Host: "h", PID: 1, Version: "v"}))
	require.Equal(t, "worker", hold(), "one that takes only its own")
	require.NoError(t, j.Beat(t.Context(), WorkerInfo{ID: j.Holder() + "#1", Host: "h", PID: 1, Version: "v"}))
	require.Empty(t, hold())
	require.NoError(t, j.Leave(t.Context(), j.Holder()+"#1"))
	require.Equal(t, "worker", hold())
}
