package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/audit/waiting"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/store"
)

// recordWithin bounds how long a credential that was kept waits for its event.
const recordWithin = 10 * time.Second

// credentialChanged records that a credential of this computer was kept, replaced or
// forgotten: its name, its user and where, and never what it is. What is kept is what
// opens the control database, so the change comes first and nothing holds it up: where
// that database cannot record it, the event waits here and is handed in later.
func (s *Session) credentialChanged(ctx context.Context, action policy.Action, name, user, note string) {
	if note = strings.TrimSpace(note); note == "" {
		note = "credential " + name + " of this computer"
	}
	details := map[string]any{"credential": name, "kept_in": string(s.keychain.Source())}
	if user != "" {
		details["user"] = user
	}
	x := waiting.Event{At: time.Now(), Actor: s.cfg.Email, Action: string(action), Note: credential.Scrub(note), Details: details}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	err := s.withWaiting(ctx, func(w *waiting.Events) error { return w.Add(ctx, x) })
	if err != nil { // without a place to wait it is recorded now or never
		err = errors.Join(err, s.recordOne(ctx, x))
	}
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "an event could not be kept on this computer", "action", x.Action, "error", err)
	}
	s.handIn(ctx)
}

// handIn records what waits on this computer, the oldest first, until one cannot be. One
// that was recorded and not taken away in time is recorded again: twice is not never.
func (s *Session) handIn(ctx context.Context) {
	err := s.withWaiting(ctx, func(w *waiting.Events) error {
		list, err := w.List(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := s.trailThere(ctx); err != nil {
			return err
		}
		for _, x := range list {
			err := s.recordOne(ctx, x)
			if err != nil && fault.Refused(err) {
				// It may be let in later, and holds up none of the others.
				s.cfg.Log.WarnContext(ctx, "an event that waits here was refused", "action", x.Action, "error", err)
				continue
			}
			if err != nil {
				return err
			}
			if err := w.Remove(ctx, x.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.cfg.Log.InfoContext(ctx, "what was done here is recorded when the control database can", "error", err)
	}
}

func (s *Session) recordOne(ctx context.Context, x waiting.Event) error {
	request := policy.Request{Action: policy.Action(x.Action), Tenant: x.Tenant, Reason: x.Note}
	permit, err := s.gate.Permit(ctx, request)
	if x.Actor != "" {
		permit, err = s.gate.PermitAs(ctx, x.Actor, request)
	}
	if err != nil {
		return err
	}
	x.Details["done_at"] = stamp(x.At)
	pool, err := s.set.Control().Pool(ctx)
	if err != nil {
		return err
	}
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		_, err := s.trail.AppendTx(ctx, tx, permit, audit.Record{Tenant: x.Tenant, Details: x.Details})
		return err
	}), fleet.ControlName)
}

func (s *Session) withWaiting(ctx context.Context, f func(*waiting.Events) error) error {
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return f(waiting.New(db, s.cfg.Fleet.Name))
}
