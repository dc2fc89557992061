package session

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	words "shardadmin/internal/figure"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/tenancy"
)

//go:embed sql/moving.sql
var movingSQL string

//go:embed sql/rested.sql
var restedSQL string

//go:embed sql/pace.sql
var paceSQL string

// largestShown is how many of the largest tenants are named.
const largestShown = 10

// spread is a fleet as a planner sees it, with what only people are told.
type spread struct {
	in    rebalance.Input
	opt   rebalance.Options
	notes []string
	pins  []RebalancePin
	// copied is what a move of each tenant copies, without indexes.
	copied map[string]int64
	pace   pace
	// kept is how uneven the fleet was.
	kept evenness
	// loads are how busy the shards were, homes where each tenant's rows are served now.
	loads map[string]shardLoad
	homes map[string]string
}

// pace is how fast this fleet's own moves went, in bytes a second.
type pace struct {
	moves       int
	usual, slow *float64
	reason      string
}

// Rebalance plans moves in three ways.
func (s *Session) Rebalance(ctx context.Context, r RebalanceRequest) (Rebalance, error) {
	sp, err := s.spread(ctx, r)
	if err != nil {
		return Rebalance{}, err
	}
	answer := rebalance.Make(sp.in, sp.opt)
	s.offered.keep(answer)
	return s.rebalanceView(sp, answer), nil
}

// spread reads the fleet as it is now.
func (s *Session) spread(ctx context.Context, r RebalanceRequest) (*spread, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if r.MaxMoves < 0 || r.MaxBytes < 0 {
		return nil, fault.New(fault.Usage, "leave it out for no limit", "a plan's limit is negative")
	}
	rules := s.cfg.Fleet.Rebalance
	sp := &spread{
		in: rebalance.Input{Now: time.Now(), CoolDown: rules.CoolDown}, notes: []string{}, pins: []RebalancePin{}, copied: map[string]int64{}, homes: map[string]string{},
		opt: rebalance.Options{Threshold: s.cfg.Imbalance, MaxMoves: r.MaxMoves, MaxBytes: r.MaxBytes},
	}
	by := rules.By
	if len(r.By) > 0 {
		if err := fleet.CheckSpreadBy(r.By); err != nil {
			return nil, err
		}
		by = r.By
	}
	for _, d := range by {
		sp.opt.By = append(sp.opt.By, rebalance.Dimension(d))
	}
	_, tenants, err := s.cat.List(ctx, tenancy.Filter{Sort: "id", Limit: all})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, sh := range s.cfg.Fleet.Shards {
		names = append(names, sh.Name)
	}
	var shares map[string]sharesOf
	var wg sync.WaitGroup
	wg.Go(func() { shares = s.shares(ctx, names) })
	sp.in.Shards = s.rooms(ctx)
	wg.Wait()
	moving, rested, err := s.pastMoves(ctx, sp)
	if err != nil {
		return nil, err
	}
	for _, t := range tenants {
		sp.homes[t.ID] = t.Shard
		sp.add(t, shares[t.Shard], moving[t.ID], rested[t.ID])
	}
	sp.loaded(shares, s.loads(ctx, shares))
	sp.declare(rules)
	sp.kept = s.evenness(ctx)
	sp.opt.Standing = slices.ContainsFunc(dimensions(sp.opt.By), func(by rebalance.Dimension) bool { return sp.kept.of(by).stands() })
	return sp, nil
}

// rooms are the shards with what is free there; one that does not answer is closed.
func (s *Session) rooms(ctx context.Context) []rebalance.Shard {
	out := make([]rebalance.Shard, len(s.cfg.Fleet.Shards))
	var wg sync.WaitGroup
	for i, sh := range s.cfg.Fleet.Shards {
		out[i] = rebalance.Shard{Name: sh.Name, Placement: sh.Placement, Region: sh.Region, Labels: sh.Labels, Capacity: sh.Capacity, MaxTenants: sh.MaxTenants}
		if !sh.Configured() {
			out[i].Closed = "it has no connection in the fleet file"
			continue
		}
		wg.Go(func() {
			used, readOnly, err := s.room(ctx, sh.Name)
			switch {
			case err != nil:
				out[i].Closed = *errorText(err)
			case readOnly:
				out[i].Closed, out[i].Used = "it is read-only", &used
			default:
				out[i].Used = &used
			}
		})
	}
	wg.Wait()
	return out
}

func (s *Session) room(ctx context.Context, shard string) (used int64, readOnly bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	db, err := s.set.Shard(shard)
	if err != nil {
		return 0, false, err
	}
	if r, ok := s.sampled(ctx, shard); ok {
		if used, readOnly, known := roomOf(r); known {
			return used, readOnly, nil
		}
	}
	defer s.lanes.enterSoon(ctx, shard, s.answersBy(shard))()
	pool, err := db.Pool(ctx)
	if err != nil {
		return 0, false, err
	}
	err = pool.QueryRow(ctx, "SELECT pg_catalog.pg_database_size(current_database()), pg_catalog.pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'").Scan(&used, &readOnly)
	return used, readOnly, conn.Fault(err, shard)
}

// held is a move that holds a tenant.
type held struct {
	id, tenant, source, target string
	state                      move.State
}

// pastMoves reads which moves hold a tenant, when each was moved last and how fast
// moves went. Without our schema there were none.
func (s *Session) pastMoves(ctx context.Context, sp *spread) (map[string]held, map[string]time.Time, error) {
	moving, rested := map[string]held{}, map[string]time.Time{}
	st, err := s.install.Status(ctx, s.set.Control())
	if err != nil {
		return nil, nil, err
	}
	if !st.Installed {
		sp.pace.reason = "the fleet has no schema of ours, so nobody has moved anything"
		return moving, rested, nil
	}
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := pool.Query(ctx, s.inSchema(movingSQL))
	if err == nil {
		var h held
		_, err = pgx.ForEachRow(rows, []any{&h.id, &h.tenant, &h.source, &h.target, &h.state}, func() error { moving[h.tenant] = h; return nil })
	}
	if err == nil {
		rows, err = pool.Query(ctx, s.inSchema(restedSQL))
	}
	if err == nil {
		var tenant string
		var at *time.Time
		_, err = pgx.ForEachRow(rows, []any{&tenant, &at}, func() error {
			if at != nil {
				rested[tenant] = *at
			}
			return nil
		})
	}
	if err == nil {
		p := &sp.pace
		err = pool.QueryRow(ctx, s.inSchema(paceSQL)).Scan(&p.moves, &p.usual, &p.slow)
		if p.moves == 0 {
			p.reason = "no move of this fleet has ended yet, and nothing else says how fast one is"
		}
	}
	return moving, rested, conn.Fault(err, fleet.ControlName)
}

// add files a tenant where a move takes it, and its copy where it is and may be again.
func (sp *spread) add(t tenancy.Tenant, size sharesOf, h held, rested time.Time) {
	x := rebalance.Tenant{ID: t.ID, Label: t.Label, Shard: t.Shard, Demo: t.Demo != nil && *t.Demo, Region: t.Region, Labels: t.Needs, MovedAt: rested}
	if x.Unknown = size.reason; size.known {
		x.Rows, sp.copied[t.ID] = size.of(t.ID)
		x.Bytes, x.Unknown = size.onDisk(t.ID), ""
	} else if x.Unknown == "" {
		x.Unknown = "nothing is known of its shard"
	}
	if h.id != "" {
		x.Move = h.id
		switch h.state {
		case move.Planned, move.Copying, move.CatchingUp, move.Ready, move.Switching:
			x.Shard, x.Also = h.target, []string{h.source}
			for i := range sp.in.Shards {
				if used := sp.in.Shards[i].Used; sp.in.Shards[i].Name == h.target && used != nil {
					*used += x.Bytes // what of it is there already is counted twice, which is the safe side
				}
			}
		case move.RollingBack, move.Failed:
			x.Shard, x.Also = h.source, []string{h.target}
		default:
			x.Shard, x.Also = h.target, []string{h.source}
		}
	}
	sp.in.Tenants = append(sp.in.Tenants, x)
}

// declare adds what the fleet file says. A value that no shard has asks for nothing.
func (sp *spread) declare(rules fleet.Rebalance) {
	regions, labels := map[string]bool{}, map[string]map[string]bool{}
	for _, sh := range sp.in.Shards {
		regions[sh.Region] = true
		for k, v := range sh.Labels {
			if labels[k] == nil {
				labels[k] = map[string]bool{}
			}
			labels[k][v] = true
		}
	}
	index := map[string]int{}
	for i := range sp.in.Tenants {
		t := &sp.in.Tenants[i]
		if !regions[t.Region] {
			t.Region = ""
		}
		for k, v := range t.Labels {
			if !labels[k][v] {
				delete(t.Labels, k)
			}
		}
		if _, taken := index[t.Label]; !taken {
			index[t.Label] = i
		}
	}
	for i, t := range sp.in.Tenants {
		index[t.ID] = i // an id is meant before a label
	}
	find := func(what, name string) (*rebalance.Tenant, bool) {
		i, ok := index[name]
		if !ok {
			sp.notes = append(sp.notes, fmt.Sprintf("the fleet file %s tenant %q, which the catalogue has not", what, name))
			return nil, false
		}
		return &sp.in.Tenants[i], true
	}
	for _, p := range rules.Pins {
		if t, ok := find("pins", p.Tenant); ok {
			t.Pinned = p.Reason
			sp.pins = append(sp.pins, RebalancePin{Tenant: t.ID, Label: t.Label, Shard: t.Shard, Reason: p.Reason})
		}
	}
	for _, d := range rules.Dedicated {
		for i := range sp.in.Shards {
			if sp.in.Shards[i].Name != d.Shard {
				continue
			}
			for _, name := range d.Tenants {
				// Nobody else comes in although the tenant is not there yet.
				id := name
				if t, ok := find("dedicates "+d.Shard+" to", name); ok {
					id = t.ID
				}
				sp.in.Shards[i].Dedicated = append(sp.in.Shards[i].Dedicated, id)
			}
		}
	}
	for _, group := range rules.Apart {
		ids := []string{}
		for _, name := range group {
			if t, ok := find("keeps apart", name); ok {
				ids = append(ids, t.ID)
			}
		}
		sp.in.Apart = append(sp.in.Apart, ids)
	}
}

// offers are plans that somebody has seen, so that one can be applied although sizes
// have changed by a page since.
type offers struct {
	mu    sync.Mutex
	plans map[string][]rebalance.Step
	order []string
}

// offersKept is how many are remembered.
const offersKept = 60

func (o *offers) keep(a rebalance.Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.plans == nil {
		o.plans = map[string][]rebalance.Step{}
	}
	for _, p := range a.Plans {
		if _, ok := o.plans[p.ID]; !ok {
			o.order = append(o.order, p.ID)
		}
		o.plans[p.ID] = p.Steps()
	}
	for len(o.order) > offersKept {
		delete(o.plans, o.order[0])
		o.order = o.order[1:]
	}
}

func (o *offers) find(id string) ([]rebalance.Step, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	steps, ok := o.plans[id]
	return steps, ok
}

func rounded(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return ptr(math.Round(*v*1e4) / 1e4)
}

func useView(u rebalance.Use, note string) RebalanceUse {
	v := RebalanceUse{Tenants: u.Tenants, Use: rounded(u.Ratio), PeakBytes: u.Peak, LoadReason: u.NoLoad}
	if u.NoLoad == "" {
		v.Load = rounded(&u.Load)
	}
	if v.Bytes = &u.Bytes; u.Unknown > 0 {
		v.Bytes, v.BytesReason = nil, fmt.Sprintf("the size of %s there is not known", words.Count(int64(u.Unknown), "tenant"))
	}
	if v.Use == nil {
		v.UseReason = note
	}
	if v.PeakBytes == nil {
		v.PeakReason = "the size of its database is not known"
	}
	return v
}

func balanceView(b rebalance.Balance) RebalanceBalance {
	v := RebalanceBalance{Max: rounded(b.Max), Min: rounded(b.Min), Outside: b.Outside, Misplaced: b.Misplaced}
	if v.Max == nil {
		v.Reason = "fewer than two shards take part"
	}
	return v
}

func (s *Session) rebalanceView(sp *spread, a rebalance.Answer) Rebalance {
	f := s.cfg.Fleet
	v := Rebalance{
		Fleet: f.Name, Environment: string(f.Environment), Needed: a.Needed, Verdict: a.Verdict, Threshold: a.Threshold, By: []string{}, Tenants: len(sp.in.Tenants),
		MeanBytes: a.Mean, CoolDownMS: sp.in.CoolDown.Milliseconds(), Shards: []RebalanceShard{}, Plans: []RebalancePlan{}, Oversized: []RebalanceOversized{},
		Recommendation: s.recommendation(sp, a), Largest: sp.largest(), Pins: sp.pins, Load: sp.loadView(), Placement: []RebalanceCandidate{}, Notes: sp.notes, CheckedAt: now(),
	}
	for _, d := range sp.opt.By {
		v.By = append(v.By, string(d))
	}
	if len(v.By) == 0 {
		v.By = append(v.By, string(rebalance.Bytes))
	}
	notes := map[string]string{}
	for i, u := range a.Plans[0].Shards {
		sh := sp.in.Shards[i]
		notes[u.Shard] = u.Note
		x := RebalanceShard{
			Name: sh.Name, Placement: string(sh.Placement), Region: sh.Region, Labels: map[string]string{}, Dedicated: append([]string{}, sh.Dedicated...),
			TakesPart: u.Takes, Note: u.Note, RebalanceUse: useView(u.Before, u.Note),
		}
		for k, l := range sh.Labels {
			x.Labels[k] = l
		}
		if sh.Capacity > 0 {
			x.CapacityBytes = ptr(sh.Capacity)
		}
		v.Shards = append(v.Shards, x)
	}
	for _, o := range a.Oversized {
		o := RebalanceOversized(o)
		o.Ratio = *rounded(&o.Ratio)
		v.Oversized = append(v.Oversized, o)
	}
	for _, p := range a.Plans {
		v.Plans = append(v.Plans, sp.planView(p, notes))
	}
	for _, c := range rebalance.Suggest(sp.in, sp.opt, rebalance.Tenant{Label: "a new tenant"}) {
		v.Placement = append(v.Placement, RebalanceCandidate{Shard: c.Shard, Allowed: c.Allowed, Reason: c.Reason})
	}
	unknown := map[string]int{}
	for _, t := range sp.in.Tenants {
		if t.Unknown != "" {
			why := t.Unknown
			if !strings.HasPrefix(why, t.Shard+": ") {
				why = t.Shard + ": " + why
			}
			unknown[why]++
		}
	}
	stay := "they stay"
	if slices.ContainsFunc(dimensions(sp.opt.By), rebalance.Dimension.OfSize) {
		stay += ", and their shard is not judged"
	}
	for why, n := range unknown {
		v.Notes = append(v.Notes, fmt.Sprintf("the size of %s is not known: %s (%s)", words.Count(int64(n), "tenant"), stay, why))
	}
	slices.Sort(v.Notes)
	return v
}

func (sp *spread) planView(p rebalance.Plan, notes map[string]string) RebalancePlan {
	v := RebalancePlan{
		ID: p.ID, Strategy: string(p.Strategy), Goal: p.Goal, Moves: []RebalanceMove{}, Bytes: p.Bytes, Rows: p.Rows, Before: balanceView(p.Before), After: balanceView(p.After),
		Shards: []RebalanceShardAfter{}, Stopped: p.Stopped, Rejected: []RebalanceRejected{}, RejectedTotal: p.RejectedTotal, Left: []RebalanceLeft{},
	}
	copied := int64(0)
	for _, m := range p.Moves {
		copied += sp.copied[m.Tenant]
		v.Moves = append(v.Moves, RebalanceMove{
			Tenant: m.Tenant, Label: m.Label, Source: m.From, Target: m.To, Bytes: m.Bytes, Rows: m.Rows, Why: string(m.Why), Reason: m.Reason,
			SourceBefore: useView(m.FromBefore, notes[m.From]), SourceAfter: useView(m.FromAfter, notes[m.From]),
			TargetBefore: useView(m.ToBefore, notes[m.To]), TargetAfter: useView(m.ToAfter, notes[m.To]),
		})
	}
	for _, u := range p.Shards {
		v.Shards = append(v.Shards, RebalanceShardAfter{u.Shard, useView(u.After, u.Note)})
	}
	for _, r := range p.Rejected {
		v.Rejected = append(v.Rejected, RebalanceRejected{Tenant: r.Tenant, Label: r.Label, Source: r.From, Target: r.To, Bytes: r.Bytes, Constraint: string(r.Constraint), Reason: r.Reason})
	}
	for _, l := range p.Left {
		v.Left = append(v.Left, RebalanceLeft(l))
	}
	if v.EstimateReason = sp.pace.reason; sp.pace.usual != nil {
		v.EstimateMS, v.EstimateSlowMS = ptr(int64(float64(copied) / *sp.pace.usual * 1000)), ptr(int64(float64(copied) / *sp.pace.slow * 1000))
	}
	return v
}

// largest are the largest tenants of the fleet.
func (sp *spread) largest() []RebalanceLarge {
	total := map[string]int64{}
	for _, t := range sp.in.Tenants {
		total[t.Shard] += t.Bytes
	}
	out := []RebalanceLarge{}
	for _, t := range largestBy(sp.in.Tenants, func(t rebalance.Tenant) float64 { return float64(t.Bytes) }) {
		out = append(out, RebalanceLarge{Tenant: t.ID, Label: t.Label, Shard: t.Shard, Bytes: t.Bytes, Share: math.Round(float64(t.Bytes)/float64(total[t.Shard])*1e4) / 1e4})
	}
	return out
}

// largestBy are the tenants that have most of something, and some of it.
func largestBy(tenants []rebalance.Tenant, of func(rebalance.Tenant) float64) []rebalance.Tenant {
	list := slices.Clone(tenants)
	slices.SortStableFunc(list, func(a, b rebalance.Tenant) int { return cmp.Compare(of(b), of(a)) })
	list = list[:min(len(list), largestShown)]
	return slices.DeleteFunc(list, func(t rebalance.Tenant) bool { return of(t) <= 0 })
}
