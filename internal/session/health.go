package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/capacity"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/health"
	"shardadmin/internal/sample"
)

// rateOver is the time of which a rate is made at the most where looks come often:
// what an earlier look was told is kept until it is that old.
const rateOver = 2 * time.Minute

// looks are what the checks of a shard were told last. A query is asked again when
// its tier's interval is over: whoever looks at a fleet every few seconds does not
// ask for estimates that read every table each time.
type looks struct {
	turn chan struct{} // holds one while nobody asks

	server          sample.Server
	results, before map[string]sample.Result
	trails          map[string]sample.Trail // of the queries whose rates need longer
	// due is when each query is asked next; one that is not there is due.
	due map[string]time.Time

	// texts are those of the statements that were asked for last, by their ids.
	texts map[int64]string

	// soon keeps the looks that answers of the whole fleet ask for.
	soon struct {
		sync.Mutex
		goes *answered // the one that goes on; nil where none does
		told *answered // the last one that was told how the shard is
	}
}

// answered is a look at a shard that goes on while those who asked for it may have
// gone: an answer of the whole fleet waits for no shard, and a look that is ended
// early is one that never tells.
type answered struct {
	done        chan struct{} // closed when now and before are there
	now, before health.Reading
}

// toldFor is for how long what a shard told last stands in for what it does not tell.
const toldFor = 5 * time.Minute

func (s *Session) looksOf(shard string) *looks {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.looks[shard]
	if l == nil {
		l = &looks{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		s.looks[shard] = l
	}
	return l
}

// Health is the health of one shard, in checksLimit, or of all with "", in answerLimit:
// with what is known by then. Of a shard that takes longer it says how old that is.
func (s *Session) Health(ctx context.Context, shard string) (Health, error) {
	shards := s.cfg.Fleet.Shards
	if shard != "" {
		sh, ok := s.cfg.Fleet.Shard(shard)
		if !ok {
			_, err := s.set.Shard(shard)
			return Health{Shards: []ShardHealth{}, Fleet: []Finding{}}, err
		}
		shards = []fleet.Shard{sh}
	}
	ask := s.askWithin(checksLimit)
	if shard == "" {
		// No shard delays the others' answers; the page of one may wait for it.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answerLimit)
		defer cancel()
		ask = s.askWithin(answerLimit)
	}
	out := Health{Shards: make([]ShardHealth, len(shards)), Fleet: []Finding{}}
	readings := make([]health.Reading, len(shards))
	var wg sync.WaitGroup
	// Read beside what the shards are asked, so that neither waits for the other.
	known := sync.OnceValue(func() past { return s.pastOf(ctx) })
	wg.Go(func() { known() })
	for i, sh := range shards {
		wg.Go(func() { out.Shards[i], readings[i] = s.health(ctx, sh, known, ask) })
	}
	wg.Wait()
	if shard != "" {
		return out, nil
	}
	byName := map[string]health.Reading{}
	for i, sh := range shards {
		if sh.Configured() {
			byName[sh.Name] = readings[i]
		}
	}
	for _, f := range health.Fleet(byName, health.Defaults()) {
		out.Fleet = append(out.Fleet, findingView(f))
	}
	return out, nil
}

func findingView(f health.Finding) Finding {
	v := Finding{
		Check: f.Check, Severity: string(f.Severity), Subject: f.Subject, Message: f.Message, Value: f.Value, Advice: f.Advice, Statement: f.Statement,
		Columns: f.Evidence.Columns, Rows: f.Evidence.Rows,
	}
	if v.Columns == nil {
		v.Columns = []string{}
	}
	if v.Rows == nil {
		v.Rows = [][]string{}
	}
	return v
}

// asking completes a reading of a shard and returns the one before it; late says why
// the reading is old, or is none although the shard answers.
type asking func(ctx context.Context, shard string, now *health.Reading) (before health.Reading, late error)

func (s *Session) health(ctx context.Context, sh fleet.Shard, known func() past, ask asking) (ShardHealth, health.Reading) {
	// A shard that says nothing has its pooler asked while it is waited for.
	pooler := sync.OnceValue(func() map[string]sample.Result { return s.askPooler(ctx, sh.Name) })
	early := time.AfterFunc(answerLimit-poolerLimit, func() { pooler() })
	v := s.shardStatus(ctx, sh)
	early.Stop()
	h := ShardHealth{
		Name: v.Name, Status: v.Status, LatencyMS: v.LatencyMS, Connections: v.Connections, MaxConnections: v.MaxConnections,
		SizeBytes: v.SizeBytes, Findings: []Finding{}, Unavailable: []UnavailableCheck{}, Problem: v.Problem, CheckedAt: v.CheckedAt,
	}
	now, before := health.Reading{At: time.Now(), CapacityBytes: sh.Capacity}, health.Reading{}
	var f capacity.Forecast
	h.Growth, f = forecast(known(), sh.Name, v.SizeBytes, sh.Capacity)
	now.FullSoonest, now.FullLatest = f.Soonest, f.Latest
	var late error
	if v.Reachable {
		if v.LatencyMS != nil {
			now.RoundTrip = time.Duration(*v.LatencyMS * float64(time.Millisecond))
		}
		before, late = ask(ctx, sh.Name, &now)
	} else if v.Configured {
		now.Err = fault.New(fault.Code(v.Problem.Code), v.Problem.Message, v.Problem.Hint)
		now.Results = pooler()
	}
	if !v.Configured {
		h.unknownHits(v.LatencyReason)
		return h, now
	}
	if late != nil {
		h.Problem, h.Status = problem(late), "degraded"
		if now.Err != nil { // it answers, so that it is not out of reach: nothing more is known
			h.CacheReason, h.IndexReason = h.Problem.Message, h.Problem.Message
			for _, c := range health.Checks() {
				if !c.Beside {
					h.Unavailable = append(h.Unavailable, UnavailableCheck{Check: c.Name, Reason: h.Problem.Message})
				}
			}
			return h, now
		}
	}
	report := health.Examine(now, before, health.Defaults())
	for _, f := range report.Findings {
		h.Findings = append(h.Findings, findingView(f))
		if f.Severity == health.Critical && h.Status != "unreachable" {
			h.Status = "degraded"
		}
	}
	if v.Reachable && v.LatencyMS == nil {
		// It answered a moment ago, and whoever looks at it now goes first.
		h.Unavailable = append(h.Unavailable, UnavailableCheck{Check: "latency", Reason: v.LatencyReason, Later: true})
	}
	for _, u := range report.Unavailable {
		h.Unavailable = append(h.Unavailable, UnavailableCheck{Check: u.Check, Reason: u.Reason, Grant: u.Grant, Later: u.Later})
	}
	if now.Err != nil {
		h.unknownHits(*errorText(now.Err))
		if v.Reachable {
			// It answers, and does not say how it is.
			h.Problem = problem(now.Err)
			h.Status = "degraded"
		}
		return h, now
	}
	h.CacheHitRate, h.CacheReason, h.CacheSince, h.CacheSinceReason = hitRate(health.CacheHits(now, before), now.Results["database"], "nothing was read since the statistics were reset")
	h.IndexHitRate, h.IndexReason, h.IndexSince, h.IndexSinceReason = hitRate(health.IndexHits(now, before), now.Results["index_reads"], "no index was read since the statistics were reset")
	return h, now
}

// unknownHits says why no share of reads from memory is known.
func (h *ShardHealth) unknownHits(why string) {
	h.CacheReason, h.CacheSinceReason, h.IndexReason, h.IndexSinceReason = why, why, why, why
}

// hitRate is a share of reads that came from memory with the time that it is about: what
// it was for months must not be taken for what it is now.
func hitRate(r health.HitRate, of sample.Result, none string) (share *float64, reason string, since *string, sinceReason string) {
	switch {
	case r.Share == nil && of.Err != nil:
		reason = *errorText(of.Err)
		return nil, reason, nil, reason
	case r.Share == nil:
		return nil, none, nil, none
	case r.Window > 0:
		return r.Share, "", ptr(stamp(of.At.Add(-r.Window))), ""
	case r.Since.IsZero():
		return r.Share, "", nil, "the statistics were never reset: it counts all reads that the server knows of"
	}
	return r.Share, "", ptr(stamp(r.Since)), ""
}

// poolerLimit is how long a pooler's console has to answer.
const poolerLimit = time.Second

// askPooler asks the pooler that a shard's URL leads through for its pools; nil
// where there is none.
func (s *Session) askPooler(ctx context.Context, shard string) map[string]sample.Result {
	db, err := s.set.Shard(shard)
	if err != nil || !db.MayBePooled() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolerLimit)
	defer cancel()
	c, err := db.Console(ctx)
	if err != nil {
		return health.NoPooler(sample.Result{At: time.Now(), Err: err})
	}
	defer func() { _ = c.Close(ctx) }()
	return health.PoolerOf(sample.Ask(ctx, c, health.PoolerStatements()), db.DatabaseName())
}

const (
	// checksLimit is how long somebody waits for a shard's checks at the most.
	checksLimit = 3 * answerLimit
	// askLimit is how long they may take, so that what was answered by then is told.
	askLimit = checksLimit - 1500*time.Millisecond
)

// askWithin is ask for an answer that waits so long for the shard: what is not told by
// then, or by the end of its context, is what was told last, and how long ago that was
// is said. The look goes on, so that whoever asks next is told.
func (s *Session) askWithin(limit time.Duration) asking {
	hint := "look again in a moment"
	if limit < checksLimit {
		hint += "; shard-admin shards health NAME waits longer"
	} else {
		hint += ", or at the shard's load and locks"
	}
	return func(ctx context.Context, shard string, now *health.Reading) (before health.Reading, late error) {
		if before, ok := s.askSampler(ctx, shard, now); ok {
			return before, nil
		}
		a, cause := s.tells(ctx, shard, limit)
		if cause != nil {
			l := s.looksOf(shard)
			l.soon.Lock()
			told := l.soon.told
			l.soon.Unlock()
			if told == nil || time.Since(told.now.At) > toldFor {
				now.Err = fault.Wrapf(cause, fault.TimedOut, hint, "%s answers, and was not yet told how it is: its statistics take longer than %s", shard, words.Span(limit))
				return before, now.Err
			}
			late = fault.Wrapf(cause, fault.TimedOut, hint, "%s answers, and its statistics take longer than %s: this is how it was %s ago", shard, words.Span(limit), words.Span(time.Since(told.now.At).Round(time.Second)))
			a = told
		}
		now.At, now.Server, now.Results, now.Err = a.now.At, a.now.Server, a.now.Results, a.now.Err
		return a.before, late
	}
}

// tells waits for the look at a shard that goes on, or for one that it begins; cause is
// why nothing was told in time.
func (s *Session) tells(ctx context.Context, shard string, limit time.Duration) (a *answered, cause error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l := s.looksOf(shard)
	l.soon.Lock()
	a = l.soon.goes
	if a == nil {
		goes := &answered{done: make(chan struct{})}
		a, l.soon.goes = goes, goes
		s.onward(ctx, func(ctx context.Context) { s.answer(ctx, shard, l, goes) })
	}
	l.soon.Unlock()
	select {
	case <-a.done:
		if fault.CodeOf(a.now.Err) == fault.TimedOut {
			return nil, a.now.Err
		}
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer carries a look out to its end.
func (s *Session) answer(ctx context.Context, shard string, l *looks, a *answered) {
	a.before, _ = s.ask(ctx, shard, &a.now)
	l.soon.Lock()
	defer l.soon.Unlock()
	l.soon.goes = nil
	if a.now.Err == nil {
		l.soon.told = a
	}
	close(a.done)
}

// ask asks a shard and the pooler before it what is due, completes a reading with
// what is known, and returns the one before it. It takes as long as that takes, and is
// never late.
func (s *Session) ask(ctx context.Context, shard string, now *health.Reading) (before health.Reading, late error) {
	before, ok := s.askSampler(ctx, shard, now)
	if ok {
		return before, nil
	}
	before = s.askServer(ctx, shard, now)
	if now.Results == nil {
		now.Results = map[string]sample.Result{}
	}
	// After the shard, so that what it was asked through the pooler is no part of
	// what the pooler says.
	maps.Copy(now.Results, s.askPooler(ctx, shard))
	return before, nil
}

func (s *Session) askServer(ctx context.Context, shard string, now *health.Reading) (before health.Reading) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	l := s.looksOf(shard)
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		now.Err = fault.Wrapf(ctx.Err(), fault.TimedOut, "try again", "%s: an earlier look has not ended", shard)
		return before
	}
	if now.Err = s.collect(ctx, shard, l); now.Err != nil {
		return before
	}
	now.At, now.Server, now.Results = time.Now(), l.server, maps.Clone(l.results)
	return earlier(l.server, maps.Clone(l.before))
}

// earlier is the look before another, as old as the oldest answer of it.
func earlier(server sample.Server, results map[string]sample.Result) health.Reading {
	r := health.Reading{Server: server, Results: results}
	for _, x := range results {
		if r.At.IsZero() || x.At.Before(r.At) {
			r.At = x.At
		}
	}
	return r
}

// acquire takes a session of a shard's pool.
func (s *Session) acquire(ctx context.Context, shard string) (*pgxpool.Conn, error) {
	db, err := s.set.Shard(shard)
	if err != nil {
		return nil, err
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	c, err := pool.Acquire(ctx)
	return c, conn.Fault(err, shard)
}

// collect asks what is due. The session is one of the pool, whose settings are not
// those of a sampler: each statement brings its own along.
func (s *Session) collect(ctx context.Context, shard string, l *looks) error {
	leave, err := s.lanes.enter(ctx, shard, statistics)
	if err != nil {
		return err
	}
	defer leave()
	c, err := s.acquire(ctx, shard)
	if err != nil {
		return err
	}
	defer c.Release()
	server, err := sample.Identify(ctx, c.Conn())
	if err != nil {
		return named(err, shard)
	}
	server.Pooled = true
	switch {
	case l.results == nil || !server.Same(l.server):
		l.results, l.before, l.due = map[string]sample.Result{}, map[string]sample.Result{}, map[string]time.Time{}
		l.trails = map[string]sample.Trail{}
	case !server.AnswersAs(l.server):
		l.due = map[string]time.Time{} // a right, an extension or the server's part changed
	}
	l.server = server
	began := time.Now()
	queries := slices.DeleteFunc(health.Queries(), func(q sample.Query) bool { return began.Before(l.due[q.Name]) })
	results, err := sample.Collect(ctx, c.Conn(), server, queries)
	if err != nil && !anyInTime(results) {
		return named(err, shard)
	}
	for _, q := range queries {
		r := results[q.Name]
		old, known := l.results[q.Name]
		switch {
		case r.Unasked:
			// It is due still; what is known of it stays with its age.
			if !known {
				l.results[q.Name] = r
			}
			continue
		case r.Late:
			rest := restOf(q.Tier)
			l.due[q.Name] = r.At.Add(rest)
			r.Err = fault.Wrapf(r.Err, fault.TimedOut, fault.As(r.Err).Hint, "%s; it is asked again after %s", fault.As(r.Err).Message, words.Span(rest))
		case q.Tier != sample.Live:
			l.due[q.Name] = began.Add(q.Tier.Every())
		}
		if q.Over > 0 {
			l.trails[q.Name] = l.trails[q.Name].With(r, q.Over)
			delete(l.before, q.Name)
			if b, ok := l.trails[q.Name].Before(); ok {
				l.before[q.Name] = b
			}
		} else if known && old.Err == nil {
			if b, ok := l.before[q.Name]; !ok || r.At.Sub(b.At) >= rateOver {
				l.before[q.Name] = old
			}
		}
		l.results[q.Name] = r
	}
	return nil
}

// anyInTime reports whether a look whose time ran out was answered in part. A
// connection that was lost, or a caller that went, is no such look.
func anyInTime(results map[string]sample.Result) bool {
	late, answered := false, false
	for _, r := range results {
		late = late || r.Late
		answered = answered || !r.Late && !r.Unasked && fault.CodeOf(r.Err) != fault.NotAvailable
	}
	return late && answered
}

// restOf is how long a query is left alone that took a whole look's time: those
// behind it are answered by then, and a server in need is not asked for it at once.
func restOf(t sample.Tier) time.Duration {
	return min(max(t.Every(), sample.Minute.Every()), sample.Tables.Every())
}

// named says of which shard a fault of the sampler is.
func named(err error, shard string) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrapf(err, fault.TimedOut, "look at the shard's load and locks", "%s: the checks were not answered in time", shard)
	}
	if f := fault.As(err); f != nil && f.Cause != nil {
		return conn.Fault(f.Cause, shard)
	}
	return err
}
