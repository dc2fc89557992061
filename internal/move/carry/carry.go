package carry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/compare"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/tenancy"
)

// Job says what is carried from where to where.
type Job struct {
	// From serves the tenant and notes what is written; To is brought up.
	From, To *conn.Database
	Map      *tenancy.Map
	Tenant   string
	Move     string
	Epoch    int64
	Tables   []*tenancy.TableClass // parents first
	// Target is the target of the move, whichever way rows are carried: its list
	// tells which rows without an owner came with the move.
	Target *conn.Database
	// Shared are rows of others that the plan lists: they are kept equal where
	// the move brought them.
	Shared []Row
	// ReplicaRole says that the role on To may leave out the checks of foreign
	// keys.
	ReplicaRole bool
}

// Row names a row by the text of its key.
type Row struct{ Table, Key string }

// Passed is what one pass did.
type Passed struct {
	// Noted counts the touched rows, Followed those that follow from them.
	Noted, Followed            int64
	Inserted, Updated, Deleted int64
	// Took is from the opening of the snapshot to the commit on the other side.
	Took time.Duration
}

// Carrier keeps a session on each side for the passes of one run.
type Carrier struct {
	j        Job
	from, to *pgx.Conn
	came     map[string]bool
}

// Came returns the tables into which passes have brought rows since it was asked
// last.
func (c *Carrier) Came() map[string]bool {
	came := c.came
	c.came = map[string]bool{}
	return came
}

// Open connects both sides.
func Open(ctx context.Context, j Job) (*Carrier, error) {
	c := &Carrier{j: j, came: map[string]bool{}}
	o := conn.DirectOptions{Purpose: fence.Purpose(j.Move), Epoch: j.Epoch}
	for _, s := range []struct {
		db *conn.Database
		to **pgx.Conn
	}{{j.From, &c.from}, {j.To, &c.to}} {
		session, err := s.db.Direct(ctx, o)
		if err != nil {
			c.Close()
			return nil, err
		}
		*s.to = session
		if _, err := session.Exec(ctx, compare.Pinned(false), pgx.QueryExecModeSimpleProtocol); err != nil {
			c.Close()
			return nil, conn.Fault(err, s.db.Name())
		}
	}
	return c, nil
}

// Close ends the sessions.
func (c *Carrier) Close() {
	for _, s := range []*pgx.Conn{c.from, c.to} {
		if s != nil {
			_ = s.Close(context.Background())
		}
	}
}

// Pass carries what was touched. The guards must note each write by now. While
// the snapshot is still open and both sides hold the same rows, meanwhile is
// called with the snapshot's exported name; nil leaves that out.
func (c *Carrier) Pass(ctx context.Context, meanwhile func(ctx context.Context, snapshot string) error) (Passed, error) {
	begin := time.Now()
	p := &pass{Carrier: c, rows: map[string]map[string]*row{}}
	tx, err := c.from.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return p.done, conn.Fault(err, c.j.From.Name())
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var seen string
	if err := tx.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&seen); err != nil {
		return p.done, conn.Fault(err, c.j.From.Name())
	}
	if err := p.noted(ctx, tx); err != nil {
		return p.done, err
	}
	if len(p.rows)+len(p.whole) > 0 {
		if err := p.write(ctx, tx); err != nil {
			return p.done, err
		}
	}
	p.done.Took = time.Since(begin)
	if meanwhile != nil {
		var snapshot string
		if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
			return p.done, conn.Fault(err, c.j.From.Name())
		}
		if err := meanwhile(ctx, snapshot); err != nil {
			return p.done, err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return p.done, conn.Fault(err, c.j.From.Name())
	}
	return p.done, p.forget(ctx, seen)
}

// pass is one pass.
type pass struct {
	*Carrier
	done Passed
	// rows are the candidates by table and joined key.
	rows map[string]map[string]*row
	// whole are tables without a key of which something was touched.
	whole []*tenancy.TableClass
}

// row is one candidate: its key and what each side says of it.
type row struct {
	key      []string
	from, to state
	asked    bool
	shared   bool
}

// state is what a side says of a row.
type state struct {
	there bool
	// ours: it is the tenant's; others: it is another tenant's, too.
	ours, others bool
	// text is the key as the lists of moves have it.
	text string
	hash string
	// points is what the rows that it owns find it by.
	points string
}

func joined(key []string) string { return strings.Join(key, "\x00") }

func (p *pass) add(table string, key []string) bool {
	if p.rows[table] == nil {
		p.rows[table] = map[string]*row{}
	}
	k := joined(key)
	if p.rows[table][k] != nil {
		return false
	}
	p.rows[table][k] = &row{key: key}
	return true
}

// noted reads the notes that the snapshot shows.
func (p *pass) noted(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT tbl, key FROM shard_admin_move.touched WHERE move_id = $1 UNION SELECT tbl, key FROM shard_admin_move.touched_once WHERE move_id = $1`, p.j.Move)
	if err != nil {
		return conn.Fault(err, p.j.From.Name())
	}
	var table string
	var key []string
	_, err = pgx.ForEachRow(rows, []any{&table, &key}, func() error {
		if class := p.class(table); class != nil {
			p.add(table, slices.Clone(key))
			p.done.Noted++
		}
		return nil
	})
	if err != nil {
		return conn.Fault(err, p.j.From.Name())
	}
	for _, c := range p.j.Tables {
		if len(c.Table.Key()) == 0 && p.rows[c.Name()] != nil {
			p.whole = append(p.whole, c)
			delete(p.rows, c.Name())
		}
	}
	for _, s := range p.j.Shared {
		if c := p.class(s.Table); c != nil {
			key, err := p.split(ctx, tx, c, s.Key)
			if err != nil {
				return err
			}
			if key != nil {
				p.add(s.Table, key)
				p.rows[s.Table][joined(key)].shared = true
			}
		}
	}
	return nil
}

// split finds the columns of a key by its text.
func (p *pass) split(ctx context.Context, tx pgx.Tx, c *tenancy.TableClass, text string) ([]string, error) {
	if len(c.Table.Key()) == 1 {
		return []string{text}, nil
	}
	var key []string
	err := tx.QueryRow(ctx, "SELECT ARRAY["+strings.Join(texts(c, "t"), ", ")+"] FROM "+c.Table.Own()+" t WHERE "+keyText(c)+" = $1 LIMIT 1", text).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return key, conn.Fault(err, p.j.From.Name())
}

func (p *pass) class(table string) *tenancy.TableClass {
	for _, c := range p.j.Tables {
		if c.Name() == table {
			return c
		}
	}
	return nil
}

// forget removes the notes that the pass's snapshot showed.
func (p *pass) forget(ctx context.Context, seen string) error {
	if p.done.Noted == 0 && len(p.whole) == 0 {
		return nil
	}
	err := pgx.BeginTxFunc(ctx, p.from, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := fence.Begin(ctx, tx, p.j.Move, p.j.Epoch); err != nil {
			return err
		}
		for _, notes := range []string{"touched", "touched_once"} {
			if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move."+notes+" WHERE move_id = $1 AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)", p.j.Move, seen); err != nil {
				return err
			}
		}
		return nil
	})
	return conn.Fault(err, p.j.From.Name())
}

func (p *pass) stranger(c *tenancy.TableClass, keys []string) error {
	return fault.Newf(fault.MoveBlocked, "give the tenant's row another key on "+p.j.From.Name()+", or make both rows equal, then shard-admin move resume "+p.j.Move+" --wait; nothing was changed",
		"%s: keys of the tenant's rows in %s belong there to rows that are not, or not only, the tenant's: %s", p.j.To.Name(), c.Name(), compare.Few(keys))
}
