package audit

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Walked is an entry of the chain with what a filter says of it.
type Walked struct {
	Sealed
	// InPeriod is true where the event was recorded in the filter's period,
	// Selected where all of the filter selects it.
	InPeriod, Selected bool
}

// Source is one snapshot of a trail.
type Source interface {
	// Survey verifies the whole chain and hands each of its entries on, so that
	// what is read was verified, in one pass.
	Survey(ctx context.Context, f Filter, do func(Walked) error) (Verification, error)
	// Each hands on what the filter selects, the oldest first.
	Each(ctx context.Context, f Filter, do func(Sealed) error) error
	Head(ctx context.Context) (Head, error)
	// Anchor is where the trail begins.
	Anchor(ctx context.Context) (Anchor, error)
}

// Survey implements Source. With a limit it selects the newest. do must leave
// the reader alone.
func (r *Reader) Survey(ctx context.Context, f Filter, do func(Walked) error) (Verification, error) {
	w, err := r.walk(ctx, f, do)
	return w.Result(), err
}

// entryBatch bounds how many entries wait to be worked on.
const entryBatch = 500

// stream calls do for every entry in order, with no more than a few of them in
// memory: the next ones are read while these are worked on.
func (r *Reader) stream(ctx context.Context, f Filter, do func(Walked) error) error {
	f, err := r.limited(ctx, f)
	if err != nil {
		return err
	}
	persons := r.persons
	period, args := Filter{Since: f.Since, Until: f.Until}.where(nil)
	cond, args := f.where(args)
	type part struct {
		list []Walked
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	parts, ended := make(chan part, 2), make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() {
		defer close(ended)
		defer close(parts)
		hand := func(p part) bool {
			select {
			case parts <- p:
				return true
			case <-ctx.Done():
				return false
			}
		}
		rows, err := r.tx.Query(ctx, r.trail.sql(`SELECT `+sealedColumns+`, coalesce((`+period+`), false), e.event_id IS NOT NULL AND coalesce((`+cond+`), false)
			FROM {{schema}}.audit_link l LEFT JOIN {{schema}}.audit_event e ON e.event_id = l.event_id ORDER BY l.seq`), args...)
		if err != nil {
			hand(part{err: r.trail.fault(err)})
			return
		}
		defer rows.Close()
		list := make([]Walked, 0, entryBatch)
		for rows.Next() {
			list = append(list, Walked{Sealed: Sealed{Persons: persons}})
			w := &list[len(list)-1]
			if err := rows.Scan(append(w.fields(), &w.InPeriod, &w.Selected)...); err != nil {
				hand(part{err: r.trail.fault(err)})
				return
			}
			if len(list) == entryBatch {
				if !hand(part{list: list}) {
					return
				}
				list = make([]Walked, 0, entryBatch)
			}
		}
		hand(part{list, r.trail.fault(rows.Err())})
	}()
	for p := range parts {
		for _, w := range p.list {
			if err := do(w); err != nil {
				return err
			}
		}
		if p.err != nil {
			return p.err
		}
	}
	return ctx.Err()
}

// limited turns a limit into the number at which the newest begin, and lets the filter
// know the persons.
func (r *Reader) limited(ctx context.Context, f Filter) (Filter, error) {
	var err error
	if f.persons, err = r.Persons(ctx); err != nil || f.Limit <= 0 {
		return f, err
	}
	cond, args := f.where([]any{f.Limit})
	err = r.tx.QueryRow(ctx, r.trail.sql(`SELECT coalesce(min(seq), 0) FROM (SELECT l.seq FROM {{schema}}.audit_link l
		JOIN {{schema}}.audit_event e ON e.event_id = l.event_id WHERE `+cond+` ORDER BY l.seq DESC LIMIT $1) newest`), args...).Scan(&f.from)
	f.Limit = 0
	return f, r.trail.fault(err)
}

// Each implements Source. With a limit it takes the newest ones, as List does.
// It reads in parts, so that do may use the reader.
func (r *Reader) Each(ctx context.Context, f Filter, do func(Sealed) error) error {
	f, err := r.limited(ctx, f)
	if err != nil {
		return err
	}
	scan, err := r.sealed(ctx)
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		cond, args := f.where([]any{after, entryBatch})
		rows, err := r.tx.Query(ctx, r.trail.sql(`SELECT `+sealedColumns+` FROM {{schema}}.audit_link l JOIN {{schema}}.audit_event e ON e.event_id = l.event_id
			WHERE l.seq > $1 AND (`+cond+`) ORDER BY l.seq LIMIT $2`), args...)
		if err != nil {
			return r.trail.fault(err)
		}
		batch, err := pgx.CollectRows(rows, scan)
		if err != nil {
			return r.trail.fault(err)
		}
		for _, s := range batch {
			if err := do(s); err != nil {
				return err
			}
			after = s.Seq
		}
		if len(batch) < entryBatch {
			return nil
		}
	}
}
