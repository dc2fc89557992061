package session

import (
	"context"
	_ "embed"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/alert"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/sample"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

// controlEvery is how often control is asked for tenants and moves, and rollEvery
// how often the history is rolled up.
const (
	controlEvery = 10 * time.Second
	rollEvery    = 5 * time.Minute
)

// ObserveOptions say how a fleet is observed.
type ObserveOptions struct {
	// Full is how often the slower tiers are asked, those that read every table:
	// their own intervals where it is zero.
	Full time.Duration
	// Alerts makes alerts of what is seen, and tells those whom the fleet file names.
	Alerts bool
	// Yield leaves the looking to another program of this computer that does it
	// already, and takes its place when that ends; and it leaves messages to those who
	// have the credentials for them. It is for programs that a person has open. Without
	// it the fleet is looked at in any case, by whoever needs the figures itself; the
	// history is kept by one program alone all the same.
	Yield bool
	// Desktop shows alerts on this computer's desktop where the fleet file has a channel
	// for that, whoever looks and evaluates. It is for the window.
	Desktop bool
}

// Observer looks at a fleet over and over and remembers what it saw: whoever asks
// it asks no database. It keeps one session with each shard, and a second one
// while a slower tier is asked. What it saw goes to the history while it holds the
// lease for that.
type Observer struct {
	s       *Session
	sampler *sample.Sampler
	past    *history.History
	shown   *alert.Shown

	yield bool

	mu      sync.Mutex
	control ControlFigures
	kept    map[string]time.Time // by shard, the newest answer that is in the history
	keeping error
	lease   *history.Lease // nil while another program keeps the history
	seen    glance         // how uneven the fleet was at the last look
}

// ControlFigures are what control said last.
type ControlFigures struct {
	// At is when it answered last, zero before it has; Err why it did not the last
	// time.
	At  time.Time
	Err error
	// Tenants are counted by the shard to which they are pointed.
	Tenants map[string]int
	// Open are the moves that are not over.
	Open []OpenMove
	// Moves and Assignments are counted by how they ended, as far as the fleet's
	// record goes back and whoever did them.
	Moves       map[MoveOutcome]int64
	Assignments map[string]int64
	// Record is why moves and assignments are not known although control answers,
	// as where our schema is not installed; nil else.
	Record error
}

// MoveOutcome is how moves of a mode ended, or stand where a person has to decide.
type MoveOutcome struct{ Mode, State string }

// OpenMove is a move that is not over.
type OpenMove struct {
	ID, Tenant, Source, Target, Mode, State string
	Rows, Copied                            int64
	Started, ReadOnlySince                  *time.Time
}

// ShardFigures are what is known of a shard.
type ShardFigures struct {
	Name       string
	Configured bool
	Reading    sample.Reading
	Report     health.Report
	// Values are figures by name, in base units; what is not known is not there.
	Values map[string]float64
	// CapacityBytes is what the operator says it may take; 0 where nobody said.
	CapacityBytes int64
}

// Figures are what is known of a fleet.
type Figures struct {
	Fleet   string
	Shards  []ShardFigures
	Control ControlFigures
	// Imbalance is by bytes, rows, load and count how far the fullest shard is above an
	// even spread, as a share; what is not known is not there.
	Imbalance map[string]float64
	// Keeping is why the history could not be written the last time; nil else.
	Keeping error
}

// Observe observes the fleet until the context ends; done is closed when nothing of
// it is under way any more. The history goes to the local store.
func (s *Session) Observe(ctx context.Context, o ObserveOptions) (observer *Observer, done <-chan struct{}, err error) {
	defer func() {
		s.mu.Lock()
		s.observed, s.unobserved = observer, err
		s.mu.Unlock()
	}()
	b := &Observer{s: s, yield: o.Yield, kept: map[string]time.Time{}, control: ControlFigures{Err: fault.New(fault.NotAvailable, "control was not asked yet", "")}}
	end := func() {}
	var first *history.Lease
	if s.cfg.DBPath != "" {
		local, err := store.Open(ctx, s.cfg.DBPath)
		if err != nil {
			return nil, nil, err
		}
		b.past, end = history.New(local, time.Now), func() { _ = local.Close() }
		b.shown = alert.NewShown(local)
		// The first try is part of the call: who observes first, looks.
		first, _, err = b.past.Acquire(ctx, s.cfg.Fleet.Name, s.cfg.Source, os.Getpid())
		b.noted(ctx, err)
	}
	sources := []sample.Source{}
	for _, sh := range s.cfg.Fleet.Shards {
		if !sh.Configured() {
			continue
		}
		sources = append(sources, sample.Source{Name: sh.Name, Open: func(ctx context.Context) (*pgx.Conn, error) {
			db, err := s.set.Shard(sh.Name)
			if err != nil {
				return nil, err
			}
			return s.first(ctx, db)
		}, Second: func(ctx context.Context) (*pgx.Conn, func(), error) {
			db, err := s.set.Shard(sh.Name)
			if err != nil {
				return nil, nil, err
			}
			return s.second(ctx, db)
		}, Beside: func(ctx context.Context) map[string]sample.Result { return s.askPooler(ctx, sh.Name) }})
	}
	rules := sample.Rules{}
	if o.Full > 0 {
		rules.Every = func(t sample.Tier) time.Duration {
			if t == sample.Tables {
				return o.Full
			}
			return t.Every()
		}
	}
	b.sampler = sample.NewSampler(sources, health.Queries(), rules, func(r sample.Reading) { b.keep(ctx, r) })
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer end()
		if o.Alerts && s.cfg.DBPath != "" {
			var tended sync.WaitGroup
			tended.Go(func() { s.tend(ctx) })
			defer tended.Wait()
		}
		if o.Desktop {
			var shown sync.WaitGroup
			shown.Go(func() { b.desktop(ctx) })
			defer shown.Wait()
		}
		if b.past == nil {
			b.look(ctx, o)
			return
		}
		if o.Yield {
			b.inTurn(ctx, first, func(ctx context.Context) { b.look(ctx, o) })
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() { b.look(ctx, o) })
		wg.Go(func() { b.inTurn(ctx, first, func(ctx context.Context) { <-ctx.Done() }) })
		wg.Wait()
	}()
	return b, closed, nil
}

// look looks at the fleet until the context ends.
func (b *Observer) look(ctx context.Context, o ObserveOptions) {
	var wg sync.WaitGroup
	wg.Go(func() { b.sampler.Run(ctx) })
	wg.Go(func() { b.watchControl(ctx) })
	wg.Go(func() { b.roll(ctx) })
	wg.Go(func() { b.spreads(ctx) })
	if o.Alerts {
		wg.Go(func() { b.alerts(ctx) })
		wg.Go(func() { b.sending(ctx) })
	}
	wg.Wait()
}

// Figures returns what is known, from memory.
func (b *Observer) Figures() Figures {
	readings := b.sampler.Latest()
	b.mu.Lock()
	out := Figures{Fleet: b.s.cfg.Fleet.Name, Control: b.control, Imbalance: b.seen.known(time.Now()), Keeping: b.keeping, Shards: []ShardFigures{}}
	b.mu.Unlock()
	for _, sh := range b.s.cfg.Fleet.Shards {
		f := ShardFigures{Name: sh.Name, Configured: sh.Configured(), CapacityBytes: sh.Capacity, Values: map[string]float64{}}
		if r, ok := readings[sh.Name]; ok {
			f.Reading, f.Report, f.Values = r, examined(r, sh.Capacity), valuesOf(r)
		}
		out.Shards = append(out.Shards, f)
	}
	return out
}

// Range returns the history of a figure of a shard, in at most that many points.
func (b *Observer) Range(ctx context.Context, shard, name string, from, to time.Time, most int) (history.Series, error) {
	if b.past == nil {
		return history.Series{}, fault.New(fault.NotAvailable, "no history is kept", "")
	}
	return b.past.Range(ctx, b.s.cfg.Fleet.Name, shard, name, from, to, most)
}

// examined judges a reading of the sampler; nothing is said before the first.
func examined(r sample.Reading, capacity int64) health.Report {
	if r.State == sample.Waiting || r.State == sample.Failing && r.At.IsZero() {
		return health.Report{Findings: []health.Finding{}, Unavailable: []health.Unavailable{}}
	}
	now := health.Reading{At: r.At, Server: r.Server, RoundTrip: r.Latency, CapacityBytes: capacity, Results: r.Results}
	if r.State == sample.Down {
		now.Err = r.Err
	}
	return health.Examine(now, earlier(r.Server, r.Before), health.Defaults())
}

// figure is where a value is found in what a query answered.
type figure struct{ name, query, column string }

// figures are the values that are kept and given to others, in base units.
func figures() []figure {
	return []figure{
		{connectionsFigure, "connections", "used"},
		{"max_connections", "connections", "max"},
		{sizeFigure, "database", "bytes"},
		{"commits_total", "database", "xact_commit"},
		{"rollbacks_total", "database", "xact_rollback"},
		{"blocks_hit_total", "database", "blks_hit"},
		{"blocks_read_total", "database", "blks_read"},
		{"temp_bytes_total", "database", "temp_bytes"},
		{"deadlocks_total", "database", "deadlocks"},
	}
}

// latencyFigure is the name of the time that a look took, sizeFigure that of a
// database's size; those after connectionsFigure are derived.
const (
	latencyFigure      = "latency_seconds"
	sizeFigure         = "size_bytes"
	connectionsFigure  = "connections"
	transactionsFigure = "transactions_per_second"
	cacheFigure        = "cache_hit_share"
	lagFigure          = "replication_lag_bytes"
)

// valuesOf are the figures of a reading; those of a shard that does not answer are
// not known any more.
func valuesOf(r sample.Reading) map[string]float64 {
	out := map[string]float64{}
	if r.State == sample.Down || r.At.IsZero() {
		return out
	}
	out[latencyFigure] = r.Latency.Seconds()
	for _, f := range figures() {
		if res := r.Results[f.query]; res.Err == nil && len(res.Rows) > 0 {
			if v, ok := res.Row(0).Float(f.column); ok {
				out[f.name] = v
			}
		}
	}
	return out
}

// longestRate is the longest time of which a rate is kept: what two looks with a gap
// between them tell belongs to no moment.
const longestRate = 3 * time.Minute

// derivedValue is what two looks, or several rows of one, make together.
type derivedValue struct {
	name  string
	value float64
	at    time.Time // of the newest answer that it is made of
}

// derived are rates and shares: of counters that begin anew they cannot be made later.
func derived(r sample.Reading) []derivedValue {
	out := []derivedValue{}
	now, before := health.Reading{At: r.At, Server: r.Server, Results: r.Results}, earlier(r.Server, r.Before)
	if v, over, ok := health.Transactions(now, before); ok && over <= longestRate {
		out = append(out, derivedValue{transactionsFigure, v, r.Results["database"].At})
	}
	if h := health.CacheHits(now, before); h.Share != nil && h.Window > 0 && h.Window <= longestRate {
		out = append(out, derivedValue{cacheFigure, *h.Share, r.Results["database"].At})
	}
	if v, ok := health.ReplicationLag(now); ok {
		out = append(out, derivedValue{lagFigure, v, r.Results["replication"].At})
	}
	return out
}

// keep writes what is new of a reading to the history.
func (b *Observer) keep(ctx context.Context, r sample.Reading) {
	if b.past == nil || r.State != sample.Up {
		return
	}
	b.mu.Lock()
	since, lease := b.kept[r.Source], b.lease
	b.kept[r.Source] = r.At
	b.mu.Unlock()
	if lease == nil {
		return
	}
	list := []history.Value{}
	if r.At.After(since) {
		list = append(list, history.Value{Shard: r.Source, Name: latencyFigure, Value: r.Latency.Seconds()})
	}
	for _, f := range figures() {
		res := r.Results[f.query]
		if res.Err != nil || len(res.Rows) == 0 || !res.At.After(since) {
			continue
		}
		if v, ok := res.Row(0).Float(f.column); ok {
			list = append(list, history.Value{Shard: r.Source, Name: f.name, Value: v})
		}
	}
	for _, d := range derived(r) {
		if d.at.After(since) {
			list = append(list, history.Value{Shard: r.Source, Name: d.name, Value: d.value})
		}
	}
	if len(list) == 0 {
		return
	}
	// Another one that keeps them is no fault; the renewal finds out as well.
	if err := lease.Add(ctx, r.At, list); fault.CodeOf(err) != fault.LeaseLost {
		b.noted(ctx, err)
	}
}

// noted remembers whether the history could be written.
func (b *Observer) noted(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // the end of the watch is no fault
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && b.keeping == nil {
		b.s.cfg.Log.Warn("the history of samples is not kept", "error", err)
	}
	b.keeping = err
}

func (b *Observer) roll(ctx context.Context) {
	if b.past == nil {
		return
	}
	every(ctx, rollEvery, func() { b.noted(ctx, b.past.Roll(ctx)) })
}

// every does something at once and then after each interval, until the context ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watchControl asks control for what only it knows.
func (b *Observer) watchControl(ctx context.Context) {
	every(ctx, controlEvery, func() {
		limited, cancel := context.WithTimeout(ctx, answerLimit)
		defer cancel()
		next, err := b.s.controlFigures(limited)
		if ctx.Err() != nil {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if err != nil {
			next = b.control // what was known stays, with its age
		}
		next.Err = err
		b.control = next
	})
}

//go:embed sql/ended.sql
var endedSQL string

//go:embed sql/underway.sql
var underwaySQL string

func (s *Session) controlFigures(ctx context.Context) (ControlFigures, error) {
	out := ControlFigures{Open: []OpenMove{}, Moves: map[MoveOutcome]int64{}, Assignments: map[string]int64{}}
	if err := s.ready(); err != nil {
		return out, err
	}
	var err error
	if out.Tenants, err = s.cat.CountByShard(ctx); err != nil {
		return out, err
	}
	out.At = time.Now()
	if out.Record = s.installed(ctx); out.Record == nil {
		out.Record = s.record(ctx, &out)
	}
	return out, nil
}

// record reads what our schema knows of moves and assignments.
func (s *Session) record(ctx context.Context, out *ControlFigures) error {
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, s.inSchema(endedSQL))
	if err != nil {
		return conn.Fault(err, s.set.Control().Name())
	}
	var kind, what, outcome string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &what, &outcome, &n}, func() error {
		if kind == "move" {
			out.Moves[MoveOutcome{what, outcome}] = n
		} else {
			out.Assignments[outcome] = n
		}
		return nil
	})
	if err != nil {
		return conn.Fault(err, s.set.Control().Name())
	}
	if rows, err = pool.Query(ctx, s.inSchema(underwaySQL)); err != nil {
		return conn.Fault(err, s.set.Control().Name())
	}
	out.Open, err = pgx.CollectRows(rows, pgx.RowToStructByPos[OpenMove])
	return conn.Fault(err, s.set.Control().Name())
}
