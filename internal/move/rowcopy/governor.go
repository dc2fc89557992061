package rowcopy

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"shardadmin/internal/figure"
)

// Reading is what one look at a server saw.
type Reading struct {
	// Standby is the standby that is furthest behind in replaying, Lag how far;
	// "" where there is none or it may not be seen.
	Standby string
	Lag     time.Duration
	// Work is how many sessions are at work or wait for one another, Processors
	// what they share; 0 where it may not be seen.
	Work, Processors int
	// Others is how many sessions that are not ours were seen in a transaction that
	// they were not in at the last look.
	Others int
}

// Gauge reads what one server feels of its load.
type Gauge interface {
	// Name is the shard's.
	Name() string
	// Probe does once what tenants do, and returns how long it took.
	Probe(ctx context.Context) (time.Duration, error)
	// Look asks the server. After an error either may be asked again.
	Look(ctx context.Context) (Reading, error)
}

// Rules say when a copy makes way. The zero value stands for the usual ones.
type Rules struct {
	// Every is how often the servers are looked at: half a second. Where others
	// are at work they are probed more often, each Closely: 40 ms.
	Every, Closely time.Duration
	// Calm is how long nothing must have been felt before a stream comes back:
	// 5 s.
	Calm time.Duration
	// Slower is by how much at least probes must have become slower, beside
	// being twice as slow, to count where nobody else is at work: 100 ms. A copy at
	// full speed alone takes a slow disk, or few processors, for 30; whoever comes is
	// seen within Every.
	Slower time.Duration
	// Behind is how far a standby must be behind to count, 5 s; at FarBehind,
	// 30 s, no part is begun until it is half that.
	Behind, FarBehind time.Duration
	// Anew is how often the level of the probes is looked for anew, with the copy
	// at rest, while it makes way for others: 15 s.
	Anew time.Duration
	// Gone is how long no other must have been seen at work to be gone: 20 s.
	Gone time.Duration
	// Bytes is how much is to be copied. Least is the least speed whatever that
	// says, in streams.
	Bytes int64
	Least float64
}

const (
	// probes is how many readings of the probe are judged together where nobody
	// else is at work, and how many find out whether somebody is.
	probes = 20
	// settling is the time between the readings of the level before the copy.
	settling = 10 * time.Millisecond
	// levelLimit bounds the time for finding the level before the copy.
	levelLimit = 5 * time.Second
	// levelled is how many readings make a level where others are at work, again
	// is how many make one with the copy at rest, and kept how much of the level
	// stays then.
	levelled, again, kept = 75, 25, 0.6
	// working is how many readings in a row must find too many sessions at work.
	working = 4
	// longestCalm bounds the wait for a stream where each that came back was
	// taken again, in units of Calm.
	longestCalm = 12
	// begin is the speed of a copy that begins where others are at work, and
	// leastSpeed the least, in streams. A large copy has a larger least speed, a
	// stream for each perStream bytes: that takes half an hour and not days, for
	// which its snapshot would keep the server from clearing away dead rows.
	begin, leastSpeed = 0.1, 0.05
	perStream         = 36 << 30
	// bar is what a probe may take, in levels, where others are at work: what the
	// tenants feel of the guards comes on top. Where hardly anybody is, fewer than
	// hardly sessions at a time, it is lowBar, and at least lowSlower more than a
	// level.
	bar, lowBar = 1.2, 2
	hardly      = 0.5
	lowSlower   = time.Millisecond
	// remember is how much of the number of others stays with each look.
	remember = 0.95
)

func (r Rules) filled() Rules {
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{
		{&r.Every, 500 * time.Millisecond},
		{&r.Closely, 40 * time.Millisecond},
		{&r.Calm, 5 * time.Second},
		{&r.Slower, 100 * time.Millisecond},
		{&r.Behind, 5 * time.Second},
		{&r.FarBehind, 30 * time.Second},
		{&r.Anew, 15 * time.Second},
		{&r.Gone, 20 * time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	return r
}

// Decision is a change of the speed.
type Decision struct {
	// Speed is how many streams are at work on average; 0 begins nothing. Of is
	// how many there are.
	Speed float64
	Of    int
	// Why says what was felt; "" where streams come back.
	Why string
	// Often is set where the next such decision follows in seconds.
	Often bool
}

func (d Decision) String() string {
	back := ""
	if d.Why == "" {
		back = " again"
	}
	text := ""
	switch {
	case d.Speed == 0:
		return "no new part is begun: " + d.Why
	case d.Speed < 1:
		text = fmt.Sprintf("one stream, at work for %.0f %% of the time%s", math.Max(1, 100*d.Speed), back)
	case d.Speed < float64(d.Of):
		text = fmt.Sprintf("%s of %d streams%s", strings.TrimSuffix(fmt.Sprintf("%.1f", d.Speed), ".0"), d.Of, back)
	default:
		text = fmt.Sprintf("all %d streams%s", d.Of, back)
	}
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

// Governor lets a copy make way for those who use the servers, and what follows
// on it: the comparison of what was copied.
//
// Its speed is a number of streams. Below one, the only stream rests after each
// piece of its work, so that it is at work for that part of the time; pieces are
// short then. At full speed nobody rests, and a part is carried as one piece.
//
// Where others are at work, the copy begins slowly and gets faster while small
// probes, which write and commit as tenants do, take no longer than before: their
// level is looked for before the copy, and now and then anew with the copy at
// rest, because the others' own work goes up and down. When more probes than
// before exceed the level by a fifth it gets slower at once; where hardly anybody
// is at work they may take twice as long, and a millisecond more in any case.
//
// Where nobody is at work it begins with all streams. There, and everywhere, it
// halves the speed when standbys fall behind, processors are taken, or probes take
// more than twice as long, and gives one stream back when it has been calm. What
// was felt stays among the readings for a while, so that after a halving the
// readings have to be new before the next. A stream that had to be taken again
// soon after it came back comes back later and later: a server that bears two
// streams and not three is not asked all the time.
type Governor struct {
	rules Rules
	tell  func(Decision)
	sides []*watched
	of    int

	// Of the watch alone.
	stopped bool
	halved  time.Time // the last time
	given   time.Time // back, the last time
	felt    time.Time // something, the last time
	calm    time.Duration
	others  time.Time // were seen at work, the last time; zero while nobody is
	level   time.Time // was looked for, the last time
	settle  time.Time // probes from before count no more
	eager   bool      // nothing was felt yet
	looked  time.Time

	end  context.CancelFunc
	over chan struct{} // the watch

	pace *pace
}

// watched is one server under watch.
type watched struct {
	gauge Gauge
	level time.Duration // of the probe, before the copy
	last  []time.Duration
	busy  int // readings in a row
	now   Reading
	blind bool
	// others is how many are at work at a time, over the last looks.
	others float64
}

// Govern finds the level of each gauge before a copy in that many streams. tell
// hears each decision; lost hears of a gauge that cannot read, which is left out.
func Govern(ctx context.Context, streams int, rules Rules, gauges []Gauge, tell func(Decision), lost func(shard string, err error)) *Governor {
	g := &Governor{rules: rules.filled(), tell: tell, of: streams, pace: newPace(streams), over: make(chan struct{})}
	g.calm = g.rules.Calm
	limited, cancel := context.WithTimeout(ctx, levelLimit)
	defer cancel()
	all, errs := make([]*watched, len(gauges)), make([]error, len(gauges))
	var wg sync.WaitGroup
	for i, gauge := range gauges {
		wg.Go(func() { all[i], errs[i] = level(limited, gauge) })
	}
	wg.Wait()
	now := time.Now()
	for i, w := range all {
		if w == nil {
			lost(gauges[i].Name(), errs[i])
			continue
		}
		g.sides = append(g.sides, w)
		if w.others > 0 {
			g.others = now
		}
	}
	g.felt, g.level, g.looked = now, now, now
	if g.busy() {
		g.slowly(now)
	}
	ctx, g.end = context.WithCancel(ctx)
	go func() {
		defer close(g.over)
		g.watch(ctx)
	}()
	return g
}

// slowly begins slowly, because others are at work.
func (g *Governor) slowly(now time.Time) {
	g.eager = true
	g.anew(now)
	d := Decision{Speed: min(max(begin, g.least()), g.pace.now()), Of: g.of, Why: "others are at work, it begins slowly"}
	g.follow(d)
	g.tell(d)
}

// least is the least speed.
func (g *Governor) least() float64 {
	return min(float64(g.of), max(g.rules.Least, LeastSpeed(g.rules.Bytes, g.of)))
}

// LeastSpeed is the least speed at which so many bytes are copied by at most that
// many streams, in streams.
func LeastSpeed(bytes int64, streams int) float64 {
	return min(float64(streams), max(leastSpeed, float64(bytes)/perStream))
}

// Close ends the watch.
func (g *Governor) Close() {
	if g != nil {
		g.end()
		<-g.over
	}
}

// busy reports whether others are at work.
func (g *Governor) busy() bool { return !g.others.IsZero() }

// level reads a gauge until it knows its level, or until the time is over and it
// knows something of it.
func level(ctx context.Context, gauge Gauge) (*watched, error) {
	w := &watched{gauge: gauge}
	// The first finds nothing prepared, and has nothing to compare with.
	if _, err := gauge.Probe(ctx); err != nil {
		return nil, err
	}
	if _, err := gauge.Look(ctx); err != nil {
		return nil, err
	}
	seen := 0
	for len(w.last) < probes || seen > 0 && len(w.last) < levelled {
		p, err := gauge.Probe(ctx)
		if err == nil {
			w.now, err = gauge.Look(ctx)
		}
		if err != nil {
			if len(w.last) == 0 {
				return nil, err
			}
			break
		}
		w.last = append(w.last, p)
		seen += w.now.Others
		select {
		case <-ctx.Done():
		case <-time.After(settling):
		}
	}
	w.level, w.others = p95(w.last), float64(seen)/float64(len(w.last))
	return w, nil
}

// p95 is what 19 of 20 values do not exceed.
func p95(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*95+99)/100-1]
}

// watch looks until the context ends.
func (g *Governor) watch(ctx context.Context) {
	if len(g.sides) == 0 {
		return
	}
	for {
		every := g.rules.Every
		if g.busy() {
			every = g.rules.Closely
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		g.read(ctx, time.Now())
		if ctx.Err() != nil {
			return
		}
		if g.busy() && g.pace.now() < float64(g.of) && time.Since(g.level) >= g.rules.Anew {
			g.levelAnew(ctx)
			continue
		}
		if d, changed := g.decide(time.Now()); changed {
			g.follow(d)
			g.tell(d)
		}
	}
}

// read probes each server, and looks at it where it is time for that.
func (g *Governor) read(ctx context.Context, now time.Time) {
	look := now.Sub(g.looked) >= g.rules.Every
	if look {
		g.looked = now
	}
	var wg sync.WaitGroup
	for _, w := range g.sides {
		wg.Go(func() { w.read(ctx, look) })
	}
	wg.Wait()
	if !look || ctx.Err() != nil {
		return
	}
	seen := slices.ContainsFunc(g.sides, func(w *watched) bool { return !w.blind && w.now.Others > 0 })
	switch {
	case seen && !g.busy():
		// The level is that of a server where nobody was at work.
		g.others = now
		if !g.stopped {
			g.slowly(now)
		}
		g.levelAnew(ctx)
	case seen:
		g.others = now
	case g.busy() && now.Sub(g.others) >= g.rules.Gone:
		g.others = time.Time{}
		g.anew(now)
	}
}

func (w *watched) read(ctx context.Context, look bool) {
	p, err := w.gauge.Probe(ctx)
	now := w.now
	if err == nil && look {
		now, err = w.gauge.Look(ctx)
	}
	if w.blind = err != nil; w.blind {
		w.busy = 0
		return
	}
	w.now = now
	w.last = append(w.last, p)
	if len(w.last) > levelled {
		w.last = w.last[1:]
	}
	if !look {
		return
	}
	w.others = remember*w.others + (1-remember)*float64(now.Others)
	if now.Processors > 0 && now.Work > 2*now.Processors {
		w.busy++
	} else {
		w.busy = 0
	}
}

// anew begins the judgement of the probes anew.
func (g *Governor) anew(now time.Time) {
	g.settle = now
	for _, w := range g.sides {
		w.last = nil
	}
}

// levelAnew looks for the level with the copy at rest. What is at work ends its
// piece first.
func (g *Governor) levelAnew(ctx context.Context) {
	g.pace.rest(true)
	defer g.pace.rest(false)
	for until := time.Now().Add(time.Second); g.pace.atWork(); {
		if time.Now().After(until) {
			// A piece that could not be short: another time.
			g.level = time.Now()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settling):
		}
	}
	var wg sync.WaitGroup
	for _, w := range g.sides {
		wg.Go(func() {
			seen := []time.Duration{}
			for len(seen) < again {
				p, err := w.gauge.Probe(ctx)
				if err != nil {
					return
				}
				seen = append(seen, p)
				select {
				case <-ctx.Done():
					return
				case <-time.After(2 * settling):
				}
			}
			// So few readings are taken for what they are only where the others' work
			// has become quite another.
			found := p95(seen)
			if w.level > 0 && found < 4*w.level {
				found = time.Duration(kept*float64(w.level) + (1-kept)*float64(found))
			}
			w.level = found
		})
	}
	wg.Wait()
	g.level = time.Now()
	g.anew(g.level)
}

// feels says what a server feels, "" for nothing.
func (w *watched) feels(r Rules, busy bool) string {
	name := w.gauge.Name()
	switch {
	case w.blind:
		return ""
	case w.now.Standby != "" && w.now.Lag >= r.Behind:
		return w.behind()
	case w.busy >= working:
		return fmt.Sprintf("%s are at work on %s of %s", figure.Count(int64(w.now.Work), "session"), figure.Count(int64(w.now.Processors), "processor"), name)
	case busy || len(w.last) < probes: // of few readings one would be enough
		return ""
	}
	if p := p95(w.last[len(w.last)-probes:]); p >= 2*w.level && p >= w.level+r.Slower {
		return w.slow(p)
	}
	return ""
}

func (w *watched) slow(p time.Duration) string {
	return fmt.Sprintf("%s answers a small probe in %s (95 of 100), before in %s", w.gauge.Name(), millis(p), millis(w.level))
}

func (w *watched) behind() string {
	return fmt.Sprintf("%s of %s is %s behind", w.now.Standby, w.gauge.Name(), figure.Span(w.now.Lag))
}

// limit is what a probe may take where others are at work.
func (w *watched) limit() time.Duration {
	if w.others < hardly {
		return max(lowBar*w.level, w.level+lowSlower)
	}
	return time.Duration(bar * float64(w.level))
}

// exceed counts the probes that took longer than they may where others are at work.
func (w *watched) exceed() int {
	n, limit := 0, w.limit()
	for _, p := range w.last {
		if p > limit {
			n++
		}
	}
	return n
}

// millis writes the time of a probe, which is often below one.
func millis(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return figure.Span(d)
}

// decide judges the readings.
func (g *Governor) decide(now time.Time) (Decision, bool) {
	why, stop, blind := []string{}, "", false
	far := g.rules.FarBehind
	if g.stopped {
		far /= 2
	}
	for _, w := range g.sides {
		blind = blind || w.blind
		if s := w.feels(g.rules, g.busy()); s != "" {
			why = append(why, s)
		}
		if !w.blind && w.now.Standby != "" && w.now.Lag >= far {
			stop = w.behind()
		}
	}
	if len(why) > 0 || blind {
		g.felt = now
	}
	speed, reason := g.pace.now(), strings.Join(why, "; ")
	switch {
	case stop != "" && !g.stopped:
		g.stopped, g.halved = true, now
		return Decision{Of: g.of, Why: stop}, true
	case stop != "":
		return Decision{}, false
	case g.stopped:
		g.stopped = false
		return Decision{Speed: min(speed, 1), Of: g.of, Why: reason}, true
	case reason != "" && speed > 1 && (g.halved.IsZero() || now.Sub(g.halved) >= probes*g.rules.Every):
		if !g.given.IsZero() && now.Sub(g.given) <= 2*probes*g.rules.Every {
			g.calm = min(2*g.calm, longestCalm*g.rules.Calm)
		} else {
			g.calm = g.rules.Calm
		}
		g.halved, g.eager = now, false
		return Decision{Speed: max(1, math.Floor(speed/2)), Of: g.of, Why: reason}, true
	case reason != "":
		return Decision{}, false
	case g.busy():
		return g.among(now, speed)
	case speed < 1 && now.Sub(g.settle) >= time.Second:
		// Those who were at work are gone.
		g.settle = now
		return Decision{Speed: min(1, 2*speed), Of: g.of, Often: true}, true
	case speed >= 1 && speed < float64(g.of) && now.Sub(g.felt) >= g.calm:
		g.given, g.felt = now, now
		return Decision{Speed: min(float64(g.of), math.Floor(speed)+1), Of: g.of}, true
	}
	return Decision{}, false
}

// among judges the probes where others are at work.
func (g *Governor) among(now time.Time, speed float64) (Decision, bool) {
	fewest, easy := math.MaxInt, true
	for _, w := range g.sides {
		if w.blind {
			return Decision{}, false
		}
		n, over := len(w.last), w.exceed()
		if n >= 5 && float64(over) > 2+0.06*float64(n) {
			g.felt, g.eager = now, false
			p, by := p95(w.last), 0.6
			if p > 3*w.limit() {
				by = 0.3
			}
			slower := max(g.least(), speed*by)
			g.anew(now)
			return Decision{Speed: slower, Of: g.of, Why: w.slow(p), Often: true}, slower < speed
		}
		fewest, easy = min(fewest, n), easy && float64(over) <= 0.045*float64(n)
	}
	need, by := 50, 1.3
	if g.eager {
		need, by = 25, 2
	}
	if !easy || fewest < need || speed >= float64(g.of) {
		return Decision{}, false
	}
	// What made it slower otherwise has to be over for a while.
	if speed >= 1 && !g.halved.IsZero() && now.Sub(later(g.felt, g.halved)) < g.calm {
		return Decision{}, false
	}
	g.anew(now)
	return Decision{Speed: min(float64(g.of), speed*by), Of: g.of, Why: "", Often: true}, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// follow lets the streams know.
func (g *Governor) follow(d Decision) { g.pace.set(d.Speed) }
