package session

import (
	"context"
	"fmt"
	"time"

	"shardadmin/internal/alert"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/sample/history"
)

// How often who observes looks how uneven the fleet is, how old a look may be that still
// says how it is now, and how far back looks are read.
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

// The figures that the history keeps of a spread, with the dimension after them.
const (
	overFigure  = "spread_over_"  // how far the fullest is above even, as a share
	worthFigure = "spread_worth_" // 1 where moves are possible and would gain enough
)

func (s *Session) threshold() float64 {
	if s.cfg.Imbalance > 0 {
		return s.cfg.Imbalance
	}
	return DefaultImbalance
}

// dimensions are those that a plan spreads by, bytes where nothing is said.
func dimensions[T ~string](by []T) []rebalance.Dimension {
	out := []rebalance.Dimension{}
	for _, d := range by {
		out = append(out, rebalance.Dimension(d))
	}
	if len(out) == 0 {
		out = append(out, rebalance.Bytes)
	}
	return out
}

// readSpread reads what this computer saw of how uneven the fleet was.
func (s *Session) readSpread(ctx context.Context, kept *history.History, now time.Time) ([]dimension, error) {
	out := []dimension{}
	for _, by := range rebalance.Dimensions() {
		over, err := kept.Range(ctx, s.cfg.Fleet.Name, "", overFigure+string(by), now.Add(-spreadBack), now, 5000)
		if err != nil {
			return nil, err
		}
		worth, err := kept.Range(ctx, s.cfg.Fleet.Name, "", worthFigure+string(by), now.Add(-spreadFresh), now, 1000)
		if err != nil {
			return nil, err
		}
		d, looks := dimension{by: by, seenBy: "this computer"}, []rebalance.Seen{}
		for _, p := range over.Points {
			looks = append(looks, rebalance.Seen{At: p.At, Over: p.Mean})
			d.above = p.Mean
		}
		d.course = rebalance.Followed(looks, s.threshold())
		if n := len(worth.Points); n == 0 || worth.Points[n-1].Mean < 0.5 {
			d.worthless = "what moves could gain is too little: rebalance plan says why"
		}
		out = append(out, d)
	}
	return out, nil
}

// spreads looks now and then how uneven the fleet is. What it saw stays in memory, and
// goes to the history while this program keeps that; who evaluates alerts takes it into
// the control database.
func (b *Observer) spreads(ctx context.Context) {
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
		limited, cancel := context.WithTimeout(ctx, 2*answerLimit)
		defer cancel()
		if lease != nil {
			if looks := b.s.activityNow(limited); len(looks) > 0 {
				if err := lease.AddActivity(limited, looks); fault.CodeOf(err) != fault.LeaseLost {
					b.noted(ctx, err)
				}
			}
		}
		g := b.s.glance(limited)
		if ctx.Err() != nil {
			return // the end of the watch says nothing about the fleet
		}
		b.mu.Lock()
		b.seen = g
		b.mu.Unlock()
		if list := g.values(); lease != nil && len(list) > 0 {
			if err := lease.Add(limited, g.at, list); fault.CodeOf(err) != fault.LeaseLost {
				b.noted(ctx, err)
			}
		}
		b.s.growth.forget() // whoever asks next is told of this look
	})
}

// glance is what this program saw last; its time is zero before it looked.
func (b *Observer) glance() glance {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

// values are what the history keeps of a look: a gap in the course where it did not
// tell.
func (g glance) values() []history.Value {
	out := []history.Value{}
	for _, m := range g.list {
		if m.reason != "" {
			continue
		}
		worth := 1.0
		if m.worthless != "" {
			worth = 0
		}
		out = append(out, history.Value{Name: overFigure + string(m.by), Value: m.over}, history.Value{Name: worthFigure + string(m.by), Value: worth})
	}
	return out
}

// worthless says why moves are not worth to be recommended, "" where they are.
func (s *Session) worthless(by []rebalance.Dimension, a rebalance.Answer) string {
	moves := 0
	for _, p := range a.Plans {
		moves = max(moves, len(p.Moves))
	}
	if moves == 0 {
		return "no move that is possible would help"
	}
	shard, excess, _, known := a.Excess()
	if !known || len(by) != 1 || by[0] != rebalance.Bytes {
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
	by := dimensions(sp.opt.By)
	v := sp.kept.recommendation(by)
	lead := sp.kept.lead(by)
	why := s.worthless(by, a)
	limit := fmt.Sprintf("%.0f %%", 100*s.threshold())
	switch above := known && over > s.threshold(); {
	case a.Plans[0].Before.Misplaced > 0 && len(a.Plans[0].Moves) > 0:
		v.Recommended, v.RecommendedReason = true, "tenants are where they may not be, which is no matter of time"
	case !a.Needed:
		v.Recommended, v.RecommendedReason = false, "nothing has to be done"
	case lead.State == DimensionStanding:
		if v.Recommended = why == ""; !v.Recommended {
			v.RecommendedReason = why
		}
	case above && lead.State == DimensionUnknown:
		v.RecommendedReason = fmt.Sprintf("the fullest shard is more than %s above an even spread now, and since when is not known: %s", limit, lead.Reason)
	case above && lead.State == DimensionEven:
		v.RecommendedReason = fmt.Sprintf("the fullest shard is more than %s above an even spread now, and was not at %s, when it was looked at last", limit, clock(sp.kept.of(rebalance.Dimension(lead.By)).course.Last))
	case !above && known:
		v.RecommendedReason = "what is proposed fills emptier shards, which can wait: no shard is more than " + limit + " above an even spread"
	case !known:
		v.RecommendedReason = "fewer than two shards take part"
	}
	return v
}

// recommended is a recommendation by what is kept alone, for whoever shows the fleet and
// asks for no plan.
func (s *Session) recommended(ctx context.Context) Recommendation {
	return s.evenness(ctx).recommendation(dimensions(s.cfg.Fleet.Rebalance.By))
}

// clock is a time in a sentence.
func clock(t time.Time) string { return t.UTC().Format("15:04 UTC on 2006-01-02") }

// imbalance is a spread that lasted and is worth to be mended, by what the fleet is
// spread by. It is well again where it is within half of the threshold, and not known
// without a look at it.
func (s *Session) imbalance(e evenness) (c alert.Condition, there, unknown bool) {
	worst := dimension{}
	for _, by := range dimensions(s.cfg.Fleet.Rebalance.By) {
		d := e.of(by)
		unknown = unknown || !d.fresh()
		if d.stands() && (!there || worst.worthless != "" && d.worthless == "" || (worst.worthless == "") == (d.worthless == "") && d.above > worst.above) {
			worst, there = d, true
		}
	}
	if !there {
		return c, false, unknown
	}
	shard := worst.fullest
	if shard == "" {
		shard = "the fullest shard"
	}
	last := worst.course
	advice := "shard-admin rebalance plan"
	if len(s.cfg.Fleet.Rebalance.By) > 1 {
		advice += " --by " + string(worst.by)
	}
	return alert.Condition{
		Rule: ruleImbalance, Subject: "fleet", Severity: alert.Warning, Value: fmt.Sprintf("%.0f %%", 100*worst.above), Near: worst.worthless != "",
		Message: fmt.Sprintf("%s is %.0f %% above an even spread of %s; the fleet came above %.0f %% at %s and was not within %.0f %% since", shard, 100*worst.above, spoken(worst.by), 100*last.Threshold, clock(*last.Since), 50*last.Threshold),
		Advice:  advice + " shows which moves mend it",
	}, true, unknown
}
