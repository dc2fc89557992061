package session

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"shardadmin/internal/alert"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// How often a program that stays brings this computer's copy of the trail up to date,
// how long it waits after it has written an event itself, which is in a transaction
// until then, and how soon it tries again where the control database is away.
const (
	copyEvery  = 5 * time.Minute
	copySettle = time.Second
	copyAgain  = 30 * time.Second
)

// tend keeps the evidence of a program that stays until the context ends: it signs the
// trail's end every hour where that is not signed, and brings this computer's copy of
// the trail up to date.
func (s *Session) tend(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for later(ctx, or(s.cfg.CheckpointEvery, checkpointEvery), nil) {
			s.checkpoint(ctx, "hourly")
		}
	})
	wg.Go(func() { s.copies(ctx) })
}

// copies brings the copy up to date when it begins, after each change that this session
// makes, and in between. What a sync finds is in the copy's alarms, which every screen
// and every command shows; the log has it once.
func (s *Session) copies(ctx context.Context) {
	const soon = 100 * time.Millisecond // what the start needs comes first
	every := or(s.cfg.CopyEvery, copyEvery)
	said := ""
	for wait := soon; later(ctx, wait, s.trail.Written()); {
		_, err := s.SyncAudit(ctx)
		if ctx.Err() != nil {
			return
		}
		// Many computers that were started together do not ask together.
		wait = every/2 + rand.N(every)
		why := ""
		if err != nil {
			why = err.Error()
			if fault.Unreachable(err) || fault.Retryable(err) {
				wait = min(wait, copyAgain)
			}
		}
		if why != said && why != "" && fault.CodeOf(err) != fault.NotInstalled {
			s.cfg.Log.WarnContext(ctx, "this computer's copy of the audit trail is not up to date", "code", string(fault.CodeOf(err)), "error", err)
		}
		said = why
	}
}

// copyCondition is what the copy of the computer that evaluates has found wrong, nil
// where it has found nothing. It lasts until a new copy is begun with a reason.
func (s *Session) copyCondition(ctx context.Context) *alert.Condition {
	list, err := s.AuditAlarms(ctx)
	if err != nil || len(list.Alarms) == 0 {
		return nil
	}
	host, _ := os.Hostname()
	return &alert.Condition{Rule: ruleCopy, Subject: fleet.ControlName, Severity: alert.Critical, Message: "the audit trail and its copy on " + host + " disagree: " + list.Alarms[0].Message, Advice: list.Hint}
}

// later waits for a time, or for copySettle after something was written; false when the
// context ends.
func later(ctx context.Context, wait time.Duration, written <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-written:
		return later(ctx, copySettle, nil)
	}
}

func or(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
