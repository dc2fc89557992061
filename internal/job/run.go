package job

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
)

// RunState is where a run stands.
type RunState string

// The states.
const (
	Queued  RunState = "queued"
	Running RunState = "running"
	Done    RunState = "done"
	Failed  RunState = "failed"
	Parked  RunState = "parked"
)

// Run is work that some worker carries out.
type Run struct {
	ID   string `json:"id"` // a uuid; made when empty
	Kind string `json:"kind"`
	// Resource is what two runs may not do something to at the same time.
	Resource string `json:"resource"`
	// Shards are those that the run loads; few runs may load one at once.
	Shards   []string `json:"shards"`
	State    RunState `json:"state"`
	Priority int      `json:"priority"` // higher goes first
	// NotBefore is the earliest start; zero means now.
	NotBefore time.Time       `json:"not_before"`
	Payload   json.RawMessage `json:"payload"`
	// Interrupts lets the run start beside the run of its resource, which it
	// is there to end.
	Interrupts bool `json:"interrupts"`
	// Waits is what it waits for while nobody has begun it; WaitPause when
	// empty.
	Waits Wait `json:"waits"`
	// Prefers names the holder that should carry it out while it is alive.
	Prefers   string `json:"prefers"`
	QueuedOn  string `json:"queued_on"`
	CreatedBy string `json:"created_by"`
	// CreatedAs is the database role that queued the run, stamped by the
	// database.
	CreatedAs string     `json:"created_as"`
	CreatedAt time.Time  `json:"created_at"`
	Worker    string     `json:"worker"`
	Attempt   int        `json:"attempt"`
	Error     string     `json:"error"`
	ErrorCode string     `json:"error_code"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`

	fresh bool // nobody had begun it before this claim
}

const runColumns = `r.id::text, r.kind, r.resource, r.shards, r.state, r.priority, r.not_before, r.payload, r.interrupts, r.waits, r.prefers, r.queued_on,
	r.created_by, r.created_as, r.created_at, coalesce(r.worker, ''), r.attempt, coalesce(r.error, ''), coalesce(r.error_code, ''), r.started_at, r.ended_at`

func scanRun(row pgx.Row) (Run, error) {
	var r Run
	return r, row.Scan(r.fields()...)
}

func (r *Run) fields() []any {
	return []any{
		&r.ID, &r.Kind, &r.Resource, &r.Shards, &r.State, &r.Priority, &r.NotBefore, &r.Payload, &r.Interrupts, &r.Waits, &r.Prefers, &r.QueuedOn,
		&r.CreatedBy, &r.CreatedAs, &r.CreatedAt, &r.Worker, &r.Attempt, &r.Error, &r.ErrorCode, &r.StartedAt, &r.EndedAt,
	}
}

// Queue files a run, inside tx when it is given. Filing the same id twice
// files one run.
func (j *Jobs) Queue(ctx context.Context, tx pgx.Tx, r Run) error {
	if r.Kind == "" || r.Resource == "" || r.CreatedBy == "" {
		return fault.New(fault.Internal, "a run needs a kind, a resource and who asked for it", "")
	}
	if r.ID == "" {
		r.ID = uuid.Must(uuid.NewV7()).String()
	}
	if r.Shards == nil {
		r.Shards = []string{}
	}
	if r.Waits == "" {
		r.Waits = WaitPause
	}
	if len(r.Payload) == 0 {
		r.Payload = json.RawMessage(`{}`)
	}
	var q querier = tx
	if tx == nil {
		pool, err := j.control.Pool(ctx)
		if err != nil {
			return err
		}
		q = pool
	}
	var notBefore *time.Time
	if !r.NotBefore.IsZero() {
		notBefore = &r.NotBefore
	}
	_, err := q.Exec(ctx, j.sql(`INSERT INTO {{schema}}.run (id, kind, resource, shards, priority, not_before, payload, interrupts, waits, prefers, queued_on, created_by)
		VALUES ($1, $2, $3, $4, $5, coalesce($6, clock_timestamp()), $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`),
		r.ID, r.Kind, r.Resource, r.Shards, r.Priority, notBefore, string(r.Payload), r.Interrupts, r.Waits, r.Prefers, j.holder, r.CreatedBy)
	return j.fault(err)
}

// Get returns one run.
func (j *Jobs) Get(ctx context.Context, id string) (Run, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return Run{}, err
	}
	r, err := scanRun(pool.QueryRow(ctx, j.sql(`SELECT `+runColumns+` FROM {{schema}}.run r WHERE r.id::text = $1`), id))
	if errors.Is(err, pgx.ErrNoRows) {
		return r, fault.Newf(fault.NotFound, "", "there is no run %s", id)
	}
	return r, j.fault(err)
}

// Pending returns the runs that wait or run, in the order in which they go.
func (j *Jobs) Pending(ctx context.Context) ([]Run, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, j.sql(`SELECT `+runColumns+` FROM {{schema}}.run r WHERE r.state IN ('queued', 'running')
		ORDER BY r.state DESC, r.interrupts DESC, r.priority DESC, r.created_at, r.id`))
	if err != nil {
		return nil, j.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Run, error) { return scanRun(row) })
	if out == nil {
		out = []Run{}
	}
	return out, j.fault(err)
}

// Claiming says what a worker takes.
type Claiming struct {
	Worker string // id of a worker that sends heartbeats
	Kinds  []string
	// All takes what anybody has queued; otherwise only what this holder has.
	All bool
	// PerShard bounds the running runs that load one shard where the queue's
	// rules say nothing; 2 when zero.
	PerShard int
	// Doing are the ids of what the worker carries out. Another run that stands in
	// its name goes back to the queue, because the answer to its claim or to its end
	// was lost; nil where the caller does not keep count.
	Doing []string
}

// Claim takes the next run, or returns nil when there is none for this worker.
// Runs of workers that stopped sending heartbeats are queued again first.
func (j *Jobs) Claim(ctx context.Context, c Claiming) (*Run, error) {
	if c.PerShard == 0 {
		c.PerShard = defaultPerShard
	}
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	var found *Run
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		// A computer that falls asleep just here must not keep the others from
		// the queue.
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = '5s'`); err != nil {
			return err
		}
		if err := j.lockClaims(ctx, tx); err != nil {
			return err
		}
		counts := ""
		if c.Doing != nil {
			counts = c.Worker
		}
		if _, err := tx.Exec(ctx, j.sql("requeue_dead"), deadAfter.Seconds(), "", counts, c.Doing); err != nil {
			return err
		}
		rules, err := j.rules(ctx, tx)
		if err != nil {
			return err
		}
		if rules.PerShard != nil {
			c.PerShard = *rules.PerShard
		}
		var r Run
		err = tx.QueryRow(ctx, j.sql("claim")+runColumns, c.Worker, c.Kinds, c.All, j.holder, c.PerShard, liveFor.Seconds(),
			rules.Paused != nil, rules.Open(), rules.PerFleet).Scan(append([]any{&r.fresh}, r.fields()...)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		found = &r
		return err
	})
	if err != nil {
		return nil, j.fault(err)
	}
	return found, nil
}

// due reports whether anything waits that Claim might take. It is one statement, and
// writes nothing.
func (j *Jobs) due(ctx context.Context, c Claiming) (bool, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return false, err
	}
	var is bool
	err = pool.QueryRow(ctx, j.sql("due"), c.Kinds, c.All, j.holder).Scan(&is)
	return is, j.fault(err)
}

// lockClaims lets one claim happen at a time: two that count the same running
// runs would both pass the limit.
func (j *Jobs) lockClaims(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('shard-admin claim ' || $1, 0))`, j.schema)
	return err
}

// Finish ends a run as done, or as failed with the reason. A run that another
// worker has taken over since stays as it is: lease_lost.
func (j *Jobs) Finish(ctx context.Context, r *Run, cause error) error {
	if cause != nil {
		text := cause.Error()
		if f := fault.As(cause); f == nil {
			text = "failed; this computer's log has the cause"
		}
		return j.end(ctx, r, Failed, text, string(fault.CodeOf(cause)), 0)
	}
	return j.end(ctx, r, Done, "", "", 0)
}

// Park ends a run that stopped at a safe point because somebody asked for it.
func (j *Jobs) Park(ctx context.Context, r *Run, why error) error {
	return j.end(ctx, r, Parked, why.Error(), string(fault.CodeOf(why)), 0)
}

// Requeue gives a run back to the queue, to be taken no sooner than after. One
// that could not be begun waits again for what it waited for.
func (j *Jobs) Requeue(ctx context.Context, r *Run, after time.Duration) error {
	return j.end(ctx, r, Queued, "", "", after)
}

func (j *Jobs) end(ctx context.Context, r *Run, s RunState, text, code string, after time.Duration) error {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return err
	}
	tag, err := pool.Exec(ctx, j.sql("end"), r.ID, r.Worker, r.Attempt, string(s), text, code, after.Seconds(), s == Queued && after > 0 && r.fresh)
	if err != nil {
		return j.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return fault.Newf(fault.LeaseLost, "the other worker goes on", "run %s was taken over by another worker", r.ID)
	}
	r.State, r.Error, r.ErrorCode = s, text, code
	return nil
}

// Step is one line of what a run has done.
type Step struct {
	At     time.Time       `json:"at"`
	Worker string          `json:"worker"`
	Step   string          `json:"step"`
	Detail json.RawMessage `json:"detail"`
}

// Note appends a step, inside tx when it is given.
func (j *Jobs) Note(ctx context.Context, tx pgx.Tx, r *Run, step string, detail any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "a step could not be written down", "")
	}
	if detail == nil {
		text = []byte(`{}`)
	}
	var q querier = tx
	if tx == nil {
		pool, err := j.control.Pool(ctx)
		if err != nil {
			return err
		}
		q = pool
	}
	_, err = q.Exec(ctx, j.sql(`INSERT INTO {{schema}}.run_step (run_id, worker, step, detail) VALUES ($1, $2, $3, $4)`), r.ID, r.Worker, step, string(text))
	return j.fault(err)
}

// Steps returns what a run has done, the oldest first.
func (j *Jobs) Steps(ctx context.Context, run string) ([]Step, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, j.sql(`SELECT at, worker, step, detail FROM {{schema}}.run_step WHERE run_id = $1 ORDER BY id`), run)
	if err != nil {
		return nil, j.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Step, error) {
		var s Step
		return s, row.Scan(&s.At, &s.Worker, &s.Step, &s.Detail)
	})
	return out, j.fault(err)
}
