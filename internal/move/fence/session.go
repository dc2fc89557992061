package fence

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
)

// Session is a session of a move's own, for writing statements that take as long
// as a tenant is large. A later owner of the move ends it: what a dead owner has
// begun holds nobody up. Where a pooler is in the way its transactions are the
// pool's, whose limits each of them lifts: what a move has made has to be taken away
// there too, and the epoch alone keeps a dead owner out.
type Session struct {
	s     *Shard
	on    beginner
	close func()
	move  string
	epoch int64
}

type beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// Session opens one.
func (s *Shard) Session(ctx context.Context, move string, epoch int64) (*Session, error) {
	c, err := s.db.Direct(ctx, conn.DirectOptions{Purpose: Purpose(move), Epoch: epoch})
	switch {
	case fault.CodeOf(err) == fault.PoolerInPath:
		pool, err := s.db.Pool(ctx)
		if err != nil {
			return nil, err
		}
		return &Session{s, pool, func() {}, move, epoch}, nil
	case err != nil:
		return nil, err
	}
	return &Session{s, c, func() { _ = c.Close(context.Background()) }, move, epoch}, nil
}

// Write runs one writing transaction of the mover, whose statements may take as
// long as limit each and no longer than the context; nothing but that bounds them
// where limit is 0.
func (x *Session) Write(ctx context.Context, limit time.Duration, f func(pgx.Tx) error) error {
	return x.s.fault(pgx.BeginTxFunc(ctx, x.on, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := Begin(ctx, tx, x.move, x.epoch); err != nil {
			return err
		}
		if err := conn.Allow(ctx, tx, limit); err != nil {
			return err
		}
		return f(tx)
	}))
}

// Close ends the session.
func (x *Session) Close() { x.close() }

// WriteLong is Write in a session of its own, without a limit but the context's.
func (s *Shard) WriteLong(ctx context.Context, move string, epoch int64, f func(pgx.Tx) error) error {
	x, err := s.Session(ctx, move, epoch)
	if err != nil {
		return err
	}
	defer x.Close()
	return x.Write(ctx, 0, f)
}
