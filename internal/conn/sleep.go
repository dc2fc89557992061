package conn

import (
	"context"
	"time"
)

const (
	// looks is how often AfterSleep looks at the clock, and slept by how much more
	// than that the clock has gone on where the computer slept.
	looks = 5 * time.Second
	slept = 20 * time.Second
)

// AfterSleep calls do, until ctx ends, each time that the computer has slept for
// longer than about 15 s: connections of before are dead then and do not know. It
// notices by a wall clock that went on without this program. wall is that clock;
// time.Now where it is nil.
func AfterSleep(ctx context.Context, wall func() time.Time, do func()) {
	if wall == nil {
		wall = time.Now
	}
	// Round takes away the monotonic clock, which stops in sleep.
	now := func() time.Time { return wall().Round(0) }
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for before := now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := now()
		if at.Sub(before) > slept {
			do()
		}
		before = at
	}
}
