package stripe

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/job"
	"shardadmin/internal/policy"
	"shardadmin/internal/structure"
)

//go:embed blockers.sql
var blockersSQL string

// Resource is the lease under which one operator at a time stripes a fleet.
const Resource = "fleet/sequences"

const (
	// lockWait is how long one attempt keeps those behind it from drawing ids.
	lockWait = "200ms"
	// lockLimit is how long a sequence is tried for.
	lockLimit = time.Minute
)

// Change is what was done to one sequence.
type Change struct {
	Sequence                 string
	IncrementBefore          int64
	LastBefore               *int64 // nil: no value had been drawn
	Increment, Residue, Next int64
}

// Changed is what was done to one shard.
type Changed struct {
	Shard   string
	Residue int
	Changes []Change
}

// Result of a run.
type Result struct {
	Stripes int
	// AuditEvent is the outcome's, empty where nothing was left to do.
	AuditEvent string
	Shards     []Changed
}

// work is one run under its lease.
type work struct {
	Deps
	plan   *Plan
	permit policy.Permit
	lease  *job.Lease
	done   map[string]map[string]Change // by shard and sequence
}

// Apply stripes the sequences of every shard. It is refused, with nothing
// changed anywhere, while a finding of the plan blocks or a shard does not
// answer. What an interrupted run has done is left, and the next goes on.
func Apply(ctx context.Context, d Deps, permit policy.Permit, stripes int) (Result, error) {
	// Most refusals need no intent.
	p, err := Make(ctx, d, stripes)
	if err != nil {
		return Result{}, err
	}
	if err := p.Refusal(); err != nil || p.Done() {
		return Result{Stripes: p.Stripes, Shards: p.unchanged()}, err
	}
	before := map[string]any{}
	for _, s := range p.Shards {
		if s.counts() {
			before[s.Name] = s.state()
		}
	}
	intent, err := d.Trail.Begin(ctx, permit, audit.Intent{Before: map[string]any{"shards": before}, Details: map[string]any{"stripes": p.Stripes}})
	if err != nil {
		return Result{}, err
	}
	w := &work{Deps: d, permit: permit, plan: p, done: map[string]map[string]Change{}}
	err = w.run(ctx, stripes)
	out := w.result()
	after := map[string]any{}
	for _, c := range out.Shards {
		after[c.Shard] = c.record()
	}
	event, ferr := intent.Finish(ctx, audit.Outcome{After: map[string]any{"shards": after}, Details: map[string]any{"stripes": out.Stripes}, Err: err})
	out.AuditEvent = event
	if err != nil {
		return out, err
	}
	return out, ferr
}

// state is how a shard's sequences count, for the trail.
func (s *Shard) state() map[string]any {
	by := map[string]any{}
	for _, q := range s.Sequences {
		if !q.Striped {
			by[q.Name] = map[string]any{"increment": q.Increment, "last": q.Last}
		}
	}
	return by
}

func (c Changed) record() map[string]any {
	by := map[string]any{}
	for _, x := range c.Changes {
		by[x.Sequence] = map[string]any{"increment": x.Increment, "next": x.Next}
	}
	return map[string]any{"residue": c.Residue, "sequences": by}
}

func (p *Plan) unchanged() []Changed {
	out := []Changed{}
	for _, s := range p.Shards {
		if s.counts() && s.Residue != nil {
			out = append(out, Changed{Shard: s.Name, Residue: *s.Residue, Changes: []Change{}})
		}
	}
	return out
}

func (w *work) result() Result {
	out := Result{Stripes: w.plan.Stripes, Shards: w.plan.unchanged()}
	for i := range out.Shards {
		c := &out.Shards[i]
		done := w.done[c.Shard]
		for _, name := range slices.Sorted(maps.Keys(done)) {
			c.Changes = append(c.Changes, done[name])
		}
	}
	return out
}

func (w *work) run(ctx context.Context, stripes int) error {
	lease, err := w.Jobs.Acquire(ctx, Resource, time.Minute)
	if err != nil {
		return err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }()
	w.lease = lease
	under, stop := context.WithCancel(lease.Context())
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	// What was true before the lease may not be true any more.
	p, err := Make(under, w.Deps, stripes)
	if err != nil {
		return err
	}
	if err := p.Refusal(); err != nil {
		return err
	}
	w.plan = p
	err = w.steps(under)
	if err != nil && ctx.Err() == nil && under.Err() != nil {
		if cause := context.Cause(lease.Context()); fault.CodeOf(cause) == fault.LeaseLost {
			return cause
		}
	}
	return err
}

func (w *work) steps(ctx context.Context) error {
	if err := w.give(ctx); err != nil {
		return err
	}
	for _, s := range w.plan.Shards {
		if !s.counts() {
			continue
		}
		noted := map[string]int64{}
		for _, q := range s.Sequences {
			if !q.off {
				continue
			}
			highest, err := w.alter(ctx, s, q, *q.Next-int64(w.plan.Stripes))
			if err != nil {
				// What was done of the shard is as good as what comes later.
				_ = w.note(context.WithoutCancel(ctx), s.Name, noted)
				return err
			}
			for _, c := range q.Columns {
				noted[c.String()] = max(highest, noted[c.String()])
			}
		}
		if err := w.note(ctx, s.Name, noted); err != nil {
			return err
		}
	}
	// Every shard counts in its stripe: the old ids grow no more.
	st, err := w.load(ctx)
	if err != nil {
		return err
	}
	for _, s := range w.plan.Shards {
		if !s.counts() {
			continue
		}
		pool, err := s.db.Pool(ctx)
		if err != nil {
			return err
		}
		above := map[string]int64{}
		for _, q := range s.Sequences {
			floor := q.min - 1
			for _, notes := range st.notes {
				for _, c := range q.Columns {
					if v, ok := notes[c.String()]; ok {
						floor = max(floor, v)
					}
				}
			}
			at, err := structure.ReadSequence(ctx, pool, q.quoted)
			if err != nil {
				return conn.Fault(err, s.Name)
			}
			q.last, q.called = at.Last, at.Called
			q.Increment = int64(w.plan.Stripes)
			for _, c := range q.Columns {
				above[c.String()] = floor
			}
			if !q.low(floor, st.above[s.Name]) {
				continue
			}
			if _, err := w.alter(ctx, s, q, floor); err != nil {
				return err
			}
		}
		if err := w.raised(ctx, s.Name, above); err != nil {
			return err
		}
	}
	return nil
}

// alter lets one sequence count in the shard's stripe, from above floor and
// from above everything that it and its columns have. It returns the highest
// of these.
func (w *work) alter(ctx context.Context, s *Shard, q *Sequence, floor int64) (highest int64, err error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return 0, err
	}
	n, residue := int64(w.plan.Stripes), int64(*s.Residue)
	start, _ := firstAbove(q.min-1, residue, n)
	var next int64
	change := func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+lockWait+"'"); err != nil {
			return err
		}
		// From here on nobody draws a value, and who has drawn one is done.
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s INCREMENT BY %d", q.quoted, n)); err != nil {
			return err
		}
		at, err := structure.ReadSequence(ctx, tx, q.quoted)
		if err != nil {
			return err
		}
		q.last, q.called = at.Last, at.Called
		for _, f := range q.fills {
			if !f.indexed {
				continue // reading all of it would keep writers waiting
			}
			v, err := f.highest(ctx, tx)
			if err != nil {
				return err
			}
			q.higher(v)
		}
		highest = q.reached()
		var ok bool
		if next, ok = firstAbove(max(floor, highest, q.min-1), residue, n); !ok || next > q.limit() {
			return fault.Newf(fault.SequenceOverflow, "make column and sequence bigint on every shard", "%s: %s has no value left", s.Name, q.Name)
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s START WITH %d RESTART WITH %d", q.quoted, start, next))
		return err
	}
	limit := lockLimit
	if w.limit > 0 {
		limit = w.limit
	}
	for deadline := time.Now().Add(limit); ; {
		for _, f := range q.fills {
			if f.indexed {
				continue
			}
			v, err := f.highest(ctx, pool)
			if err != nil {
				return 0, conn.Fault(err, s.Name)
			}
			q.higher(v)
		}
		err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, change)
		if err == nil {
			break
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55P03" {
			return 0, conn.Fault(err, s.Name)
		}
		if time.Now().After(deadline) {
			return 0, fault.Wrapf(err, fault.LockTimeout, "end it, then apply again: what is striped stays, and the rest goes on",
				"%s: %s was in use by open transactions for %s: %s", s.Name, q.Name, limit, users(ctx, pool, q.quoted))
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50*time.Millisecond + rand.N(200*time.Millisecond)): //nolint:gosec // jitter
		}
	}
	w.changed(s, q, n, residue, next)
	return highest, nil
}

// changed notes what the trail and the operator are told.
func (w *work) changed(s *Shard, q *Sequence, n, residue, next int64) {
	if w.done[s.Name] == nil {
		w.done[s.Name] = map[string]Change{}
	}
	c, again := w.done[s.Name][q.Name]
	if !again {
		c = Change{Sequence: q.Name, IncrementBefore: q.Increment, LastBefore: q.Last}
	}
	c.Increment, c.Residue, c.Next = n, residue, next
	w.done[s.Name][q.Name] = c
}

// users names the sessions that hold a sequence.
func users(ctx context.Context, pool *pgxpool.Pool, quoted string) string {
	rows, err := pool.Query(ctx, blockersSQL, quoted)
	if err == nil {
		var list []string
		if list, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil && len(list) > 0 {
			return strings.Join(list, "; ")
		}
	}
	return "who, is not known"
}
