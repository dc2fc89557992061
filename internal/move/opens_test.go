package move

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A shard that could not be reopened opens by itself while its fence has a limit,
// and not once it may be committing.
func TestWhatOpensAShardThatCouldNotBeReached(t *testing.T) {
	t.Parallel()
	r := &run{m: &Move{ID: "m1", State: Switching}}
	require.Equal(t, "the fence's own limit will", r.opens("default"))
	r.committing = true
	said := r.opens("default")
	require.NotContains(t, said, "limit will")
	for _, part := range []string{"the fence on default may be committing, which does not end by itself", "a worker", "shard-admin move resume m1 --wait", "docs/break-glass.md"} {
		require.Contains(t, said, part)
	}
}

// A tenant is closed for no longer than its move may close it; where an online move
// compares all rows to go back, for as long as a fenced one by default.
func TestTheLimitOfAFenceFitsWhatIsDoneUnderIt(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		mode    string
		given   time.Duration
		compare time.Duration
	}{
		{"online", 10 * time.Second, 5 * time.Minute},
		{"online", 8 * time.Minute, 8 * time.Minute},
		{"fenced", 30 * time.Second, 30 * time.Second},
	} {
		m := &Move{Mode: x.mode, MaxReadOnlyMS: x.given.Milliseconds()}
		require.Equal(t, x.given, m.limit())
		require.Equal(t, x.compare, m.compareLimit(), "%s %s", x.mode, x.given)
	}
	r := &run{m: &Move{State: RollingBack}}
	require.Equal(t, ActionRollback, r.again())
	r.m.State = Switching
	require.Equal(t, ActionResume, r.again())
}
