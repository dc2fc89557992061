package job

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
)

// Lease is a resource that this holder owns until the database says otherwise.
type Lease struct {
	Resource string
	// Epoch rises with every owner; writes carry it.
	Epoch  int64
	Holder string

	jobs   *Jobs
	ttl    time.Duration
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when renewing has ended

	mu      sync.Mutex
	renewed instant // when the last successful renewal was sent
}

// Acquire takes a lease, or answers lease_held with who has it. The lease is
// renewed in the background until it is stopped, released or lost.
func (j *Jobs) Acquire(ctx context.Context, resource string, ttl time.Duration) (*Lease, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return nil, err
	}
	sent := j.clock.now()
	l := &Lease{Resource: resource, Holder: j.holder, jobs: j, ttl: ttl, renewed: sent, done: make(chan struct{})}
	err = pool.QueryRow(ctx, j.sql("acquire"), resource, j.holder, ttl.Seconds()).Scan(&l.Epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, j.held(ctx, pool, resource)
	}
	if err != nil {
		return nil, j.fault(err)
	}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go l.keep()
	return l, nil
}

func (j *Jobs) held(ctx context.Context, q querier, resource string) error {
	holder, left := "another owner", 0.0
	err := q.QueryRow(ctx, j.sql(`SELECT holder, greatest(extract(epoch FROM expires_at - clock_timestamp()), 0)::float8 FROM {{schema}}.lease WHERE resource = $1`),
		resource).Scan(&holder, &left)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return j.fault(err)
	}
	return fault.Newf(fault.LeaseHeld, "wait until it is done; when that owner is gone, the lease ends by itself",
		"%s is held by %s for at least %s unless it is given back", resource, holder, (time.Duration(left * float64(time.Second))).Round(time.Second))
}

// margin is how much sooner than the database the holder stops trusting.
func margin(ttl time.Duration) time.Duration { return min(10*time.Second, ttl/6) }

// Context ends when the lease is lost, can no longer be trusted, is stopped or
// released. Its cause is a fault lease_lost, or context.Canceled after Stop.
func (l *Lease) Context() context.Context { return l.ctx }

// Trusted reports whether this computer's clocks still allow the holder to act
// without asking the database, and ends the context when they do not.
func (l *Lease) Trusted() bool {
	if l.ctx.Err() != nil {
		return false
	}
	l.mu.Lock()
	age := l.jobs.clock.since(l.renewed)
	l.mu.Unlock()
	if age < l.ttl-margin(l.ttl) {
		return true
	}
	l.cancel(l.lost("it could not be renewed in time"))
	return false
}

func (l *Lease) lost(why string) error {
	return fault.Newf(fault.LeaseLost, "look who has it now, then resume", "the lease on %s (epoch %d) is lost: %s", l.Resource, l.Epoch, why)
}

// keep renews the lease and watches the clocks.
func (l *Lease) keep() {
	defer close(l.done)
	look := time.NewTicker(max(min(time.Second, l.ttl/20), time.Millisecond))
	defer look.Stop()
	next := l.jobs.clock.now()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-look.C:
		}
		if !l.Trusted() {
			return
		}
		if l.jobs.clock.since(next) < l.ttl/4 {
			continue
		}
		next = l.jobs.clock.now()
		if err := l.renew(l.ctx); fault.CodeOf(err) == fault.LeaseLost {
			l.cancel(err)
			return
		}
	}
}

// renew asks the database for more time. Only lease_lost is final; everything
// else is tried again while the lease is trusted.
func (l *Lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(10*time.Second, l.ttl/4))
	defer cancel()
	pool, err := l.jobs.control.Pool(ctx)
	if err != nil {
		return err
	}
	sent := l.jobs.clock.now()
	tag, err := pool.Exec(ctx, l.jobs.sql(`UPDATE {{schema}}.lease SET expires_at = clock_timestamp() + make_interval(secs => $3)
		WHERE resource = $1 AND epoch = $2 AND expires_at > clock_timestamp()`), l.Resource, l.Epoch, l.ttl.Seconds())
	if err != nil {
		return l.jobs.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return l.lost("another owner has it, or its time ran out")
	}
	l.mu.Lock()
	l.renewed = sent
	l.mu.Unlock()
	return nil
}

// GuardTx locks the lease's row inside the caller's transaction: lease_lost
// when another owner has had it since. While the transaction is open nobody
// can take the lease, so what commits with it was written by the owner.
func (l *Lease) GuardTx(ctx context.Context, tx pgx.Tx) error {
	var one int
	err := tx.QueryRow(ctx, l.jobs.sql(`SELECT 1 FROM {{schema}}.lease WHERE resource = $1 AND epoch = $2 AND expires_at > '-infinity' FOR UPDATE`),
		l.Resource, l.Epoch).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		err = l.lost("another owner has it")
		l.cancel(err)
		return err
	}
	return l.jobs.fault(err)
}

// Stop ends the context and the renewals. The lease stays taken until it is
// released or its time runs out.
func (l *Lease) Stop() { l.cancel(context.Canceled) }

// Release stops the lease and gives it back, so that the next owner need not
// wait: a connection that has just ended is made again while there is time.
// Released or not, this holder's epoch is spent.
func (l *Lease) Release(ctx context.Context) error {
	l.Stop()
	<-l.done
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		pool, err := l.jobs.control.Pool(ctx)
		if err == nil {
			_, err = pool.Exec(ctx, l.jobs.sql(`UPDATE {{schema}}.lease SET expires_at = '-infinity' WHERE resource = $1 AND epoch = $2`), l.Resource, l.Epoch)
			err = l.jobs.fault(err)
		}
		if err == nil || !fault.Retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}
