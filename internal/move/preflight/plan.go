package preflight

import (
	"fmt"
	"time"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/tenancy"
)

// Request is a move that somebody thinks of.
type Request struct {
	Tenant          tenancy.Tenant
	Source, Target  *conn.Database
	Control         *conn.Database
	Schema          string // of ours in control, unquoted
	SourceIsControl bool
	TargetIsControl bool
	Profile         *tenancy.Profile
	Catalogue       *tenancy.Catalogue
	Mode            string // "", fenced or online
	Decisions       []Decision
	// MaxReadOnly bounds the time for which the tenant may not write; 0 takes
	// the mode's default.
	MaxReadOnly time.Duration
	Environment fleet.Environment
	LiveWorkers int
	AcceptAlone bool
	Capacity    int64 // of the target in bytes; 0: none stated
	Coming      int64 // what other moves are still to bring to the target, in bytes
	// Older is how long a transaction may have lasted; 0 is OlderLimit. Later says
	// that the move does not begin now: such a transaction may have ended by then.
	Older time.Duration
	Later bool
	// OpenMove is the id of a move that holds the tenant, or "".
	OpenMove string
}

// Status of a check.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Blocker Status = "blocker"
)

// Check is one thing that was looked at.
type Check struct {
	Name     string `json:"name"`
	Status   Status `json:"status"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Evidence string `json:"evidence,omitempty"`
	// Code is what a refusal for this check is called; empty: move_blocked.
	Code string `json:"code,omitempty"`
}

// Choice is what becomes of a row.
type Choice string

// The choices.
const (
	Share  Choice = "share"
	Leave  Choice = "leave"
	Refuse Choice = "refuse"
	// Renumber gives the row a new id from the target's sequence, and Rename its
	// unique value the tenant behind it; references follow.
	Renumber Choice = "renumber"
	Rename   Choice = "rename"
)

// Decision is about one row, or with the key "*" about all rows of a case in a
// table. In a file the table may be "*" as well.
type Decision struct {
	Table   string   `json:"table" toml:"table"`
	Key     string   `json:"key" toml:"key"`
	Case    string   `json:"case" toml:"case"`
	Choices []Choice `json:"choices" toml:"-"`
	Choice  Choice   `json:"choice" toml:"choice"`
	Detail  string   `json:"detail" toml:"-"`
}

// Row names one row of a table by the text of its key.
type Row struct {
	Table string `json:"table"`
	Key   string `json:"key"`
}

// TableRows is how much of a table moves.
type TableRows struct {
	Table string `json:"table"`
	Kind  string `json:"kind"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// Replacing is a column whose values are replaced where the target has them.
type Replacing struct {
	renumber.Value
	// Rows is how many rows get another value, by the plan.
	Rows int64 `json:"rows"`
	// References are the columns that follow.
	References []string `json:"references"`
}

// View is a materialized view that is refreshed on both shards, in the order in
// which they read from each other.
type View struct {
	Name   string `json:"name"`
	Quoted string `json:"quoted"`
	// Concurrently says that its readers on the target are not kept waiting, as the
	// plan has seen it; what is refreshed is looked at again.
	Concurrently bool `json:"concurrently"`
}

// Fresh is a table of which rows without an owner travel while they are young.
type Fresh struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Hours  int    `json:"hours"`
	Rows   int64  `json:"rows"`
}

// Plan is what a move would do.
type Plan struct {
	Tenant     string      `json:"tenant"`
	Label      string      `json:"label"`
	Source     string      `json:"source"`
	Target     string      `json:"target"`
	Mode       string      `json:"mode"`
	ModeReason string      `json:"mode_reason"`
	Tables     []TableRows `json:"tables"`
	Rows       int64       `json:"rows"`
	Bytes      int64       `json:"bytes"`
	EstimateMS int64       `json:"estimate_ms"`
	// PauseMS is how long the tenant's writes are expected to wait: all of a
	// fenced move, the switch of an online one.
	PauseMS       int64      `json:"pause_ms"`
	MaxReadOnlyMS int64      `json:"max_read_only_ms"`
	Decisions     []Decision `json:"decisions"`
	Checks        []Check    `json:"checks"`
	// SharedCopies are rows of others that the target gets.
	SharedCopies []Row `json:"shared_copies"`
	// KeepOnSource are rows of the tenant that others need on the source.
	KeepOnSource []Row `json:"keep_on_source"`
	// Replacing are the columns that get other values on the way.
	Replacing   []Replacing `json:"replacing"`
	Fresh       []Fresh     `json:"fresh"`
	Views       []View      `json:"views"`
	Fingerprint string      `json:"fingerprint"`
	ReplicaRole bool        `json:"replica_role"`
	// FullSpeed says that whoever started the move wants no way made for others.
	FullSpeed bool `json:"full_speed,omitempty"`
	// Batch names the moves that were queued together: where one of them comes to
	// nothing, those that have not begun are cancelled.
	Batch   string   `json:"batch,omitempty"`
	Notices []string `json:"notices"`
	MadeAt  string   `json:"made_at"`
}

// Blocked reports whether a check or an open decision stands in the way.
func (p *Plan) Blocked() bool {
	for _, c := range p.Checks {
		if c.Status == Blocker {
			return true
		}
	}
	return false
}

// Values are the columns that get other values on the way.
func (p *Plan) Values() []renumber.Value {
	out := []renumber.Value{}
	for _, r := range p.Replacing {
		out = append(out, r.Value)
	}
	return out
}

func (p *Plan) check(name string, s Status, fix, message string) *Check {
	p.Checks = append(p.Checks, Check{Name: name, Status: s, Message: message, Fix: fix})
	return &p.Checks[len(p.Checks)-1]
}

// seen is what the check has found, for whoever wants to look for themselves.
func (c *Check) seen(format string, args ...any) *Check {
	c.Evidence = fmt.Sprintf(format, args...)
	return c
}

func (c *Check) called(code fault.Code) { c.Code = string(code) }
