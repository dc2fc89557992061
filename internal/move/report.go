package move

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
)

// StepTime is when a move came to a state and a step in it. The step "begun" is
// a run that goes on with the move from where it stands.
type StepTime struct {
	At        time.Time
	State     State
	Step      string
	ErrorCode string
}

// Stretch is a time that a move spent on one thing without a break.
type Stretch struct {
	// Name is the phase that people recognise, or what was waited for: Queue,
	// Hold, Watch, Stopped.
	Name  string
	Began time.Time
	// Ended is nil where it has not.
	Ended *time.Time
}

// Refused is how many of the tenant's writes a shard refused.
type Refused struct {
	Shard string
	Count *int64 // nil where it is not known, with the reason
	Why   string
}

// Report is what there is to say about a move that is settled.
type Report struct {
	Move      *Move
	Steps     []StepTime
	Stretches []Stretch
	Refused   []Refused
	// Events are those of the audit trail, the oldest first.
	Events []audit.Event
}

// refusedLimit is how long a shard has to say how many writes it refused.
const refusedLimit = 3 * time.Second

// Report says all that is known of a move. One that is still carried out has
// none yet.
func (e *Engine) Report(ctx context.Context, id string) (*Report, error) {
	m, err := e.record.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if !m.Settled() {
		return nil, fault.Newf(fault.MoveState, "shard-admin move watch "+m.ID+" follows it to where it is settled", "move %s is %s: a report is made when it is settled", m.ID, m.State)
	}
	out := &Report{Move: m}
	if out.Steps, err = e.record.steps(ctx, m.ID); err != nil {
		return nil, err
	}
	out.Stretches = stretches(out.Steps)
	if out.Refused, err = e.refused(ctx, m); err != nil {
		return nil, err
	}
	if out.Events, err = e.deps.Trail.List(ctx, audit.Filter{MoveID: m.ID}); err != nil {
		return nil, err
	}
	if m.AuditEvent != nil { // the intent is older than the move's id
		intent, err := e.deps.Trail.List(ctx, audit.Filter{ID: *m.AuditEvent})
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, intent...)
	}
	slices.SortFunc(out.Events, func(a, b audit.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	out.Events = slices.CompactFunc(out.Events, func(a, b audit.Event) bool { return a.Seq == b.Seq })
	return out, nil
}

// stretches joins the steps that belong to one thing.
func stretches(steps []StepTime) []Stretch {
	out := []Stretch{}
	for i, s := range steps {
		name := stretch(s)
		if i == 0 {
			name = "Queue"
		}
		if n := len(out); n > 0 {
			if out[n-1].Name == name && !s.State.Over() {
				continue
			}
			at := s.At
			out[n-1].Ended = &at
		}
		if !s.State.Over() { // nothing follows
			out = append(out, Stretch{Name: name, Began: s.At})
		}
	}
	return out
}

func stretch(s StepTime) string {
	switch {
	case s.State == Failed && s.Step != stepBegun:
		return "Stopped"
	case (s.State == Failed || s.State == Ready) && s.Step == stepBegun:
		return "Check" // somebody went on with a move that stood still
	case s.State == Ready && s.Step == stepHeld:
		return "Hold"
	}
	return phase(&Move{State: s.State, Step: s.Step})
}

// refused asks both shards, where the fence still counts, and control where it
// was taken away.
func (e *Engine) refused(ctx context.Context, m *Move) ([]Refused, error) {
	stored, err := e.record.refusals(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	out := []Refused{}
	for _, name := range []string{m.Source, m.Target} {
		r := Refused{Shard: name}
		if n, ok := stored[name]; ok {
			r.Count = &n
		} else if n, err := e.refusedOn(ctx, m, name); err != nil {
			r.Why = err.Error()
		} else {
			r.Count = &n
		}
		out = append(out, r)
	}
	return out, nil
}

func (e *Engine) refusedOn(ctx context.Context, m *Move, shard string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, refusedLimit)
	defer cancel()
	db, err := e.deps.Set.Shard(shard)
	if err != nil {
		return 0, err
	}
	f := fence.New(db, nil)
	state, err := f.State(ctx, m.Tenant)
	if err != nil || state.Move != m.ID {
		return 0, err // without a fence nothing was refused
	}
	refused, err := f.Refused(ctx, m.Tenant)
	return refused.Count, err
}

// Amount is what the tenant's rows of a table amounted to when both sides were
// equal.
type Amount struct {
	compare.Digest
	// SHA256 stands for the three where a person compares two reports.
	SHA256 string
}

// Amount returns the table's digest, nil where it was not verified.
func (t Table) Amount() *Amount {
	var d compare.Digest
	if !t.Verified || json.Unmarshal(t.Digest, &d) != nil {
		return nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s", d.Rows, d.SumA, d.SumB))
	return &Amount{Digest: d, SHA256: hex.EncodeToString(sum[:])}
}
