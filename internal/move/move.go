package move

import (
	"encoding/json"
	"time"

	"shardadmin/internal/move/preflight"
)

// Steps within a state that recovery and people need to tell apart.
const (
	stepBegun       = "begun"        // noted beside a state, never a move's own: a run goes on from there
	stepHeld        = "held"         // ready: before the fence, waits for a person
	stepArmed       = "armed"        // planned: guards in, older transactions gone
	stepCaughtUp    = "caught_up"    // ready: the target follows, the tenant still writes
	stepFenced      = "fenced"       // copying: the tenant is read-only
	stepVerifying   = "verifying"    // copying: all rows are there
	stepVerified    = "verified"     // ready: fence still closed
	stepCommitting  = "committing"   // switching: source cannot reopen by itself
	stepFlipped     = "flipped"      // switched: shards do not know yet
	stepOpen        = "open"         // switched: the target serves
	stepUndoing     = "undoing"      // before switched: what was copied is being removed
	stepComparing   = "comparing"    // rolling_back: target fenced, source brought up
	stepFlippedBack = "flipped_back" // rolling_back: pointer is back
	stepChecked     = "checked"      // finalizing: the list of rows to purge is stored
	stepPurged      = "purged"       // finalizing: rows are gone, guards not yet
)

// Move is one move of one tenant, as control has it.
type Move struct {
	ID            string     `json:"id"`
	Tenant        string     `json:"tenant"`
	Label         string     `json:"label"`
	Source        string     `json:"source"`
	Target        string     `json:"target"`
	Mode          string     `json:"mode"`
	State         State      `json:"state"`
	Step          string     `json:"step"`
	FailedIn      *string    `json:"failed_in"`
	Engine        int        `json:"engine"`
	Epoch         int64      `json:"epoch"`
	Hold          bool       `json:"hold"`
	MaxReadOnlyMS int64      `json:"max_read_only_ms"`
	Rows          int64      `json:"rows"`
	Bytes         int64      `json:"bytes"`
	RowsCopied    int64      `json:"rows_copied"`
	BytesCopied   int64      `json:"bytes_copied"`
	ReadOnlySince *time.Time `json:"read_only_since"`
	WritePauseMS  *int64     `json:"write_pause_ms"`
	Verified      bool       `json:"verified"`
	VerifiedAt    *time.Time `json:"verified_at"`
	// Measured is nil where nobody has measured anything.
	Measured       *Measured       `json:"-"`
	Park           bool            `json:"parked"`
	Note           string          `json:"note"`
	ErrorCode      string          `json:"-"`
	ErrorMessage   string          `json:"-"`
	ErrorHint      string          `json:"-"`
	Error          *Reason         `json:"error"`
	AuditEvent     *string         `json:"audit_event"`
	AppAudit       *string         `json:"-"`
	RoutingConfirm *string         `json:"routing_confirmed"`
	CreatedBy      string          `json:"created_by"`
	CreatedAt      time.Time       `json:"created_at"`
	NotBefore      *time.Time      `json:"not_before"`
	StartedAt      *time.Time      `json:"started_at"`
	SwitchedAt     *time.Time      `json:"switched_at"`
	FinishedAt     *time.Time      `json:"finished_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
	NextCommands   []string        `json:"next"`
	Tables         []Table         `json:"tables,omitempty"`
	Owner          *Owner          `json:"owner"`
	Log            []LogLine       `json:"log,omitempty"`
	PlanJSON       json.RawMessage `json:"-"`
	plan           *preflight.Plan
}

// Reason is why a move stands still.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Owner is who carries the move out at present.
type Owner struct {
	Holder    string    `json:"holder"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Table is one table of a move with how far it is.
type Table struct {
	Table       string          `json:"table"`
	Kind        string          `json:"kind"`
	Rows        int64           `json:"rows"`
	Bytes       int64           `json:"bytes"`
	RowsCopied  int64           `json:"rows_copied"`
	BytesCopied int64           `json:"bytes_copied"`
	Verified    bool            `json:"verified"`
	Digest      json.RawMessage `json:"digest,omitempty"`
}

// LogLine is one line of a move's log.
type LogLine struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
}
