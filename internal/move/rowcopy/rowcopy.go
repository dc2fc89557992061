package rowcopy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/renumber"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// Job is one copy.
type Job struct {
	Source   *conn.Database
	Snapshot string // exported on the source
	Target   *conn.Database
	Map      *tenancy.Map
	Tenant   string
	Move     string
	Epoch    int64
	Tables   []*tenancy.TableClass // parents first
	// Lens shows the source's rows as the target is to have them; nil shows them
	// as they are.
	Lens  *renumber.Lens
	Bytes map[string]int64 // estimate per table, to begin with the largest
	// Streams is how many tables are copied at once; of parts of large ones there
	// are fewer where more are not faster.
	Streams int
	// PartBytes is how much of a large table goes in one transaction; 16 MB
	// when 0.
	PartBytes int64
	// ReplicaRole says that the target's role may switch off row by row checks
	// of foreign keys.
	ReplicaRole bool
	// Governor lets the copy make way for others; nil lets it go as fast as it
	// can.
	Governor *Governor
	// Progress hears about rows and bytes of a table; done comes last.
	Progress func(table string, rows, bytes int64, done bool)
}

// Run copies every table and returns when all are committed.
func Run(ctx context.Context, j Job) error {
	if j.Streams < 1 {
		j.Streams = 1
	}
	if j.Progress == nil {
		j.Progress = func(string, int64, int64, bool) {}
	}
	parts, err := cut(ctx, j)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	q := newQueue(j, parts)
	left, none := context.WithCancel(ctx)
	defer none()
	for n := range j.Streams {
		g.Go(func() error {
			w, err := open(ctx, j)
			if err != nil {
				return err
			}
			defer w.close()
			w.meter = q.meter
			for {
				if err := j.Governor.admit(left, n); err != nil {
					return ctx.Err() // or nothing is left to begin
				}
				t, err := q.next(ctx)
				if t == nil || err != nil {
					none()
					return err
				}
				w.passed = func(bytes int64) { q.passed(t, bytes, j.Governor.Gentle()) }
				if err := w.tables(ctx, t); err != nil {
					return err
				}
				q.finished(t)
			}
		})
	}
	return g.Wait()
}

// worker is one stream: a session on each side.
type worker struct {
	j        Job
	src, dst *pgx.Conn
	tx       pgx.Tx
	meter    *meter
	passed   func(bytes int64)
}

func open(ctx context.Context, j Job) (*worker, error) {
	w := &worker{j: j, meter: newMeter(j.Progress, nil), passed: func(int64) {}}
	var err error
	o := conn.DirectOptions{Purpose: fence.Purpose(j.Move), Epoch: j.Epoch}
	if w.src, err = j.Source.Direct(ctx, o); err != nil {
		return nil, err
	}
	if w.tx, err = w.src.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		w.close()
		return nil, conn.Fault(err, j.Source.Name())
	}
	if _, err := w.tx.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+strings.ReplaceAll(j.Snapshot, "'", "")+"'"); err != nil {
		w.close()
		return nil, conn.Fault(err, j.Source.Name())
	}
	// A hidden row would be a lost row. A part is put in its order in memory, and by
	// one processor: the rest are the tenants'.
	if _, err := w.tx.Exec(ctx, "SET LOCAL row_security = off; SET LOCAL work_mem = '64MB'; SET LOCAL max_parallel_workers_per_gather = 0", pgx.QueryExecModeSimpleProtocol); err != nil {
		w.close()
		return nil, conn.Fault(err, j.Source.Name())
	}
	if w.dst, err = j.Target.Direct(ctx, o); err != nil {
		w.close()
		return nil, err
	}
	// It may wait long for its next part.
	if _, err := w.dst.Exec(ctx, "SET idle_session_timeout = 0", pgx.QueryExecModeSimpleProtocol); err != nil {
		w.close()
		return nil, conn.Fault(err, j.Target.Name())
	}
	return w, nil
}

func (w *worker) close() {
	ctx := context.Background()
	if w.src != nil {
		_ = w.src.Close(ctx)
	}
	if w.dst != nil {
		_ = w.dst.Close(ctx)
	}
}

// Columns returns the quoted columns that a copy carries.
func Columns(c *tenancy.TableClass, alias string) string {
	cols := c.Table.Copyable()
	out := make([]string, len(cols))
	for i, col := range cols {
		out[i] = alias + pgx.Identifier{col}.Sanitize()
	}
	return strings.Join(out, ", ")
}

// tables copies a table, a part of one, or those that hang together, in one
// transaction of the target.
func (w *worker) tables(ctx context.Context, t *task) error {
	c := t.group[0]
	err := pgx.BeginTxFunc(ctx, w.dst, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := fence.BeginCopy(ctx, tx, w.j.Move, w.j.Epoch); err != nil {
			return err
		}
		settings := "SET LOCAL synchronous_commit = off; SET CONSTRAINTS ALL DEFERRED"
		if w.j.ReplicaRole {
			settings += "; SET LOCAL session_replication_role = replica"
		}
		if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		for _, c = range t.group {
			if err := w.table(ctx, tx, c, t.part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return w.fault(err, c)
	}
	return nil
}

func (w *worker) table(ctx context.Context, tx pgx.Tx, c *tenancy.TableClass, part string) error {
	where := w.j.Map.Owned(c.Name(), w.j.Map.Literal(w.j.Tenant))
	if part != "" {
		where += " AND " + part
	}
	from := "SELECT " + Columns(c, "t.") + " FROM " + w.j.Lens.Rows(c, where)
	if k := c.Table.PrimaryKey; len(k) > 0 {
		by := make([]string, len(k))
		for i, col := range k {
			by[i] = "t." + pgx.Identifier{col}.Sanitize()
		}
		from += " ORDER BY " + strings.Join(by, ", ") // neighbours stay neighbours
	}
	var out, in int64
	var err error
	if c.Listed() {
		// Rows that may be there already, or that only a list finds again.
		out, in, err = w.staged(ctx, tx, c, from)
	} else {
		out, in, err = w.pipe(ctx, c, from, c.Table.Quoted())
	}
	if err != nil {
		return err
	}
	if out != in {
		return fault.Newf(fault.VerifyDifferent, "look for triggers or rules on the target's table", "%s: %d rows left the source and %d arrived", c.Name(), out, in)
	}
	return nil
}

func (w *worker) fault(err error, c *tenancy.TableClass) error {
	return conn.Fault(err, w.j.Target.Name()+", table "+c.Name())
}

// pipe streams a query of the source into a table of the target.
func (w *worker) pipe(ctx context.Context, c *tenancy.TableClass, query, into string) (out, in int64, err error) {
	var g *Governor
	if w.j.divides(c) {
		g = w.j.Governor
	}
	out, in, err = pipe(ctx, w.src, w.dst, w.j.Source.Name(), c, query, into, g, func(n int64) {
		w.meter.add(c.Name(), 0, n, false)
		w.passed(n)
	})
	if err == nil {
		w.meter.add(c.Name(), in, 0, true)
	}
	return out, in, err
}

// Pipe streams a query of one session into a table of another and returns how
// many rows left and arrived. tell hears about bytes on their way; it may be nil.
// An error of the reading side names it, one of the writing side is the driver's.
func Pipe(ctx context.Context, src, dst *pgx.Conn, source string, c *tenancy.TableClass, query, into string, tell func(bytes int64)) (out, in int64, err error) {
	return pipe(ctx, src, dst, source, c, query, into, nil, tell)
}

const (
	// piece is how many bytes go in one COPY where the copy makes way for others:
	// whoever comes meanwhile waits for as much at the most. wholePiece is how many
	// go where it does not; the checks of foreign keys come at the end of each.
	piece, wholePiece = 8 << 10, 8 << 20
)

// divides reports whether a table's rows may come by several statements: rows that
// refer to rows of their own table are checked when a statement ends.
func (j Job) divides(c *tenancy.TableClass) bool {
	return j.Governor != nil && (j.ReplicaRole || !slices.ContainsFunc(c.Table.ForeignKeys, func(f structure.ForeignKey) bool { return f.RefTable == c.Name() }))
}

// handed is how many bytes are handed from the reading to the writing side at once.
const handed = 64 << 10

// pipe is Pipe under a governor: the rows go to the target by pieces.
func pipe(ctx context.Context, src, dst *pgx.Conn, source string, c *tenancy.TableClass, query, into string, g *Governor, tell func(bytes int64)) (out, in int64, err error) {
	if tell == nil {
		tell = func(int64) {}
	}
	r, wr := io.Pipe()
	var reading error
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Each row comes alone; handing them over one by one costs more than the rows.
		many := bufio.NewWriterSize(wr, handed)
		tag, err := src.PgConn().CopyTo(ctx, many, "COPY ("+query+") TO STDOUT (FORMAT "+format(c)+")")
		if flushed := many.Flush(); err == nil {
			err = flushed
		}
		out, reading = tag.RowsAffected(), err
		_ = wr.CloseWithError(err)
	}()
	counted := &counter{r: r, tell: tell}
	in, err = feed(ctx, dst, "COPY "+into+" ("+Columns(c, "")+") FROM STDIN (FORMAT "+format(c)+")", counted, format(c) == "text", g)
	_ = r.CloseWithError(errors.New("the target ended the copy"))
	<-done
	if err != nil {
		// The target's own word comes first, unless it only passes on the
		// source's.
		if reading != nil && !strings.Contains(reading.Error(), "the target ended the copy") {
			return 0, 0, conn.Fault(reading, source+", table "+c.Name())
		}
		return 0, 0, err
	}
	if reading != nil {
		return 0, 0, conn.Fault(reading, source+", table "+c.Name())
	}
	tell(counted.n - counted.last)
	return out, in, nil
}

// feed writes a stream of rows by one statement, or under a governor by several.
func feed(ctx context.Context, dst *pgx.Conn, statement string, rows io.Reader, text bool, g *Governor) (in int64, err error) {
	if g == nil {
		tag, err := dst.PgConn().CopyFrom(ctx, rows, statement)
		return tag.RowsAffected(), err
	}
	s := newSplitter(rows, text)
	for {
		more, err := s.more()
		if err != nil {
			return in, err
		}
		if !more {
			return in, nil
		}
		done, err := g.Turn(ctx)
		if err != nil {
			return in, err
		}
		tag, err := dst.PgConn().CopyFrom(ctx, s.piece(func(bytes int) bool {
			return bytes >= wholePiece || bytes >= piece && g.Gentle()
		}), statement)
		if rested := done(); err == nil {
			err = rested
		}
		if err != nil {
			return in, err
		}
		in += tag.RowsAffected()
	}
}

// staged copies through a temporary table: rows that are on the target
// already have to be equal, and what was inserted goes on the owned list.
func (w *worker) staged(ctx context.Context, tx pgx.Tx, c *tenancy.TableClass, query string) (out, in int64, err error) {
	temp := "pg_temp.sa_stage"
	if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+temp); err != nil {
		return 0, 0, err
	}
	if _, err := tx.Exec(ctx, "CREATE TEMP TABLE sa_stage ON COMMIT DROP AS SELECT "+Columns(c, "")+" FROM "+c.Table.Own()+" WHERE false"); err != nil {
		return 0, 0, err
	}
	if out, in, err = w.pipe(ctx, c, query, temp); err != nil {
		return 0, 0, err
	}
	if in > 0 {
		if _, err = tx.Exec(ctx, "ANALYZE "+temp); err != nil {
			return 0, 0, err
		}
	}
	_, err = InsertListed(ctx, tx, c, temp, w.j.Move, "own")
	return out, in, err
}

// InsertListed inserts the rows of a staging table that the target does not
// have, records them on the owned list, and fails when a row that was there is
// another.
func InsertListed(ctx context.Context, tx pgx.Tx, c *tenancy.TableClass, stage, move, kind string) (int64, error) {
	cols := Columns(c, "")
	key := KeyText(c, "t")
	tag, err := tx.Exec(ctx, "WITH added AS (INSERT INTO "+c.Table.Quoted()+" AS t ("+cols+") OVERRIDING SYSTEM VALUE SELECT "+cols+" FROM "+stage+" ON CONFLICT DO NOTHING RETURNING "+key+" AS k) "+
		"INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) SELECT $1, $2, k, $3 FROM added ON CONFLICT DO NOTHING", move, c.Name(), kind)
	if err != nil {
		return 0, err
	}
	// What was there before is not the move's to remove.
	if _, err := tx.Exec(ctx, "INSERT INTO shard_admin_move.owned (move_id, tbl, key, kind) SELECT $1, $2, "+KeyText(c, "s")+", 'found' FROM "+stage+" s WHERE NOT EXISTS (SELECT FROM shard_admin_move.owned o WHERE o.move_id = $1 AND o.tbl = $2 AND o.key = "+
		KeyText(c, "s")+") ON CONFLICT DO NOTHING", move, c.Name()); err != nil {
		return 0, err
	}
	var example *string
	if err := tx.QueryRow(ctx, "SELECT min(k) FROM (SELECT "+KeyText(c, "s")+" AS k FROM "+stage+" s WHERE NOT EXISTS (SELECT FROM "+c.Table.Own()+" t WHERE "+
		KeyText(c, "t")+" = "+KeyText(c, "s")+" AND "+same(c, "t", "s")+")) x").Scan(&example); err != nil {
		return 0, err
	}
	if example != nil {
		return 0, fault.Newf(fault.VerifyDifferent, "shard-admin move plan lists such collisions", "%s: row %s is on the target already and is another one", c.Name(), *example)
	}
	return tag.RowsAffected(), nil
}

// KeyText is a row's key as one text: the value of a single column, else the
// columns as a row; the whole row where there is no key.
func KeyText(c *tenancy.TableClass, alias string) string {
	k := c.Table.Key()
	if len(k) == 0 {
		k = c.Table.Copyable()
	}
	if len(k) == 1 {
		return alias + "." + pgx.Identifier{k[0]}.Sanitize() + "::text"
	}
	parts := make([]string, len(k))
	for i, col := range k {
		parts[i] = alias + "." + pgx.Identifier{col}.Sanitize()
	}
	return "ROW(" + strings.Join(parts, ", ") + ")::text"
}

// same compares two rows column by column as text, so that 1.0 is not 1.00.
func same(c *tenancy.TableClass, a, b string) string {
	parts := []string{}
	for _, col := range c.Table.Copyable() {
		q := pgx.Identifier{col}.Sanitize()
		parts = append(parts, a+"."+q+"::text IS NOT DISTINCT FROM "+b+"."+q+"::text")
	}
	return strings.Join(parts, " AND ")
}

// format is binary but for types whose binary form holds numbers that differ
// between databases: arrays of an application's own types, and composites.
func format(c *tenancy.TableClass) string {
	for _, name := range c.Table.Copyable() {
		col := c.Table.Column(name)
		if col.TypeKind == "c" || strings.HasSuffix(col.Type, "[]") && !builtIn(strings.TrimSuffix(col.Type, "[]")) {
			return "text"
		}
	}
	return "binary"
}

func builtIn(typ string) bool {
	typ, _, _ = strings.Cut(typ, "(")
	return slices.Contains([]string{
		"text", "character varying", "character", "integer", "bigint", "smallint", "numeric", "real", "double precision", "boolean", "uuid", "date", "jsonb", "json", "bytea", "inet", "cidr",
		"timestamp without time zone", "timestamp with time zone", "time without time zone", "interval",
	}, typ)
}

// counter tells of bytes as they pass; those after last are not told yet.
type counter struct {
	r    io.Reader
	n    int64
	last int64
	tell func(more int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n-c.last > 1<<20 {
		c.tell(c.n - c.last)
		c.last = c.n
	}
	return n, err
}

// AuditKeys lists foreign keys of the copied tables that a tenant's row on the
// target breaks, which only the replica role could have let in.
// Each reads all that the tenant has of a table: nothing but the caller's context
// bounds it.
func AuditKeys(ctx context.Context, j Job) ([]string, error) {
	broken := []string{}
	err := j.Target.Read(ctx, 0, func(tx pgx.Tx) error {
		for _, c := range j.Tables {
			for _, f := range c.Table.ForeignKeys {
				ref := j.Map.Schema.Tables[f.RefTable]
				if ref == nil {
					continue
				}
				on, some := []string{}, []string{}
				for i := range f.Columns {
					child, parent := "t."+pgx.Identifier{f.Columns[i]}.Sanitize(), "p."+pgx.Identifier{f.RefColumns[i]}.Sanitize()
					on = append(on, parent+" = "+child)
					some = append(some, child+" IS NOT NULL")
				}
				var n int64
				if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+c.Table.Own()+" t WHERE "+j.Map.Owned(c.Name(), j.Map.Literal(j.Tenant))+" AND "+strings.Join(some, " AND ")+
					" AND NOT EXISTS (SELECT FROM "+ref.Own()+" p WHERE "+strings.Join(on, " AND ")+")").Scan(&n); err != nil {
					return err
				}
				if n > 0 {
					broken = append(broken, fmt.Sprintf("%s.%s: %d rows", c.Name(), f.Name, n))
				}
			}
		}
		return nil
	})
	return broken, conn.Fault(err, j.Target.Name())
}
