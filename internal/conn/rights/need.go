package rights

import "slices"

// Capability is something that a role may be able to do with a fleet.
type Capability string

// The capabilities. Assign, Move, Stripe and Signal include Look.
const (
	// Look reads: catalogue, tables, figures.
	Look Capability = "look"
	// Install makes and upgrades the schema in the control database.
	Install Capability = "install"
	// Assign changes a tenant's pointer when no rows have to move.
	Assign Capability = "assign"
	// Move copies, switches and purges a tenant's rows.
	Move Capability = "move"
	// Stripe gives the shards' sequences steps and stripes of their own.
	Stripe Capability = "stripe"
	// Signal cancels statements of other sessions on a shard and ends sessions. A
	// fleet may do without it.
	Signal Capability = "signal"
)

// Capabilities lists every capability.
func Capabilities() []Capability { return []Capability{Look, Install, Assign, Move, Stripe, Signal} }

// Optional reports whether a fleet is complete without the capability: nothing
// else needs what it needs, and many leave it to their DBA.
func (c Capability) Optional() bool { return c == Signal }

// Table names a table or a materialized view.
type Table struct{ Schema, Name string }

// Need is what a role is to be able to do, and on what. Tables that a database
// does not have are left out: whether it should have them is not a question
// of rights.
type Need struct {
	Capabilities []Capability
	// Schema is the name of our schema in the control database.
	Schema string
	// Read is every table that is read.
	Read []Table
	// Owned is every table that holds tenants' rows: guards are put on them,
	// and the sequences that fill them are striped.
	Owned []Table
	// Views are the materialized views that are refreshed after a move.
	Views []Table
	// Root is the tenants table.
	Root Table
	// Pointer is the columns of Root that a change of shard writes; empty
	// where the pointer is in a table of our own.
	Pointer []string
	// AppAudit is the application's own record of moves; may be empty.
	AppAudit Table
}

func (n Need) has(c ...Capability) bool {
	return slices.ContainsFunc(c, func(c Capability) bool { return slices.Contains(n.Capabilities, c) })
}

// Missing is one right that the role lacks in one database.
type Missing struct {
	Database   string     `json:"database"`
	Capability Capability `json:"capability"`
	// Right says in words what is missing.
	Right string `json:"right"`
	// Grant is the statement that gives it, to be run in that database.
	Grant string `json:"grant"`
}

// write is a right to change one table of our schema, and the capabilities
// that need it; the first of them that is asked for names it.
type write struct {
	table        string
	privileges   []string
	columns      []string
	capabilities []Capability
}

// writes are the changes that are made in our schema by those who neither
// installed it nor own it. Nobody may change the audit trail; it is appended
// to through three columns, and the rest is stamped by the server; so are the persons
// that its events name. Nobody may
// take a stripe away from a shard either.
func writes() []write {
	insert, change := []string{"INSERT"}, []string{"INSERT", "UPDATE", "DELETE"}
	out := []write{
		{"audit_event", insert, []string{"event_id", "occurred_at", "body"}, []Capability{Assign, Move, Stripe, Signal}},
		{"audit_person", insert, []string{"kind", "value", "salt"}, []Capability{Assign, Move, Stripe, Signal}},
		{"lease", change, nil, []Capability{Assign, Move, Stripe}},
		{"placement", change, nil, []Capability{Assign, Move}},
	}
	for _, t := range []string{"worker", "run", "run_step", "move", "move_table", "move_log", "move_step", "move_replaced", "cleanup", "alert", "silence", "notice", "spread", "telling"} {
		out = append(out, write{t, change, nil, []Capability{Move}})
	}
	out = append(out, write{"queue", []string{"INSERT", "UPDATE"}, nil, []Capability{Move}})
	for _, t := range []string{"stripe_count", "stripe"} {
		out = append(out, write{t, insert, nil, []Capability{Stripe}})
	}
	return append(out, write{"stripe_column", []string{"INSERT", "UPDATE"}, nil, []Capability{Stripe}})
}
