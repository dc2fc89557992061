package audit

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/policy"
)

// Interrupted is the outcome of an intent whose owner ended without one, as
// whoever took over what it held recorded it.
const Interrupted = "interrupted"

// Abandoned says which intents of others a new owner has found.
type Abandoned struct {
	Tenant string
	// But is an intent with which the new owner goes on, "" for none.
	But string
	// Start is the intent with which the new owner's move was filed, "" for none. Those
	// of other moves are left: who files a move does not hold its tenant.
	Start string
	// After is where what they were about stands now.
	After map[string]any
}

// TakeOver begins a change, as Begin does, for who now holds what only one may
// hold: guard, in the same transaction, refuses whoever does not any more. The
// intents about the tenant that earlier holders began and never ended get the
// outcome interrupted there, with the new holder's reason. Without an intent of
// its own it does only that, and returns nil.
//
// An earlier holder cannot append an outcome afterwards in a transaction that asks
// guard first, and none that it had under way is left: guard waits for them.
func (t *Trail) TakeOver(ctx context.Context, p policy.Permit, left Abandoned, guard func(context.Context, pgx.Tx) error, in *Intent) (*Open, error) {
	var own draft
	if in != nil {
		var err error
		if own, err = t.compose(p, in.record(), ""); err != nil {
			return nil, err
		}
	}
	var refused error
	err := t.store(ctx, func(tx pgx.Tx) error {
		if refused = guard(ctx, tx); refused != nil {
			return refused
		}
		if err := t.interrupt(ctx, tx, p, left, own.id); err != nil || in == nil {
			return err
		}
		return t.insert(ctx, tx, own)
	})
	switch {
	case refused != nil:
		return nil, refused
	case err != nil || in == nil:
		return nil, err
	}
	return &Open{trail: t, permit: p, intent: *in, id: own.id}, nil
}

// interrupt ends the open intents about a tenant that are begun by who holds it:
// assignments, and what is done with a move. Own is that of the new holder, which a
// first try may have stored.
func (t *Trail) interrupt(ctx context.Context, tx pgx.Tx, p policy.Permit, left Abandoned, own string) error {
	rows, err := tx.Query(ctx, t.sql(`SELECT e.event_id::text, e.body_json ->> 'action', coalesce(e.body_json ->> 'source', ''), coalesce(e.body_json ->> 'target', ''), coalesce(e.body_json ->> 'move_id', '')
		FROM {{schema}}.audit_event e
		WHERE e.body_json ->> 'tenant' = $1 AND e.body_json ->> 'phase' = 'intent' AND e.event_id::text NOT IN ($2, $3)
		AND (e.body_json ->> 'action' = $4 OR (e.body_json ->> 'move_id' <> '' AND e.body_json ->> 'action' <> $6) OR e.event_id::text = $5)
		AND NOT EXISTS (SELECT FROM {{schema}}.audit_event o WHERE o.body_json ->> 'parent' = e.event_id::text)
		ORDER BY e.recorded_at, e.event_id`), left.Tenant, left.But, own, string(policy.AssignTenant), left.Start, string(policy.MoveStart))
	if err != nil {
		return err
	}
	type begun struct{ ID, Action, Source, Target, Move string }
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[begun])
	if err != nil {
		return err
	}
	for _, b := range list {
		d, err := t.compose(p, Record{
			Tenant: left.Tenant, Source: b.Source, Target: b.Target, MoveID: b.Move, Parent: b.ID, Status: Interrupted, After: left.After,
			Details: map[string]any{"taken_over_by": string(p.Action()), "message": "whoever began it ended without an outcome; " + string(p.Action()) + " took over"},
		}, "")
		if err != nil {
			return err
		}
		d.body.Action = b.Action // the outcome is that of what was begun
		if err := t.insert(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

// IntentTx stores an intent inside the caller's transaction: for a change that is
// itself made there, so that neither is without the other.
func (t *Trail) IntentTx(ctx context.Context, tx pgx.Tx, p policy.Permit, in Intent) (*Open, error) {
	d, err := t.compose(p, in.record(), "")
	if err != nil {
		return nil, err
	}
	if err := t.fault(t.insert(ctx, tx, d)); err != nil {
		return nil, unavailable(err)
	}
	return &Open{trail: t, permit: p, intent: in, id: d.id}, nil
}

// Refuse stores that a change was refused before anything was begun: intent and
// outcome, both or neither.
func (t *Trail) Refuse(ctx context.Context, p policy.Permit, in Intent, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	intent, err := t.compose(p, in.record(), "")
	if err != nil {
		return err
	}
	rec := in.record()
	rec.Phase, rec.Status, rec.Parent, rec.Details = "outcome", "refused", intent.id, withError(nil, cause)
	outcome, err := t.compose(p, rec, "")
	if err != nil {
		return err
	}
	return t.store(ctx, func(tx pgx.Tx) error {
		if err := t.insert(ctx, tx, intent); err != nil {
			return err
		}
		return t.insert(ctx, tx, outcome)
	})
}

func (in Intent) record() Record {
	return Record{
		Tenant: in.Tenant, Source: in.Source, Target: in.Target, MoveID: in.MoveID, Phase: "intent",
		Before: in.Before, After: in.After, Details: in.Details,
	}
}
