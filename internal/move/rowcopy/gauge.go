package rowcopy

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/move/fence"
)

//go:embed gauge.sql
var gaugeSQL string

const (
	// pages is how many pages of a table a probe reads.
	pages = 8
	// slowest is the longest that a probe waits for an answer.
	slowest = 2 * time.Second
	// unheard is the longest that a gauge waits for a server at all.
	unheard = 5 * time.Second
)

// ServerGauge is the gauge of a shard, on a session of its own.
//
// Its probe fetches rows from random pages of the largest table that is copied,
// by their place: that takes the processor, a lock of the table and, where the
// pages are not in memory, the disk, as a reader of the tenants does. A range of
// keys would not do: on the target it would wade through the rows that the copy
// has not committed yet. In the same transaction it writes what it found to a row
// of the move's own, and commits, as a writer of the tenants does: that waits for
// the disk, and for standbys where the server waits for them.
type ServerGauge struct {
	db    *conn.Database
	job   Job
	c     *pgx.Conn
	probe string
	// blocks is how many pages the table has.
	blocks     int64
	writes     bool
	stats      bool // of everybody may be seen
	processors int
	// seen are the transactions of others at the last look, by session.
	seen map[int32]string
}

// NewGauge returns the gauge of a shard for a copy; it connects when it is read.
func NewGauge(db *conn.Database, j Job) *ServerGauge { return &ServerGauge{db: db, job: j} }

// Name is the shard's.
func (g *ServerGauge) Name() string { return g.db.Name() }

// Close ends the session.
func (g *ServerGauge) Close() {
	if g.c != nil {
		ctx, cancel := context.WithTimeout(context.Background(), slowest)
		defer cancel()
		_ = g.c.Close(ctx)
		g.c = nil
	}
}

// Probe probes the shard once. A probe that is not answered within two seconds
// took two seconds.
func (g *ServerGauge) Probe(ctx context.Context) (took time.Duration, err error) {
	err = g.with(ctx, func(ctx context.Context) error {
		args := []any{places(g.blocks)}
		if g.writes {
			args = append(args, g.job.Move, g.job.Epoch)
		}
		began := time.Now()
		_, err := g.c.Exec(ctx, g.probe, args...)
		took = time.Since(began)
		var p *pgconn.PgError
		if errors.As(err, &p) && (p.Code == "57014" || p.Code == "55P03") { // out of time, or out of time for a lock
			err = nil
		}
		return err
	})
	return took, err
}

// places are random pages of that many.
func places(blocks int64) []string {
	out := make([]string, pages)
	for i := range out {
		out[i] = fmt.Sprintf("(%d,1)", rand.Int64N(max(blocks, 1))) //nolint:gosec // any page will do
	}
	return out
}

// Look asks the shard once.
func (g *ServerGauge) Look(ctx context.Context) (r Reading, err error) {
	err = g.with(ctx, func(ctx context.Context) error {
		var lag float64
		var pids []int32
		var at []string
		if err := g.c.QueryRow(ctx, gaugeSQL, g.stats).Scan(&r.Standby, &lag, &r.Work, &pids, &at); err != nil {
			return err
		}
		r.Lag, r.Processors = time.Duration(lag*float64(time.Second)), g.processors
		seen := map[int32]string{}
		for i, pid := range pids {
			seen[pid] = at[i]
			if g.seen != nil && g.seen[pid] != at[i] {
				r.Others++
			}
		}
		g.seen = seen
		return nil
	})
	return r, err
}

// with runs f on the session, which it opens when there is none.
func (g *ServerGauge) with(ctx context.Context, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, unheard)
	defer cancel()
	if g.c == nil {
		err = g.open(ctx)
	}
	if err == nil {
		err = f(ctx)
	}
	if err != nil {
		g.Close()
		return conn.Fault(err, g.db.Name())
	}
	return nil
}

func (g *ServerGauge) open(ctx context.Context) error {
	c, err := g.db.Direct(ctx, conn.DirectOptions{Purpose: fence.Purpose(g.job.Move), Epoch: g.job.Epoch})
	if err != nil {
		return err
	}
	g.c = c
	if _, err := c.Exec(ctx, fmt.Sprintf("SET row_security = off; SET lock_timeout = 0; SET statement_timeout = %d", slowest.Milliseconds()), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	found, most := "(SELECT count(*) FROM unnest($1::text[]))", int64(-1)
	g.blocks = 0
	for _, t := range g.job.Tables {
		// A partitioned table has no pages of its own.
		if size := g.job.Bytes[t.Name()]; size > most && t.Table.Kind == "r" {
			most = size
			found = "(SELECT count(*) FROM " + t.Table.Own() + " t WHERE t.ctid = ANY ($1::text[]::tid[]))"
			if err := c.QueryRow(ctx, "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::int", t.Table.Quoted()).Scan(&g.blocks); err != nil {
				return err
			}
		}
	}
	// A move's owner has made it where the move keeps anything.
	if err := c.QueryRow(ctx, "SELECT coalesce(has_table_privilege(to_regclass('shard_admin_move.probe'), 'INSERT, UPDATE'), false)").Scan(&g.writes); err != nil {
		return err
	}
	g.probe = "SELECT " + found
	if g.writes {
		if _, err := c.Exec(ctx, "INSERT INTO shard_admin_move.probe (move_id, found) SELECT move_id, 0 FROM shard_admin_move.epoch WHERE move_id = $1 AND epoch = $2 ON CONFLICT DO NOTHING", g.job.Move, g.job.Epoch); err != nil {
			return err
		}
		g.probe = "UPDATE shard_admin_move.probe SET found = " + found + " WHERE move_id = $2 AND EXISTS (SELECT FROM shard_admin_move.epoch e WHERE e.move_id = $2 AND e.epoch = $3)"
	}
	var files bool
	if err := c.QueryRow(ctx, `SELECT pg_has_role('pg_read_all_stats', 'USAGE'),
		pg_has_role('pg_read_server_files', 'USAGE') AND has_function_privilege('pg_read_file(text, bigint, bigint, boolean)', 'EXECUTE')`).Scan(&g.stats, &files); err != nil {
		return err
	}
	g.processors = 0
	if !g.stats || !files {
		return nil
	}
	// No SQL says it, and of the systems Linux alone says it in a file. Where it
	// cannot be read, sessions are not judged.
	var list *string
	if err := c.QueryRow(ctx, "SELECT pg_read_file('/sys/devices/system/cpu/online', 0, 1000, true)").Scan(&list); err == nil && list != nil {
		g.processors = processorsOf(*list)
	}
	return nil
}

// processorsOf counts a list of processors such as "0-3,6"; 0 if it is none.
func processorsOf(list string) int {
	n := 0
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		from, to, more := strings.Cut(part, "-")
		if !more {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || b < a {
			return 0
		}
		n += b - a + 1
	}
	return n
}
