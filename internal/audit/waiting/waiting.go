package waiting

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// most is how many events of a fleet wait at most; a fleet that is never installed
// records none, and its oldest go.
const most = 500

// Events are those of one fleet that wait.
type Events struct {
	db    *sql.DB
	fleet string
}

// New returns the events that a store has of a fleet.
func New(s *store.Store, fleet string) *Events { return &Events{s.DB(), fleet} }

// Event is what was done, and not recorded yet.
type Event struct {
	ID      int64
	At      time.Time
	Actor   string // who did it; "" where nobody had said who they are
	Action  string
	Tenant  string // "" where it is about none
	Note    string
	Details map[string]any
}

// Add keeps an event.
func (e *Events) Add(ctx context.Context, x Event) error {
	details, err := json.Marshal(x.Details)
	if err != nil {
		return localFault(err)
	}
	if _, err := e.db.ExecContext(ctx, `INSERT INTO waiting_event (fleet, at, actor, action, tenant, note, details) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.fleet, x.At.UnixMilli(), x.Actor, x.Action, x.Tenant, x.Note, string(details)); err != nil {
		return localFault(err)
	}
	_, err = e.db.ExecContext(ctx, `DELETE FROM waiting_event WHERE fleet = ? AND id NOT IN (SELECT id FROM waiting_event WHERE fleet = ? ORDER BY id DESC LIMIT ?)`, e.fleet, e.fleet, most)
	return localFault(err)
}

// List returns what waits, the oldest first.
func (e *Events) List(ctx context.Context) ([]Event, error) {
	rows, err := e.db.QueryContext(ctx, `SELECT id, at, actor, action, tenant, note, details FROM waiting_event WHERE fleet = ? ORDER BY id`, e.fleet)
	if err != nil {
		return nil, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	var out []Event
	for rows.Next() {
		var x Event
		var at int64
		var details string
		if err := rows.Scan(&x.ID, &at, &x.Actor, &x.Action, &x.Tenant, &x.Note, &details); err != nil {
			return nil, localFault(err)
		}
		if err := json.Unmarshal([]byte(details), &x.Details); err != nil {
			return nil, localFault(err)
		}
		x.At = time.UnixMilli(at).UTC()
		out = append(out, x)
	}
	return out, localFault(rows.Err())
}

// Remove takes an event away that was recorded.
func (e *Events) Remove(ctx context.Context, id int64) error {
	_, err := e.db.ExecContext(ctx, `DELETE FROM waiting_event WHERE fleet = ? AND id = ?`, e.fleet, id)
	return localFault(err)
}

func localFault(err error) error {
	if err == nil || fault.As(err) != nil {
		return err
	}
	return fault.Wrap(err, fault.Internal, "what waits on this computer to be recorded cannot be used", "move shard-admin.db away; it is made again, without that")
}
