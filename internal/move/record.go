package move

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/move/preflight"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// record reads and writes moves in the control database. It is the only place
// that changes a move's state; every change carries the lease's epoch.
type record struct {
	control *conn.Database
	schema  string // quoted
}

type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// sql returns an embedded statement, or the text itself, with the schema in.
func (r *record) sql(name string) string {
	text := name
	if !strings.ContainsAny(name, " ") {
		b, err := sqlFiles.ReadFile("sql/" + name + ".sql")
		if err != nil {
			panic(err) // a name that the binary was not built with
		}
		text = string(b)
	}
	return strings.ReplaceAll(text, "{{schema}}", r.schema)
}

func (r *record) fault(err error) error { return conn.Fault(err, "control") }

func (r *record) pool(ctx context.Context) (querier, error) { return r.control.Pool(ctx) }

func scanMove(row pgx.Row) (*Move, error) {
	var m Move
	var holder *string
	var expires *time.Time
	err := row.Scan(&m.ID, &m.Tenant, &m.Label, &m.Source, &m.Target, &m.Mode, &m.State, &m.Step, &m.FailedIn, &m.Engine, &m.Epoch, &m.Hold,
		&m.MaxReadOnlyMS, &m.Rows, &m.Bytes, &m.RowsCopied, &m.BytesCopied,
		&m.ReadOnlySince, &m.WritePauseMS, &m.Verified, &m.VerifiedAt, &m.Park, &m.Note,
		&m.ErrorCode, &m.ErrorMessage, &m.ErrorHint,
		&m.AuditEvent, &m.AppAudit, &m.RoutingConfirm, &m.CreatedBy, &m.CreatedAt, &m.NotBefore, &m.StartedAt, &m.SwitchedAt,
		&m.FinishedAt, &m.UpdatedAt, &holder, &expires)
	if err != nil {
		return nil, err
	}
	if m.ErrorCode != "" {
		m.Error = &Reason{Code: m.ErrorCode, Message: m.ErrorMessage, Hint: m.ErrorHint}
	}
	if holder != nil && expires != nil {
		m.Owner = &Owner{Holder: *holder, ExpiresAt: *expires}
	}
	m.NextCommands = m.Next()
	return &m, nil
}

// load returns one move with its tables and log; the id may be shortened to a
// prefix that is unique.
func (r *record) load(ctx context.Context, id string) (*Move, error) {
	m, q, err := r.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := r.details(ctx, q, m); err != nil {
		return nil, err
	}
	return m, nil
}

// find returns the move whose id begins so, without what details reads, and
// what it was read through.
func (r *record) find(ctx context.Context, id string) (*Move, querier, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := q.Query(ctx, r.sql("move_list")+` WHERE m.id::text LIKE $1 || '%' ORDER BY m.created_at DESC LIMIT 2`, likeSafe(id))
	if err != nil {
		return nil, nil, r.fault(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Move, error) { return scanMove(row) })
	if err != nil {
		return nil, nil, r.fault(err)
	}
	switch {
	case len(found) == 0 || id == "":
		return nil, nil, fault.Newf(fault.MoveUnknown, "shard-admin move list shows the moves of this fleet", "there is no move %q", id)
	case len(found) > 1:
		return nil, nil, fault.Newf(fault.MoveUnknown, "give more of the id", "more than one move begins with %q", id)
	}
	return found[0], q, nil
}

// likeSafe keeps pattern characters out of a prefix search.
func likeSafe(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(s)))
}

func (r *record) details(ctx context.Context, q querier, m *Move) error {
	if err := q.QueryRow(ctx, r.sql(`SELECT plan FROM {{schema}}.move WHERE id = $1`), m.ID).Scan(&m.PlanJSON); err != nil {
		return r.fault(err)
	}
	// A schema of an earlier version has no such columns; what else is there can
	// be read all the same.
	var text []byte
	var at *time.Time
	err := q.QueryRow(ctx, r.sql(`SELECT measured, measured_at FROM {{schema}}.move WHERE id = $1`), m.ID).Scan(&text, &at)
	var pg *pgconn.PgError
	if err != nil && !(errors.As(err, &pg) && pg.Code == "42703") {
		return r.fault(err)
	}
	m.Measured = decodeMeasured(text, at)
	m.plan = new(preflight.Plan)
	if err := json.Unmarshal(m.PlanJSON, m.plan); err != nil {
		return fault.Wrapf(err, fault.EngineNewer, "use the version of shard-admin that made the move", "the plan of move %s cannot be read by this version", m.ID)
	}
	rows, err := q.Query(ctx, r.sql(`SELECT name, kind, rows, bytes, rows_copied, bytes_copied, verified, digest
		FROM {{schema}}.move_table WHERE move_id = $1 ORDER BY position`), m.ID)
	if err != nil {
		return r.fault(err)
	}
	m.Tables, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Table, error) {
		var t Table
		return t, row.Scan(&t.Table, &t.Kind, &t.Rows, &t.Bytes, &t.RowsCopied, &t.BytesCopied, &t.Verified, &t.Digest)
	})
	if err != nil {
		return r.fault(err)
	}
	rows, err = q.Query(ctx, r.sql(`SELECT at, level, message FROM (SELECT id, at, level, message FROM {{schema}}.move_log
		WHERE move_id = $1 ORDER BY id DESC LIMIT 200) l ORDER BY id`), m.ID)
	if err != nil {
		return r.fault(err)
	}
	m.Log, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (LogLine, error) {
		var l LogLine
		return l, row.Scan(&l.At, &l.Level, &l.Message)
	})
	return r.fault(err)
}

// list returns moves, the newest first, without tables.
func (r *record) list(ctx context.Context, tenant string, limit int) ([]*Move, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql("move_list")+` WHERE $1 = '' OR m.tenant = $1 ORDER BY m.created_at DESC, m.id LIMIT $2`, tenant, limit)
	if err != nil {
		return nil, r.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Move, error) { return scanMove(row) })
	return out, r.fault(err)
}

// named returns moves by their ids, without tables.
func (r *record) named(ctx context.Context, ids []string) (map[string]*Move, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql("move_list")+` WHERE m.id::text = ANY ($1)`, ids)
	if err != nil {
		return nil, r.fault(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Move, error) { return scanMove(row) })
	out := map[string]*Move{}
	for _, m := range found {
		out[m.ID] = m
	}
	return out, r.fault(err)
}

// unfinished returns every unfinished move, however many later ones are over. It
// reads what each version of the schema has, and nothing where there is none.
func (r *record) unfinished(ctx context.Context) ([]Unfinished, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	var there bool
	if err := q.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", r.schema+".move").Scan(&there); err != nil || !there {
		return nil, r.fault(err)
	}
	rows, err := q.Query(ctx, r.sql(`SELECT id::text, tenant, source, target, state FROM {{schema}}.move WHERE state NOT IN ('cancelled', 'rolled_back', 'finalized')`))
	if err != nil {
		return nil, r.fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Unfinished])
	return out, r.fault(err)
}

// open returns the unfinished move of a tenant, or nil.
func (r *record) open(ctx context.Context, q querier, tenant string) (*Move, error) {
	m, err := scanMove(q.QueryRow(ctx, r.sql("move_list")+` WHERE m.tenant = $1 AND m.state NOT IN ('cancelled', 'rolled_back', 'finalized')`, tenant))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return m, r.fault(err)
}

// coming is how many bytes the moves of other tenants are still to bring to a shard.
func (r *record) coming(ctx context.Context, q querier, target, tenant string) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, r.sql(`SELECT coalesce(sum(greatest(t.bytes - t.bytes_copied, 0)), 0)::bigint FROM {{schema}}.move m JOIN {{schema}}.move_table t ON t.move_id = m.id
		WHERE m.target = $1 AND m.tenant <> $2 AND m.state IN ('planned', 'copying', 'catching_up', 'ready', 'switching')`), target, tenant).Scan(&n)
	return n, r.fault(err)
}

// insert files a new move; the unique index refuses a second one.
func (r *record) insert(ctx context.Context, tx querier, m *Move, priority int) error {
	_, err := tx.Exec(ctx, r.sql("move_insert"), m.ID, m.Tenant, m.Label, m.Source, m.Target, m.Mode, m.Engine, m.Hold, m.MaxReadOnlyMS,
		priority, m.PlanJSON, m.Rows, m.Bytes, m.Note, m.AuditEvent, m.AppAudit, m.CreatedBy, m.NotBefore)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == "move_one_per_tenant" {
		return inProgress(m.Tenant, nil)
	}
	if err != nil {
		return r.fault(err)
	}
	if _, err := tx.Exec(ctx, r.sql(`INSERT INTO {{schema}}.move_step (move_id, state, step, epoch) VALUES ($1, 'planned', '', 0)`), m.ID); err != nil {
		return r.fault(err)
	}
	for i, t := range m.Tables {
		if _, err := tx.Exec(ctx, r.sql(`INSERT INTO {{schema}}.move_table (move_id, name, position, kind, rows, bytes) VALUES ($1, $2, $3, $4, $5, $6)`),
			m.ID, t.Table, i, t.Kind, t.Rows, t.Bytes); err != nil {
			return r.fault(err)
		}
	}
	return nil
}

func inProgress(tenant string, m *Move) error {
	if m == nil {
		return fault.Newf(fault.MoveInProgress, "shard-admin move list shows it", "tenant %s is held by a move that is not finished", tenant)
	}
	return fault.Newf(fault.MoveInProgress, "shard-admin move show "+m.ID+" says what it waits for", "tenant %s is held by move %s, which is %s", tenant, m.ID, m.State)
}

// step moves the state forward under the epoch; no row changed means that
// somebody else owns the run now.
func (r *record) step(ctx context.Context, q querier, m *Move, epoch int64, to State, step string) error {
	if to != m.State && !m.State.May(to) {
		return fault.Newf(fault.Internal, "", "a move does not go from %s to %s", m.State, to)
	}
	tag, err := q.Exec(ctx, r.sql("move_step"), m.ID, epoch, string(m.State), string(to), step)
	if err != nil {
		return r.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return leaseLost(m)
	}
	m.State, m.Step, m.Epoch = to, step, epoch
	m.ErrorCode, m.Error = "", nil
	m.NextCommands = m.Next()
	return nil
}

// claim writes a new owner's epoch to the move: from then on an older owner
// changes nothing of it.
func (r *record) claim(ctx context.Context, m *Move, epoch int64) error {
	q, err := r.pool(ctx)
	if err != nil {
		return err
	}
	tag, err := q.Exec(ctx, r.sql(`UPDATE {{schema}}.move SET epoch = $2 WHERE id = $1 AND epoch <= $2`), m.ID, epoch)
	if err != nil {
		return r.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return leaseLost(m)
	}
	return nil
}

func leaseLost(m *Move) error {
	return fault.Newf(fault.LeaseLost, "shard-admin move show "+m.ID+" says who goes on", "another owner has taken over move %s; this one stopped without writing", m.ID)
}

// fail records why a move stands still, and where.
func (r *record) fail(ctx context.Context, q querier, m *Move, epoch int64, to State, cause error) error {
	f := fault.As(cause)
	if f == nil {
		f = fault.Wrap(cause, fault.CodeOf(cause), cause.Error(), "")
	}
	tag, err := q.Exec(ctx, r.sql("move_fail"), m.ID, epoch, string(m.State), string(to), string(f.Code), f.Message, f.Hint, m.Step)
	if err != nil {
		return r.fault(err)
	}
	if tag.RowsAffected() != 1 {
		return leaseLost(m)
	}
	// A resume that fails before it has begun says nothing of how far the move was.
	if m.State != Failed {
		from := string(m.State)
		m.FailedIn = &from
	}
	if to == Retained {
		m.Step = ""
	}
	m.State, m.Epoch = to, epoch
	m.ErrorCode, m.ErrorMessage, m.ErrorHint = string(f.Code), f.Message, f.Hint
	m.Error = &Reason{Code: m.ErrorCode, Message: f.Message, Hint: f.Hint}
	m.NextCommands = m.Next()
	return nil
}

// log appends to the move's log; a line that cannot be stored does not stop
// the move.
func (r *record) log(ctx context.Context, m *Move, level, format string, args ...any) {
	q, err := r.pool(ctx)
	if err != nil {
		return
	}
	_, _ = q.Exec(ctx, r.sql(`INSERT INTO {{schema}}.move_log (move_id, level, message) VALUES ($1, $2, $3)`), m.ID, level, fmt.Sprintf(format, args...))
}

// set changes facts of a move that are not its state, in control and in m.
func (r *record) set(ctx context.Context, q querier, m *Move, epoch int64, assignments string, args ...any) error {
	args = append([]any{m.ID, epoch}, args...)
	err := q.QueryRow(ctx, r.sql(`UPDATE {{schema}}.move SET `+assignments+`, updated_at = clock_timestamp() WHERE id = $1 AND epoch <= $2
		RETURNING read_only_since, write_pause_ms`), args...).Scan(&m.ReadOnlySince, &m.WritePauseMS)
	if errors.Is(err, pgx.ErrNoRows) {
		return leaseLost(m)
	}
	return r.fault(err)
}

// measured stores how far the move is and how fast it goes.
func (r *record) measured(ctx context.Context, m *Move, epoch int64, d *Measured) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "what was measured could not be described", "")
	}
	q, err := r.pool(ctx)
	if err != nil {
		return err
	}
	_, err = q.Exec(ctx, r.sql(`UPDATE {{schema}}.move SET measured = $3, measured_at = clock_timestamp() WHERE id = $1 AND epoch <= $2`), m.ID, epoch, text)
	return r.fault(err)
}

// willMake commits the cleanup record of something that is about to be made on
// a shard.
func (r *record) willMake(ctx context.Context, q querier, m *Move, shard, kind string) error {
	_, err := q.Exec(ctx, r.sql(`INSERT INTO {{schema}}.cleanup (move_id, shard, kind) VALUES ($1, $2, $3)
		ON CONFLICT (move_id, shard, kind) DO UPDATE SET done_at = NULL`), m.ID, shard, kind)
	return r.fault(err)
}

// cleaned marks what willMake announced as gone.
func (r *record) cleaned(ctx context.Context, q querier, m *Move, shard string) error {
	_, err := q.Exec(ctx, r.sql(`UPDATE {{schema}}.cleanup SET done_at = clock_timestamp() WHERE move_id = $1 AND shard = $2 AND done_at IS NULL`), m.ID, shard)
	return r.fault(err)
}

// begun notes that a run goes on with the move from where it stands.
func (r *record) begun(ctx context.Context, q querier, m *Move, epoch int64) error {
	_, err := q.Exec(ctx, r.sql(`INSERT INTO {{schema}}.move_step (move_id, state, step, epoch) VALUES ($1, $2, $3, $4)`), m.ID, string(m.State), stepBegun, epoch)
	return r.fault(err)
}

// steps returns when the move came to each state and step, the oldest first.
func (r *record) steps(ctx context.Context, id string) ([]StepTime, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql(`SELECT at, state, step, coalesce(error_code, '') FROM {{schema}}.move_step WHERE move_id = $1 ORDER BY id`), id)
	if err != nil {
		return nil, r.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (StepTime, error) {
		var s StepTime
		return s, row.Scan(&s.At, &s.State, &s.Step, &s.ErrorCode)
	})
	return out, r.fault(err)
}

// refused stores how many writes a shard has refused, before the counter goes.
func (r *record) refused(ctx context.Context, q querier, m *Move, shard string, n int64) error {
	_, err := q.Exec(ctx, r.sql(`UPDATE {{schema}}.cleanup SET refused = greatest(refused, $3) WHERE move_id = $1 AND shard = $2`), m.ID, shard, n)
	return r.fault(err)
}

// refusals returns, by shard, what refused has stored; a shard from which
// nothing was taken away yet is not among them.
func (r *record) refusals(ctx context.Context, id string) (map[string]int64, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql(`SELECT shard, max(refused) FROM {{schema}}.cleanup WHERE move_id = $1 AND done_at IS NOT NULL AND refused IS NOT NULL GROUP BY shard`), id)
	if err != nil {
		return nil, r.fault(err)
	}
	out := map[string]int64{}
	var shard string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&shard, &n}, func() error { out[shard] = n; return nil })
	return out, r.fault(err)
}

// toClean lists the shards on which this move may have left something.
func (r *record) toClean(ctx context.Context, m *Move) ([]string, error) {
	q, err := r.pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, r.sql(`SELECT DISTINCT shard FROM {{schema}}.cleanup WHERE move_id = $1 AND done_at IS NULL ORDER BY shard`), m.ID)
	if err != nil {
		return nil, r.fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, r.fault(err)
}

// progress stores how far tables are.
func (r *record) progress(ctx context.Context, q querier, m *Move, t *Table) error {
	_, err := q.Exec(ctx, r.sql(`UPDATE {{schema}}.move_table SET rows_copied = $3, bytes_copied = $4, verified = $5, digest = $6 WHERE move_id = $1 AND name = $2`),
		m.ID, t.Table, t.RowsCopied, t.BytesCopied, t.Verified, t.Digest)
	return r.fault(err)
}
