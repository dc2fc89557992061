package carry

import (
	"context"
	"errors"
	"fmt"
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
	from, to side
	came     map[string]bool
	// limit is how much memory the candidates of a pass may take before they are
	// filed, most how many of them are asked about at a time.
	limit, most int
}

// side is a session with one of the two databases.
type side struct {
	*pgx.Conn
	db *conn.Database
}

// fault names the side, and a table unless it is nil.
func (s side) fault(err error, c *tenancy.TableClass) error {
	where := s.db.Name()
	if c != nil {
		where += ", table " + c.Name()
	}
	if isTooMany(err) {
		return err
	}
	return conn.Fault(err, where)
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
	c := &Carrier{j: j, from: side{db: j.From}, to: side{db: j.To}, came: map[string]bool{}, limit: 16 << 20, most: 5000}
	o := conn.DirectOptions{Purpose: fence.Purpose(j.Move), Epoch: j.Epoch}
	for _, s := range []*side{&c.from, &c.to} {
		session, err := s.db.Direct(ctx, o)
		if err != nil {
			c.Close()
			return nil, err
		}
		s.Conn = session
		if _, err := session.Exec(ctx, compare.Pinned(false), pgx.QueryExecModeSimpleProtocol); err != nil {
			c.Close()
			return nil, conn.Fault(err, s.db.Name())
		}
	}
	return c, nil
}

// Close ends the sessions.
func (c *Carrier) Close() {
	for _, s := range []side{c.from, c.to} {
		if s.Conn != nil {
			_ = s.Close(context.Background())
		}
	}
}

// Pass carries what was touched. The guards must note each write by now. While
// the snapshot is still open and both sides hold the same rows, meanwhile is
// called with the snapshot's exported name; nil leaves that out.
func (c *Carrier) Pass(ctx context.Context, meanwhile func(ctx context.Context, snapshot string) error) (Passed, error) {
	begin := time.Now()
	p := &pass{Carrier: c}
	tx, err := c.from.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return p.done, conn.Fault(err, c.j.From.Name())
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var seen string
	if err := tx.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&seen); err != nil {
		return p.done, conn.Fault(err, c.j.From.Name())
	}
	if err := p.carry(ctx); err != nil {
		return p.done, err
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
	rows candidates
	// how questions about candidates are asked, before their parameters.
	how []any
	// whole are tables without a key of which something was touched, or whose rows
	// hang on rows whose owning changed; uprooted are those whose rows refer to rows
	// that go and come anew. emptied are the ones whose rows were taken away.
	whole, uprooted map[string]bool
	emptied         []emptied
	// sums are the differences that the candidates make to the digests.
	sums map[string]*sum
	// strangers are keys, by table, that belong to somebody else on the other side.
	strangers map[string]*compare.Few
}

func (p *pass) begin(rows candidates, how ...any) {
	p.rows, p.how, p.done, p.sums, p.strangers = rows, how, Passed{}, map[string]*sum{}, map[string]*compare.Few{}
	p.whole, p.uprooted, p.emptied = map[string]bool{}, map[string]bool{}, nil
}

// carry makes the other side the snapshot's equal.
func (p *pass) carry(ctx context.Context) error {
	rows := &held{p: p, tables: map[string]*heldTable{}}
	p.begin(rows)
	// No more than fit: the others would be read for nothing.
	err := p.noted(ctx, p.limit/heldRow+1)
	if err == nil && len(rows.tables)+len(p.whole) > 0 {
		err = p.write(ctx)
	}
	if !isTooMany(err) {
		return err
	}
	// A plan for thousands of rows of a table that grows under it must not be kept
	// for the small passes that follow.
	p.begin(&filed{p: p, waiting: map[string]int64{}, last: map[string]int64{}}, planned)
	return p.write(ctx)
}

// noted reads the notes that the snapshot shows. Where there are as many as the
// limit says, unless it is 0, they are too many.
func (p *pass) noted(ctx context.Context, limit int) error {
	for _, s := range p.j.Shared {
		if c := p.class(s.Table); c != nil {
			key, err := p.split(ctx, c, s.Key)
			if err != nil {
				return err
			}
			if key != nil {
				if _, err := p.rows.add(ctx, c, [][]string{key}, true); err != nil {
					return err
				}
			}
		}
	}
	sql := `SELECT tbl, key FROM shard_admin_move.touched WHERE move_id = $1 UNION SELECT tbl, key FROM shard_admin_move.touched_once WHERE move_id = $1`
	if limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d", limit)
	}
	rows, err := p.from.Query(ctx, sql, p.j.Move)
	if err != nil {
		return p.from.fault(err, nil)
	}
	b := p.batches(func(c *tenancy.TableClass, keys [][]string) error {
		_, err := p.rows.add(ctx, c, keys, false)
		return err
	})
	var table string
	var key []string
	tag, err := pgx.ForEachRow(rows, []any{&table, &key}, func() error {
		c := p.class(table)
		if c == nil {
			return nil
		}
		p.done.Noted++
		if len(c.Table.Key()) == 0 {
			p.whole[table] = true
			return nil
		}
		return b.add(c, slices.Clone(key))
	})
	if err == nil {
		err = b.flush()
	}
	if err == nil && limit > 0 && tag.RowsAffected() >= int64(limit) {
		err = tooMany{}
	}
	return p.from.fault(err, nil)
}

// split finds the columns of a key by its text.
func (p *pass) split(ctx context.Context, c *tenancy.TableClass, text string) ([]string, error) {
	if len(c.Table.Key()) == 1 {
		return []string{text}, nil
	}
	var key []string
	err := p.from.QueryRow(ctx, "SELECT ARRAY["+strings.Join(texts(c, "t"), ", ")+"] FROM "+c.Table.Own()+" t WHERE "+keyText(c)+" = $1 LIMIT 1", text).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return key, conn.Fault(err, p.from.db.Name())
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
	err := pgx.BeginTxFunc(ctx, p.from.Conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
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

func (p *pass) stranger(c *tenancy.TableClass, keys *compare.Few) error {
	return fault.Newf(fault.MoveBlocked, "give the tenant's row another key on "+p.j.From.Name()+", or make both rows equal, then "+fault.Change("move resume "+p.j.Move+" --wait")+"; nothing was changed",
		"%s: keys of the tenant's rows in %s belong there to rows that are not, or not only, the tenant's: %s", p.j.To.Name(), c.Name(), keys)
}
