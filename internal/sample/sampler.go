package sample

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Source is a database that is sampled.
type Source struct {
	Name string
	// Open opens a session with the Settings, or one through a pooler. Its error
	// says why the database does not answer.
	Open func(ctx context.Context) (*pgx.Conn, error)
	// Second lends a session for a slower tier, which need not have the Settings, until
	// it is given back. Where it is nil one is opened and closed.
	Second func(ctx context.Context) (c *pgx.Conn, back func(), err error)
	// Beside asks what stands before the database, after each look and whether the
	// database answered or not, with a limit of its own; its results are among the
	// others. It may be nil.
	Beside func(ctx context.Context) map[string]Result
}

// State is what is known of a source.
type State string

// The states of a source.
const (
	// Waiting sources have not been asked yet.
	Waiting State = "waiting"
	// Up is one that answered its last look.
	Up State = "up"
	// Failing is one that missed one look, or as many as Rules allow.
	Failing State = "failing"
	// Down is one that missed more.
	Down State = "down"
)

// Rules say how often and how long to ask. The zero value stands for the usual
// ones.
type Rules struct {
	// Every is the interval of a tier: Tier.Every.
	Every func(Tier) time.Duration
	// Deadline is how long a source has to answer its most frequent look, with
	// opening a session for it: 2 s. It alone says whether the source is up.
	// Counters is how long it has for the minute's counters, which are asked over the
	// same session and must not take the next look's time: 8 s. Longest is how long it
	// has for the slower tiers: 30 s.
	Deadline, Counters, Longest time.Duration
	// Misses is how many looks in a row a source may miss before it is down: 1.
	// Again is how soon after a miss it is looked at again; while it is down the
	// time doubles until it is the interval of the most frequent tier: 500 ms.
	Misses int
	Again  time.Duration
	// Weary is how slowly a source may answer before it is spared the slower
	// tiers: 1 s.
	Weary time.Duration
}

func (r Rules) filled() Rules {
	if r.Every == nil {
		r.Every = Tier.Every
	}
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{{&r.Deadline, 2 * time.Second}, {&r.Counters, 8 * time.Second}, {&r.Longest, 30 * time.Second}, {&r.Again, 500 * time.Millisecond}, {&r.Weary, time.Second}} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	if r.Misses == 0 {
		r.Misses = 1
	}
	return r
}

// Reading is what is known of a source.
type Reading struct {
	Source string
	State  State
	// Since is when the state began, At when the source answered last: the age of
	// what is known. At is zero before the first answer.
	Since, At time.Time
	// Latency is the time of the last look at the most frequent tier, without
	// opening a session, RoundTrip that until its first answer came.
	Latency, RoundTrip time.Duration
	// Missed is how many looks in a row were missed, Err why the last one was.
	Missed int
	Err    error
	// Spared says why slower tiers were left out at the last time they were due;
	// "" when they were not.
	Spared string
	Server Server
	// Results are the newest of each query, Before those before them; of a counter
	// the two make a rate. Both are of one server: after a restart Before is empty.
	Results, Before map[string]Result
}

// Sampler looks at sources over and over. It keeps one session with each, and a
// second one for as long as a slower tier takes.
type Sampler struct {
	sources []Source
	queries map[Tier][]Query
	over    map[string]time.Duration // by query, where it is not the time between two looks
	rules   Rules
	heard   func(Reading)
	runs    atomic.Bool

	mu       sync.Mutex
	readings map[string]Reading
	asked    map[string]*asked
}

// asked is who wants a source to be looked at without waiting for the next time.
type asked struct {
	want chan struct{} // holds one while somebody does
	done chan struct{} // closed with the next look; under the sampler's mutex
}

// NewSampler makes a sampler; Run starts it. heard is told each reading, in order
// for each source; it may be nil.
func NewSampler(sources []Source, queries []Query, rules Rules, heard func(Reading)) *Sampler {
	s := &Sampler{sources: sources, queries: map[Tier][]Query{}, over: map[string]time.Duration{}, rules: rules.filled(), heard: heard, readings: map[string]Reading{}, asked: map[string]*asked{}}
	for _, q := range queries {
		s.queries[q.Tier] = append(s.queries[q.Tier], q)
		if q.Over > 0 {
			s.over[q.Name] = q.Over
		}
	}
	now := time.Now()
	for _, src := range sources {
		s.readings[src.Name] = Reading{Source: src.Name, State: Waiting, Since: now}
		s.asked[src.Name] = &asked{want: make(chan struct{}, 1), done: make(chan struct{})}
	}
	return s
}

// Latest returns what is known of every source, by name.
func (s *Sampler) Latest() map[string]Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.readings)
}

// Reading returns what is known of one source; false for one that is not sampled.
func (s *Sampler) Reading(source string) (Reading, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.readings[source]
	return r, ok
}

// freshFor is how long a look answers those who want another one.
const freshFor = time.Second

// Look has a source looked at now, over the session that is kept for it, and returns what
// is known then. It is false where the context ends first or nobody samples; what was
// known is returned all the same.
func (s *Sampler) Look(ctx context.Context, source string) (Reading, bool) {
	s.mu.Lock()
	r, known := s.readings[source]
	a := s.asked[source]
	s.mu.Unlock()
	if !known || !s.runs.Load() {
		return r, false
	}
	if r.State == Up && time.Since(r.At) < freshFor {
		return r, true
	}
	if r.State == Failing || r.State == Down {
		return r, false // it is looked at as often as one that does not answer may be
	}
	s.mu.Lock()
	done := a.done
	s.mu.Unlock()
	select {
	case a.want <- struct{}{}:
	default: // somebody wants it already
	}
	looked := false
	select {
	case <-done:
		looked = true
	case <-ctx.Done():
	}
	r, _ = s.Reading(source)
	return r, looked
}

// looked tells those who wanted a look that there was one.
func (s *Sampler) looked(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.asked[source]
	select {
	case <-a.want:
	default:
	}
	close(a.done)
	a.done = make(chan struct{})
}

// Runs reports whether anybody samples.
func (s *Sampler) Runs() bool { return s.runs.Load() }

// Run samples until the context ends. A source that does not answer delays none of
// the others.
func (s *Sampler) Run(ctx context.Context) {
	s.runs.Store(true)
	defer s.runs.Store(false)
	var wg sync.WaitGroup
	for _, src := range s.sources {
		// What was known of an earlier run goes on; its maps belong to those who read them.
		now, _ := s.Reading(src.Name)
		now.Results, now.Before = maps.Clone(now.Results), maps.Clone(now.Before)
		wg.Go(func() {
			(&watch{s: s, src: src, now: now, want: s.asked[src.Name].want, trails: map[string]Trail{}}).run(ctx)
		})
	}
	wg.Wait()
}

// tell keeps a reading and passes it on.
func (s *Sampler) tell(r Reading) {
	if r = s.keep(r); s.heard != nil {
		s.heard(r)
	}
}

// keep keeps a reading as it is now: its maps go on being changed by the watch.
func (s *Sampler) keep(r Reading) Reading {
	r.Results, r.Before = maps.Clone(r.Results), maps.Clone(r.Before)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readings[r.Source] = r
	return r
}

// watch is one source under watch.
type watch struct {
	s   *Sampler
	src Source
	now Reading
	// want is where somebody asks for a look before its time.
	want <-chan struct{}

	c *pgx.Conn
	// trails are of the queries whose rates are made over some time.
	trails map[string]Trail
	// due is when each tier is asked next.
	due map[Tier]time.Time
	// slow is where the answers of a slower tier come, while one is asked.
	slow chan slower
	// outgrown is true once the minute's counters did not fit into their time: they are
	// asked with the slower tiers until they take less than half of it.
	outgrown bool
}

// slower are the answers of the slower tiers.
type slower struct {
	tier    Tier
	took    time.Duration // 0 where the tier was not answered
	results map[string]Result
	server  Server
}

func (w *watch) run(ctx context.Context) {
	defer w.close()
	every := w.s.rules.Every(Live)
	w.due = map[Tier]time.Time{}
	// Sources that begin together are not asked together ever after.
	next := time.Now().Add(time.Duration(rand.Int64N(int64(every)/10 + 1))) //nolint:gosec // not a secret
	for {
		select {
		case <-ctx.Done():
			if w.slow != nil {
				for range w.slow { //nolint:revive // it ends with the context
				}
			}
			return
		case got, more := <-w.slow:
			if !more {
				w.slow = nil
				continue
			}
			w.hear(got)
			continue
		case <-w.wanted():
		case <-time.After(time.Until(next)):
		}
		began := time.Now()
		err := w.look(ctx)
		if ctx.Err() != nil {
			continue
		}
		if err != nil {
			next = time.Now().Add(w.missed(err, every))
			continue
		}
		w.ask(ctx)
		next = began.Add(jittered(every))
	}
}

// jittered is an interval, a twentieth shorter or longer.
func jittered(d time.Duration) time.Duration {
	return d - d/20 + time.Duration(rand.Int64N(int64(d)/10+1)) //nolint:gosec // not a secret
}

// look asks the frequent tiers that are due, each within its deadline.
func (w *watch) look(ctx context.Context) error {
	err := w.live(ctx)
	if err == nil {
		// Who waits for the look waits neither for the counters nor for the pooler.
		if w.now.State == Up {
			w.s.keep(w.now)
			w.s.looked(w.src.Name)
		}
		err = w.counters(ctx)
	}
	if w.src.Beside != nil {
		w.take(w.src.Beside(ctx))
	}
	if err != nil {
		return err
	}
	if w.now.State != Up {
		w.now.State, w.now.Since = Up, w.now.At
	}
	w.now.Missed, w.now.Err = 0, nil
	w.s.tell(w.now)
	w.s.looked(w.src.Name)
	return nil
}

// live asks whether the database answers, and what changes from look to look.
func (w *watch) live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.s.rules.Deadline)
	defer cancel()
	if w.c == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	queries := w.s.queries[Live]
	if len(queries) == 0 {
		queries = []Query{{Name: "alive", Tier: Live, SQL: Always("SELECT 1")}}
	}
	began := time.Now()
	results, err := Collect(ctx, w.c, w.now.Server, append([]Query{recovery()}, queries...))
	if err != nil {
		w.close()
		return err
	}
	w.now.Latency, w.now.At = time.Since(began), time.Now()
	promoted := results[recoveryName]
	w.now.RoundTrip = promoted.Took
	delete(results, recoveryName)
	w.take(results)
	for r := range promoted.All() {
		if r.Is("in_recovery") != w.now.Server.InRecovery {
			server, err := Identify(ctx, w.c)
			if err != nil {
				w.close()
				return err
			}
			w.leads(server)
		}
	}
	return nil
}

// recovery asks with each look what a promotion changes: the server is another one
// for every check from then on, though its session lives.
func recovery() Query {
	return Query{Name: recoveryName, Tier: Live, SQL: Always("SELECT pg_catalog.pg_is_in_recovery() AS in_recovery")}
}

const recoveryName = "in recovery"

// leads takes what a session leads to. Where that is another server the counters began
// anew, and so does everything that is made of them; where the same one may be asked
// more or less than before, every tier is due.
func (w *watch) leads(server Server) {
	switch {
	case !server.Same(w.now.Server):
		w.now.Results, w.now.Before, w.trails = map[string]Result{}, map[string]Result{}, map[string]Trail{}
		w.due, w.outgrown = map[Tier]time.Time{}, false
	case !server.AnswersAs(w.now.Server):
		w.due = map[Tier]time.Time{}
	}
	w.now.Server = server
}

// counters asks the minute's tier over the session that is kept. What it does not
// answer in its time is no miss: the source has just answered. The session is lost
// with the statement that is under way, and the tier goes to the slower ones.
func (w *watch) counters(ctx context.Context) error {
	began := time.Now()
	if w.outgrown || len(w.s.queries[Minute]) == 0 || began.Before(w.due[Minute]) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, w.s.rules.Counters)
	defer cancel()
	results, err := Collect(limited, w.c, w.now.Server, w.s.queries[Minute])
	if ctx.Err() != nil {
		return err // the end of the watch; nobody is told
	}
	if err != nil {
		w.close()
	}
	if err != nil && limited.Err() == nil {
		return err
	}
	w.due[Minute] = began.Add(jittered(w.s.rules.Every(Minute)))
	if err != nil {
		w.outgrown, w.due[Minute] = true, time.Time{}
	}
	w.take(results)
	return nil
}

// open opens the session that is kept and finds out what it leads to.
func (w *watch) open(ctx context.Context) error {
	c, err := w.src.Open(ctx)
	if err != nil {
		return err
	}
	server, err := Identify(ctx, c)
	if err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return err
	}
	w.c = c
	w.leads(server)
	return nil
}

func (w *watch) close() {
	if w.c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.s.rules.Deadline)
	defer cancel()
	_ = w.c.Close(ctx)
	w.c = nil
}

// wanted is where somebody asks for a look before its time: nowhere while the source does
// not answer.
func (w *watch) wanted() <-chan struct{} {
	if w.now.Missed > 0 {
		return nil
	}
	return w.want
}

// take keeps results; what they replace is kept as what was before, or what is as old as
// the query's rates need. A query that failed leaves what was known, with its age, in
// Before.
func (w *watch) take(results map[string]Result) {
	if w.now.Results == nil {
		w.now.Results, w.trails = map[string]Result{}, map[string]Trail{}
	}
	if w.now.Before == nil {
		w.now.Before = map[string]Result{}
	}
	for name, r := range results {
		old, ok := w.now.Results[name]
		switch over := w.s.over[name]; {
		case over > 0:
			w.trails[name] = w.trails[name].With(r, over)
			delete(w.now.Before, name)
			if before, known := w.trails[name].Before(); known {
				w.now.Before[name] = before
			}
		case ok && old.Err == nil:
			w.now.Before[name] = old
		}
		w.now.Results[name] = r
	}
}

// missed counts a look that was missed and says when the next one is.
func (w *watch) missed(err error, every time.Duration) time.Duration {
	w.now.Missed++
	w.now.Err = err
	state := Failing
	if w.now.Missed > w.s.rules.Misses {
		state = Down
	}
	if w.now.State != state {
		w.now.State, w.now.Since = state, time.Now()
	}
	w.s.tell(w.now)
	w.s.looked(w.src.Name)
	if over := w.now.Missed - w.s.rules.Misses; over > 0 {
		return jittered(min(every, w.s.rules.Again<<min(over, 10)))
	}
	return w.s.rules.Again
}

// ask asks the slower tiers that are due, on a session of their own, so that a
// statement that takes its time keeps no look waiting. One is asked at a time.
func (w *watch) ask(ctx context.Context) {
	if w.slow != nil {
		return
	}
	weary, spared := w.now.Latency >= w.s.rules.Weary, ""
	now, due := time.Now(), []Tier{}
	for _, t := range Tiers() {
		switch {
		case t == Live || t == Minute && !w.outgrown || now.Before(w.due[t]) || len(w.s.queries[t]) == 0:
			continue
		case weary && t != Minute:
			spared = "it answers slowly"
			continue
		}
		due = append(due, t)
	}
	if len(due) == 0 && spared == "" {
		return
	}
	if w.now.Spared = spared; spared != "" {
		w.s.tell(w.now)
	}
	if len(due) == 0 {
		return
	}
	for _, t := range due {
		w.due[t] = now.Add(jittered(w.s.rules.Every(t)))
	}
	answers := make(chan slower, len(due))
	w.slow = answers
	go func() { defer close(answers); w.slowly(ctx, due, answers) }()
}

// slowly asks slower tiers one after the other, each within its own time and in
// a session that is had for it alone: others may want theirs in between.
func (w *watch) slowly(ctx context.Context, due []Tier, answers chan<- slower) {
	var server Server
	tier := func(t Tier) (map[string]Result, error) {
		ctx, cancel := context.WithTimeout(ctx, w.s.rules.Longest)
		defer cancel()
		c, back, err := w.second(ctx)
		if err != nil {
			return nil, err
		}
		defer back()
		// What the session leads to may have changed since the last look.
		if server, err = Identify(ctx, c); err != nil {
			return nil, err
		}
		// A session that is lent has none of the settings.
		server.Pooled = server.Pooled || w.src.Second != nil
		return Collect(ctx, c, server, w.s.queries[t])
	}
	for _, t := range due {
		began := time.Now()
		results, err := tier(t)
		took := time.Since(began)
		if len(results) == 0 && err != nil {
			results = map[string]Result{}
			for _, q := range w.s.queries[t] {
				results[q.Name] = Result{At: time.Now(), Err: err}
			}
		}
		if err != nil {
			took = 0
		}
		answers <- slower{t, took, results, server}
	}
}

// second has a session for a slower tier.
func (w *watch) second(ctx context.Context) (*pgx.Conn, func(), error) {
	if w.src.Second != nil {
		return w.src.Second(ctx)
	}
	c, err := w.src.Open(ctx)
	return c, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.s.rules.Deadline)
		defer cancel()
		_ = c.Close(ctx)
	}, err
}

// hear takes what the slower tiers answered, unless it is of another server than
// the rest, and what their session found out about the server: rights, extensions and
// its part change while the session that is kept lives.
func (w *watch) hear(got slower) {
	if got.server.Version != 0 {
		if !got.server.Same(w.now.Server) {
			return
		}
		got.server.Pooled = w.now.Server.Pooled // it is the session's
		if !got.server.AnswersAs(w.now.Server) {
			w.leads(got.server)
		}
	}
	if got.tier == Minute && got.took > 0 && got.took < w.s.rules.Counters/2 {
		w.outgrown = false
	}
	w.take(got.results)
	w.s.tell(w.now)
}
