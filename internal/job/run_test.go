package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/controltest"
)

func queued(t testing.TB, j *Jobs, r Run) string {
	t.Helper()
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	if r.Kind == "" {
		r.Kind = "move"
	}
	if r.Resource == "" {
		r.Resource = "tenant/" + r.ID
	}
	r.CreatedBy = "ann@example.com"
	require.NoError(t, j.Queue(t.Context(), nil, r))
	return r.ID
}

func worker(t testing.TB, j *Jobs) Claiming {
	t.Helper()
	id := j.Holder() + "#" + random()
	require.NoError(t, j.Beat(t.Context(), WorkerInfo{ID: id, Host: "h", PID: 1, Version: "v", RunsAll: true}))
	return Claiming{Worker: id, Kinds: []string{"move"}, All: true}
}

func claim(t testing.TB, j *Jobs, c Claiming) *Run {
	t.Helper()
	r, err := j.Claim(t.Context(), c)
	require.NoError(t, err)
	return r
}

func TestClaimTakesTheQueueInOrder(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	require.Nil(t, claim(t, j, w))
	first := queued(t, j, Run{Payload: json.RawMessage(`{"n": 1}`)})
	second := queued(t, j, Run{})
	urgent := queued(t, j, Run{Priority: 5})
	queued(t, j, Run{NotBefore: time.Now().Add(time.Hour), Priority: 9})
	queued(t, j, Run{Kind: "unknown", Priority: 9})
	require.NoError(t, j.Queue(t.Context(), nil, Run{ID: first, Kind: "move", Resource: "again", CreatedBy: "x"}), "filed once")

	var order []string
	for range 3 {
		r := claim(t, j, w)
		require.NotNil(t, r)
		require.Equal(t, Running, r.State)
		require.Equal(t, c.Role, r.CreatedAs)
		order = append(order, r.ID)
		require.NoError(t, j.Note(t.Context(), nil, r, "began", map[string]int{"n": 1}))
		require.NoError(t, j.Finish(t.Context(), r, nil))
	}
	require.Equal(t, []string{urgent, first, second}, order)
	require.Nil(t, claim(t, j, w))
	done, err := j.Get(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, Done, done.State)
	require.JSONEq(t, `{"n": 1}`, string(done.Payload))
	require.NotNil(t, done.EndedAt)
	steps, err := j.Steps(t.Context(), first)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	require.Equal(t, "began", steps[0].Step)
	pending, err := j.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, pending, 2)
	_, err = j.Get(t.Context(), "nothing")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestARunIsQueuedWithItsTransaction(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	no := errors.New("no")
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		require.NoError(t, j.Queue(t.Context(), tx, Run{Kind: "move", Resource: "r", CreatedBy: "x"}))
		return no
	})
	require.ErrorIs(t, err, no)
	pending, err := j.Pending(t.Context())
	require.NoError(t, err)
	require.Empty(t, pending)
	require.Error(t, j.Queue(t.Context(), nil, Run{Kind: "move"}))
}

func TestEachRunHasOneWorker(t *testing.T) {
	t.Parallel()
	c := control(t)
	const n = 30
	for range n {
		queued(t, jobs(c, "laptop"), Run{})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for i := range 6 {
		j := jobs(c, fmt.Sprint("server", i))
		w := worker(t, j)
		wg.Go(func() {
			for {
				r, err := j.Claim(context.Background(), w)
				if err != nil {
					t.Error(err)
					return
				}
				if r == nil {
					return
				}
				mu.Lock()
				seen[r.ID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, n)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func TestLimitsPerShardAndResource(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	w := worker(t, j)
	w.PerShard = 1
	a := queued(t, j, Run{Resource: "tenant/1", Shards: []string{"default", "shard_1"}})
	b := queued(t, j, Run{Resource: "tenant/2", Shards: []string{"shard_1", "shard_2"}})
	d := queued(t, j, Run{Resource: "tenant/3", Shards: []string{"shard_3"}})
	same := queued(t, j, Run{Resource: "tenant/3", Shards: []string{"shard_4"}})

	got := map[string]*Run{}
	first := claim(t, j, w)
	got[first.ID] = first
	cancel := queued(t, j, Run{Resource: "tenant/1", Shards: []string{"default", "shard_1"}, Interrupts: true})
	for r := claim(t, j, w); r != nil; r = claim(t, j, w) {
		got[r.ID] = r
	}
	require.Len(t, got, 3)
	require.Contains(t, got, a)
	require.Contains(t, got, d)
	require.Contains(t, got, cancel, "what ends a run does not wait for it")
	require.NoError(t, j.Finish(t.Context(), got[a], nil))
	r := claim(t, j, w)
	require.Equal(t, b, r.ID)
	require.NoError(t, j.Finish(t.Context(), got[d], errors.New("secret detail of a driver")))
	require.Equal(t, same, claim(t, j, w).ID)
	failed, err := j.Get(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, Failed, failed.State)
	require.Equal(t, "internal", failed.ErrorCode)
	require.NotContains(t, failed.Error, "secret")
}

func TestLimitHoldsForClaimsAtOnce(t *testing.T) {
	t.Parallel()
	c := control(t)
	for range 10 {
		queued(t, jobs(c, "x"), Run{Shards: []string{"shard_1"}})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for i := range 8 {
		j := jobs(c, fmt.Sprint("s", i))
		w := worker(t, j)
		wg.Go(func() {
			if r, err := j.Claim(context.Background(), w); err != nil {
				t.Error(err)
			} else if r != nil {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 2, n)
}

func TestAWindowCarriesOutItsOwnRunsOnly(t *testing.T) {
	t.Parallel()
	c := control(t)
	window, server := jobs(c, "window"), jobs(c, "server")
	others := queued(t, server, Run{})
	own := queued(t, window, Run{})
	w := worker(t, window)
	w.All = false
	require.Equal(t, own, claim(t, window, w).ID)
	require.Nil(t, claim(t, window, w))
	s := worker(t, server)
	require.Equal(t, others, claim(t, server, s).ID)
}

func TestAPreferredHolderComesFirstWhileItLives(t *testing.T) {
	t.Parallel()
	c := control(t)
	big, small := jobs(c, "big"), jobs(c, "small")
	wb, ws := worker(t, big), worker(t, small)
	one, two := queued(t, small, Run{Prefers: "big"}), queued(t, small, Run{Prefers: "big"})
	require.Nil(t, claim(t, small, ws))
	require.Equal(t, one, claim(t, big, wb).ID)
	require.NoError(t, big.Leave(t.Context(), wb.Worker))
	r := claim(t, small, ws)
	require.NotNil(t, r)
	require.Contains(t, []string{one, two}, r.ID)
}

func TestADeadWorkersRunIsTakenOver(t *testing.T) {
	t.Parallel()
	c := control(t)
	laptop, server := jobs(c, "laptop"), jobs(c, "server")
	wl, ws := worker(t, laptop), worker(t, server)
	id := queued(t, laptop, Run{})
	old := claim(t, laptop, wl)
	require.Equal(t, id, old.ID)
	require.Nil(t, claim(t, server, ws))
	busy := func() (string, time.Duration) {
		t.Helper()
		who, left, err := server.Busy(t.Context(), old.Resource)
		require.NoError(t, err)
		return who, left
	}
	who, left := busy()
	require.Equal(t, laptop.Holder(), who)
	require.InDelta(t, 90, left.Seconds(), 10)
	c.Exec("UPDATE shard_admin.worker SET seen_at = seen_at - interval '60 s' WHERE id LIKE 'laptop%'")
	live, err := server.Live(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 1, "not alive any more")
	require.Nil(t, claim(t, server, ws), "and not dead yet: a lease may still be trusted")
	_, left = busy()
	require.InDelta(t, 30, left.Seconds(), 10, "what is left until others take it over")
	c.Exec("UPDATE shard_admin.worker SET seen_at = seen_at - interval '60 s' WHERE id LIKE 'laptop%'")
	again := claim(t, server, ws)
	require.NotNil(t, again)
	require.Equal(t, []any{id, 2}, []any{again.ID, again.Attempt})

	for _, end := range []func() error{
		func() error { return laptop.Finish(t.Context(), old, nil) },
		func() error { return laptop.Park(t.Context(), old, fault.New(fault.MoveParked, "parked", "")) },
		func() error { return laptop.Requeue(t.Context(), old, 0) },
	} {
		require.Equal(t, fault.LeaseLost, fault.CodeOf(end()), "the sleeper changes nothing")
	}
	now, err := server.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, Running, now.State)
	require.Equal(t, ws.Worker, now.Worker)
	require.NoError(t, server.Finish(t.Context(), again, nil))
	who, left = busy()
	require.Empty(t, who, "nobody is at it")
	require.Zero(t, left)
}

func TestNobodyQueuesAsSomebodyElse(t *testing.T) {
	t.Parallel()
	c := control(t)
	id := queued(t, jobs(c, "x"), Run{})
	pool, err := c.DB.Pool(t.Context())
	require.NoError(t, err)
	for _, set := range []string{"created_by = 'boss@example.com'", "created_as = 'boss'", "payload = '{\"x\": 1}'", "kind = 'other'"} {
		_, err := pool.Exec(t.Context(), "UPDATE shard_admin.run SET "+set+" WHERE id = $1", id)
		require.ErrorContains(t, err, "42501", set)
	}
	_, err = pool.Exec(t.Context(), "INSERT INTO shard_admin.run (id, kind, resource, payload, created_by, created_as) VALUES (gen_random_uuid(), 'move', 'r', '{}', 'x', 'boss')")
	require.NoError(t, err)
	var as string
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT DISTINCT created_as FROM shard_admin.run").Scan(&as))
	require.Equal(t, c.Role, as)
}

// run starts a worker and returns a function that stops it and waits.
func run(t testing.TB, w *Worker) (stop func() error) {
	t.Helper()
	w.Poll = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- w.Run(ctx) }()
	t.Cleanup(cancel)
	return func() error { cancel(); return <-end }
}

func TestWorkerCarriesOutAndLeaves(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	var mu sync.Mutex
	ran := map[string]string{}
	ended := make(chan struct{}, 10)
	w := &Worker{Jobs: j, All: true, Handlers: map[string]Handler{"move": func(_ context.Context, r Run) error {
		defer func() { ended <- struct{}{} }()
		mu.Lock()
		ran[r.ID] = r.CreatedBy
		mu.Unlock()
		var p struct{ Do string }
		_ = json.Unmarshal(r.Payload, &p)
		switch p.Do {
		case "panic":
			panic("a mistake")
		case "fail":
			return fault.New(fault.MoveBlocked, "no room", "make room")
		case "park":
			return fault.New(fault.MoveParked, "parked", "resume")
		}
		return nil
	}}}
	ids := map[string]string{}
	for _, do := range []string{"", "panic", "fail", "park"} {
		ids[do] = queued(t, j, Run{Payload: json.RawMessage(`{"do": "` + do + `"}`)})
	}
	stop := run(t, w)
	for range ids {
		<-ended
	}
	live, err := j.Live(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 1)
	require.True(t, live[0].RunsAll)
	require.NoError(t, stop())
	live, err = j.Live(t.Context())
	require.NoError(t, err)
	require.Empty(t, live)
	for do, want := range map[string]RunState{"": Done, "panic": Failed, "fail": Failed, "park": Parked} {
		r, err := j.Get(t.Context(), ids[do])
		require.NoError(t, err)
		require.Equal(t, want, r.State, do)
		require.Equal(t, "ann@example.com", ran[ids[do]])
	}
}

func TestAStoppedWorkerGivesItsRunsBack(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	for name, h := range map[string]Handler{
		"at a safe point": func(ctx context.Context, _ Run) error {
			<-Parking(ctx)
			return fault.New(fault.MoveParked, "parked", "")
		},
		"by force": func(ctx context.Context, _ Run) error { <-ctx.Done(); return ctx.Err() },
	} {
		began := make(chan struct{})
		var once sync.Once
		id := queued(t, j, Run{Kind: name})
		stop := run(t, &Worker{Jobs: j, Grace: 50 * time.Millisecond, Handlers: map[string]Handler{name: func(ctx context.Context, r Run) error {
			once.Do(func() { close(began) })
			return h(ctx, r)
		}}})
		<-began
		require.NoError(t, stop(), name)
		r, err := j.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, Queued, r.State, name)
		require.Empty(t, r.Worker)
	}
}

func TestTwoWorkersWithOneLeaseDoTheWorkOnce(t *testing.T) {
	t.Parallel()
	c := control(t)
	c.Exec("CREATE TABLE public.effect (run text); GRANT ALL ON public.effect TO " + c.Role)
	handler := func(c *controltest.Control, j *Jobs, did chan<- string) Handler {
		return func(ctx context.Context, r Run) error {
			l, err := j.Acquire(ctx, r.Resource, ttl)
			if err != nil {
				return err
			}
			defer func() { _ = l.Release(context.WithoutCancel(ctx)) }()
			pool, err := c.DB.Pool(ctx)
			if err != nil {
				return err
			}
			err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if err := l.GuardTx(ctx, tx); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "INSERT INTO public.effect VALUES ($1)", r.ID)
				return err
			})
			did <- r.ID
			return err
		}
	}
	did := make(chan string, 100)
	const n = 10
	for range n {
		queued(t, jobs(c, "x"), Run{})
	}
	for _, h := range []string{"a", "b"} {
		j := jobs(c, h)
		stop := run(t, &Worker{Jobs: j, All: true, Concurrency: 3, Handlers: map[string]Handler{"move": handler(c, j, did)}})
		defer func() { require.NoError(t, stop()) }()
	}
	for range n {
		<-did
	}
	require.Eventually(t, func() bool {
		p, err := jobs(c, "x").Pending(t.Context())
		return err == nil && len(p) == 0
	}, 10*time.Second, 10*time.Millisecond)
	var rows, runs int
	require.NoError(t, c.Super().QueryRow(t.Context(), "SELECT count(*), count(DISTINCT run) FROM public.effect").Scan(&rows, &runs))
	require.Equal(t, []int{n, n}, []int{rows, runs})
}

// A worker that may take nothing, because the schema became another's meanwhile,
// leaves the queue as it is and says so once; when it may again it works.
func TestAWorkerThatMayNotTakesNothing(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "a")
	var asked, allowed atomic.Int64
	var log bytes.Buffer
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	w := &Worker{
		Jobs: j, All: true, Poll: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Handlers: map[string]Handler{"move": func(context.Context, Run) error { close(done); return nil }},
		May: func(context.Context) error {
			asked.Add(1)
			if allowed.Load() == 0 {
				return fault.New(fault.SchemaNewer, "version 10, this program knows 9", "")
			}
			return nil
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	id := queued(t, j, Run{})
	at := asked.Load()
	require.Eventually(t, func() bool { return asked.Load() > at+3 }, 10*time.Second, time.Millisecond)
	r, err := j.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, Queued, r.State)
	require.Zero(t, r.Attempt)
	allowed.Store(1)
	<-done
	cancel()
	require.NoError(t, <-ended)
	require.Equal(t, 1, strings.Count(log.String(), "nothing is taken from the queue"))
}

// While nothing waits, a look at the queue is one statement that writes nothing, and
// whether the worker may work is asked now and then. Whatever waits is taken after that
// was asked: a worker that may no more takes nothing, however lately it was told.
func TestAnIdleWorkerAsksLittleAndNothingIsTakenUnasked(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "a")
	var asked atomic.Int64
	var refuses atomic.Bool
	done := make(chan struct{}, 10)
	const poll = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	w := &Worker{Jobs: j, All: true, Poll: poll, Handlers: map[string]Handler{"move": func(context.Context, Run) error { done <- struct{}{}; return nil }}, May: func(context.Context) error {
		asked.Add(1)
		if refuses.Load() {
			return fault.New(fault.SchemaNewer, "version 10, this program knows 9", "")
		}
		return nil
	}}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	require.Eventually(t, func() bool { return asked.Load() > 0 }, 10*time.Second, time.Millisecond)
	before := asked.Load()
	begin := time.Now()
	time.Sleep(60 * poll)
	require.LessOrEqual(t, asked.Load()-before, int64(time.Since(begin)/(looksPerRound*poll))+1)

	for range 5 {
		queued(t, j, Run{})
		<-done
		refuses.Store(true)
		id := queued(t, j, Run{})
		require.Never(t, func() bool { return len(done) > 0 }, 10*poll, poll)
		r, err := j.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, Queued, r.State)
		require.Zero(t, r.Attempt)
		refuses.Store(false)
		<-done
	}
	cancel()
	require.NoError(t, <-ended)
}

// A run that only a newer version knows is left in the queue: an older worker
// neither carries it out nor ends it.
func TestAnOlderWorkerLeavesARunToTheNewerOne(t *testing.T) {
	t.Parallel()
	c := control(t)
	older := jobs(c, "older")
	id := queued(t, older, Run{})
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{})
	w := &Worker{Jobs: older, All: true, Poll: 20 * time.Millisecond, Handlers: map[string]Handler{"move": func(context.Context, Run) error {
		close(asked)
		return fault.New(fault.EngineNewer, "made by engine 2, this is engine 1", "")
	}}}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-asked
	for {
		r, err := older.Get(t.Context(), id)
		require.NoError(t, err)
		if r.State == Queued {
			require.True(t, r.NotBefore.After(time.Now()), "others come first")
			break
		}
		require.Equal(t, Running, r.State)
	}
	stop()
	require.NoError(t, <-done)
	c.Exec("UPDATE shard_admin.run SET not_before = now()")
	newer := jobs(c, "newer")
	require.Equal(t, id, claim(t, newer, worker(t, newer)).ID)
}

// The connection is lost while a claim or the end of a run commits: the run stands in
// the name of a worker that lives and knows nothing of it, and nobody else would take
// it. The worker gives it back and takes it again, and never what it is at.
func TestAWorkerTakesUpWhatItWasNotToldOf(t *testing.T) {
	t.Parallel()
	c := control(t)
	j := jobs(c, "server")
	began, goOn := make(chan string, 10), make(chan struct{})
	w := &Worker{Jobs: j, All: true, Handlers: map[string]Handler{"move": func(_ context.Context, r Run) error {
		began <- r.ID
		<-goOn
		return nil
	}}}
	at := queued(t, j, Run{Resource: "tenant/1"})
	stop := run(t, w)
	require.Equal(t, at, <-began)
	live, err := j.Live(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 1)

	// The answer to this claim never came.
	lost := queued(t, j, Run{Resource: "tenant/2", NotBefore: time.Now().Add(time.Hour)})
	c.Exec("UPDATE shard_admin.run SET state = 'running', attempt = 1, started_at = clock_timestamp(), not_before = clock_timestamp(), worker = '" + live[0].ID + "' WHERE id = '" + lost + "'")
	require.Equal(t, lost, <-began)
	select {
	case id := <-began:
		require.Fail(t, "a run that is carried out was taken twice", id)
	case <-time.After(200 * time.Millisecond):
	}
	goOn <- struct{}{}
	goOn <- struct{}{}
	done := func(id string) bool {
		r, err := j.Get(t.Context(), id)
		return err == nil && r.State == Done
	}
	require.Eventually(t, func() bool { return done(at) && done(lost) }, time.Minute, 10*time.Millisecond)

	// The end of this one was never stored.
	c.Exec("UPDATE shard_admin.run SET state = 'running', ended_at = NULL WHERE id = '" + at + "'")
	require.Equal(t, at, <-began)
	goOn <- struct{}{}
	require.Eventually(t, func() bool { return done(at) }, time.Minute, 10*time.Millisecond)
	require.NoError(t, stop())
	r, err := j.Get(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, 2, r.Attempt)

	// Whoever keeps no count loses nothing by asking.
	x := worker(t, j)
	id := queued(t, j, Run{Resource: "tenant/3"})
	require.Equal(t, id, claim(t, j, x).ID)
	require.Nil(t, claim(t, j, x))
	x.Doing = []string{id}
	require.Nil(t, claim(t, j, x))
	x.Doing = []string{}
	again := claim(t, j, x)
	require.Equal(t, []any{id, 2}, []any{again.ID, again.Attempt})
}
