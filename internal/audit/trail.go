package audit

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/version"
)

// Trail is the audit trail of one control database.
type Trail struct {
	control *conn.Database
	schema  string // unquoted
	where   func() (host, osUser string)
	// hasPersons is set once the table was seen: a schema may wait for its upgrade.
	hasPersons atomic.Bool
	wrote      atomic.Bool
	written    chan struct{}
}

// New returns the trail in the schema (unquoted) of a control database.
func New(control *conn.Database, schema string) *Trail {
	return &Trail{control: control, schema: schema, where: sync.OnceValues(whereabouts), written: make(chan struct{}, 1)}
}

// Wrote reports whether an event was written by this Trail; its transaction may have
// been rolled back.
func (t *Trail) Wrote() bool { return t.wrote.Load() }

// Written has something once an event was written since it was read last, maybe before
// that is committed.
func (t *Trail) Written() <-chan struct{} { return t.written }

func whereabouts() (host, osUser string) {
	host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		osUser = u.Username
	}
	return host, osUser
}

func (t *Trail) sql(text string) string {
	return strings.ReplaceAll(text, "{{schema}}", pgx.Identifier{t.schema}.Sanitize())
}

// Intent is a change that is about to be made. The action, the actor and the
// reason come from the permit.
type Intent struct {
	Tenant, Source, Target, MoveID string
	Before, After, Details         map[string]any
}

// Outcome is how a change ended.
type Outcome struct {
	// Status is ok, failed, refused, cancelled or rolled_back; empty means ok,
	// or what Err says. TakeOver alone writes interrupted.
	Status  string
	Note    string // replaces the intent's reason when given
	After   map[string]any
	Details map[string]any
	Err     error
}

// Record is one event that is appended inside the caller's transaction.
type Record struct {
	Tenant, Source, Target, MoveID string
	// Phase is intent or outcome; empty means outcome.
	Phase  string
	Status string // of an outcome; empty means ok
	// Parent is the id of the intent that this is the outcome of.
	Parent                 string
	Before, After, Details map[string]any
}

// Open is an intent that waits for its outcome.
type Open struct {
	trail  *Trail
	permit policy.Permit
	intent Intent
	id     string
}

// ID returns the intent's event id.
func (o *Open) ID() string { return o.id }

// Begin commits the intent in a transaction of its own and returns when it is
// stored. When it cannot be stored the error says so and nothing may be done.
func (t *Trail) Begin(ctx context.Context, p policy.Permit, in Intent) (*Open, error) {
	id, err := t.write(ctx, p, in.record(), "")
	if err != nil {
		return nil, err
	}
	return &Open{trail: t, permit: p, intent: in, id: id}, nil
}

// Finish stores the outcome and returns its event id. It does so although the
// caller's context has ended, for at most 10 seconds: what was done was done.
func (o *Open) Finish(ctx context.Context, out Outcome) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return o.trail.write(ctx, o.permit, o.record(out), out.Note)
}

// FinishTx stores the outcome inside the caller's transaction, which has to run READ
// COMMITTED, and seals it at once. It returns how the trail reads in there, with the
// outcome at its end: for a transaction that takes the trail away.
func (o *Open) FinishTx(ctx context.Context, tx pgx.Tx, out Outcome) (*Reader, error) {
	d, err := o.trail.compose(o.permit, o.record(out), out.Note)
	if err != nil {
		return nil, err
	}
	err = o.trail.insert(ctx, tx, d)
	if err == nil {
		_, err = tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
	}
	return &Reader{trail: o.trail, tx: tx}, o.trail.fault(err)
}

func (o *Open) record(out Outcome) Record {
	rec := Record{
		Tenant: o.intent.Tenant, Source: o.intent.Source, Target: o.intent.Target, MoveID: o.intent.MoveID, Phase: "outcome",
		Status: out.Status, Parent: o.id, Before: o.intent.Before, After: out.After, Details: out.Details,
	}
	if out.Err != nil {
		if rec.Status == "" {
			rec.Status = "failed"
			if fault.Refused(out.Err) {
				rec.Status = "refused"
			}
		}
		rec.Details = withError(rec.Details, out.Err)
	}
	return rec
}

func withError(details map[string]any, err error) map[string]any {
	all := map[string]any{"error": string(fault.CodeOf(err)), "message": "no description"}
	// Only the text of a fault was written for people.
	if f := fault.As(err); f != nil {
		all["message"] = f.Message
	}
	for k, v := range details {
		all[k] = v
	}
	return all
}

// AppendTx appends an event inside the caller's transaction, which has to run
// READ COMMITTED: the event exists exactly if the transaction commits. It
// returns the event's id.
func (t *Trail) AppendTx(ctx context.Context, tx pgx.Tx, p policy.Permit, rec Record) (string, error) {
	d, err := t.compose(p, rec, "")
	if err != nil {
		return "", err
	}
	return d.id, t.fault(t.insert(ctx, tx, d))
}

// draft is an event before it is known which refs stand in it.
type draft struct {
	id   string
	at   time.Time
	body body
}

func (t *Trail) compose(p policy.Permit, rec Record, note string) (draft, error) {
	if !p.Valid() {
		return draft{}, fault.New(fault.Internal, "an audit event needs a permit", "")
	}
	if note == "" {
		note = p.Reason()
	}
	if strings.TrimSpace(note) == "" {
		return draft{}, fault.New(fault.ReasonMissing, "every change needs a reason", `add --note "why"`)
	}
	b := body{
		Version: bodyVersion, Action: string(p.Action()), Phase: rec.Phase, Status: rec.Status, Reason: note, Fleet: p.Fleet(),
		Tenant: rec.Tenant, Source: rec.Source, Target: rec.Target, MoveID: rec.MoveID, Parent: rec.Parent,
		Actor: p.Operator(), ActorRole: string(p.Role()), Via: p.Source(), Program: version.Read().Version,
		Before: rec.Before, After: rec.After, Details: rec.Details,
	}
	b.Host, b.OSUser = t.where()
	if b.Phase == "" {
		b.Phase = "outcome"
	}
	if b.Status == "" {
		b.Status = "ok"
	}
	if b.Phase == "intent" {
		b.Status = "begun"
	}
	u, err := uuid.NewV7()
	if err != nil {
		return draft{}, fault.Wrap(err, fault.Internal, "no random numbers", "")
	}
	return draft{u.String(), time.Now().UTC().Truncate(time.Microsecond), b}, nil
}

// insert stores an event, with the persons that it is the first to name.
func (t *Trail) insert(ctx context.Context, tx pgx.Tx, d draft) error {
	var tree map[string]any
	if err := plainOf(d.body, &tree); err != nil {
		return fault.Wrap(err, fault.Internal, "the audit event could not be written down", "")
	}
	if err := t.pseudonyms(ctx, tx, tree); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, t.sql(`INSERT INTO {{schema}}.audit_event (event_id, occurred_at, body) VALUES ($1, $2, $3) ON CONFLICT (event_id) DO NOTHING`),
		d.id, d.at, string(text(tree)))
	if err == nil {
		t.wrote.Store(true)
		select {
		case t.written <- struct{}{}:
		default: // it has something already
		}
	}
	return err
}

// write stores an event in a transaction of its own.
func (t *Trail) write(ctx context.Context, p policy.Permit, rec Record, note string) (string, error) {
	d, err := t.compose(p, rec, note)
	if err != nil {
		return "", err
	}
	if err := t.store(ctx, func(tx pgx.Tx) error { return t.insert(ctx, tx, d) }); err != nil {
		return "", err
	}
	return d.id, nil
}

// store runs a transaction that stores events. When the answer to its commit is
// lost it is sent again with the same ids, which stores them once: as often as the
// pool may hold connections that a break has left dead.
func (t *Trail) store(ctx context.Context, f func(pgx.Tx) error) error {
	pool, err := t.control.Pool(ctx)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		err := t.fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, f))
		if err == nil {
			return nil
		}
		if try < 10 && fault.CodeOf(err) == fault.DatabaseGone {
			continue
		}
		return unavailable(err)
	}
}

func (t *Trail) fault(err error) error { return conn.Fault(err, fleet.ControlName) }

// unavailable keeps the codes that say what a person can do about it.
func unavailable(err error) error {
	switch fault.CodeOf(err) {
	case fault.RightMissing, fault.DatabaseUnreachable, fault.DatabaseGone, fault.LoginRefused, fault.DatabaseReadOnly, fault.Cancelled:
		return err
	}
	if f := notInstalled(err); fault.CodeOf(f) == fault.NotInstalled {
		return f
	}
	hint := fault.HintOf(err)
	if hint == "" {
		hint = "mend the control database first"
	}
	return fault.Wrapf(err, fault.AuditUnavailable, hint, "the audit trail takes no event, so nothing is done: %s", err)
}

// notInstalled says so when the tables are not there; other errors stay.
func notInstalled(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000" || pg.Code == "42883") {
		return fault.Wrap(err, fault.NotInstalled, "the control database has no audit trail of ours", "shard-admin fleet install makes it")
	}
	return err
}
