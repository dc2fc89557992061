package sample

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/figure"
)

// Collect asks every query of a server in one round trip and returns a result
// for each, by name. The connection is its caller's alone meanwhile and has
// the Settings, or leads through a pooler (server.Pooled).
//
// What a single query cannot answer is its result's error. An error of Collect
// itself means that the connection is lost or the context ended: results that
// had come are there. Where the time ran out, the query that took it is Late and
// those behind it are Unasked; otherwise the others carry that error.
func Collect(ctx context.Context, c *pgx.Conn, server Server, queries []Query) (map[string]Result, error) {
	l := &look{c: c, pooled: server.Pooled, out: make(map[string]Result, len(queries))}
	asked := make([]question, 0, len(queries))
	for _, q := range queries {
		if _, twice := l.out[q.Name]; twice {
			return nil, fault.Newf(fault.Internal, "", "two queries are called %s", q.Name)
		}
		l.out[q.Name] = Result{}
		sql, reason := q.SQL(server)
		if reason != "" {
			l.out[q.Name] = Result{At: time.Now(), Err: fault.New(fault.NotAvailable, reason, "")}
			continue
		}
		// A list of sessions cuts the end off, pg_stat_statements the beginning.
		ask := question{name: q.Name, sql: Tag + " " + strings.TrimSpace(sql) + " " + Tag, args: make([][]byte, len(q.Args))}
		for i, a := range q.Args {
			var err error
			if ask.args[i], err = encode(c.TypeMap(), a); err != nil {
				return nil, err
			}
		}
		asked = append(asked, ask)
	}
	if len(asked) == 0 {
		return l.out, nil
	}
	began := time.Now()
	if err := l.ask(ctx, asked); err != nil {
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		err = conn.Fault(err, "sample")
		slow := ""
		for _, q := range asked {
			r := Result{At: time.Now(), Err: err}
			switch {
			case !l.out[q.name].At.IsZero():
				continue
			case late && slow == "":
				slow, r.Late = q.name, true
				r.Err = fault.Wrapf(err, fault.TimedOut, "look at the shard's load and locks", "no answer within the %s that the look had", figure.Span(time.Since(began)))
			case late:
				r.Unasked = true
				r.Err = fault.Wrapf(err, fault.TimedOut, "look at the shard's load and locks", "its turn did not come: %s was not answered within the %s that the look had", slow, figure.Span(time.Since(began)))
			}
			l.out[q.name] = r
		}
		return l.out, err
	}
	return l.out, nil
}

func unsupported(v any) error {
	return fault.Newf(fault.Internal, "", "a query has an argument of the type %T", v)
}

type question struct {
	name, sql string
	args      [][]byte
}

type look struct {
	c      *pgx.Conn
	pooled bool
	out    map[string]Result
	last   time.Time
}

// What a pooled statement brings along. After an error the transaction has to
// be ended, so the end has a synchronisation of its own. It is a commit, of nothing: the
// server counts what is rolled back, and a check would find our own looks there.
const (
	begin  = Tag + " BEGIN TRANSACTION READ ONLY"
	limits = Tag + " SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, MDY', true), set_config('jit', 'off', true)"
	end    = Tag + " COMMIT"
)

// ask sends everything and then reads everything; pgx goes on reading where
// the server cannot take more before its answers are taken.
func (l *look) ask(ctx context.Context, asked []question) error {
	p := l.c.PgConn().StartPipeline(ctx)
	send := func(sql string, args ...[]byte) { p.SendQueryParams(sql, args, nil, nil, nil) }
	l.last = time.Now()
	for _, q := range asked {
		if l.pooled {
			send(begin)
			send(limits, []byte(ms(StatementTimeout)), []byte(ms(LockTimeout)))
		}
		send(q.sql, q.args...)
		p.SendPipelineSync()
		if l.pooled {
			send(end)
			p.SendPipelineSync()
		}
	}
	err := p.Flush()
	for _, q := range asked {
		if err == nil {
			err = l.read(p, q.name)
		}
	}
	if closing := p.Close(); err == nil {
		err = closing
	}
	return err
}

// read takes the answer to one query, the last of its transaction.
func (l *look) read(p *pgconn.Pipeline, name string) error {
	var r Result
	skip := 0
	if l.pooled {
		skip = 2
	}
	for synced := false; !synced; {
		got, err := p.GetResults()
		if err != nil {
			if !l.alive(err) {
				return err
			}
			r = Result{Err: conn.Fault(err, name)}
			continue
		}
		switch x := got.(type) {
		case *pgconn.PipelineSync:
			synced = true
		case *pgconn.ResultReader:
			if skip > 0 {
				skip--
				if _, err := x.Close(); err != nil {
					if !l.alive(err) {
						return err
					}
					r = Result{Err: conn.Fault(err, name)}
				}
				continue
			}
			read, err := rows(l.c.TypeMap(), x)
			if err != nil {
				if !l.alive(err) {
					return err
				}
				read = Result{Err: conn.Fault(err, name)}
			}
			r = read
		default: // nothing more comes
			return io.ErrUnexpectedEOF
		}
	}
	r.At = time.Now()
	r.Took = r.At.Sub(l.last)
	l.last, l.out[name] = r.At, r
	if !l.pooled {
		return nil
	}
	for {
		got, err := p.GetResults()
		if err != nil {
			return err
		}
		switch x := got.(type) {
		case *pgconn.PipelineSync:
			return nil
		case *pgconn.ResultReader:
			if _, err := x.Close(); err != nil {
				return err
			}
		default:
			return io.ErrUnexpectedEOF
		}
	}
}

// alive reports whether an error is of the statement and not of the connection.
func (l *look) alive(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		var undecodable *decodeError
		return errors.As(err, &undecodable)
	}
	return !l.c.PgConn().IsClosed() && pg.SeverityUnlocalized != "FATAL" && pg.SeverityUnlocalized != "PANIC"
}

// decodeError is a value that is not what its type promises.
type decodeError struct{ cause error }

func (e *decodeError) Error() string { return "a value cannot be read: " + e.cause.Error() }
func (e *decodeError) Unwrap() error { return e.cause }

func rows(m *pgtype.Map, x *pgconn.ResultReader) (Result, error) {
	r := Result{Rows: [][]any{}}
	fields := x.FieldDescriptions()
	for _, f := range fields {
		r.Columns = append(r.Columns, f.Name)
	}
	var failed error
	for x.NextRow() {
		values := make([]any, len(fields))
		for i, raw := range x.Values() {
			v, err := decode(m, fields[i].DataTypeOID, raw)
			if err != nil && failed == nil {
				failed = &decodeError{err}
			}
			values[i] = v
		}
		r.Rows = append(r.Rows, values)
	}
	if _, err := x.Close(); err != nil {
		return Result{}, err
	}
	return r, failed
}
