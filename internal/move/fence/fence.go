package fence

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/tenancy"
)

//go:embed schema.sql
var schemaSQL string

// State of a tenant's fence row.
type State string

// The states.
const (
	Armed      State = "armed"
	Fenced     State = "fenced"
	Committing State = "committing"
	Moved      State = "moved"
	Incoming   State = "incoming"
	Open       State = "open"
	None       State = ""
)

type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Shard is the fence on one shard.
type Shard struct {
	db *conn.Database
	m  *tenancy.Map
}

// New returns the fence of a shard for tables of a map.
func New(db *conn.Database, m *tenancy.Map) *Shard { return &Shard{db: db, m: m} }

// DB returns the shard's database.
func (s *Shard) DB() *conn.Database { return s.db }

func (s *Shard) fault(err error) error { return conn.Fault(err, s.db.Name()) }

// ensure makes the schema of ours; it can be repeated.
func (s *Shard) ensure(ctx context.Context) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	return s.fault(pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Two movers making it at once would collide on the catalogue.
		if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('shard_admin_move', 0))"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schemaSQL, pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// Enter makes the schema where it is missing and writes the new owner's epoch.
// The last move that leaves a shard drops the schema; when that happens just
// between the two it is made again.
func (s *Shard) Enter(ctx context.Context, move string, epoch int64) error {
	for try := 0; ; try++ {
		if err := s.ensure(ctx); err != nil {
			return err
		}
		err := s.bumpEpoch(ctx, move, epoch)
		if c := SQLState(err); (c != "42P01" && c != "3F000") || try == 10 {
			return err
		}
	}
}

// bumpEpoch ends the sessions of older owners of the move and writes the new
// epoch; an older owner's transactions fail from then on. Sessions that this
// role may not end keep the epoch's row locked until they are done.
func (s *Shard) bumpEpoch(ctx context.Context, move string, epoch int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE pg_has_role(usesysid, 'USAGE') AND datname = current_database() AND pid <> pg_backend_pid()
		AND application_name ~ ('/move-' || $1 || '/[0-9]+$') AND split_part(application_name, '/', 3)::bigint < $2`, short(move), epoch); err != nil {
		return s.fault(err)
	}
	var now int64
	err = pool.QueryRow(ctx, `INSERT INTO shard_admin_move.epoch (move_id, epoch) VALUES ($1, $2)
		ON CONFLICT (move_id) DO UPDATE SET epoch = greatest(epoch.epoch, excluded.epoch) RETURNING epoch`, move, epoch).Scan(&now)
	if err != nil {
		return s.fault(err)
	}
	if now != epoch {
		return fault.Newf(fault.LeaseLost, "", "%s: another owner with epoch %d has the move", s.db.Name(), now)
	}
	return nil
}

func short(move string) string { return strings.ReplaceAll(move, "-", "") }

// Purpose names direct sessions of a move, for BumpEpoch to find.
func Purpose(move string) string { return "move-" + short(move) }

// CheckEpoch fails with lease_lost unless the epoch is the transaction's
// owner's; it is the first statement of every writing transaction.
func CheckEpoch(ctx context.Context, q querier, move string, epoch int64) error {
	var now int64
	err := q.QueryRow(ctx, `SELECT epoch FROM shard_admin_move.epoch WHERE move_id = $1 FOR SHARE`, move).Scan(&now)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && now != epoch) {
		return taken()
	}
	return err
}

func taken() error {
	return fault.New(fault.LeaseLost, "another owner has taken the move over; this one wrote nothing", "shard-admin move list shows who goes on")
}

// Begin makes a transaction of the mover: epoch first, guards passed.
func Begin(ctx context.Context, q querier, move string, epoch int64) error {
	if err := CheckEpoch(ctx, q, move, epoch); err != nil {
		return err
	}
	if err := Durable(ctx, q); err != nil {
		return err
	}
	_, err := q.Exec(ctx, "SELECT set_config('shard_admin.bypass', $1, true)", move)
	return err
}

// BeginCopy is Begin for a transaction that only inserts rows which the map
// gives the tenant on the source. The guards stay out of its way altogether:
// asking for each row whose it is would take longer than inserting it.
func BeginCopy(ctx context.Context, q querier, move string, epoch int64) error {
	if err := Begin(ctx, q, move, epoch); err != nil {
		return err
	}
	_, err := q.Exec(ctx, "SELECT set_config('shard_admin.copying', 'on', true)")
	return err
}

// Durable makes the transaction's commit wait for the disk where the server or
// the role is set not to: what the protocol has done must outlive a crash of
// the server, else the fence opens again behind the mover's back.
func Durable(ctx context.Context, q querier) error {
	_, err := q.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	return err
}

// Write runs one writing transaction of the mover.
func (s *Shard) Write(ctx context.Context, move string, epoch int64, f func(pgx.Tx) error) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	return s.fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := Begin(ctx, tx, move, epoch); err != nil {
			return err
		}
		return f(tx)
	}))
}

// Noting is how the guards note which rows a tenant's writers touch.
type Noting string

// The ways.
const (
	NoteNothing Noting = ""
	// NoteOnce notes each row once.
	NoteOnce Noting = "once"
	// NoteSoon notes each write, but for transactions that began before.
	NoteSoon Noting = "soon"
	// NoteEach notes each write: notes may be taken away.
	NoteEach Noting = "each"
)

// Arm files the tenant's fence row; a row of the same move stays as it is.
func (s *Shard) Arm(ctx context.Context, tenant, move string, epoch int64, state State, noting Noting) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	id := short(move)
	return s.fault(pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := Begin(ctx, tx, move, epoch); err != nil {
			return err
		}
		for _, n := range []string{"refused", "refused_at", "late"} {
			if _, err := tx.Exec(ctx, "CREATE SEQUENCE IF NOT EXISTS shard_admin_move."+n+"_"+id+" MINVALUE 0 START 0"); err != nil {
				return err
			}
		}
		var owner string
		err := tx.QueryRow(ctx, fmt.Sprintf(`INSERT INTO shard_admin_move.fence (tenant, move_id, state, noting, refused, refused_at, late)
			VALUES ($1, $2, $3, $4, 'shard_admin_move.refused_%[1]s', 'shard_admin_move.refused_at_%[1]s', 'shard_admin_move.late_%[1]s')
			ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant RETURNING move_id::text`, id), tenant, move, string(state), string(noting)).Scan(&owner)
		if err != nil {
			return err
		}
		if owner != move {
			return fault.Newf(fault.MoveInProgress, "shard-admin move show "+owner, "%s: tenant %s is held by move %s", s.db.Name(), tenant, owner)
		}
		return nil
	}))
}

// Blocker is a session that is in the way.
type Blocker struct {
	PID   int32
	User  string
	App   string
	State string
	Query string
	Age   time.Duration
}

// String describes the session in a few words.
func (b Blocker) String() string {
	q := strings.Join(strings.Fields(b.Query), " ")
	if r := []rune(q); len(r) > 60 {
		q = string(r[:60]) + "…"
	}
	return fmt.Sprintf("pid %d (%s, %s, %s, for %s): %s", b.PID, b.User, b.App, b.State, b.Age.Round(100*time.Millisecond), q)
}

const blockerColumns = `SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''), coalesce(a.query, ''),
	coalesce((extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start, a.backend_start)) * 1000)::bigint, 0) `

func (s *Shard) blockers(ctx context.Context, sql string, args ...any) ([]Blocker, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, blockerColumns+sql, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Blocker, error) {
		var b Blocker
		var ms int64
		err := row.Scan(&b.PID, &b.User, &b.App, &b.State, &b.Query, &ms)
		b.Age = time.Duration(ms) * time.Millisecond
		return b, err
	})
	return out, s.fault(err)
}

// lockers are the sessions that keep a trigger from being made on a table; those
// that only read do not.
func (s *Shard) lockers(ctx context.Context, table string) ([]Blocker, error) {
	return s.blockers(ctx, `FROM (SELECT DISTINCT pid FROM pg_locks WHERE relation = to_regclass($1) AND granted AND mode NOT IN ('AccessShareLock', 'RowShareLock')) l
		JOIN pg_stat_activity a ON a.pid = l.pid WHERE a.pid <> pg_backend_pid() ORDER BY a.xact_start`, table)
}

// older are the transactions of this database that may have begun to write, or
// may yet, without having seen a guard: client sessions, background workers of
// extensions and logical replication, prepared transactions. What the server
// runs for itself writes no row of a tenant, and sessions of moves read only or
// pass the guards anyway. A session whose nature is hidden from this role counts.
const older = `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
	WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() AND a.datname = current_database()
	  AND coalesce(a.backend_type, '') NOT IN ('autovacuum worker', 'walsender', 'parallel worker')
	  AND coalesce(a.application_name, '') !~ '/move-[0-9a-f]{32}/[0-9]+$'`

const olderSQL = `SELECT coalesce((SELECT array_agg(l.virtualtransaction) ` + older + `), '{}'),
	coalesce((SELECT array_agg(gid) FROM pg_prepared_xacts WHERE database = current_database()), '{}')`

// Lasting lists the transactions that WaitOlder would wait for and that have lasted
// for longer than a time. One whose beginning is hidden from this role is not among
// them.
func (s *Shard) Lasting(ctx context.Context, than time.Duration) ([]Blocker, error) {
	return s.blockers(ctx, older+` AND a.xact_start < clock_timestamp() - $1::bigint * interval '1 millisecond' ORDER BY a.xact_start`, than.Milliseconds())
}

// WaitOlder waits until every transaction that began before now has ended, and
// returns those that did not within the limit. Transactions that only read are
// waited for as well: they may write later.
func (s *Shard) WaitOlder(ctx context.Context, limit time.Duration) ([]Blocker, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	var older, prepared []string
	if err := pool.QueryRow(ctx, olderSQL).Scan(&older, &prepared); err != nil {
		return nil, s.fault(err)
	}
	deadline := time.Now().Add(limit)
	for {
		left, err := s.blockers(ctx, `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'virtualxid' AND l.virtualtransaction = ANY ($1)`, older)
		if err != nil {
			return nil, err
		}
		more, err := s.prepared(ctx, prepared)
		if err != nil {
			return nil, err
		}
		if left = append(left, more...); len(left) == 0 || time.Now().After(deadline) {
			return left, nil
		}
		if err := pause(ctx, 25*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// prepared lists those of the prepared transactions that are still open.
func (s *Shard) prepared(ctx context.Context, gids []string) ([]Blocker, error) {
	if len(gids) == 0 {
		return nil, nil
	}
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, `SELECT gid, owner::text, (extract(epoch FROM clock_timestamp() - prepared) * 1000)::bigint FROM pg_prepared_xacts WHERE gid = ANY ($1) AND database = current_database()`, gids)
	if err != nil {
		return nil, s.fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Blocker, error) {
		b := Blocker{State: "prepared"}
		var gid string
		var ms int64
		err := row.Scan(&gid, &b.User, &ms)
		b.Query, b.Age = "PREPARE TRANSACTION '"+gid+"'", time.Duration(ms)*time.Millisecond
		return b, err
	})
	return out, s.fault(err)
}

// Close makes the tenant read-only: armed or open becomes fenced, for no
// longer than limit on the shard's clock. On fence_blocked nothing has changed
// and the sessions in the way are returned.
func (s *Shard) Close(ctx context.Context, tenant, move string, epoch int64, limit time.Duration) ([]Blocker, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := Begin(ctx, tx, move, epoch); err != nil {
			return err
		}
		if err := s.lock(ctx, tx, tenant); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE shard_admin_move.fence SET state = 'fenced', since = clock_timestamp(), expires_at = clock_timestamp() + $3 * interval '1 millisecond'
			WHERE tenant = $1 AND move_id = $2 AND state IN ('armed', 'open')`, tenant, move, limit.Milliseconds())
		if err == nil && tag.RowsAffected() != 1 {
			return s.unexpected(tenant)
		}
		if err != nil {
			return err
		}
		// Late writers of an earlier closing were let in before this one.
		_, err = tx.Exec(ctx, `SELECT setval(late, 0, false) FROM shard_admin_move.fence WHERE tenant = $1`, tenant)
		return err
	})
	if SQLState(err) == "55P03" {
		by, berr := s.blockers(ctx, `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid, (SELECT pg_catalog.hashtextextended('shard_admin:' || $1::text, 0) AS k) k
			WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND ((l.classid::bigint << 32) | l.objid::bigint) = k.k`, tenant)
		if berr != nil {
			by = nil
		}
		return by, fault.Newf(fault.FenceBlocked, "end those transactions, then try again", "%s: open transactions keep the fence from closing", s.db.Name())
	}
	return nil, s.fault(err)
}

func (s *Shard) unexpected(tenant string) error {
	return fault.Newf(fault.MoveState, "shard-admin move list shows who holds the tenant", "%s: the fence of tenant %s is not in the expected state", s.db.Name(), tenant)
}

func (s *Shard) lock(ctx context.Context, tx pgx.Tx, tenant string) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '500ms'"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('shard_admin:' || $1::text, 0))", tenant)
	return err
}

// Commit takes the fence to committing, from where it does not reopen by
// itself: fence_expired when its time has passed or a writer came in after it.
func (s *Shard) Commit(ctx context.Context, tenant, move string, epoch int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	return s.fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := Begin(ctx, tx, move, epoch); err != nil {
			return err
		}
		if err := s.lock(ctx, tx, tenant); err != nil {
			return err
		}
		var late string
		err := tx.QueryRow(ctx, `SELECT late::text FROM shard_admin_move.fence WHERE tenant = $1 AND move_id = $2`, tenant, move).Scan(&late)
		if errors.Is(err, pgx.ErrNoRows) {
			return s.unexpected(tenant)
		}
		if err != nil {
			return err
		}
		var came bool
		if err := tx.QueryRow(ctx, "SELECT is_called FROM "+late).Scan(&came); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE shard_admin_move.fence SET state = 'committing', since = clock_timestamp()
			WHERE tenant = $1 AND move_id = $2 AND state = 'fenced' AND clock_timestamp() < expires_at`, tenant, move)
		if err != nil {
			return err
		}
		if came || tag.RowsAffected() != 1 {
			return fault.Newf(fault.FenceExpired, "resume the move; give --max-read-only more when it happens again", "%s: the fence of tenant %s has run out", s.db.Name(), tenant)
		}
		return nil
	}))
}

// SetState goes forward after a flip: to moved or open, from wherever the row
// is. It can be repeated.
func (s *Shard) SetState(ctx context.Context, tenant, move string, epoch int64, to State) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE shard_admin_move.fence SET state = $3, since = CASE WHEN state = $3 THEN since ELSE clock_timestamp() END, expires_at = NULL
			WHERE tenant = $1 AND move_id = $2`, tenant, move, string(to))
		if err == nil && tag.RowsAffected() != 1 {
			return s.unexpected(tenant)
		}
		return err
	})
}

// Reopen lets the tenant write here again when the pointer did not move:
// fenced and committing become to, other states stay.
func (s *Shard) Reopen(ctx context.Context, tenant, move string, epoch int64, to State) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE shard_admin_move.fence SET state = $3, since = clock_timestamp(), expires_at = NULL
			WHERE tenant = $1 AND move_id = $2 AND state IN ('fenced', 'committing')`, tenant, move, string(to))
		return err
	})
}

// Status of a tenant's fence row.
type Status struct {
	State   State
	Move    string
	Expired bool
	// Age is how long the state has been so, by the shard's clock.
	Age time.Duration
}

// State reads the tenant's fence row; None when there is none.
func (s *Shard) State(ctx context.Context, tenant string) (Status, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return Status{}, err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('shard_admin_move.fence') IS NOT NULL`).Scan(&there); err != nil || !there {
		return Status{}, s.fault(err)
	}
	var st Status
	var ms int64
	err = pool.QueryRow(ctx, `SELECT state, move_id::text, coalesce(state = 'fenced' AND clock_timestamp() >= expires_at, false), (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint
		FROM shard_admin_move.fence WHERE tenant = $1`, tenant).Scan(&st.State, &st.Move, &st.Expired, &ms)
	st.Age = time.Duration(ms) * time.Millisecond
	if errors.Is(err, pgx.ErrNoRows) {
		return Status{}, nil
	}
	return st, s.fault(err)
}

// Noting reads how the guards note here what the tenant's writers touch.
func (s *Shard) Noting(ctx context.Context, tenant string) (Noting, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return NoteNothing, err
	}
	var noting Noting
	err = pool.QueryRow(ctx, `SELECT noting FROM shard_admin_move.fence WHERE tenant = $1`, tenant).Scan(&noting)
	if errors.Is(err, pgx.ErrNoRows) {
		return NoteNothing, nil
	}
	return noting, s.fault(err)
}

// NoteAnew changes how the guards note; transactions that began before may go by
// the old way.
func (s *Shard) NoteAnew(ctx context.Context, tenant, move string, epoch int64, noting Noting) error {
	return s.Write(ctx, move, epoch, func(tx pgx.Tx) error {
		// As for closing: overlapping writers would starve the row's own lock.
		if err := s.lock(ctx, tx, tenant); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE shard_admin_move.fence SET noting = $3 WHERE tenant = $1 AND move_id = $2`, tenant, move, string(noting))
		if err == nil && tag.RowsAffected() != 1 {
			return s.unexpected(tenant)
		}
		return err
	})
}

// NoteWrites lets the guards note each write, so that notes may be taken away,
// and waits until no transaction goes by another way. It returns those that did
// not end within the limit.
func (s *Shard) NoteWrites(ctx context.Context, tenant, move string, epoch int64, limit time.Duration) ([]Blocker, error) {
	deadline := time.Now().Add(limit)
	for {
		now, err := s.Noting(ctx, tenant)
		if err != nil || now == NoteEach {
			return nil, err
		}
		next := NoteEach
		if now == NoteOnce {
			next = NoteSoon
		} else if older, err := s.WaitOlder(ctx, time.Until(deadline)); err != nil || len(older) > 0 {
			return older, err
		}
		err = s.NoteAnew(ctx, tenant, move, epoch, next)
		if SQLState(err) == "55P03" {
			// Open transactions of the tenant are in the way.
			if older, werr := s.WaitOlder(ctx, time.Until(deadline)); werr != nil || len(older) > 0 {
				return older, werr
			}
			if time.Now().Before(deadline) {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// Refused is how many writes were refused here and how long ago the last was.
type Refused struct {
	Count int64
	Ago   time.Duration
}

// Refused reads the counters of a tenant.
func (s *Shard) Refused(ctx context.Context, tenant string) (Refused, error) {
	var r Refused
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return r, err
	}
	var count, at string
	err = pool.QueryRow(ctx, `SELECT refused::text, refused_at::text FROM shard_admin_move.fence WHERE tenant = $1`, tenant).Scan(&count, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, s.fault(err)
	}
	var ms int64
	err = pool.QueryRow(ctx, "SELECT (SELECT CASE WHEN is_called THEN last_value + 1 ELSE 0 END FROM "+count+"), (extract(epoch FROM clock_timestamp()) * 1000)::bigint - (SELECT last_value FROM "+at+")").Scan(&r.Count, &ms)
	r.Ago = time.Duration(ms) * time.Millisecond
	return r, s.fault(err)
}

// removeLimit bounds each statement that takes away what a move has listed.
const removeLimit = 10 * time.Minute

// Remove takes the tenant's fence row, its counters, the move's epoch and its
// owned list away. An owner of a later epoch keeps them: lease_lost.
func (s *Shard) Remove(ctx context.Context, tenant, move string, epoch int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('shard_admin_move.fence') IS NOT NULL`).Scan(&there); err != nil || !there {
		return s.fault(err)
	}
	return s.retry(ctx, func(tx pgx.Tx) error {
		var now int64
		err := tx.QueryRow(ctx, `SELECT epoch FROM shard_admin_move.epoch WHERE move_id = $1 FOR UPDATE`, move).Scan(&now)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if now > epoch {
			return taken()
		}
		// Lists and notes are as long as the tenant is large. They go first: writers
		// of the tenant wait for a counter that is being dropped.
		if err := conn.Allow(ctx, tx, removeLimit); err != nil {
			return err
		}
		for _, n := range []string{"owned", "touched", "touched_once", "digest", "replaced", "probe"} {
			if _, err := tx.Exec(ctx, "DELETE FROM shard_admin_move."+n+" WHERE move_id = $1", move); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM shard_admin_move.fence WHERE tenant = $1 AND move_id = $2`, tenant, move); err != nil {
			return err
		}
		for _, n := range []string{"refused", "refused_at", "late"} {
			if _, err := tx.Exec(ctx, "DROP SEQUENCE IF EXISTS shard_admin_move."+n+"_"+short(move)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `DELETE FROM shard_admin_move.epoch WHERE move_id = $1`, move)
		return err
	})
}

// Forget takes away what Enter made for an owner who has lost the lease, unless
// something of the move is there or a later owner has come.
func (s *Shard) Forget(ctx context.Context, move string, epoch int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('shard_admin_move.fence') IS NOT NULL`).Scan(&there); err != nil || !there {
		return s.fault(err)
	}
	if err := s.retry(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM shard_admin_move.epoch e WHERE e.move_id = $1 AND e.epoch = $2
			AND NOT EXISTS (SELECT FROM shard_admin_move.fence f WHERE f.move_id = $1)`, move, epoch)
		return err
	}); err != nil {
		return err
	}
	return s.RemoveGuards(ctx)
}

// Leftovers lists what is still here of ours, for checks.
func (s *Shard) Leftovers(ctx context.Context) ([]string, error) {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, `SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'shard_admin_move'
		UNION ALL SELECT 'trigger on ' || tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%\_shard\_admin\_%'`)
	if err != nil {
		return nil, s.fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, s.fault(err)
}

// Snapshot is an exported snapshot of the shard and the session that keeps it.
type Snapshot struct {
	ID   string
	conn *pgx.Conn
	tx   pgx.Tx
}

// Snapshot exports one on a direct session.
func (s *Shard) Snapshot(ctx context.Context, move string, epoch int64) (*Snapshot, error) {
	c, err := s.db.Direct(ctx, conn.DirectOptions{Purpose: Purpose(move), Epoch: epoch})
	if err != nil {
		return nil, err
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, s.fault(err)
	}
	sn := &Snapshot{conn: c, tx: tx}
	if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&sn.ID); err != nil {
		sn.Close(ctx)
		return nil, s.fault(err)
	}
	return sn, nil
}

// Close ends the snapshot.
func (sn *Snapshot) Close(ctx context.Context) {
	_ = sn.tx.Rollback(ctx)
	_ = sn.conn.Close(ctx)
}

// AssignmentID is the id under which an assignment fences a tenant. It follows
// from the tenant, so that whoever holds the tenant's lease next finds what a
// crash has left.
func AssignmentID(tenant string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("shard_admin:assign:"+tenant)).String()
}

// RemoveAssignment takes away what an assignment of the tenant that died has
// left here: its fence, and the guards when nobody else needs them. The caller
// holds the tenant's lease.
func (s *Shard) RemoveAssignment(ctx context.Context, tenant string, epoch int64) error {
	pool, err := s.db.Pool(ctx)
	if err != nil {
		return err
	}
	// The counters come and go with the fence, and the catalogue shows them to
	// roles that may not read the fences of others.
	id := AssignmentID(tenant)
	var left bool
	if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'shard_admin_move' AND c.relname = 'refused_' || $1)`, short(id)).Scan(&left); err != nil || !left {
		return s.fault(err)
	}
	if err := s.Remove(ctx, tenant, id, epoch); err != nil {
		return err
	}
	return s.RemoveGuards(ctx)
}
