package stripe

import (
	"fmt"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/job"
	"shardadmin/internal/tenancy"
)

// Deps is what striping stands on.
type Deps struct {
	Set     *conn.Set
	Schema  string // of ours in control, unquoted
	Profile *tenancy.Profile
	Trail   *audit.Trail
	Jobs    *job.Jobs

	limit time.Duration // of waiting for one sequence; lockLimit when zero
}

// Severity says what a finding does to the plan.
type Severity string

// The severities; a blocker refuses the whole run.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Blocker Severity = "blocker"
)

// Finding is one thing that the plan noticed.
type Finding struct {
	Check    string
	Severity Severity
	Message  string
	Fix      string
	// Code is that of the refusal, of a blocker.
	Code fault.Code
}

// Column is one that a sequence fills.
type Column struct{ Table, Name string }

// String is how the column is called outside.
func (c Column) String() string { return c.Table + "." + c.Name }

// Sequence is one sequence of a shard, as it is and as it becomes.
type Sequence struct {
	Name     string // without public
	Columns  []Column
	Identity bool
	// Increment and Last are how it counts now and the last value that was
	// drawn; nil: none yet, or LastReason.
	Increment  int64
	Last       *int64
	LastReason string
	// Highest is the largest value in the columns on this shard; nil: none.
	Highest *int64
	// Next is the first value that it hands out afterwards; nil where a finding
	// stands against it.
	Next     *int64
	Striped  bool
	Findings []Finding

	quoted                  string
	start, min, max, cache  int64
	called, cycle, readable bool
	fills                   []fill
	last                    int64
	known                   bool // last and called were read
	off                     bool // does not count in the stripe, or its old ids were not noted
}

// fill is one column of a sequence with what reading its largest value takes.
type fill struct {
	Column
	table, column string // quoted
	limit         int64  // of the column's type
	number        bool
	indexed       bool
}

// Shard is one database of the fleet that holds tenants' rows.
type Shard struct {
	Name       string
	Configured bool
	// SameAs names the shard with the same database, under which it counts.
	SameAs string
	// Residue of the shard's stripe, nil where it has none; Given is true where
	// it is stored.
	Residue *int
	Given   bool
	// Err is why the shard could not be read.
	Err       error
	Sequences []*Sequence
	Findings  []Finding

	db     *conn.Database
	tables *tenancy.Map
}

// counts reports whether the shard is striped in its own name.
func (s *Shard) counts() bool { return s.Configured && s.SameAs == "" }

// LeftOut is a table whose sequence is left as it is, and why.
type LeftOut struct{ Table, Reason string }

// Plan is what striping would do.
type Plan struct {
	Stripes int
	// Chosen is true where the number of stripes is stored.
	Chosen   bool
	Shards   []*Shard
	LeftOut  []LeftOut
	Findings []Finding
}

// Done reports whether nothing is left to do.
func (p *Plan) Done() bool {
	for _, s := range p.Shards {
		if !s.counts() {
			continue
		}
		if !s.Given || s.Err != nil {
			return false
		}
		for _, q := range s.Sequences {
			if !q.Striped {
				return false
			}
		}
	}
	return p.Chosen
}

// Refusal is why the plan cannot be carried out, or nil. A shard that does not
// answer comes first: nothing is known of it.
func (p *Plan) Refusal() error {
	for _, s := range p.Shards {
		if s.Err == nil {
			continue
		}
		code, hint := fault.CodeOf(s.Err), fault.HintOf(s.Err)
		if fault.Unreachable(s.Err) {
			hint = "bring it up, then apply again; nothing was changed on any shard"
		}
		return fault.Wrapf(s.Err, code, hint, "%s", s.Err)
	}
	refuse := func(where string, list []Finding) error {
		for _, f := range list {
			if f.Severity == Blocker {
				return fault.Newf(f.Code, f.Fix, "%s%s", where, f.Message)
			}
		}
		return nil
	}
	if err := refuse("", p.Findings); err != nil {
		return err
	}
	for _, s := range p.Shards {
		if err := refuse(s.Name+": ", s.Findings); err != nil {
			return err
		}
		for _, q := range s.Sequences {
			if err := refuse(s.Name+": ", q.Findings); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Plan) find(f Finding)     { p.Findings = append(p.Findings, f) }
func (s *Shard) find(f Finding)    { s.Findings = append(s.Findings, f) }
func (q *Sequence) find(f Finding) { q.Findings = append(q.Findings, f) }

// taken is the highest value that the sequence may have handed out.
func (q *Sequence) taken() int64 {
	if q.called {
		return q.last
	}
	return q.last - 1
}

// upcoming is the value that it hands out next, as it counts now.
func (q *Sequence) upcoming() int64 {
	if q.called {
		return q.last + q.Increment
	}
	return q.last
}

// reached is the highest value that it or its columns have on this shard.
func (q *Sequence) reached() int64 {
	v := q.taken()
	if q.Highest != nil {
		v = max(v, *q.Highest)
	}
	return v
}

// low reports whether the sequence may still hand out a value that is not above
// floor, or one that its columns have. A cached value can be lower than what is
// drawn next: there it takes that the sequence was raised above floor.
func (q *Sequence) low(floor int64, above map[string]int64) bool {
	if q.upcoming() <= floor || (q.Highest != nil && q.upcoming() <= *q.Highest) {
		return true
	}
	for _, c := range q.Columns {
		if v, ok := above[c.String()]; q.cache > 1 && (!ok || v < floor) {
			return true
		}
	}
	return false
}

// limit is the highest value that the sequence can hand out and its columns
// can hold.
func (q *Sequence) limit() int64 {
	v := q.max
	for _, f := range q.fills {
		if f.limit > 0 {
			v = min(v, f.limit)
		}
	}
	return v
}

const (
	warnShare   = 50 // percent
	refuseShare = 80
)

// judge completes the sequence: what stands against it, and where it goes on.
func (q *Sequence) judge(n, residue int64, floors, notes, above map[string]int64, chosen bool) {
	block := func(check, message, fix string) {
		q.find(Finding{Check: check, Severity: Blocker, Message: message, Fix: fix, Code: fault.SequenceUnsuited})
	}
	switch {
	case q.Increment < 0:
		block("direction", q.Name+" counts down", "let it count up: ALTER SEQUENCE "+q.quoted+" INCREMENT BY 1")
	case q.Increment != 1 && (q.Increment != n || !chosen):
		block("steps", fmt.Sprintf("%s counts by %d; an application may take whole blocks of ids from it (Hibernate's allocationSize), which other steps would hand out twice", q.Name, q.Increment),
			"if no application counts on it: ALTER SEQUENCE "+q.quoted+" INCREMENT BY 1, then plan again")
	}
	if q.cycle {
		block("cycle", q.Name+" cycles: at its end it would begin again in another shard's stripe", "ALTER SEQUENCE "+q.quoted+" NO CYCLE")
	}
	if q.cache > 1 {
		q.find(Finding{
			Check: "cache", Severity: Info,
			Message: fmt.Sprintf("sessions draw %d values of %s at once; the server drops those that they hold when it is changed, but what an application keeps itself it may still use", q.cache, q.Name),
		})
	}
	if len(q.Findings) > 0 && q.Findings[0].Severity == Blocker || !q.known {
		return
	}
	floor := q.min - 1
	for _, c := range q.Columns {
		floor = max(floor, floors[c.String()])
	}
	if q.Striped = !q.off && !q.low(floor, above); q.Striped {
		v := q.upcoming()
		q.Next = &v
	} else {
		if v, ok := firstAbove(max(floor, q.reached()), residue, n); ok {
			q.Next = &v
		}
		if _, noted := notes[q.Columns[0].String()]; noted && q.off && q.Increment == n {
			q.find(Finding{
				Check: "setval", Severity: Warning,
				Message: q.Name + " was striped and has left its stripe: something has set it, such as setval in a restore or a fixture",
				Fix:     "find out what does so; --apply puts it back",
			})
		}
	}
	q.measure(n, notes)
}

// measure looks for the end of the sequence: the larger of how far the next
// value is on the way to the highest, and how many of all ids that there can be
// are handed out.
func (q *Sequence) measure(n int64, notes map[string]int64) {
	limit := q.limit()
	if q.Next == nil || *q.Next > limit {
		q.find(Finding{
			Check: "overflow", Severity: Blocker, Code: fault.SequenceOverflow,
			Message: fmt.Sprintf("%s has no value left below its highest, %d, that is above every id of the fleet", q.Name, limit),
			Fix:     "make column and sequence bigint on every shard",
		})
		q.Next = nil
		return
	}
	next := *q.Next
	left := float64(limit-next) / float64(n)
	used := float64(max(q.reached(), 0))
	if old, ok := notes[q.Columns[0].String()]; ok && !q.off {
		used = float64(old) + float64(max(next-old, 0))/float64(n)
	}
	share := max(float64(max(next, 0))/float64(limit), used/(used+left+1)) * 100
	f := Finding{
		Check: "overflow",
		Message: fmt.Sprintf("%s is %d %% on its way to its highest value, %d, counting by %d: %d ids are left on this shard",
			q.Name, int(share), limit, n, int64(left)),
		Fix: "make column and sequence bigint on every shard, or choose fewer stripes if none are chosen yet (--stripes)",
	}
	switch {
	case share >= refuseShare && !q.Striped:
		f.Severity, f.Code = Blocker, fault.SequenceOverflow
	case share >= warnShare:
		f.Severity = Warning
	default:
		return
	}
	q.find(f)
}
