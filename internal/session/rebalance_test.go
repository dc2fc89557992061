package session_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/session"
)

func planOf(t *testing.T, v session.Rebalance, strategy string) session.RebalancePlan {
	t.Helper()
	for _, p := range v.Plans {
		if p.Strategy == strategy {
			return p
		}
	}
	t.Fatalf("no plan %s", strategy)
	return session.RebalancePlan{}
}

// A plan is made, looked at, tried and carried out; then nothing is left to do.
func TestAPlanIsCarriedOut(t *testing.T) {
	t.Parallel()
	f, s := small(t, 12)
	ctx := t.Context()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, v.Needed)
	require.Equal(t, "the fullest shard holds 2.00 times a mean one, the emptiest 0.00", v.Verdict)
	require.Equal(t, 12, v.Tenants)
	require.Len(t, v.Plans, 3)
	require.Positive(t, v.MeanBytes)
	require.Equal(t, "it has no connection in the fleet file", v.Shards[2].Note)
	require.False(t, v.Shards[2].TakesPart)
	require.Equal(t, []bool{true, true, false}, []bool{v.Placement[0].Allowed, v.Placement[1].Allowed, v.Placement[2].Allowed})
	require.Equal(t, "shard_1", v.Placement[0].Shard, "a new tenant goes where there is most room")
	p := planOf(t, v, "fewest-moves")
	require.Len(t, p.Moves, 6)
	require.Nil(t, p.EstimateMS)
	require.Contains(t, p.EstimateReason, "no move of this fleet has ended yet")
	require.InDelta(t, 1, *p.After.Max, 0.1)
	for _, m := range p.Moves {
		require.Equal(t, []string{"default", "shard_1", "spread"}, []string{m.Source, m.Target, m.Why})
		require.Positive(t, m.Bytes)
		require.EqualValues(t, 43, m.Rows)
	}

	tried, err := s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-moves", Plan: p.ID, DryRun: true}, nil)
	require.NoError(t, err)
	require.Equal(t, 6, tried.Queued)
	list, err := s.Moves(ctx, "", 10)
	require.NoError(t, err)
	require.Empty(t, list.Moves, "a dry run files nothing")

	_, err = s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-moves", Plan: "0123456789ab", Note: "spread"}, nil)
	require.Equal(t, fault.PlanStale, fault.CodeOf(err))
	seen := []string{}
	done, err := s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-moves", Plan: p.ID, Note: "spread"}, func(o session.RebalanceOne) { seen = append(seen, o.Tenant) })
	require.NoError(t, err)
	require.Equal(t, 6, done.Queued)
	require.Len(t, seen, 6)
	ids := []string{}
	for i, m := range done.Moves {
		require.Equal(t, session.MoveQueued, m.Status)
		require.Equal(t, p.Moves[i].Tenant, m.Tenant, "in the plan's order")
		require.NotEmpty(t, m.AuditEvent)
		ids = append(ids, m.MoveID)
	}
	// What is on its way counts where it goes, and stays out of the next plan.
	again, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.False(t, again.Needed, again.Verdict)

	ended, err := s.AwaitAll(ctx, ids, nil)
	require.NoError(t, err)
	for _, m := range ended {
		require.Equal(t, "retained", m.State)
	}
	require.Equal(t, "6", f.text(0, "SELECT count(*)::text FROM accounts WHERE shard = 'shard_1'"))
	events, err := s.Events(ctx, session.AuditFilter{Action: "rebalance.apply"})
	require.NoError(t, err)
	require.Len(t, events.Events, 2, "the plan's intent and outcome")
	require.Equal(t, done.AuditEvent, events.Events[0].ID)
	require.EqualValues(t, 6, events.Events[0].Details["queued"])
	starts, err := s.Events(ctx, session.AuditFilter{Action: "move.start"})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(starts.Events), 6)

	// Nobody has analyzed the target yet: it is not taken for empty.
	unknown, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.Equal(t, "the size of 6 tenants there is not known", unknown.Shards[1].Note)
	require.Nil(t, unknown.Shards[1].Bytes, "not known is not nothing")
	require.Equal(t, "the size of 6 tenants there is not known", unknown.Shards[1].BytesReason)
	require.False(t, unknown.Needed, unknown.Verdict)
	f.exec(1, "ANALYZE")
	f.fleet.Rebalance.By = []string{"rows"} // a page more or less is much of so few
	last, err := f.open().Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.True(t, last.Shards[1].TakesPart)
	require.False(t, last.Needed, last.Verdict)
	require.NotNil(t, planOf(t, last, "fewest-moves").EstimateMS, "this fleet's own moves say how fast one is")
}

// A plan that was seen is refused once a tenant of it is elsewhere.
func TestAPlanOfYesterdayIsRefused(t *testing.T) {
	t.Parallel()
	f, s := small(t, 6)
	v, err := s.Rebalance(t.Context(), session.RebalanceRequest{})
	require.NoError(t, err)
	p := planOf(t, v, "fewest-bytes")
	require.NotEmpty(t, p.Moves)
	require.Equal(t, "retained", f.arrives(s, p.Moves[0].Tenant).State)
	_, err = s.ApplyRebalance(t.Context(), session.RebalanceApply{Strategy: "fewest-bytes", Plan: p.ID, Note: "spread"}, nil)
	require.Equal(t, fault.PlanStale, fault.CodeOf(err))
	require.ErrorContains(t, err, "is on shard_1 and not on default any more")
}

// When one move of a plan fails, those that have not begun are cancelled.
func TestAFailedMoveStopsTheRestOfItsPlan(t *testing.T) {
	t.Parallel()
	f, s := small(t, 8)
	ctx := t.Context()
	byCount := session.RebalanceRequest{By: []string{"count"}} // which nobody has to analyze for
	_, err := s.LimitQueue(ctx, true, ptr(1), session.QueueRequest{Note: "one by one"})
	require.NoError(t, err)
	done, err := s.ApplyRebalance(ctx, session.RebalanceApply{RebalanceRequest: byCount, Strategy: "fewest-moves", Note: "spread"}, nil)
	require.NoError(t, err)
	require.Equal(t, 4, done.Queued)
	bad := done.Moves[1]
	f.exec(1, "INSERT INTO accounts SELECT "+bad.Tenant+", '"+bad.Label+"', 'default'")
	f.exec(1, "INSERT INTO notes VALUES ("+bad.Tenant+"01, "+bad.Tenant+", NULL, 'a stray')")
	ids := []string{}
	for _, m := range done.Moves {
		ids = append(ids, m.MoveID)
	}
	ended, err := s.AwaitAll(ctx, ids, nil)
	require.Error(t, err)
	states := []string{}
	for _, m := range ended {
		states = append(states, m.State)
	}
	require.Equal(t, []string{"retained", "failed", "cancelled", "cancelled"}, states)

	// A fresh plan is offered and nothing of it queued: to who asks, and in the alert, which
	// waits for it.
	next, err := s.Replan(ctx, byCount, "fewest-moves")
	require.NoError(t, err)
	require.NotEqual(t, done.Plan, next.Plan)
	require.Equal(t, 3, next.Moves, next.Summary)
	require.Contains(t, next.Summary, "to shard_1")
	require.Contains(t, next.Command, "rebalance apply --strategy fewest-moves --by count --plan "+next.Plan)
	look, err := s.Evaluating(ctx)
	require.NoError(t, err)
	alerted := func() string {
		return f.text(0, "SELECT concat_ws(' ', state, advice) FROM shard_admin.alert WHERE rule = 'move.failed'")
	}
	require.NoError(t, look(session.Figures{}))
	require.True(t, strings.HasPrefix(alerted(), "pending "), alerted())
	require.NoError(t, look(session.Figures{}))
	require.True(t, strings.HasPrefix(alerted(), "firing "), alerted())
	require.Contains(t, alerted(), "a fresh one, "+next.Plan+", has "+next.Summary+", and is not queued: "+next.Command)
	now, err := s.Moves(ctx, "", 100)
	require.NoError(t, err)
	require.Len(t, now.Moves, 4)
	again, err := s.ApplyRebalance(ctx, session.RebalanceApply{RebalanceRequest: byCount, Strategy: "fewest-moves", Plan: next.Plan, Note: "the rest"}, nil)
	require.NoError(t, err)
	require.Equal(t, next.Moves, again.Queued)
	log := []string{}
	for _, l := range ended[3].Log {
		log = append(log, l.Message)
	}
	require.True(t, slices.ContainsFunc(log, func(l string) bool { return strings.Contains(l, "which was queued with this one, is failed") }), "%q", log)
	require.Equal(t, "1", f.text(0, "SELECT count(*)::text FROM accounts WHERE shard = 'shard_1'"))
}

// One tenant that cannot be moved keeps all of a plan from being queued.
func TestAPlanIsQueuedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	f, s := small(t, 6)
	ctx := t.Context()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	p := planOf(t, v, "fewest-moves")
	bad := p.Moves[len(p.Moves)-1]
	// Somebody else's row has the id of one of its rows on the target.
	f.exec(1, "INSERT INTO accounts SELECT "+bad.Tenant+", '"+bad.Label+"', 'default'")
	f.exec(1, "INSERT INTO notes VALUES ("+bad.Tenant+"01, "+bad.Tenant+", NULL, 'a stray')")
	done, err := s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-moves", Plan: p.ID, Note: "spread"}, nil)
	require.ErrorContains(t, err, "nothing was queued: tenant "+bad.Label+" cannot be moved to shard_1")
	require.Zero(t, done.Queued)
	require.Equal(t, session.NotAssigned, done.Moves[len(done.Moves)-1].Status)
	list, err := s.Moves(ctx, "", 10)
	require.NoError(t, err)
	for _, m := range list.Moves {
		require.Equal(t, "cancelled", m.State)
	}
	q, err := s.Queue(ctx)
	require.NoError(t, err)
	require.Zero(t, q.Waiting)
}

// Where a tenant without rows was assigned before another was refused, that is said.
func TestAPlanThatIsRefusedSaysWhatItHasDone(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 4)
	ctx := t.Context()
	f.exec(0, "INSERT INTO accounts SELECT i, 'empty' || i, 'default' FROM generate_series(90, 93) i")
	f.exec(0, "ANALYZE")
	f.fleet.Rebalance.Apart = [][]string{{"empty90", "empty91"}, {"empty92", "empty93"}} // such moves come first
	s := f.open()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	p := planOf(t, v, "fewest-moves")
	require.Greater(t, len(p.Moves), 2)
	f.exec(1, "INSERT INTO accounts SELECT i, 'tenant' || i, 'default' FROM generate_series(1, 4) i")
	f.exec(1, "INSERT INTO notes SELECT i * 100 + 1, i, NULL, 'a stray' FROM generate_series(1, 4) i")
	done, err := s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-moves", Plan: p.ID, Note: "spread"}, nil)
	assigned := []string{}
	for _, m := range done.Moves {
		if m.Status == session.Assigned {
			assigned = append(assigned, m.Label+" to shard_1")
		}
	}
	require.Len(t, assigned, 2, "%+v", done.Moves)
	require.Equal(t, 2, done.Assigned)
	require.Equal(t, fault.PlanPartly, fault.CodeOf(err))
	require.NotContains(t, fault.Safe(err), fault.Unchanged)
	require.ErrorContains(t, err, "no move was queued: tenant tenant")
	require.ErrorContains(t, err, "; before that 2 tenants without rows were assigned and stay so: "+strings.Join(assigned, ", "))
	require.Equal(t, "2", f.text(0, "SELECT count(*)::text FROM accounts WHERE id >= 90 AND shard = 'shard_1'"))
	events, err := s.Events(ctx, session.AuditFilter{Action: "rebalance.apply"})
	require.NoError(t, err)
	require.EqualValues(t, 2, events.Events[0].Details["assigned"])
}

// What the fleet file declares is kept to, and a tenant without rows is pointed only.
func TestAPlanKeepsToTheFleetFile(t *testing.T) {
	t.Parallel()
	f, _ := small(t, 6)
	ctx := t.Context()
	f.exec(0, "INSERT INTO accounts VALUES (90, 'empty', 'default')")
	f.exec(0, "ANALYZE")
	f.fleet.Shards[1].MaxTenants = 5
	f.fleet.Rebalance = fleet.Rebalance{
		CoolDown: 24 * time.Hour,
		Pins:     []fleet.Pin{{Tenant: "tenant1", Reason: "the contract names its server"}, {Tenant: "gone", Reason: "no more"}},
		Apart:    [][]string{{"tenant2", "tenant3"}},
	}
	f.fleet.Shards[0].Placement = fleet.PlacementDrain
	s := f.open()
	v, err := s.Rebalance(ctx, session.RebalanceRequest{})
	require.NoError(t, err)
	require.Contains(t, v.Notes, `the fleet file pins tenant "gone", which the catalogue has not`)
	require.Len(t, v.Pins, 1)
	p := planOf(t, v, "fewest-bytes")
	moved := []string{}
	for _, m := range p.Moves {
		require.Contains(t, []string{"drain", "apart"}, m.Why)
		moved = append(moved, m.Label)
	}
	require.Len(t, moved, 5)
	require.NotContains(t, moved, "tenant1")
	require.False(t, slices.Contains(moved, "tenant2") && slices.Contains(moved, "tenant3"))
	require.Contains(t, p.Left[0].Reason, "1 pinned")
	done, err := s.ApplyRebalance(ctx, session.RebalanceApply{Strategy: "fewest-bytes", Note: "out of there"}, nil)
	require.NoError(t, err)
	for _, m := range done.Moves {
		if m.Label == "empty" {
			require.Equal(t, session.Assigned, m.Status)
		} else {
			require.Equal(t, session.MoveQueued, m.Status)
		}
	}
	require.Equal(t, "shard_1", f.text(0, "SELECT shard FROM accounts WHERE id = 90"))
}
