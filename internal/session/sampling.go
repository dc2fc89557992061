package session

import (
	"context"
	"os"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/sample/history"
	"shardadmin/internal/store"
)

// turnEvery is how often who waits for its turn to keep the history asks for it, and
// renewEvery how often who has it renews it.
const (
	turnEvery  = 5 * time.Second
	renewEvery = history.LeaseTime / 3
)

// inTurn does something while this program keeps the history of the fleet, again each
// time its turn comes, until the context ends. first is the lease that it has already,
// or nil.
func (b *Observer) inTurn(ctx context.Context, first *history.Lease, do func(context.Context)) {
	if first != nil {
		b.hold(ctx, first, do)
	}
	every(ctx, turnEvery, func() {
		lease, _, err := b.past.Acquire(ctx, b.s.cfg.Fleet.Name, b.s.cfg.Source, os.Getpid())
		b.noted(ctx, err)
		if lease != nil {
			b.hold(ctx, lease, do)
		}
	})
}

// hold does something while the lease is held.
func (b *Observer) hold(ctx context.Context, lease *history.Lease, do func(context.Context)) {
	set := func(l *history.Lease) {
		b.mu.Lock()
		b.lease = l
		b.mu.Unlock()
	}
	set(lease)
	held, lost := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); do(held) }()
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for held.Err() == nil {
		select {
		case <-held.Done():
		case <-tick.C:
			// A file that cannot be written now takes no lease away: whoever took it
			// would be seen.
			if err := lease.Renew(held); fault.CodeOf(err) == fault.LeaseLost {
				b.s.cfg.Log.Info("another program of this computer looks at the fleet now", "fleet", b.s.cfg.Fleet.Name)
				lost()
			} else {
				b.noted(held, err)
			}
		}
	}
	lost()
	<-ended
	set(nil)
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerLimit)
	defer cancel()
	if err := lease.Release(bye); err != nil {
		b.s.cfg.Log.Warn("the lease of the history ends by itself", "error", err)
	}
}

// Sampling says who looks at the fleet over and over on this computer and keeps what
// it sees in the history.
type Sampling struct {
	// On is true while a program does.
	On bool `json:"on"`
	// By is its face: window, page, worker, api; Process its number, Here whether it is
	// this program, Since when it began.
	By      string  `json:"by"`
	Process int     `json:"process"`
	Here    bool    `json:"here"`
	Since   *string `json:"since"`
	// Reason is why nobody does, or why what is seen cannot be kept.
	Reason string `json:"reason"`
}

// Sampling returns who samples, from the local store.
func (s *Session) Sampling(ctx context.Context) Sampling {
	out := Sampling{}
	if s.cfg.DBPath == "" {
		out.Reason = "no history is kept"
		return out
	}
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		out.Reason = *errorText(err)
		return out
	}
	defer func() { _ = db.Close() }()
	return s.sampling(ctx, history.New(db, time.Now))
}

func (s *Session) sampling(ctx context.Context, past *history.History) Sampling {
	out := Sampling{}
	s.mu.Lock()
	observer, why := s.observed, s.unobserved
	s.mu.Unlock()
	if observer != nil {
		observer.mu.Lock()
		why = observer.keeping
		observer.mu.Unlock()
	}
	by, err := past.Holder(ctx, s.cfg.Fleet.Name)
	switch {
	case err != nil:
		why = err
	case by != nil:
		out.On, out.By, out.Process, out.Here = true, by.Face, by.PID, by.PID == os.Getpid()
		out.Since = ptr(stamp(by.Since))
	case why == nil:
		out.Reason = "no program looks at this fleet on this computer now: the window, serve and worker do while they run"
	}
	if why != nil {
		out.Reason = *errorText(why)
	}
	return out
}
