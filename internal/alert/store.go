package alert

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/job"
	"shardadmin/internal/job/window"
	"shardadmin/internal/notify"
	"shardadmin/internal/policy"
)

//go:embed sql/*.sql
var files embed.FS

// LeaseName is the resource that whoever evaluates holds.
const LeaseName = "alert"

// How long what is over is kept.
const (
	keepAlerts  = 90 * 24 * time.Hour
	keepNotices = 30 * 24 * time.Hour
)

// Store keeps alerts, silences and messages in the control database.
type Store struct {
	control *conn.Database
	schema  string // unquoted
}

// NewStore returns the store in a schema of a control database.
func NewStore(control *conn.Database, schema string) *Store { return &Store{control, schema} }

func (s *Store) sql(name string) string {
	text := name
	if !strings.Contains(name, " ") {
		b, err := files.ReadFile("sql/" + name + ".sql")
		if err != nil {
			panic(err) // a name that the binary was not built with
		}
		text = string(b)
	}
	return strings.ReplaceAll(text, "{{schema}}", pgx.Identifier{s.schema}.Sanitize())
}

func (s *Store) fault(err error) error { return conn.Fault(err, fleet.ControlName) }

func (s *Store) tx(ctx context.Context, f func(tx pgx.Tx, now time.Time) error) error {
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return err
	}
	return s.fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		var now time.Time
		if err := tx.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
			return err
		}
		return f(tx, now)
	}))
}

// Evaluate takes what is seen into the store, under the lease, and hands what has to
// be told to channels. The clock is the database's.
func (s *Store) Evaluate(ctx context.Context, lease *job.Lease, seen Seen, channels []fleet.Channel) error {
	return s.tx(ctx, func(tx pgx.Tx, now time.Time) error {
		if err := lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		open, err := s.read(ctx, tx, "WHERE state <> 'resolved' ORDER BY id FOR UPDATE")
		if err != nil {
			return err
		}
		for _, c := range Step(now, open, seen) {
			if err := s.write(ctx, tx, c); err != nil {
				return err
			}
		}
		list, err := s.read(ctx, tx, "WHERE state = 'firing' OR state = 'resolved' AND told <> '' AND NOT once ORDER BY id")
		if err != nil {
			return err
		}
		silences, err := s.silences(ctx, tx)
		if err != nil {
			return err
		}
		was := map[int64]string{}
		for i, a := range list {
			was[a.ID], list[i].Of = a.Told, seen.Servers[a.Subject]
		}
		items := []Told{}
		for _, a := range Due(now, list, silences) {
			if _, err := tx.Exec(ctx, s.sql(`UPDATE {{schema}}.alert SET told = $2 WHERE id = $1`), a.ID, a.Told); err != nil {
				return err
			}
			items = append(items, Told{Item: ItemOf(a), Before: was[a.ID]})
		}
		if len(items) > 0 {
			body, err := json.Marshal(items)
			if err != nil {
				return fault.Wrap(err, fault.Internal, "what is to be told could not be encoded", "")
			}
			if _, err := tx.Exec(ctx, s.sql(`INSERT INTO {{schema}}.telling (told_at, items) VALUES ($1, $2::jsonb)`), now, string(body)); err != nil {
				return err
			}
		}
		return s.hand(ctx, tx, now, channels)
	})
}

// Hand makes messages to channels of what was told while whoever told it did not know
// them.
func (s *Store) Hand(ctx context.Context, channels []fleet.Channel) error {
	if len(channels) == 0 {
		return nil
	}
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return err
	}
	var some bool
	if err := pool.QueryRow(ctx, s.sql(`SELECT EXISTS (SELECT FROM {{schema}}.telling WHERE told_at > clock_timestamp() - make_interval(secs => $1) AND NOT channels @> $2)`), Patience.Seconds(), namesOf(channels)).Scan(&some); err != nil || !some {
		return s.fault(err)
	}
	return s.tx(ctx, func(tx pgx.Tx, now time.Time) error { return s.hand(ctx, tx, now, channels) })
}

// hand makes a message for each channel of what it was not handed yet.
func (s *Store) hand(ctx context.Context, tx pgx.Tx, now time.Time, channels []fleet.Channel) error {
	if len(channels) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, s.sql("unhanded"), now.Add(-Patience), namesOf(channels))
	if err != nil {
		return err
	}
	type telling struct {
		ID     int64
		Items  string
		Handed []string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[telling])
	if err != nil {
		return err
	}
	for _, c := range channels {
		ids, told := []int64{}, []Told{}
		for _, t := range list {
			if slices.Contains(t.Handed, c.Name) {
				continue
			}
			items := []Told{}
			if err := json.Unmarshal([]byte(t.Items), &items); err != nil {
				return fault.Wrap(err, fault.Internal, "what was told cannot be read", "a newer version has written it")
			}
			ids, told = append(ids, t.ID), append(told, items...)
		}
		if err := s.file(ctx, tx, now, c, For(c, told)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.sql(`UPDATE {{schema}}.telling SET channels = array_append(channels, $2) WHERE id = ANY ($1)`), ids, c.Name); err != nil {
			return err
		}
	}
	return nil
}

func namesOf(channels []fleet.Channel) []string {
	names := []string{}
	for _, c := range channels {
		names = append(names, c.Name)
	}
	return names
}

// Report takes what one program alone knows into the store, under its own lease: all
// that is to be said by a rule now. Whoever evaluates takes those alerts for unknown, and
// tells of them.
func (s *Store) Report(ctx context.Context, lease *job.Lease, rule string, conditions []Condition) error {
	return s.tx(ctx, func(tx pgx.Tx, now time.Time) error {
		if err := lease.GuardTx(ctx, tx); err != nil {
			return err
		}
		open, err := s.read(ctx, tx, "WHERE state <> 'resolved' AND rule = $1 ORDER BY id FOR UPDATE", rule)
		if err != nil {
			return err
		}
		for _, c := range Step(now, open, Seen{Conditions: conditions}) {
			if err := s.write(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, c Change) error {
	a := c.Alert
	if c.Gone {
		_, err := tx.Exec(ctx, s.sql(`DELETE FROM {{schema}}.alert WHERE id = $1`), a.ID)
		return err
	}
	if a.ID == 0 {
		_, err := tx.Exec(ctx, s.sql("insert"), a.Rule, a.Subject, a.Shard, a.Severity, a.Message, a.Value, a.Advice, a.Once, string(a.State), a.Since, a.FiredAt)
		return err
	}
	_, err := tx.Exec(ctx, s.sql("update"), a.ID, a.Shard, a.Severity, a.Message, a.Value, a.Advice, string(a.State), a.FiredAt, a.ClearSince, a.ResolvedAt)
	return err
}

// file makes a message to a channel.
func (s *Store) file(ctx context.Context, tx pgx.Tx, now time.Time, c fleet.Channel, items []notify.Item) error {
	if len(items) == 0 {
		return nil
	}
	body, err := json.Marshal(items)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "a message could not be encoded", "")
	}
	key, at, digest := uuid.NewString(), now, c.Digest != nil
	if digest {
		at = c.Digest.Next(now)
		key = "digest-" + c.Name + "-" + at.UTC().Format("20060102T150405Z")
	}
	filed, err := tx.Exec(ctx, s.sql("file"), key, c.Name, string(body), at, digest)
	if err == nil && filed.RowsAffected() == 0 {
		// The digest became due meanwhile, and who sends it has read it: this is another.
		_, err = tx.Exec(ctx, s.sql("file"), uuid.NewString(), c.Name, string(body), at, digest)
	}
	return err
}

// ItemOf is an alert as a message has it.
func ItemOf(a Alert) notify.Item {
	i := notify.Item{
		ID: a.ID, Rule: a.Rule, Subject: a.Subject, Shard: a.Shard, Severity: a.Severity, State: string(Firing), Message: a.Message, Value: a.Value,
		Advice: a.Advice, Since: a.Since, Once: a.Once, At: a.Since,
	}
	if a.FiredAt != nil {
		i.At = *a.FiredAt
	}
	if a.State == Resolved && a.ResolvedAt != nil {
		i.State, i.At = string(Resolved), *a.ResolvedAt
	}
	return i
}

const columns = `id, rule, subject, shard, severity, message, value, advice, once, state, since, fired_at, clear_since, resolved_at, acknowledged_at, acknowledged_by, acknowledged_why, told`

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (s *Store) read(ctx context.Context, q querier, rest string, args ...any) ([]Alert, error) {
	rows, err := q.Query(ctx, s.sql("SELECT "+columns+" FROM {{schema}}.alert "+rest), args...)
	if err != nil {
		return nil, s.fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Alert])
	return list, s.fault(err)
}

func (s *Store) silences(ctx context.Context, q querier) ([]Silence, error) {
	rows, err := q.Query(ctx, s.sql(`SELECT `+silenceColumns+` FROM {{schema}}.silence WHERE ends_at > clock_timestamp() ORDER BY begins_at, id`))
	if err != nil {
		return nil, s.fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Silence, error) { return scanSilence(row) })
	return list, s.fault(err)
}

const silenceColumns = `id, shard, rule, begins_at, ends_at, reason, created_by, windows`

func scanSilence(row pgx.Row) (Silence, error) {
	n, every := Silence{}, ""
	if err := row.Scan(&n.ID, &n.Shard, &n.Rule, &n.Begins, &n.Ends, &n.Reason, &n.By, &every); err != nil {
		return n, err
	}
	set, err := window.Parse(every)
	n.Every, n.Unread = set, err != nil
	return n, nil
}

// List returns the open alerts, the worst first, with all also what is over, the newest
// first; and the silences that are not over.
func (s *Store) List(ctx context.Context, all bool) ([]Alert, []Silence, error) {
	pool, err := s.control.Pool(ctx)
	if err != nil {
		return nil, nil, err
	}
	list, err := s.read(ctx, pool, s.sql("list"), all)
	if err != nil {
		return nil, nil, err
	}
	silences, err := s.silences(ctx, pool)
	return list, silences, err
}

// Acknowledge marks an alert that fires as a person's, inside the caller's
// transaction.
func (s *Store) Acknowledge(ctx context.Context, tx pgx.Tx, p policy.Permit, id int64) (Alert, error) {
	if p.Action() != policy.AlertAck {
		return Alert{}, fault.New(fault.Internal, "the permit is for something else", "")
	}
	list, err := s.read(ctx, tx, "WHERE id = $1 FOR UPDATE", id)
	if err != nil {
		return Alert{}, err
	}
	if len(list) == 0 {
		return Alert{}, fault.Newf(fault.AlertUnknown, "shard-admin alerts list shows those that are open", "there is no alert %d", id)
	}
	if a := list[0]; a.State != Firing {
		return Alert{}, fault.Newf(fault.AlertState, "only what fires is acknowledged", "alert %d is %s", id, a.State)
	}
	_, err = tx.Exec(ctx, s.sql(`UPDATE {{schema}}.alert SET state = 'acknowledged', acknowledged_at = clock_timestamp(), acknowledged_by = $2, acknowledged_why = $3 WHERE id = $1`),
		id, p.Operator(), p.Reason())
	return list[0], s.fault(err)
}

// Silence files a time in which nobody is told, inside the caller's transaction.
func (s *Store) Silence(ctx context.Context, tx pgx.Tx, p policy.Permit, n Silence) (int64, error) {
	if p.Action() != policy.AlertSilence {
		return 0, fault.New(fault.Internal, "the permit is for something else", "")
	}
	var id int64
	err := tx.QueryRow(ctx, s.sql(`INSERT INTO {{schema}}.silence (shard, rule, begins_at, ends_at, reason, created_by, windows) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`),
		n.Shard, n.Rule, n.Begins, n.Ends, p.Reason(), p.Operator(), n.Every.String()).Scan(&id)
	return id, s.fault(err)
}

// Unsilence ends a silence now, inside the caller's transaction.
func (s *Store) Unsilence(ctx context.Context, tx pgx.Tx, p policy.Permit, id int64) (Silence, error) {
	if p.Action() != policy.AlertUnsilence {
		return Silence{}, fault.New(fault.Internal, "the permit is for something else", "")
	}
	n, err := scanSilence(tx.QueryRow(ctx, s.sql(`DELETE FROM {{schema}}.silence WHERE id = $1 AND ends_at > clock_timestamp() RETURNING `+silenceColumns), id))
	if errors.Is(err, pgx.ErrNoRows) {
		return n, fault.Newf(fault.AlertUnknown, "shard-admin alerts list shows those that are not over", "there is no silence %d", id)
	}
	return n, s.fault(err)
}

// Prune forgets what has been over for long.
func (s *Store) Prune(ctx context.Context) error {
	return s.tx(ctx, func(tx pgx.Tx, now time.Time) error {
		if _, err := tx.Exec(ctx, s.sql(`DELETE FROM {{schema}}.alert WHERE state = 'resolved' AND resolved_at < $1`), now.Add(-keepAlerts)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.sql(`DELETE FROM {{schema}}.silence WHERE ends_at < $1`), now.Add(-keepAlerts)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.sql(`DELETE FROM {{schema}}.telling WHERE told_at < $1`), now.Add(-keepNotices)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, s.sql(`DELETE FROM {{schema}}.notice WHERE created_at < $1 AND (sent_at IS NOT NULL OR failed_at IS NOT NULL)`), now.Add(-keepNotices))
		return err
	})
}
