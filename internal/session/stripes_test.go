package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

// collisions is the check of a plan.
func collisions(t *testing.T, p session.Plan) session.Check {
	t.Helper()
	for _, c := range p.Checks {
		if c.Name == "collisions" {
			return c
		}
	}
	t.Fatal("the plan does not look for collisions")
	return session.Check{}
}

// stripe stripes the whole fleet.
func (f *fixture) stripe(s *session.Session) session.StripeResult {
	f.t.Helper()
	r, err := s.StripeSequences(f.t.Context(), session.StripeRequest{Note: "a test"})
	require.NoError(f.t, err)
	p, err := s.PlanStripes(f.t.Context(), 0)
	require.NoError(f.t, err)
	require.True(f.t, p.Done)
	return r
}

// A move that collides suggests the stripes while the shards' sequences hand
// out the same ids, and not any more when they do not.
func TestAPlanThatCollidesSuggestsTheStripes(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("9", "shard_1", 7000, 1)
	plan := func() session.Check {
		p, err := s.PlanMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1"})
		require.NoError(t, err)
		require.Contains(t, blockers(p), "decisions")
		return collisions(t, p)
	}
	c := plan()
	require.Contains(t, c.Fix, "shard-admin fleet stripe-sequences --plan")
	require.Contains(t, c.Evidence, "the sequences of both shards hand out the same ids: ")
	require.Contains(t, c.Evidence, ".id")
	f.stripe(s)
	c = plan()
	require.NotContains(t, c.Fix, "stripe", "the old rows collide all the same")
	require.NotContains(t, c.Evidence, "sequences")
}

// Every table of the reference application that moves and draws ids, but for
// the root.
func TestTheReferenceApplicationIsStriped(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	f.tenant("7", "default", 7000, 2)
	p, err := s.PlanStripes(t.Context(), 0)
	require.NoError(t, err)
	require.Nil(t, p.Refusal)
	require.Len(t, p.Shards, 3)
	require.Equal(t, "the shard has no connection in the fleet file", p.Shards[2].ResidueReason)
	want := map[string]bool{}
	for _, c := range f.map_.Moving() {
		for _, col := range c.Table.Columns {
			if col.Sequence != "" {
				want[c.Name()+"."+col.Name] = true
			}
		}
	}
	require.Greater(t, len(want), 40)
	for _, sh := range p.Shards[:2] {
		got := map[string]bool{}
		for _, q := range sh.Sequences {
			for _, c := range q.Columns {
				got[c] = true
			}
		}
		require.Equal(t, want, got, sh.Name)
	}
	require.Equal(t, "pwb_websites.id", p.LeftOut[0].Column)
	r := f.stripe(s)
	require.Len(t, r.Shards[0].Changed, len(want))
	require.EqualValues(t, 1, f.next(0, "pwb_websites_id_seq"))
	require.Zero(t, f.next(0, "pwb_contacts_id_seq")%8)
	require.EqualValues(t, 1, f.next(1, "pwb_contacts_id_seq")%8)
}

// A move onto a striped shard raises its sequences within the stripe.
func TestAMoveStaysInTheTargetsStripe(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("7", "default", 7000, 2)
	f.tenant("9", "shard_1", 900, 1)
	f.stripe(s)
	f.exec(1, "ALTER SEQUENCE pwb_contacts_id_seq RESTART WITH 905") // as if its ids had stayed below
	f.moved(s, "7", "shard_1")
	for _, c := range f.map_.Moving() {
		for _, col := range c.Table.Columns {
			if col.Sequence != "" {
				require.EqualValues(t, 1, f.next(1, col.Sequence)%8, col.Sequence)
			}
		}
	}
	require.Greater(t, f.next(1, "pwb_contacts_id_seq"), int64(7002))
	require.Less(t, f.next(1, "pwb_contacts_id_seq"), int64(7020))
	p, err := s.PlanStripes(t.Context(), 0)
	require.NoError(t, err)
	require.True(t, p.Done, "nothing has left its stripe")
}

// Without the schema of ours the plan can be looked at; a change is refused.
func TestStripesOfAFleetThatMayOnlyBeLookedAt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "pwb", "property_web_builder_demo")
	s := f.open()
	f.grant(s)
	p, err := s.PlanStripes(t.Context(), 32)
	require.NoError(t, err)
	require.Nil(t, p.Refusal)
	require.Equal(t, 32, p.Stripes)
	_, err = s.StripeSequences(t.Context(), session.StripeRequest{Note: "a test"})
	require.Equal(t, fault.NotInstalled, fault.CodeOf(err))
}
