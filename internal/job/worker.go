package job

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
	"shardadmin/internal/version"
)

const (
	beatEvery = 10 * time.Second
	// liveFor is how long after its last heartbeat a worker counts as alive.
	liveFor = 35 * time.Second
	// deadAfter is how long after it its runs are given to others: longer
	// than any lease lives, so that the next owner finds the lease free.
	deadAfter = 90 * time.Second
	// A worker that finds nothing waiting looks for what others left, and asks whether it
	// may work at all, once in so many looks at the queue and at least that often.
	looksPerRound = 15
	roundEvery    = 3 * time.Second
)

// WorkerInfo is a worker as others see it.
type WorkerInfo struct {
	ID      string `json:"id"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	// RunsAll is true where it carries out what others have queued.
	RunsAll   bool      `json:"runs_all"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
}

// holderOf is the holder of a worker's id.
func holderOf(id string) string {
	holder, _, _ := strings.Cut(id, "#")
	return holder
}

// Busy says which worker carries out a run of a resource, and for how long
// that keeps the next run waiting if nothing more is heard of it: its run is
// then given to others. The name is "" where no run is carried out.
func (j *Jobs) Busy(ctx context.Context, resource string) (worker string, left time.Duration, err error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return "", 0, err
	}
	var seconds float64
	err = pool.QueryRow(ctx, j.sql(`SELECT split_part(r.worker, '#', 1), coalesce(greatest(extract(epoch FROM w.seen_at - clock_timestamp()) + $2, 0), 0)::float8
		FROM {{schema}}.run r LEFT JOIN {{schema}}.worker w ON w.id = r.worker
		WHERE r.state = 'running' AND r.worker IS NOT NULL AND r.resource = $1 ORDER BY r.created_at DESC LIMIT 1`), resource, deadAfter.Seconds()).Scan(&worker, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", 0, nil
	}
	return worker, time.Duration(seconds * float64(time.Second)), j.fault(err)
}

// Live returns the workers whose heartbeat is recent, by the database's clock.
func (j *Jobs) Live(ctx context.Context) ([]WorkerInfo, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, j.sql(`SELECT id, host, pid, version, runs_all, started_at, seen_at FROM {{schema}}.worker
		WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY started_at, id`), liveFor.Seconds())
	if err != nil {
		return nil, j.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (WorkerInfo, error) {
		var w WorkerInfo
		return w, row.Scan(&w.ID, &w.Host, &w.PID, &w.Version, &w.RunsAll, &w.StartedAt, &w.SeenAt)
	})
	if out == nil {
		out = []WorkerInfo{}
	}
	return out, j.fault(err)
}

// Beat says that a worker is alive.
func (j *Jobs) Beat(ctx context.Context, w WorkerInfo) error {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return err
	}
	_, err = pool.Exec(ctx, j.sql("beat"), w.ID, w.Host, w.PID, w.Version, w.RunsAll)
	return j.fault(err)
}

// Leave takes a worker off the list, so that its runs and its place are free
// at once.
func (j *Jobs) Leave(ctx context.Context, id string) error {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return err
	}
	_, err = pool.Exec(ctx, j.sql(`DELETE FROM {{schema}}.worker WHERE id = $1`), id)
	return j.fault(err)
}

// Handler carries out a run of one kind. The context ends when the worker must
// stop at once; Parking tells it sooner to stop at the next safe point. A
// fault move_parked says that it did.
type Handler func(ctx context.Context, r Run) error

type parkingKey struct{}

// Parking returns a channel that is closed when the run should stop at its
// next safe point; nil outside a worker, which blocks for ever.
func Parking(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(parkingKey{}).(<-chan struct{})
	return c
}

// Worker carries out queued runs.
type Worker struct {
	Jobs     *Jobs
	Handlers map[string]Handler
	// All takes what others have queued; otherwise only what this computer has.
	All bool
	// Concurrency bounds the runs at once; 2 when zero.
	Concurrency int
	// PerShard bounds the runs that load one shard, over all workers, where the
	// queue's rules say nothing; 2 when zero.
	PerShard int
	// Poll is the time between two looks at the queue; 1 s when zero.
	Poll time.Duration
	// Grace is how long runs may take to reach a safe point when the worker
	// is stopped; 30 s when zero.
	Grace time.Duration
	// May is asked before anything is taken from the queue or put back into it, and every
	// few seconds while nothing waits; while it fails the worker changes nothing and is
	// on no list of those alive. Nil allows.
	May func(ctx context.Context) error
	// Log hears what a person need not; nil discards it.
	Log *slog.Logger
}

func (w *Worker) defaults() Worker {
	d := *w
	if d.Concurrency == 0 {
		d.Concurrency = 2
	}
	if d.Poll == 0 {
		d.Poll = time.Second
	}
	if d.Grace == 0 {
		d.Grace = 30 * time.Second
	}
	if d.May == nil {
		d.May = func(context.Context) error { return nil }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Run works until the context ends. Then it takes nothing more, lets its runs
// reach a safe point, gives them back to the queue and leaves the list. A
// control database that cannot be reached is waited for; a right that is missing
// is not.
func (w *Worker) Run(ctx context.Context) error {
	d := w.defaults()
	host, _ := os.Hostname()
	me := WorkerInfo{ID: d.Jobs.holder + "#" + random(), Host: host, PID: os.Getpid(), Version: version.Read().Version, RunsAll: d.All}
	if err := d.Jobs.Beat(ctx, me); err != nil {
		return err
	}
	kinds := make([]string, 0, len(d.Handlers))
	for k := range d.Handlers {
		kinds = append(kinds, k)
	}

	hard, stopHard := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHard()
	park := make(chan struct{})
	var running sync.WaitGroup
	var mu sync.Mutex
	doing := map[string]bool{}
	still := false // it may take nothing, and says so once
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		d.beat(hard, me, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return still && len(doing) == 0
		})
	}()

	free := make(chan struct{}, d.Concurrency)
	tick := time.NewTicker(d.Poll)
	defer tick.Stop()
	var refused error
	var asked time.Time
	round := min(looksPerRound*d.Poll, roundEvery)
	for ctx.Err() == nil && refused == nil {
		select {
		case free <- struct{}{}:
			mu.Lock()
			ids := append(make([]string, 0, len(doing)), slices.Collect(maps.Keys(doing))...)
			mu.Unlock()
			c := Claiming{Worker: me.ID, Kinds: kinds, All: d.All, PerShard: d.PerShard, Doing: ids}
			if time.Since(asked) < round {
				due, unread := false, error(nil)
				if !still {
					due, unread = d.Jobs.due(ctx, c)
				}
				if !due && unread == nil {
					<-free
					break
				}
			}
			asked = time.Now()
			err := d.May(ctx)
			mu.Lock()
			was := still
			still = err != nil
			mu.Unlock()
			if err != nil {
				if !was && ctx.Err() == nil {
					d.Log.Warn("nothing is taken from the queue", "error", err.Error())
				}
				if fault.CodeOf(err) == fault.RightMissing {
					refused = err // waiting grants no right
				}
				<-free
				break
			}
			r, err := d.Jobs.Claim(ctx, c)
			if err != nil && ctx.Err() == nil {
				d.Log.Warn("the queue could not be read", "error", err.Error())
				if fault.CodeOf(err) == fault.RightMissing {
					refused = err // waiting grants no right
				}
			}
			if r != nil {
				mu.Lock()
				doing[r.ID] = true
				mu.Unlock()
				running.Go(func() {
					defer func() { <-free }()
					d.carryOut(hard, park, r)
					mu.Lock()
					delete(doing, r.ID)
					mu.Unlock()
				})
				continue
			}
			<-free
		default:
		}
		if refused != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}

	close(park)
	all := make(chan struct{})
	go func() { running.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(d.Grace):
	}
	stopHard()
	<-all
	<-beating
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := d.Jobs.Leave(bye, me.ID); refused == nil {
		return err
	}
	return refused
}

// beat says that the worker is alive, but not while it stands still with nothing to
// do: who counts on a worker would wait for nothing.
func (w *Worker) beat(ctx context.Context, me WorkerInfo, still func() bool) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if still() {
				continue
			}
			if err := w.Jobs.Beat(ctx, me); err != nil && ctx.Err() == nil {
				w.Log.Warn("no heartbeat", "error", err.Error())
			}
		}
	}
}

// newerAfter is how long a run that this version does not know is left to
// others.
const newerAfter = 15 * time.Second

func (w *Worker) carryOut(ctx context.Context, park <-chan struct{}, r *Run) {
	err := w.handle(context.WithValue(ctx, parkingKey{}, park), *r)
	stopping := false
	select {
	case <-park:
		stopping = true
	default:
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var ferr error
	switch code := fault.CodeOf(err); {
	case err == nil:
		ferr = w.Jobs.Finish(end, r, nil)
	case stopping && (code == fault.MoveParked || code == fault.Cancelled):
		ferr = w.Jobs.Requeue(end, r, 0)
	case code == fault.MoveParked:
		ferr = w.Jobs.Park(end, r, err)
	case code == fault.LeaseHeld:
		ferr = w.Jobs.Requeue(end, r, 5*time.Second)
	case code == fault.EngineNewer:
		// It waits for a worker of the version that knows it.
		w.Log.Warn("a run needs a newer version of this program", "run", r.ID, "kind", r.Kind, "error", err.Error())
		ferr = w.Jobs.Requeue(end, r, newerAfter)
	default:
		w.Log.Error("a run failed", "run", r.ID, "kind", r.Kind, "error", err.Error())
		ferr = w.Jobs.Finish(end, r, err)
	}
	if ferr != nil {
		w.Log.Error("the end of a run could not be stored", "run", r.ID, "error", ferr.Error())
	}
}

// handle keeps one run's panic from ending the others.
func (w *Worker) handle(ctx context.Context, r Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("a run panicked", "run", r.ID, "panic", p, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "the run ended by a mistake in this program", "the log has the details")
		}
	}()
	h, ok := w.Handlers[r.Kind]
	if !ok {
		return fault.Newf(fault.EngineNewer, "use the version of shard-admin that queued it", "this version does not know runs of kind %s", r.Kind)
	}
	return h(ctx, r)
}
