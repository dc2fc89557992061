package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shardadmin/internal/alert"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/rebalance"
	"shardadmin/internal/tenancy"
)

// How often a worker looks for new tenants, how long the lease of who places them lasts,
// how many tenants are looked at for rows in one round and how many of them may have
// none, which takes a look at every table, and how long nothing is placed after a failure.
const (
	newcomerEvery = 30 * time.Second
	newcomerLease = 30 * time.Second
	newcomerLooks = 500
	newcomerEmpty = 50
	newcomerAgain = time.Hour
	// newcomerWhole is how often every tenant of the default shard is listed: one that
	// came for one that went, with an earlier id, is found then.
	newcomerWhole = 10 * time.Minute
)

// newcomerLeaseName is the resource that whoever places new tenants holds.
const newcomerLeaseName = "placement"

// newcomers points tenants that are new to the shards that are suggested for them, where
// the fleet file asks for it. New is who is on the default shard, has no row there, and
// was never changed through this program: what a person pointed stays. Each is assigned
// as by a person, with the permit of the worker's operator, and what keeps it out ends
// the round and is told.
//
// Of any number of workers one places, the one that holds the lease; an assignment holds
// the tenant's own besides. A worker that dies within one leaves what an assignment
// leaves, which the next round takes away.
type newcomers struct {
	*turns
	rows map[string]bool // tenants that have rows: they are never new again
	next int             // where the next round begins to look, so that each has its turn
	// left are those of the last round who may be new, of the tenants that there were, and
	// wholly is when all of them were listed.
	left   []tenancy.Tenant
	extent tenancy.Extent
	wholly time.Time
	later  time.Time // not before, after a failure
}

func (s *Session) newcomersOf() *newcomers {
	return &newcomers{
		turns: &turns{s: s, name: newcomerLeaseName, lasts: newcomerLease, often: newcomerEvery, fails: "new tenants are not placed"},
		rows:  map[string]bool{},
	}
}

func (s *Session) newcomers(ctx context.Context) {
	if !s.cfg.Fleet.Placing.Automatic {
		return
	}
	w := s.newcomersOf()
	w.run(ctx, w.look)
}

// look places once.
func (w *newcomers) look(ctx context.Context, fresh bool) error {
	if fresh { // another one has placed meanwhile
		w.wholly = time.Time{}
	}
	if time.Now().Before(w.later) {
		return nil
	}
	list, err := w.candidates(ctx)
	if err != nil {
		return err
	}
	failed := []alert.Condition{}
	if len(list) > 0 {
		t, to, err := w.place(ctx, list)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && t == nil {
			return err
		}
		if err != nil {
			w.later = time.Now().Add(newcomerAgain)
			w.s.cfg.Log.WarnContext(ctx, "a new tenant could not be placed", "tenant", t.ID, "shard", to, "again", w.later, "error", err)
			advice := fault.HintOf(err)
			if advice != "" {
				advice += "; "
			}
			failed = append(failed, alert.Condition{
				Rule: rulePlacement, Subject: t.ID, Shard: to, Severity: alert.Warning, Value: string(fault.CodeOf(err)),
				Message: fmt.Sprintf("new tenant %s could not be placed on %s, so none is placed for an hour: %s", name(*t), to, *errorText(err)),
				Advice:  advice + "a worker that is started anew tries at once",
			})
		}
	}
	return w.s.alerts().Report(ctx, w.lease, rulePlacement, failed)
}

func name(t tenancy.Tenant) string {
	if t.Label == "" {
		return t.ID
	}
	return t.Label + " (" + t.ID + ")"
}

// list adds those who came to those who were left: the whole shard is listed once in a
// while, and where more changed than that some came.
func (w *newcomers) list(ctx context.Context, home string) error {
	now, err := w.s.cat.Extent(ctx, home)
	if err != nil {
		return err
	}
	was := w.extent
	whole := w.wholly.IsZero() || time.Since(w.wholly) >= newcomerWhole
	if !whole && now != was {
		_, came, err := w.s.cat.List(ctx, tenancy.Filter{Shard: home, Sort: "id", Limit: all, After: was.Last})
		if err != nil {
			return err
		}
		w.s.cfg.Log.DebugContext(ctx, "tenants came to the default shard", "listed", len(came))
		if whole = now.Count != was.Count+len(came) || was.Last == ""; !whole {
			w.left, w.extent = append(w.left, came...), now
		}
	}
	if !whole {
		return nil
	}
	_, list, err := w.s.cat.List(ctx, tenancy.Filter{Shard: home, Sort: "id", Limit: all})
	if err != nil {
		return err
	}
	w.s.cfg.Log.DebugContext(ctx, "the tenants of the default shard were listed", "listed", len(list))
	w.left, w.extent, w.wholly = list, now, time.Now()
	return nil
}

// candidates are tenants that are new.
func (w *newcomers) candidates(ctx context.Context) ([]tenancy.Tenant, error) {
	s, home := w.s, w.s.cat.DefaultShard()
	db, err := s.set.Shard(home)
	if err != nil {
		return nil, err
	}
	if err := w.list(ctx, home); err != nil {
		return nil, err
	}
	excluded := s.cfg.Fleet.Placing.Exclude
	w.left = slices.DeleteFunc(w.left, func(t tenancy.Tenant) bool {
		return w.rows[t.ID] || slices.Contains(excluded, t.ID) || slices.Contains(excluded, t.Label)
	})
	if len(w.left) == 0 {
		return nil, nil
	}
	list := slices.Clone(w.left)
	ids := []string{}
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	changed, err := s.trail.Changes(ctx, ids)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(t tenancy.Tenant) bool { _, was := changed[t.ID]; return was })
	m, err := s.mapOf(ctx, db)
	if err != nil {
		return nil, err
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	out := []tenancy.Tenant{}
	begin := w.next
	for k := range min(len(list), newcomerLooks) {
		if len(out) >= newcomerEmpty {
			break
		}
		t := list[(begin+k)%len(list)]
		w.next = (begin + k + 1) % len(list)
		table, err := m.HasRows(ctx, pool, t.ID)
		if err != nil {
			return nil, err
		}
		if table != "" {
			w.rows[t.ID] = true
			continue
		}
		out = append(out, t)
	}
	return out, nil
}

// place points as many as a round may. It returns the one that could not be.
func (w *newcomers) place(ctx context.Context, list []tenancy.Tenant) (*tenancy.Tenant, string, error) {
	s := w.s
	sp, err := s.spread(ctx, RebalanceRequest{})
	if err != nil {
		return nil, "", err
	}
	mean := sp.meanTenant()
	placed := 0
	for _, t := range list {
		if placed >= s.cfg.Fleet.Placing.AtOnce {
			break
		}
		i := slices.IndexFunc(sp.in.Tenants, func(x rebalance.Tenant) bool { return x.ID == t.ID })
		if i < 0 || sp.in.Tenants[i].Pinned != "" || sp.in.Tenants[i].Move != "" {
			continue
		}
		x := sp.in.Tenants[i]
		others := sp.in
		others.Tenants = slices.Delete(slices.Clone(sp.in.Tenants), i, i+1)
		best := rebalance.Suggest(others, sp.opt, x)[0]
		if !best.Allowed || best.Shard == t.Shard {
			continue // where it is is best, or nowhere may it go
		}
		permit, err := s.gate.Permit(ctx, policy.Request{
			Action: policy.AssignTenant, Tenant: t.ID, Label: t.Label, Shard: best.Shard,
			Reason: "placed by the rule [placement] automatic of the fleet file: " + best.Reason, Confirm: t.ID, // the file confirms it
		})
		if err == nil {
			_, err = placement.Assign(ctx, s.placement(), permit, placement.Request{Tenant: t, Target: best.Shard})
		}
		switch fault.CodeOf(err) {
		case fault.RowsExist:
			w.rows[t.ID] = true // it came to have some meanwhile
			continue
		case fault.MoveInProgress, fault.LeaseHeld, fault.PointerChanged, fault.TenantUnknown:
			continue // somebody else has it in hand
		}
		if err != nil {
			return &t, best.Shard, err
		}
		s.cfg.Log.InfoContext(ctx, "a new tenant was placed", "tenant", t.ID, "shard", best.Shard, "reason", best.Reason)
		placed++
		// What it will grow to nobody knows; for those that come with it, it counts as
		// any other.
		x.Shard, x.Bytes, x.Rows, x.Load = best.Shard, mean.Bytes, mean.Rows, mean.Load
		sp.in.Tenants[i] = x
	}
	return nil, "", nil
}

// meanTenant is what a tenant of the fleet takes on average.
func (sp *spread) meanTenant() rebalance.Tenant {
	sum, n := rebalance.Tenant{}, 0
	for _, t := range sp.in.Tenants {
		if t.Unknown == "" && t.Rows > 0 {
			n++
			sum.Bytes, sum.Rows, sum.Load = sum.Bytes+t.Bytes, sum.Rows+t.Rows, sum.Load+t.Load
		}
	}
	if n == 0 {
		return rebalance.Tenant{Bytes: 1, Rows: 1}
	}
	return rebalance.Tenant{Bytes: sum.Bytes / int64(n), Rows: sum.Rows / int64(n), Load: sum.Load / float64(n)}
}

// placementUnknown reports whether only the worker that places can say what became of
// an alert about it.
func placementUnknown(f *fleet.Fleet, a alert.Alert) bool {
	return a.Rule == rulePlacement && f.Placing.Automatic
}
