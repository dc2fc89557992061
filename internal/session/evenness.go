package session

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job"
	"shardadmin/internal/rebalance"
)

//go:embed sql/spread.sql
var spreadSQL string

//go:embed sql/keepspread.sql
var keepSpreadSQL string

//go:embed sql/triedspread.sql
var triedSpreadSQL string

// Where it is kept how a fleet is spread.
const (
	// KeptInControl is the fleet's own, the same for all who look.
	KeptInControl = "control"
	// KeptHere is what this computer saw, and no other.
	KeptHere = "computer"
)

// measured is how unevenly a fleet is spread by one dimension, as it was just seen.
type measured struct {
	by rebalance.Dimension
	// reason is why it is not known, "" where it is.
	reason    string
	over      float64
	fullest   string
	worthless string // why moves would not be worth it, "" where they would
}

// glance is one look at all dimensions.
type glance struct {
	at   time.Time
	list []measured
}

// known are the imbalances that a look told which says how it is now, by dimension.
func (g glance) known(now time.Time) map[string]float64 {
	out := map[string]float64{}
	for _, m := range g.list {
		if m.reason == "" && now.Sub(g.at) <= spreadFresh {
			out[string(m.by)] = m.over
		}
	}
	return out
}

// dimension is how a fleet is spread by one dimension, as it is kept.
type dimension struct {
	by rebalance.Dimension
	// The last look that told: how it went until then, by whom, and its age by the clock
	// of who keeps it.
	course    rebalance.Course
	seenBy    string
	seenAge   time.Duration
	above     float64
	fullest   string
	worthless string
	// The last look, and why it did not tell.
	triedAge time.Duration
	reason   string
}

// fresh reports whether it says how it is now.
func (d dimension) fresh() bool { return !d.course.Last.IsZero() && d.seenAge <= spreadFresh }

// stands reports whether it is out of balance now, for long enough.
func (d dimension) stands() bool { return d.fresh() && d.course.Standing }

// evenness is how a fleet is spread by every dimension, as it is kept.
type evenness struct {
	from string // KeptInControl or KeptHere, "" where it is not known
	why  string // why it is not known, or this computer's alone
	list []dimension
}

// of is what is kept of one dimension.
func (e evenness) of(by rebalance.Dimension) dimension {
	for _, d := range e.list {
		if d.by == by {
			return d
		}
	}
	return dimension{by: by}
}

// evenness reads what is kept of how the fleet is spread: in the control database, and
// where that has no schema of ours what this computer saw.
func (s *Session) evenness(ctx context.Context) evenness {
	err := s.installed(ctx)
	switch {
	case fault.CodeOf(err) == fault.NotInstalled:
		out := evenness{from: KeptHere, why: "the control database has no schema of ours, so only what this computer saw is known: shard-admin fleet install keeps it there for all"}
		if s.cfg.DBPath == "" {
			return evenness{why: "the control database has no schema of ours, and no history is kept on this computer"}
		}
		p := s.pastOf(ctx)
		if p.why != "" {
			return evenness{why: p.why}
		}
		at := time.Now()
		for _, d := range p.spread {
			d.seenAge = at.Sub(d.course.Last)
			d.triedAge = d.seenAge
			out.list = append(out.list, d)
		}
		return out
	case err != nil:
		return evenness{why: *errorText(err)}
	}
	list, err := s.readEvenness(ctx)
	if err != nil {
		return evenness{why: *errorText(err)}
	}
	return evenness{from: KeptInControl, list: list}
}

// readEvenness reads what the control database keeps.
func (s *Session) readEvenness(ctx context.Context) ([]dimension, error) {
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return nil, err
	}
	return s.scanEvenness(pool.Query(ctx, s.inSchema(spreadSQL)))
}

func (s *Session) scanEvenness(rows pgx.Rows, err error) ([]dimension, error) {
	if err != nil {
		return nil, conn.Fault(err, fleet.ControlName)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (dimension, error) {
		d, c := dimension{}, &rebalance.Course{}
		var last *time.Time
		var gap, tried float64
		var seen *float64
		err := row.Scan(&d.by, &last, &d.seenBy, &d.above, &d.fullest, &c.Threshold, &c.Since, &c.Standing, &gap, &d.worthless, &d.reason, &seen, &tried)
		seconds := func(n float64) time.Duration { return max(0, time.Duration(n*float64(time.Second))) }
		if c.Gap, d.triedAge = seconds(gap), seconds(tried); last != nil && seen != nil {
			c.Last, d.seenAge = *last, seconds(*seen)
		}
		d.course = *c
		return d, err
	})
	return list, conn.Fault(err, fleet.ControlName)
}

// keepEvenness takes a look into the control database, under the lease of who evaluates
// alerts. One that is older than what is there says nothing new. The clock is the
// database's.
func (s *Session) keepEvenness(ctx context.Context, lease *job.Lease, g glance) error {
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	by := job.Spoken(lease.Holder)
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		var at time.Time
		if err := tx.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err != nil {
			return err
		}
		age := time.Since(g.at)
		at = at.Add(-age)
		list, err := s.scanEvenness(tx.Query(ctx, s.inSchema(spreadSQL)))
		if err != nil {
			return err
		}
		was := evenness{list: list}
		for _, m := range g.list {
			d := was.of(m.by)
			switch {
			case slices.ContainsFunc(list, func(d dimension) bool { return d.by == m.by }) && d.triedAge < age:
			case m.reason != "":
				_, err = tx.Exec(ctx, s.inSchema(triedSpreadSQL), m.by, at, by, m.reason)
			default:
				c := d.course.Look(rebalance.Seen{At: at, Over: m.over}, s.threshold())
				_, err = tx.Exec(ctx, s.inSchema(keepSpreadSQL), m.by, at, by, m.over, m.fullest, c.Threshold, c.Since, c.Standing, c.Gap.Seconds(), m.worthless)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}), fleet.ControlName)
}

// glance measures the fleet by every dimension. Where a shard does not answer a
// dimension is not known: without it the others only seem even.
func (s *Session) glance(ctx context.Context) glance {
	g := glance{at: time.Now()}
	sp, err := s.spread(ctx, RebalanceRequest{})
	for _, by := range rebalance.Dimensions() {
		m := measured{by: by}
		if err != nil {
			m.reason = *errorText(err)
		} else {
			s.measure(sp, &m)
		}
		g.list = append(g.list, m)
	}
	return g
}

func (s *Session) measure(sp *spread, m *measured) {
	opt := rebalance.Options{Threshold: s.threshold(), By: []rebalance.Dimension{m.by}, Standing: true}
	v := rebalance.Measure(sp.in, opt)
	for i, sh := range s.cfg.Fleet.Shards {
		u := v.Shards[i].Before
		switch {
		case m.reason != "" || !sh.Configured():
		case sp.in.Shards[i].Used == nil:
			m.reason = sh.Name + ": " + cmp.Or(v.Shards[i].Note, "the size of its database is not known")
		case m.by.OfSize() && u.Unknown > 0:
			m.reason = fmt.Sprintf("the size of %s on %s is not known", words.Count(int64(u.Unknown), "tenant"), sh.Name)
		case m.by == rebalance.Load && u.NoLoad != "":
			m.reason = sh.Name + ": " + u.NoLoad
		}
	}
	if m.reason == "" && !v.Known {
		m.reason = "fewer than two shards take part"
	}
	if m.reason != "" {
		return
	}
	m.over, m.fullest = v.Over, v.Fullest
	if m.over > s.threshold()/2 { // else nobody asks what moves would gain
		m.worthless = s.worthless(opt.By, rebalance.Make(sp.in, opt))
	}
}

// view says how a fleet is spread by one dimension, and since when.
func (e evenness) view(by rebalance.Dimension) RebalanceDimension {
	d := e.of(by)
	v := RebalanceDimension{By: string(by), State: DimensionUnknown}
	if !d.course.Last.IsZero() {
		v.SeenAt, v.SeenBy, v.AgeMS = ptr(stamp(d.course.Last)), d.seenBy, ptr(d.seenAge.Milliseconds())
	}
	if !d.fresh() {
		v.Reason = e.unknown(d)
		v.OverReason, v.SinceReason = v.Reason, v.Reason
		if v.SeenAt == nil {
			v.SeenReason = v.Reason
		}
		return v
	}
	v.Over, v.Fullest, v.State = rounded(&d.above), d.fullest, DimensionEven
	limit := fmt.Sprintf("%.0f %%", 100*d.course.Threshold)
	if d.course.Since == nil {
		v.Reason = fmt.Sprintf("no shard is more than %s above an even spread of %s", limit, spoken(by))
		v.SinceReason = v.Reason
		return v
	}
	v.Since = ptr(stamp(*d.course.Since))
	if v.State = DimensionUneven; !d.course.Standing {
		v.Reason = fmt.Sprintf("the fullest shard is more than %s above an even spread of %s since %s; moves are recommended after %s of it", limit, spoken(by), clock(*d.course.Since), words.Span(rebalance.Lasts))
		return v
	}
	v.State = DimensionStanding
	v.Reason = fmt.Sprintf("the fullest shard came more than %s above an even spread of %s at %s and was not within %.0f %% since", limit, spoken(by), clock(*d.course.Since), 50*d.course.Threshold)
	if d.course.Gap > spreadFresh {
		v.Reason += fmt.Sprintf("; for up to %s of it nobody looked", words.Span(d.course.Gap))
	}
	if v.Recommended = d.worthless == ""; !v.Recommended {
		v.Reason += ", and " + d.worthless
	}
	return v
}

// unknown says why it is not known how a fleet is spread by a dimension now.
func (e evenness) unknown(d dimension) string {
	who := "no worker, serve or window"
	if e.from == KeptHere {
		who += " of this computer"
	}
	switch {
	case e.from == "":
		return e.why
	case d.reason != "" && d.triedAge <= spreadFresh:
		return d.reason
	case d.course.Last.IsZero() && d.reason == "":
		return who + " has looked yet: they do while they run, each " + words.Span(spreadEvery)
	}
	return fmt.Sprintf("%s has looked for %s: they do while they run", who, words.Span(d.triedAge.Truncate(time.Minute)))
}

// spoken is what is spread by a dimension.
func spoken(by rebalance.Dimension) string {
	if by == rebalance.Count {
		return "tenants"
	}
	return string(by)
}

// views are all dimensions.
func (e evenness) views() []RebalanceDimension {
	out := []RebalanceDimension{}
	for _, by := range rebalance.Dimensions() {
		out = append(out, e.view(by))
	}
	return out
}

// lead is the one of some dimensions that decides: what is recommended, then what lasts
// longest, then what is not known, then what is even.
func (e evenness) lead(by []rebalance.Dimension) RebalanceDimension {
	rank := func(v RebalanceDimension) int {
		if v.Recommended {
			return -1
		}
		return slices.Index([]string{DimensionStanding, DimensionUneven, DimensionUnknown, DimensionEven}, v.State)
	}
	list := []RebalanceDimension{}
	for _, d := range by {
		list = append(list, e.view(d))
	}
	return slices.MinFunc(list, func(a, b RebalanceDimension) int {
		since := func(v RebalanceDimension) string {
			if v.Since == nil {
				return ""
			}
			return *v.Since
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(since(a), since(b)))
	})
}

// recommendation is one by what is kept alone.
func (e evenness) recommendation(by []rebalance.Dimension) Recommendation {
	v := e.lead(by)
	var from *string
	if e.from != "" {
		from = ptr(e.from)
	}
	return Recommendation{
		Recommended: v.Recommended, RecommendedReason: v.Reason, Since: v.Since, SinceReason: v.SinceReason,
		Dimensions: e.views(), Kept: from, KeptReason: e.why,
	}
}
