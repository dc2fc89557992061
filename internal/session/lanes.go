package session

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/health"
	"shardadmin/internal/sample"
)

// lane is what looks at a shard take turns for. Each has one session at a time, so that
// looking takes two of a shard's connections at the most, however many people look:
// whether it answers, and what it says of itself. While this program samples the shard,
// the session that the sampler keeps is the first of the two, and the sampler's slower
// tiers take their turn in the second.
type lane int

const (
	answers lane = iota
	statistics
	laneCount
)

// lanes are those of each shard.
type lanes struct {
	mu  sync.Mutex
	all map[string]*[laneCount]chan struct{}
}

// enter waits for a turn; leave has to be called after it.
func (l *lanes) enter(ctx context.Context, shard string, which lane) (leave func(), err error) {
	l.mu.Lock()
	of := l.all[shard]
	if of == nil {
		of = &[laneCount]chan struct{}{}
		for i := range of {
			of[i] = make(chan struct{}, 1)
		}
		if l.all == nil {
			l.all = map[string]*[laneCount]chan struct{}{}
		}
		l.all[shard] = of
	}
	l.mu.Unlock()
	select {
	case of[which] <- struct{}{}:
		return func() { <-of[which] }, nil
	case <-ctx.Done():
		return nil, fault.Wrapf(ctx.Err(), fault.TimedOut, "try again", "%s: an earlier look has not ended", shard)
	}
}

// shareTurn is how long what tenants take waits for its turn: a list of tenants does not
// wait for estimates that read every table, and has a connection of its own then.
const shareTurn = time.Second

// enterSoon is enter for what goes on without a turn where that does not come soon.
func (l *lanes) enterSoon(ctx context.Context, shard string, which lane) (leave func()) {
	ctx, cancel := context.WithTimeout(ctx, shareTurn)
	defer cancel()
	leave, err := l.enter(ctx, shard, which)
	if err != nil {
		return func() {}
	}
	return leave
}

// first is the session that the sampler keeps: who looks over the first of two ends, and
// what that leaves idle makes room.
func (s *Session) first(ctx context.Context, db *conn.Database) (*pgx.Conn, error) {
	leave := s.lanes.enterSoon(ctx, db.Name(), answers)
	defer leave()
	db.CloseIdle(ctx)
	return db.Sampling(ctx, sample.Settings())
}

// enterAnswers waits for the turn of a look at whether a shard answers.
func (s *Session) enterAnswers(ctx context.Context, shard string) (leave func(), err error) {
	for {
		which := s.answersBy(shard)
		if leave, err = s.lanes.enter(ctx, shard, which); err != nil || which == s.answersBy(shard) {
			return leave, err
		}
		leave() // the sampler has come meanwhile, or gone
	}
}

// second lends the sampler a session for a slower tier: that of the pool, where that
// leads to the server itself, so that it is no third one.
func (s *Session) second(ctx context.Context, db *conn.Database) (*pgx.Conn, func(), error) {
	leave, err := s.lanes.enter(ctx, db.Name(), statistics)
	if err != nil {
		return nil, nil, err
	}
	if db.MayBePooled() {
		c, err := db.Sampling(ctx, sample.Settings())
		if err != nil {
			leave()
			return nil, nil, err
		}
		return c, func() {
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerLimit)
			defer cancel()
			_ = c.Close(bye)
			leave()
		}, nil
	}
	c, err := s.acquire(ctx, db.Name())
	if err != nil {
		leave()
		return nil, nil, err
	}
	return c.Conn(), func() { c.Release(); leave() }, nil
}

// sampled is what the sampler of this program knows of a shard that answers, looked at now
// over the session that it keeps. It is false where this program does not sample the
// shard, it does not answer, or the sampler is busy with its counters: then whoever asks
// looks himself.
func (s *Session) sampled(ctx context.Context, shard string) (sample.Reading, bool) {
	s.mu.Lock()
	b := s.observed
	s.mu.Unlock()
	if b == nil {
		return sample.Reading{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit/2)
	defer cancel()
	r, looked := b.sampler.Look(ctx, shard)
	return r, looked && r.State == sample.Up
}

// answersBy is the lane of a look at whether a shard answers: while the sampler has its
// session there, or is about to have it, that is the first of the two. After one miss,
// which a busy computer makes, it has it again in a moment.
func (s *Session) answersBy(shard string) lane {
	s.mu.Lock()
	b := s.observed
	s.mu.Unlock()
	if b != nil && b.sampler.Runs() {
		if r, ok := b.sampler.Reading(shard); ok && r.State != sample.Down {
			return statistics
		}
	}
	return answers
}

// sampledAll is sampled where every check was asked once: what a page shows is whole.
func (s *Session) sampledAll(ctx context.Context, shard string) (sample.Reading, bool) {
	r, ok := s.sampled(ctx, shard)
	if !ok {
		return r, false
	}
	for _, q := range health.Queries() {
		if _, asked := r.Results[q.Name]; !asked {
			return r, false
		}
	}
	return r, true
}

// askSampler completes a reading with what the sampler knows.
func (s *Session) askSampler(ctx context.Context, shard string, now *health.Reading) (before health.Reading, ok bool) {
	r, ok := s.sampledAll(ctx, shard)
	if !ok {
		return before, false
	}
	now.At, now.Server, now.Results = r.At, r.Server, r.Results
	return earlier(r.Server, r.Before), true
}

// remembered fills in what the sampler knows of a shard that answers.
func remembered(r sample.Reading, v *ShardStatus) {
	v.Reachable, v.AnsweredAt = true, ptr(stampSecond(r.At))
	v.CheckedAt = *v.AnsweredAt
	v.Version, v.LatencyMS = r.Server.VersionText, ptr(milliseconds(r.RoundTrip))
	used, limit := 0, 0
	if row, _ := first(r, "connections"); row != nil {
		used, limit = int(row.IntOr("used", 0)), int(row.IntOr("max", 0))
		v.Connections, v.MaxConnections = &used, &limit
	}
	v.Status = grade(*v.LatencyMS, used, limit)
	row, err := first(r, "database")
	switch {
	case err != nil:
		v.Status, v.Error, v.Problem, v.SizeReason = "degraded", errorText(err), problem(err), *errorText(err)
	case row == nil:
		v.SizeReason = "it was not asked yet: the first look at its counters is under way"
	default:
		if size, ok := row.Int("bytes"); ok {
			v.SizeBytes = &size
		} else {
			v.SizeReason = "the server does not say"
		}
	}
}

// first is the first row that a query of a reading was answered, nil where it was not
// asked or there is none.
func first(r sample.Reading, query string) (*sample.Row, error) {
	res := r.Results[query]
	if res.Err != nil || len(res.Rows) == 0 {
		return nil, res.Err
	}
	row := res.Row(0)
	return &row, nil
}

// roomOf is what the sampler knows of what a shard takes, and whether it takes writes.
func roomOf(r sample.Reading) (used int64, readOnly, known bool) {
	database, _ := first(r, "database")
	writable, _ := first(r, "writable")
	if database == nil || writable == nil {
		return 0, false, false
	}
	used, known = database.Int("bytes")
	return used, r.Server.InRecovery || writable.Is("read_only"), known
}

func stampSecond(t time.Time) string { return t.UTC().Format(time.RFC3339) }
