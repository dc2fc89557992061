package move

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
	"shardadmin/internal/move/carry"
	"shardadmin/internal/move/fence"
)

// measureEvery is how often a run counts notes and stores what it has measured.
const measureEvery = time.Second

// behindLimit is how long a shard has to say how far the other is behind, where
// somebody looks and no run has just asked.
const behindLimit = 1500 * time.Millisecond

// Measured is how far a move is and how fast it goes, as the run that carries it
// out has measured it.
type Measured struct {
	// At is when, by control's clock.
	At time.Time `json:"-"`
	// Behind is nil where nothing is carried.
	Behind *Behind `json:"behind,omitempty"`
	// Rates of the rows that are copied now.
	Rates *Rates `json:"rates,omitempty"`
	// Left is how long it takes until Until, nil with the reason why.
	Left  *Left  `json:"left,omitempty"`
	Until string `json:"until,omitempty"`
	Why   string `json:"why,omitempty"`
}

// What the time that is left ends with.
const (
	UntilCompared = "compared"  // every row is on the target and was compared
	UntilCaughtUp = "caught_up" // a pass is quick enough for the switch
)

// Behind is how far one side is behind the other, which serves the tenant.
type Behind struct {
	// Shard has the notes: it serves the tenant.
	Shard string `json:"shard"`
	Rows  int64  `json:"rows"`
	// AtLeast is true where there are more notes than were counted.
	AtLeast bool `json:"at_least,omitempty"`
	// OldestMS is how old the oldest note is. AtMost is true where that is only
	// known to be the most: everything older was carried.
	OldestMS *int64 `json:"oldest_ms,omitempty"`
	AtMost   bool   `json:"at_most,omitempty"`
	// Why the age is not known.
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at"`
}

// Rates are how fast rows are copied.
type Rates struct {
	Rate
	// Tables are those of which rows are copied now.
	Tables map[string]Rate `json:"tables"`
}

// Rate is how much comes in a second.
type Rate struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Left is a time that is left, between two bounds.
type Left struct {
	LowMS  int64 `json:"low"`
	HighMS int64 `json:"high"`
}

// Follows names the shard whose notes say how far the other is behind, or says
// why there is none.
func (m *Move) Follows() (shard, why string) {
	switch {
	case m.State == Finalizing, m.State == Switched, m.State == RollingBack && m.Step == stepFlippedBack, m.State.Over():
		return "", "nothing is carried any more"
	case !m.online() && !m.State.Undoable():
		return "", "a fenced move notes nothing: a rollback compares both sides"
	case !m.online():
		return "", "a fenced move notes nothing: its tenant does not write while rows are copied"
	case m.State == Retained, m.State == RollingBack:
		return m.Target, ""
	case m.keepsCopy():
		return m.Source, ""
	}
	return "", "the target does not follow yet"
}

// Behind asks the shard that serves the tenant how many rows are noted there and
// not carried to the other. It is for moves that no run is working on: a run
// measures itself.
func (e *Engine) Behind(ctx context.Context, m *Move) (*Behind, error) {
	shard, why := m.Follows()
	if shard == "" {
		return nil, fault.New(fault.MoveState, why, "")
	}
	db, err := e.deps.Set.Shard(shard)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, behindLimit)
	defer cancel()
	noted, err := fence.New(db, nil).Noted(ctx, m.ID)
	if err != nil {
		if ctx.Err() == context.DeadlineExceeded {
			return nil, fault.Newf(fault.DatabaseGone, "", "%s did not answer within %s", shard, figure.Span(behindLimit))
		}
		return nil, err
	}
	return behind(shard, noted), nil
}

func behind(shard string, n fence.Noted) *Behind {
	b := &Behind{Shard: shard, Rows: n.Rows, AtLeast: n.AtLeast, Why: n.Why, At: time.Now()}
	if n.Oldest != nil {
		ms := n.Oldest.Milliseconds()
		b.OldestMS = &ms
	}
	return b
}

// measure is what a run knows of its pace. Whoever changes the move while rows are
// copied holds the same lock as whoever notes here.
type measure struct {
	stored time.Time
	// work is the tables' planned bytes, each by the share of its rows that is
	// done: what was planned and what was copied are not counted alike.
	work, rows, bytes pace
	tables            map[string]*[2]pace // rows and bytes
	compared          map[string]float64  // share
	// counted is when notes were counted last, carried when the last pass that
	// came to its end began: what it saw is not noted any more.
	counted, carried time.Time
}

// measured tells and stores what was measured. What cannot be stored is measured
// again in a moment.
func (r *run) measured(ctx context.Context, d *Measured) {
	d.At = time.Now()
	r.m.Measured, r.pace.stored = d, d.At
	if err := r.e.record.measured(ctx, r.m, r.lease.Epoch, d); err != nil {
		r.e.deps.Log.Debug("what was measured was not stored", "move", r.m.ID, "error", err.Error())
	}
	r.tell("")
}

// beginMeasure forgets what an earlier copy was like.
func (r *run) beginMeasure(ctx context.Context, why string) {
	r.pace = measure{tables: map[string]*[2]pace{}, compared: map[string]float64{}}
	r.measured(ctx, &Measured{Until: UntilCompared, Why: why})
}

// size is what a table counts for: nothing but rows where its bytes are unknown.
func (r *run) size(t Table) float64 {
	if r.m.Bytes > 0 {
		return float64(t.Bytes)
	}
	return float64(t.Rows)
}

func (r *run) wholeWork() float64 {
	all := 0.0
	for _, t := range r.m.Tables {
		all += r.size(t)
	}
	return all
}

// copying notes how far the copy is, and tells it every second.
func (r *run) copying(ctx context.Context, t *Table) {
	now, p := time.Now(), &r.pace
	done := 0.0
	for _, x := range r.m.Tables {
		if x.Rows > 0 {
			done += r.size(x) * min(1, float64(x.RowsCopied)/float64(x.Rows))
		}
	}
	p.work.note(now, int64(done))
	p.rows.note(now, r.m.RowsCopied)
	p.bytes.note(now, r.m.BytesCopied)
	if p.tables[t.Table] == nil {
		p.tables[t.Table] = &[2]pace{}
	}
	p.tables[t.Table][0].note(now, t.RowsCopied)
	p.tables[t.Table][1].note(now, t.BytesCopied)
	// The first rate that is known is told at once, for a copy may take no second.
	d := &Measured{Until: UntilCompared, Rates: p.rates(now)}
	if told := r.m.Measured; now.Sub(p.stored) < measureEvery && (d.Rates == nil || told != nil && told.Rates != nil) {
		return
	}
	mean, slow, fast, ok := p.work.of()
	if !ok || mean <= 0 {
		d.Why = "the copy has not gone on for long enough to say"
	} else {
		// Comparing reads what copying wrote; how long that takes is not measured
		// yet, so it counts for nothing in one bound and as a copy in the other.
		whole := r.wholeWork()
		rest := max(0, whole-done)
		d.Left = left(rest/fast, (rest+whole)/slow)
	}
	r.measured(ctx, d)
}

// rates are those of the last seconds; a table of which nothing came is not among
// them.
func (p *measure) rates(now time.Time) *Rates {
	rows, _, _, ok := p.rows.of()
	if !ok {
		return nil
	}
	bytes, _, _, _ := p.bytes.of()
	out := &Rates{Rate: Rate{Rows: int64(rows), Bytes: int64(bytes)}, Tables: map[string]Rate{}}
	for name, t := range p.tables {
		if seen := t[0].seen; len(seen) == 0 || now.Sub(seen[len(seen)-1].at) > 2*measureEvery {
			continue
		}
		if rows, _, _, ok := t[0].of(); ok {
			bytes, _, _, _ := t[1].of()
			out.Tables[name] = Rate{Rows: int64(rows), Bytes: int64(bytes)}
		}
	}
	return out
}

func left(low, high float64) *Left {
	return &Left{LowMS: int64(low * 1000), HighMS: int64(max(low, high) * 1000)}
}

// beginComparing begins to measure how fast tables are compared.
func (r *run) beginComparing(ctx context.Context) {
	r.pace.compared, r.pace.work = map[string]float64{}, pace{}
	r.pace.work.note(time.Now(), 0)
	r.measured(ctx, &Measured{Until: UntilCompared, Why: "too little was compared to say"})
}

// comparing notes which share of a table was compared, and tells it every second.
func (r *run) comparing(ctx context.Context, table string, share float64) {
	now, p := time.Now(), &r.pace
	p.compared[table] = share
	done := 0.0
	for _, t := range r.m.Tables {
		done += r.size(t) * p.compared[t.Table]
	}
	p.work.note(now, int64(done))
	if now.Sub(p.stored) < measureEvery {
		r.tell(table)
		return
	}
	d := &Measured{Until: UntilCompared}
	if _, slow, fast, ok := p.work.of(); ok {
		rest := max(0, r.wholeWork()-done)
		d.Left = left(rest/fast, rest/slow)
	} else {
		d.Why = "too little was compared to say"
	}
	r.measured(ctx, d)
}

// counted counts what is noted on a side, at most once a second: before the first
// pass, where p is nil, and after one.
func (r *run) counted(ctx context.Context, from *side, p *carry.Passed) {
	now := time.Now()
	if now.Sub(r.pace.counted) < measureEvery {
		return
	}
	r.pace.counted = now
	ctx, cancel := context.WithTimeout(ctx, behindLimit)
	defer cancel()
	noted, err := from.fence.Noted(ctx, r.m.ID)
	if err != nil {
		r.e.deps.Log.Debug("notes were not counted", "move", r.m.ID, "shard", from.name, "error", err.Error())
		return
	}
	d := &Measured{Behind: behind(from.name, noted), Until: UntilCaughtUp}
	if b := d.Behind; b.Rows > 0 && b.OldestMS == nil && !r.pace.carried.IsZero() {
		ms := now.Sub(r.pace.carried).Milliseconds()
		b.OldestMS, b.AtMost, b.Why = &ms, true, ""
	}
	d.Left, d.Why = leftToCarry(noted, p)
	r.measured(ctx, d)
}

// leftToCarry is how long it takes until one side has caught up: with nothing
// written meanwhile, and with as much as during the last pass.
func leftToCarry(noted fence.Noted, p *carry.Passed) (*Left, string) {
	if p == nil || p.Noted == 0 || p.Took <= 0 {
		return nil, "no pass was measured yet"
	}
	if noted.AtLeast {
		return nil, "more rows are noted than were counted"
	}
	carries, writes := float64(p.Noted)/p.Took.Seconds(), float64(noted.Rows)/p.Took.Seconds()
	if writes >= carries {
		return nil, "the tenant writes as fast as it is carried"
	}
	return left(float64(noted.Rows)/carries, float64(noted.Rows)/(carries-writes)), ""
}

// caughtUp says after the last pass under the fence that nothing is left; nobody
// is asked, for the tenant waits.
func (r *run) caughtUp(from *side) {
	r.m.Measured = &Measured{At: time.Now(), Behind: &Behind{Shard: from.name, At: time.Now()}, Until: UntilCaughtUp, Why: "nothing is left to carry"}
	r.tell("")
}

// Times returns what of the measured applies where the move stands: how long it
// takes and how fast it is, or why that is not known.
func (m *Move) Times() (d Measured, why string) {
	switch {
	case m.Settled() && (m.Owner == nil || !m.Held()): // a held one may be going on to its switch
		return Measured{}, "nothing goes on"
	case m.State == Copying, m.State == RollingBack && m.Step != stepFlippedBack:
	case m.online() && slices.Contains([]State{CatchingUp, Ready, Switching}, m.State):
	default:
		return Measured{}, "this phase is not measured"
	}
	until := UntilCaughtUp
	if m.State == Copying {
		until = UntilCompared
	}
	if m.Measured == nil || (m.Measured.Until != until && m.State != RollingBack) {
		return Measured{}, "nothing was measured yet"
	}
	return *m.Measured, m.Measured.Why
}

// decodeMeasured reads what record.measured has stored. What a newer version has
// put there is nothing to this one.
func decodeMeasured(text []byte, at *time.Time) *Measured {
	d := new(Measured)
	if len(text) == 0 || at == nil || json.Unmarshal(text, d) != nil {
		return nil
	}
	d.At = *at
	return d
}
