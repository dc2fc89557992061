package rowcopy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"shardadmin/internal/figure"
)

// Reading is what one look at a server saw.
type Reading struct {
	// Probe is how long a small read took.
	Probe time.Duration
	// Standby is the standby that is furthest behind in replaying, Lag how far;
	// "" where there is none or it may not be seen.
	Standby string
	Lag     time.Duration
	// Work is how many sessions are at work or wait for one another, Processors
	// what they share; 0 where it may not be seen.
	Work, Processors int
}

// Gauge reads what one server feels of its load.
type Gauge interface {
	// Name is the shard's.
	Name() string
	// Read looks once. After an error it may be asked again.
	Read(ctx context.Context) (Reading, error)
}

// Rules say when a copy makes way. The zero value stands for the usual ones.
type Rules struct {
	// Every is how often the servers are looked at: half a second.
	Every time.Duration
	// Calm is how long nothing must have been felt before a stream comes back:
	// 5 s.
	Calm time.Duration
	// Slower is by how much at least probes must have become slower, beside
	// being twice as slow, to count: 5 ms.
	Slower time.Duration
	// Behind is how far a standby must be behind to count, 5 s; at FarBehind,
	// 30 s, no part is begun until it is half that.
	Behind, FarBehind time.Duration
}

const (
	// probes is how many readings of the probe are judged together.
	probes = 20
	// settling is the time between the readings of the level before the copy.
	settling = 10 * time.Millisecond
	// levelLimit bounds the time for finding the level before the copy.
	levelLimit = 5 * time.Second
	// working is how many readings in a row must find too many sessions at work.
	working = 4
	// longestCalm bounds the wait for a stream where each that came back was
	// taken again, in units of Calm.
	longestCalm = 12
)

func (r Rules) filled() Rules {
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{
		{&r.Every, 500 * time.Millisecond},
		{&r.Calm, 5 * time.Second},
		{&r.Slower, 5 * time.Millisecond},
		{&r.Behind, 5 * time.Second},
		{&r.FarBehind, 30 * time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	return r
}

// Decision is a change of the number of streams.
type Decision struct {
	// Streams may begin a part from now on; Of is how many there are.
	Streams, Of int
	// Why says what was felt; "" where streams come back.
	Why string
}

func (d Decision) String() string {
	switch {
	case d.Streams == 0:
		return "no new part is begun: " + d.Why
	case d.Why != "":
		return fmt.Sprintf("%d of %d streams: %s", d.Streams, d.Of, d.Why)
	case d.Streams < d.Of:
		return fmt.Sprintf("%d of %d streams again", d.Streams, d.Of)
	}
	return fmt.Sprintf("all %d streams again", d.Of)
}

// Governor lets a copy make way for those who use the servers. It halves the
// streams that may begin a part when a server's answers get slower, its standbys
// fall behind or its processors are taken, and gives one back when it has been
// calm. A part that is in progress is never ended.
//
// What was felt stays among the readings for a while, so that after a halving
// the readings have to be new before the next. A stream that had to be taken
// again soon after it came back comes back later and later: a server that bears
// two streams and not three is not asked all the time.
type Governor struct {
	rules Rules
	tell  func(Decision)
	sides []*watched

	of, streams int
	stopped     bool
	halved      time.Time // the last time
	given       time.Time // back, the last time
	felt        time.Time // something, the last time
	calm        time.Duration
}

// watched is one server under watch.
type watched struct {
	gauge Gauge
	level time.Duration // of the probe, before the copy
	last  []time.Duration
	busy  int // readings in a row
	now   Reading
	blind bool
}

// Govern finds the level of each gauge before a copy in that many streams. tell
// hears each decision; lost hears of a gauge that cannot read, which is left out.
func Govern(ctx context.Context, streams int, rules Rules, gauges []Gauge, tell func(Decision), lost func(shard string, err error)) *Governor {
	g := &Governor{rules: rules.filled(), tell: tell, of: streams, streams: streams}
	g.calm = g.rules.Calm
	limited, cancel := context.WithTimeout(ctx, levelLimit)
	defer cancel()
	all, errs := make([]*watched, len(gauges)), make([]error, len(gauges))
	var wg sync.WaitGroup
	for i, gauge := range gauges {
		wg.Go(func() { all[i], errs[i] = level(limited, gauge) })
	}
	wg.Wait()
	for i, w := range all {
		if w == nil {
			lost(gauges[i].Name(), errs[i])
			continue
		}
		g.sides = append(g.sides, w)
	}
	return g
}

// level reads a gauge until it knows its level, or until the time is over and it
// knows something of it.
func level(ctx context.Context, gauge Gauge) (*watched, error) {
	w := &watched{gauge: gauge}
	// The first read finds nothing prepared.
	if _, err := gauge.Read(ctx); err != nil {
		return nil, err
	}
	for len(w.last) < probes {
		r, err := gauge.Read(ctx)
		if err != nil {
			if len(w.last) == 0 {
				return nil, err
			}
			break
		}
		w.last = append(w.last, r.Probe)
		select {
		case <-ctx.Done():
		case <-time.After(settling):
		}
	}
	w.level = p95(w.last)
	return w, nil
}

// p95 is what 19 of 20 values do not exceed.
func p95(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*95+99)/100-1]
}

// watch looks until the context ends and lets the queue know how many streams
// may begin a part.
func (g *Governor) watch(ctx context.Context, allow func(streams int)) {
	if len(g.sides) == 0 {
		return
	}
	g.felt = time.Now()
	tick := time.NewTicker(g.rules.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var wg sync.WaitGroup
		for _, w := range g.sides {
			wg.Go(func() { w.look(ctx) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			return
		}
		if d, changed := g.decide(time.Now()); changed {
			allow(d.Streams)
			g.tell(d)
		}
	}
}

func (w *watched) look(ctx context.Context) {
	now, err := w.gauge.Read(ctx)
	if w.blind = err != nil; w.blind {
		w.busy = 0
		return
	}
	w.now = now
	w.last = append(w.last, now.Probe)
	if len(w.last) > probes {
		w.last = w.last[1:]
	}
	if now.Processors > 0 && now.Work > 2*now.Processors {
		w.busy++
	} else {
		w.busy = 0
	}
}

// feels says what a server feels, "" for nothing.
func (w *watched) feels(r Rules) string {
	name := w.gauge.Name()
	switch p := p95(w.last); {
	case w.blind:
		return ""
	case w.now.Standby != "" && w.now.Lag >= r.Behind:
		return w.behind()
	case p >= 2*w.level && p >= w.level+r.Slower:
		return fmt.Sprintf("%s answers a small read in %s (95 of 100), before the copy in %s", name, millis(p), millis(w.level))
	case w.busy >= working:
		return fmt.Sprintf("%s are at work on %s of %s", figure.Count(int64(w.now.Work), "session"), figure.Count(int64(w.now.Processors), "processor"), name)
	}
	return ""
}

func (w *watched) behind() string {
	return fmt.Sprintf("%s of %s is %s behind", w.now.Standby, w.gauge.Name(), figure.Span(w.now.Lag))
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
		if s := w.feels(g.rules); s != "" {
			why = append(why, s)
		}
		if !w.blind && w.now.Standby != "" && w.now.Lag >= far {
			stop = w.behind()
		}
	}
	if len(why) > 0 || blind {
		g.felt = now
	}
	reason := strings.Join(why, "; ")
	switch {
	case stop != "" && !g.stopped:
		g.stopped, g.streams, g.halved = true, 1, now
		return Decision{0, g.of, stop}, true
	case stop != "":
		return Decision{}, false
	case g.stopped:
		g.stopped = false
		return Decision{1, g.of, reason}, true
	case reason != "" && g.streams > 1 && (g.halved.IsZero() || now.Sub(g.halved) >= probes*g.rules.Every):
		if !g.given.IsZero() && now.Sub(g.given) <= 2*probes*g.rules.Every {
			g.calm = min(2*g.calm, longestCalm*g.rules.Calm)
		} else {
			g.calm = g.rules.Calm
		}
		g.streams, g.halved = g.streams/2, now
		return Decision{g.streams, g.of, reason}, true
	case reason == "" && g.streams < g.of && now.Sub(g.felt) >= g.calm:
		g.streams++
		g.given, g.felt = now, now
		return Decision{g.streams, g.of, ""}, true
	}
	return Decision{}, false
}
