package move

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/fence"
)

// A pace says nothing before it has looked for half a second, looks back for a few
// seconds, and gives the slower and the faster of them.
func TestPaceIsOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	var p pace
	p.note(at(0), 0)
	p.note(at(0.1), 5000) // too soon after the last to be looked at
	p.note(at(0.4), 400)
	_, _, _, ok := p.of()
	require.False(t, ok, "it has not looked for half a second")
	p.note(at(2), 2000)
	mean, slow, fast, ok := p.of()
	require.True(t, ok)
	require.InDelta(t, 1000, mean, 1)
	require.InDelta(t, 1000, slow, 1)
	require.InDelta(t, 1000, fast, 1)
	for i := range 20 {
		p.note(at(3+float64(i)), int64(2000+100*(1+i)))
	}
	mean, _, _, _ = p.of()
	require.InDelta(t, 100, mean, 1, "what was before counts no more")
	for i, n := range []int64{4050, 4400, 4450, 4800, 4850, 5200} {
		p.note(at(23+float64(i)), n)
	}
	mean, slow, fast, _ = p.of()
	require.Less(t, slow, mean)
	require.Greater(t, fast, mean)

	p.note(at(29), 0)
	_, _, _, ok = p.of()
	require.False(t, ok, "a smaller number begins anew")
	p.note(at(31), 0)
	_, _, _, ok = p.of()
	require.False(t, ok, "nothing comes")
}

// The time until the target has caught up is between nothing written meanwhile
// and as much as during the last pass.
func TestTheTimeLeftToCarryIsARange(t *testing.T) {
	t.Parallel()
	p := &carry.Passed{Noted: 8000, Took: 2 * time.Second}
	l, why := leftToCarry(fence.Noted{Rows: 4000}, p)
	require.Empty(t, why)
	require.Equal(t, &Left{LowMS: 1000, HighMS: 2000}, l)
	for reason, x := range map[string]struct {
		noted fence.Noted
		p     *carry.Passed
	}{
		"no pass was measured yet":                   {fence.Noted{Rows: 4000}, nil},
		"the tenant writes as fast as it is carried": {fence.Noted{Rows: 8000}, p},
		"more rows are noted than were counted":      {fence.Noted{Rows: 9000, AtLeast: true}, p},
	} {
		l, why := leftToCarry(x.noted, x.p)
		require.Nil(t, l)
		require.Equal(t, reason, why)
	}
}

// What a move has measured counts in the phase that it is of, and each other
// phase says why there is nothing.
func TestWhatWasMeasuredIsOfItsPhase(t *testing.T) {
	t.Parallel()
	owner := &Owner{Holder: "here"}
	copied := &Measured{Until: UntilCompared, Left: &Left{1, 2}}
	carried := &Measured{Until: UntilCaughtUp, Left: &Left{3, 4}}
	for _, x := range []struct {
		m    Move
		left *Left
		why  string
	}{
		{Move{State: Copying, Mode: "fenced", Measured: copied}, copied.Left, ""},
		{Move{State: Copying, Mode: "online"}, nil, "nothing was measured yet"},
		{Move{State: CatchingUp, Mode: "online", Measured: copied}, nil, "nothing was measured yet"},
		{Move{State: CatchingUp, Mode: "online", Measured: carried}, carried.Left, ""},
		{Move{State: Ready, Step: stepHeld, Mode: "online", Measured: carried}, nil, "nothing goes on"},
		{Move{State: Ready, Step: stepHeld, Mode: "online", Measured: carried, Owner: owner}, carried.Left, ""},
		{Move{State: Planned, Mode: "online", Measured: carried}, nil, "this phase is not measured"},
		{Move{State: Retained, Mode: "online", Measured: carried}, nil, "nothing goes on"},
		{Move{State: RollingBack, Mode: "fenced", Measured: copied}, copied.Left, ""},
		{Move{State: RollingBack, Step: stepFlippedBack, Mode: "online", Measured: carried}, nil, "this phase is not measured"},
	} {
		d, why := x.m.Times()
		require.Equal(t, x.left, d.Left, "%+v", x.m)
		require.Equal(t, x.why, why, "%+v", x.m)
	}
	in := string(Switching)
	for _, x := range []struct {
		m     Move
		shard string
	}{
		{Move{State: CatchingUp, Mode: "online"}, "a"},
		{Move{State: Ready, Step: stepHeld, Mode: "online"}, "a"},
		{Move{State: Failed, FailedIn: &in, Mode: "online"}, "a"},
		{Move{State: Ready, Step: stepUndoing, Mode: "online"}, ""},
		{Move{State: Retained, Mode: "online"}, "b"},
		{Move{State: RollingBack, Mode: "online"}, "b"},
		{Move{State: RollingBack, Step: stepFlippedBack, Mode: "online"}, ""},
		{Move{State: Retained, Mode: "fenced"}, ""},
		{Move{State: Copying, Mode: "online"}, ""},
		{Move{State: Finalized, Mode: "online"}, ""},
	} {
		x.m.Source, x.m.Target = "a", "b"
		shard, why := x.m.Follows()
		require.Equal(t, x.shard, shard, "%+v", x.m)
		require.Equal(t, shard == "", why != "", "%+v", x.m)
	}
}
