package session

import (
	"context"
	"time"

	"shardadmin/internal/move"
)

// How long an answer of a shard about its notes counts, and that it gave none.
const (
	behindCounts = time.Second
	behindSilent = 5 * time.Second
)

// asked is what a shard said of a move's notes.
type asked struct {
	at     time.Time
	asking bool
	state  move.State // the move's when it was asked
	behind *MoveBehind
	why    string
}

// behind puts into a view how far one side is behind the other. A run counts for
// itself, and what it counted is in control; where no run works on the move the
// shard is asked, once a second at the most.
func (s *Session) behind(ctx context.Context, v *MoveView, m *move.Move) {
	if shard, _ := m.Follows(); shard == "" || m.Owner != nil {
		return // measuredView has said what there is to say
	}
	s.mu.Lock()
	a := s.behinds[m.ID]
	if a == nil || (a.state != m.State && !a.asking) {
		a = &asked{state: m.State, why: "the shard is being asked"}
		s.behinds[m.ID] = a
	}
	counts := behindCounts
	if a.behind == nil {
		counts = behindSilent
	}
	if !a.asking && time.Since(a.at) > counts {
		a.asking = true
		s.mu.Unlock()
		b, err := s.engine.Behind(ctx, m)
		s.mu.Lock()
		a.asking = false
		if err == nil {
			a.at, a.behind, a.why = time.Now(), behindView(b), ""
		} else if ctx.Err() == nil { // else whoever asked has gone
			a.at, a.behind, a.why = time.Now(), nil, *errorText(err)
		}
	}
	v.Behind, v.BehindReason = a.behind, a.why
	s.mu.Unlock()
}

func behindView(b *move.Behind) *MoveBehind {
	return &MoveBehind{
		Shard: b.Shard, Rows: b.Rows, AtLeast: b.AtLeast, OldestMS: b.OldestMS, OldestAtMost: b.AtMost, OldestReason: b.Why, At: stamp(b.At),
	}
}

// measuredView puts into a view what the move's run has measured, and returns how
// fast the tables are copied that are copied now.
func measuredView(v *MoveView, m *move.Move) map[string]move.Rate {
	d, why := m.Times()
	v.TimeLeftReason, v.RateReason = why, "no rows are copied now"
	if !d.At.IsZero() {
		v.MeasuredAt = stampPtr(&d.At)
	}
	if d.Left != nil {
		v.TimeLeft, v.TimeLeftUntil, v.TimeLeftReason = &TimeRange{d.Left.LowMS, d.Left.HighMS}, d.Until, ""
	}
	if shard, why := m.Follows(); shard == "" {
		v.BehindReason = why
	} else if d := m.Measured; m.Owner != nil && d != nil && d.Behind != nil && d.Behind.Shard == shard {
		v.Behind = behindView(d.Behind)
	} else if m.Owner != nil {
		v.BehindReason = "it was not counted yet"
	} else {
		v.BehindReason = "it is counted where a single move is shown"
	}
	switch {
	case m.Phase() != "Copy" || m.State != move.Copying:
	case d.Rates == nil:
		v.RateReason = "not measured yet"
	default:
		v.RowsPerS, v.BytesPerS, v.RateReason = &d.Rates.Rows, &d.Rates.Bytes, ""
		return d.Rates.Tables
	}
	return nil
}
