package rowcopy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// climbed copies for so long by parts that take what speed says of so many at once, in
// bytes a second, and returns how many were at once after each pitch.
func climbed(most int, seconds int, speed func(at int) int64, held func(second int) bool) []int {
	now := time.Unix(0, 0)
	c := newClimb(most)
	c.now = func() time.Time { return now }
	at := []int{}
	running := 0
	for tenth := range 10 * seconds {
		for running > c.allowed { // a part ends in its own time
			c.end()
			running--
		}
		for c.begin() {
			running++
		}
		now = now.Add(100 * time.Millisecond)
		c.passed(speed(running)/10, held(tenth/10))
		if tenth%10 == 9 {
			at = append(at, running)
		}
	}
	return at
}

// As many large parts are copied at once as are worth it, and no more.
func TestACopyClimbsAsLongAsItGetsFaster(t *testing.T) {
	t.Parallel()
	free := func(int) bool { return false }
	last := func(list []int) int { return list[len(list)-1] }
	counted := func(list []int, n int) (k int) {
		for _, x := range list {
			if x == n {
				k++
			}
		}
		return k
	}

	// Two processors: three at once are no faster.
	bound := climbed(4, 120, func(at int) int64 { return int64(min(at, 2)) << 20 }, free)
	require.Equal(t, 2, bound[0])
	require.Equal(t, 2, last(bound))
	require.LessOrEqual(t, counted(bound, 3), 2*3, "%v: tried, and again after a minute", bound)
	require.Positive(t, counted(bound[60:], 3), "%v", bound)
	require.Zero(t, counted(bound, 4))

	// Many: all soon.
	wide := climbed(4, 20, func(at int) int64 { return int64(at) << 20 }, free)
	require.Equal(t, 4, last(wide))
	require.GreaterOrEqual(t, counted(wide, 4), 13, "%v", wide)

	// Where something else decides how fast it goes, nothing is learnt of it.
	slow := climbed(4, 60, func(at int) int64 { return int64(at) << 20 }, func(second int) bool { return second < 30 })
	require.Equal(t, 30, counted(slow[:30], 2), "%v", slow)
	require.Equal(t, 4, last(slow))

	require.Equal(t, 1, last(climbed(1, 10, func(at int) int64 { return int64(at) << 20 }, free)))
}
