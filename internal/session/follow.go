package session

import (
	"context"
	"slices"
	"time"

	"shardadmin/internal/fault"
)

// How long a follower waits before it looks again: the shorter time after something
// came, and twice as long after each look that found nothing, up to the longer.
const (
	followSoon  = 500 * time.Millisecond
	followLate  = 8 * time.Second
	followBatch = 500
)

// FollowEvents gives tell the newest events that the filter selects and then those
// that come, the oldest first, until the context ends. A connection that is lost is
// waited for, and missed hears why once for as long as it lasts; one that cannot be
// made at all is the answer. While the control database does not answer, what comes
// is read from this computer's copy, as Events does.
func (s *Session) FollowEvents(ctx context.Context, f AuditFilter, tell func(EventList) error, missed func(error)) error {
	list, err := s.Events(ctx, f)
	wait, failing := followSoon, false
	for first := true; ; first = false {
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failing = false
			slices.Reverse(list.Events)
			if err := tell(list); err != nil {
				return err
			}
			f.After, f.Limit = list.Next, followBatch
			if wait = min(wait*2, followLate); len(list.Events) > 0 {
				wait = followSoon
			}
		case first || !fault.Retryable(err) && !fault.Unreachable(err):
			return err
		default:
			if !failing {
				missed(err)
			}
			failing, wait = true, min(wait*2, followLate)
		}
		if err != nil || first || len(list.Events) < followBatch {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		}
		list, err = s.Events(ctx, f)
	}
}
