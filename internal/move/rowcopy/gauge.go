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
// has not committed yet.
type ServerGauge struct {
	db    *conn.Database
	job   Job
	c     *pgx.Conn
	probe string
	// blocks is how many pages the table has.
	blocks     int64
	stats      bool // of everybody may be seen
	processors int
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

// Read probes the shard once. A probe that is not answered within two seconds
// took two seconds.
func (g *ServerGauge) Read(ctx context.Context) (Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, unheard)
	defer cancel()
	r, err := g.read(ctx)
	if err != nil {
		g.Close()
		return r, conn.Fault(err, g.db.Name())
	}
	return r, nil
}

func (g *ServerGauge) read(ctx context.Context) (Reading, error) {
	if g.c == nil {
		if err := g.open(ctx); err != nil {
			return Reading{}, err
		}
	}
	places := make([]string, pages)
	for i := range places {
		places[i] = fmt.Sprintf("(%d,1)", rand.Int64N(max(g.blocks, 1))) //nolint:gosec // any page will do
	}
	r := Reading{Processors: g.processors}
	began := time.Now()
	_, err := g.c.Exec(ctx, g.probe, places)
	r.Probe = time.Since(began)
	var p *pgconn.PgError
	if errors.As(err, &p) && (p.Code == "57014" || p.Code == "55P03") { // out of time, or out of time for a lock
		err = nil
	}
	if err != nil {
		return r, err
	}
	var lag float64
	if err := g.c.QueryRow(ctx, gaugeSQL, g.stats).Scan(&r.Standby, &lag, &r.Work); err != nil {
		return r, err
	}
	r.Lag = time.Duration(lag * float64(time.Second))
	return r, nil
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
	g.probe, g.blocks = "SELECT $1::text[]", 0
	var most int64 = -1
	for _, t := range g.job.Tables {
		// A partitioned table has no pages of its own.
		if size := g.job.Bytes[t.Name()]; size > most && t.Table.Kind == "r" {
			most = size
			g.probe = "SELECT count(*) FROM " + t.Table.Own() + " t WHERE t.ctid = ANY ($1::text[]::tid[])"
			if err := c.QueryRow(ctx, "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::int", t.Table.Quoted()).Scan(&g.blocks); err != nil {
				return err
			}
		}
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
