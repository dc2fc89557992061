package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"shardadmin/internal/alert"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/sample/history"
)

// How often who keeps the history looks how uneven the fleet is, how old a look may be
// that still says how it is now, and how far back looks are read.
const (
	spreadEvery = 15 * time.Minute
	spreadFresh = time.Hour
	spreadBack  = 13 * 24 * time.Hour
)

// leastExcess is how many bytes the fullest shard has to be above an even spread where
// nobody said otherwise, and leastShare the share of its capacity where one is stated.
const (
	leastExcess = 1 << 30
	leastShare  = 0.01
)

// The figures that are kept of a spread. That of the fleet has no shard, and carries
// what is spread in its name: by bytes and by rows are two courses.
const (
	overFigure  = "spread_over_"  // how far the fullest is above even, as a share
	worthFigure = "spread_worth_" // 1 where moves are possible and would gain enough
	useFigure   = "spread_use_"   // of a shard: 1 is even
)

// spreadCourse is how uneven a fleet was.
type spreadCourse struct {
	seen    []rebalance.Seen
	worth   bool
	fullest string
}

// fresh reports whether the newest look says how it is now.
func (c spreadCourse) fresh(now time.Time) bool {
	return len(c.seen) > 0 && now.Sub(c.seen[len(c.seen)-1].At) <= spreadFresh
}

func (s *Session) threshold() float64 {
	if s.cfg.Imbalance > 0 {
		return s.cfg.Imbalance
	}
	return DefaultImbalance
}

// spreadBy names the dimensions that the fleet is spread by.
func (s *Session) spreadBy() string { return byName(s.cfg.Fleet.Rebalance.By) }

func byName[T ~string](by []T) string {
	if len(by) == 0 {
		return string(rebalance.Bytes)
	}
	list := []string{}
	for _, d := range by {
		list = append(list, string(d))
	}
	slices.Sort(list)
	return strings.Join(list, "_")
}

// readSpread reads what is kept of how uneven the fleet was.
func (s *Session) readSpread(ctx context.Context, kept *history.History, now time.Time) (spreadCourse, error) {
	out, by := spreadCourse{}, s.spreadBy()
	course, err := kept.Range(ctx, s.cfg.Fleet.Name, "", overFigure+by, now.Add(-spreadBack), now, 5000)
	if err != nil || len(course.Points) == 0 {
		return out, err
	}
	for _, p := range course.Points {
		out.seen = append(out.seen, rebalance.Seen{At: p.At, Over: p.Mean})
	}
	newest := func(shard, name string) (float64, bool) {
		x, e := kept.Range(ctx, s.cfg.Fleet.Name, shard, name+by, now.Add(-spreadFresh), now, 1000)
		if err == nil {
			err = e
		}
		if len(x.Points) == 0 {
			return 0, false
		}
		return x.Points[len(x.Points)-1].Mean, true
	}
	worth, _ := newest("", worthFigure)
	out.worth = worth >= 0.5
	most := 0.0
	for _, sh := range s.cfg.Fleet.Shards {
		if use, ok := newest(sh.Name, useFigure); ok && use > most {
			most, out.fullest = use, sh.Name
		}
	}
	return out, err
}

// follow gives a spread what is known of how it went.
func (s *Session) follow(ctx context.Context, sp *spread) {
	switch {
	case byName(sp.opt.By) != s.spreadBy():
		sp.unkept = fmt.Sprintf("only the spread by %s, as the fleet file has it, is followed over time", strings.ReplaceAll(s.spreadBy(), "_", " and "))
		return
	case s.cfg.DBPath == "":
		sp.unkept = "no history is kept"
		return
	}
	p := s.pastOf(ctx)
	sp.course, sp.unkept = p.spread.seen, p.why
	sp.opt.Standing = rebalance.Lasted(sp.course, sp.in.Now, s.threshold()).Standing
}

// spreads looks now and then how uneven the fleet is, while this program keeps the
// history. Where a shard does not answer nothing is kept: without it the others only
// seem even.
func (b *Observer) spreads(ctx context.Context) {
	if b.past == nil {
		return
	}
	// At first the samples are to come.
	select {
	case <-ctx.Done():
		return
	case <-time.After(controlEvery):
	}
	every(ctx, spreadEvery, func() {
		b.mu.Lock()
		lease := b.lease
		b.mu.Unlock()
		if lease == nil {
			return
		}
		limited, cancel := context.WithTimeout(ctx, 2*answerLimit)
		defer cancel()
		if looks := b.s.activityNow(limited); len(looks) > 0 {
			if err := lease.AddActivity(limited, looks); fault.CodeOf(err) != fault.LeaseLost {
				b.noted(ctx, err)
			}
		}
		list, err := b.s.spreadNow(limited)
		if err != nil || len(list) == 0 {
			return // a gap in the course, which whoever asks for a plan is told
		}
		if err := lease.Add(limited, time.Now(), list); fault.CodeOf(err) != fault.LeaseLost {
			b.noted(ctx, err)
		}
		b.s.growth.forget() // whoever asks next is told of this look
	})
}

// spreadNow is what is kept of how uneven the fleet is now; nothing where that is not
// known.
func (s *Session) spreadNow(ctx context.Context) ([]history.Value, error) {
	sp, err := s.spread(ctx, RebalanceRequest{})
	if err != nil {
		return nil, err
	}
	answer := rebalance.Make(sp.in, sp.opt)
	_, _, over, known := answer.Excess()
	for i, sh := range s.cfg.Fleet.Shards {
		u := answer.Plans[0].Shards[i]
		known = known && (!sh.Configured() || sp.in.Shards[i].Used != nil && u.Before.Unknown == 0 && (u.Before.NoLoad == "" || !slices.Contains(sp.opt.By, rebalance.Load)))
	}
	if !known {
		return nil, nil
	}
	worth := 0.0
	if s.worth(sp, answer) == "" {
		worth = 1
	}
	by := s.spreadBy()
	out := []history.Value{{Name: overFigure + by, Value: over}, {Name: worthFigure + by, Value: worth}}
	for _, u := range answer.Plans[0].Shards {
		if u.Before.Ratio != nil && u.Note == "" {
			out = append(out, history.Value{Shard: u.Shard, Name: useFigure + by, Value: *u.Before.Ratio})
		}
	}
	return out, nil
}

// worth says why moves are not worth to be recommended, "" where they are.
func (s *Session) worth(sp *spread, a rebalance.Answer) string {
	moves := 0
	for _, p := range a.Plans {
		moves = max(moves, len(p.Moves))
	}
	if moves == 0 {
		return "no move that is possible would help"
	}
	shard, excess, _, known := a.Excess()
	if !known || byName(sp.opt.By) != string(rebalance.Bytes) {
		return ""
	}
	least := int64(leastExcess)
	if sh, ok := s.cfg.Fleet.Shard(shard); ok && sh.Capacity > 0 {
		least = int64(float64(sh.Capacity) * leastShare)
	}
	if m := s.cfg.Fleet.Rebalance.MinimumGain; m != nil {
		least = *m
	}
	if excess < least {
		return fmt.Sprintf("too little would be gained: %s has ≈ %s more than an even spread gives it, and from %s on moves are recommended (minimum_gain under [rebalance])", shard, words.Size(excess), words.Size(least))
	}
	return ""
}

// recommendation says whether moves are recommended now, and why not yet.
func (s *Session) recommendation(sp *spread, a rebalance.Answer) Recommendation {
	_, _, over, known := a.Excess()
	course := slices.Clone(sp.course)
	if known {
		course = append(course, rebalance.Seen{At: sp.in.Now, Over: over})
	}
	last := rebalance.Lasted(course, sp.in.Now, s.threshold())
	v := Recommendation{}
	limit := fmt.Sprintf("%.0f %%", 100*s.threshold())
	switch {
	case !known:
		v.SinceReason = "fewer than two shards take part"
	case last.Since == nil:
		v.SinceReason = "no shard is more than " + limit + " above an even spread"
	default:
		v.Since = ptr(stamp(*last.Since))
	}
	misplaced := a.Plans[0].Before.Misplaced > 0
	why := s.worth(sp, a)
	switch {
	case misplaced && len(a.Plans[0].Moves) > 0:
		v.Recommended, v.RecommendedReason = true, "tenants are where they may not be, which is no matter of time"
	case !a.Needed:
		v.RecommendedReason = "nothing has to be done"
	case last.Since == nil:
		v.RecommendedReason = "what is proposed fills emptier shards, which can wait: " + v.SinceReason
		if !known {
			v.RecommendedReason = v.SinceReason
		}
	case !last.Standing:
		v.RecommendedReason = s.begun(last)
		switch {
		case sp.unkept != "":
			v.RecommendedReason = fmt.Sprintf("the fullest shard is more than %s above an even spread now, and since when is not known: %s", limit, sp.unkept)
		case len(sp.course) == 0:
			v.RecommendedReason += ", and nobody looked before: the window, serve and worker do while they run"
		}
	case why != "":
		v.RecommendedReason = why
	default:
		v.Recommended, v.RecommendedReason = true, s.lasted(last)
	}
	return v
}

// recommended is a recommendation by what is kept alone, for whoever shows the fleet and
// asks for no plan.
func (s *Session) recommended(ctx context.Context) Recommendation {
	if s.cfg.DBPath == "" {
		return Recommendation{RecommendedReason: "no history is kept", SinceReason: "no history is kept"}
	}
	p := s.pastOf(ctx)
	at := time.Now()
	last := rebalance.Lasted(p.spread.seen, at, s.threshold())
	v := Recommendation{}
	switch {
	case p.why != "":
		v.RecommendedReason = p.why
	case !p.spread.fresh(at):
		v.RecommendedReason = "nobody looked how even the fleet is within " + words.Span(spreadFresh) + ": the window, serve and worker do while they run, where every shard answers"
	case last.Since == nil:
		v.RecommendedReason = fmt.Sprintf("no shard is more than %.0f %% above an even spread", 100*s.threshold())
	case !last.Standing:
		v.RecommendedReason = s.begun(last)
	case !p.spread.worth:
		v.RecommendedReason = s.lasted(last) + ", and what moves could gain is too little: rebalance plan says why"
	default:
		v.Recommended, v.RecommendedReason = true, s.lasted(last)
	}
	if v.SinceReason = v.RecommendedReason; last.Since != nil && p.spread.fresh(at) {
		v.Since, v.SinceReason = ptr(stamp(*last.Since)), ""
	}
	return v
}

// begun says since when the fleet is uneven, and that this is too short yet.
func (s *Session) begun(last rebalance.Lasting) string {
	return fmt.Sprintf("the fullest shard is more than %.0f %% above an even spread since %s; moves are recommended after %s of it", 100*s.threshold(), clock(*last.Since), words.Span(rebalance.Lasts))
}

// lasted says since when the fleet is uneven where that is long enough.
func (s *Session) lasted(last rebalance.Lasting) string {
	text := fmt.Sprintf("the fullest shard came more than %.0f %% above an even spread at %s and was not within %.0f %% since", 100*s.threshold(), clock(*last.Since), 50*s.threshold())
	if last.Gap > spreadFresh {
		text += fmt.Sprintf("; for up to %s of it nobody looked", words.Span(last.Gap))
	}
	return text
}

// clock is a time in a sentence.
func clock(t time.Time) string { return t.UTC().Format("15:04 UTC on 2006-01-02") }

// imbalance is a spread that lasted and is worth to be mended. It is well again where it
// is within half of the threshold, and not known without a look at it.
func (s *Session) imbalance(c spreadCourse, now time.Time) (alert.Condition, bool) {
	last := rebalance.Lasted(c.seen, now, s.threshold())
	if !last.Standing || !c.fresh(now) {
		return alert.Condition{}, false
	}
	over := c.seen[len(c.seen)-1].Over
	shard := c.fullest
	if shard == "" {
		shard = "the fullest shard"
	}
	return alert.Condition{
		Rule: ruleImbalance, Subject: "fleet", Severity: alert.Warning, Value: fmt.Sprintf("%.0f %%", 100*over), Near: !c.worth,
		Message: fmt.Sprintf("%s is %.0f %% above an even spread; the fleet came above %.0f %% at %s and was not within %.0f %% since", shard, 100*over, 100*s.threshold(), clock(*last.Since), 50*s.threshold()),
		Advice:  "shard-admin rebalance plan shows which moves mend it",
	}, true
}
