package mirror

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"shardadmin/internal/audit"
)

// Snapshot is a copy as it is when it is taken: what a sync adds later is not part of
// it. It is an audit.Source, so that files are made of it as they are of the trail.
type Snapshot struct {
	m     *Mirror
	chain int64
	// after and start are where it begins, seq and hash where it ends.
	after, seq  int64
	start, hash []byte
}

// Snapshot takes one; that of a copy that was never made is empty.
func (m *Mirror) Snapshot(ctx context.Context) (*Snapshot, error) {
	s := &Snapshot{m: m}
	err := m.db.QueryRowContext(ctx, `SELECT id, begins_after, begins_hash FROM mirror_chain WHERE key = ? AND retired_at IS NULL`, m.key).Scan(&s.chain, &s.after, &s.start)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, localFault(err)
	}
	if len(s.start) == 0 {
		s.start = audit.Genesis()
	}
	s.seq, s.hash = s.after, s.start
	err = m.db.QueryRowContext(ctx, `SELECT seq, hash FROM mirror_event WHERE chain = ? ORDER BY seq DESC LIMIT 1`, s.chain).Scan(&s.seq, &s.hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, localFault(err)
}

// Origin names the trail as signed texts do.
func (s *Snapshot) Origin() string { return audit.Origin(s.m.key) }

// Head implements audit.Source: it is the end of the copy.
func (s *Snapshot) Head(context.Context) (audit.Head, error) {
	return audit.Head{Seq: s.seq, Hash: s.hash}, nil
}

// Anchor implements audit.Source.
func (s *Snapshot) Anchor(context.Context) (audit.Anchor, error) {
	return audit.Anchor{Seq: s.after, Hash: s.start}, nil
}

// Keys returns the public keys that the copied events speak of. The events that do are
// read and no other, so nothing is verified.
func (s *Snapshot) Keys(ctx context.Context) ([]audit.Key, error) {
	w := audit.NewWalk(s.after, s.start)
	err := s.Each(ctx, audit.Filter{Actions: []string{"audit.key", "audit.purge"}}, func(e audit.Sealed) error {
		w.Event(e)
		return nil
	})
	return w.Keys(), err
}

// Survey implements audit.Source. It finds what Mirror.Verify does.
func (s *Snapshot) Survey(ctx context.Context, f audit.Filter, do func(audit.Walked) error) (audit.Verification, error) {
	w := audit.NewWalk(s.after, s.start)
	err := s.walk(ctx, w, f, do)
	return s.result(w), err
}

func (s *Snapshot) result(w *audit.Walk) audit.Verification {
	v := w.Result()
	v.Head = v.LastSeq
	return v
}

// walk takes w over every entry, and hands each on with what the filter says of it. With
// a limit the newest are selected.
func (s *Snapshot) walk(ctx context.Context, w *audit.Walk, f audit.Filter, do func(audit.Walked) error) error {
	persons, to, err := s.m.known(ctx)
	if err != nil {
		return err
	}
	in, args := period(f)
	selected, more, err := s.selects(ctx, f)
	if err != nil {
		return err
	}
	args = append(append(args, more...), s.chain, s.seq)
	rows, err := s.m.db.QueryContext(ctx, `SELECT `+sealedColumns+`, `+in+`, `+selected+` FROM mirror_event e WHERE e.chain = ? AND e.seq <= ? ORDER BY e.seq`, args...)
	if err != nil {
		return localFault(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var x audit.Walked
		if x.Sealed, err = scan(rows, &x.InPeriod, &x.Selected); err != nil {
			return localFault(err)
		}
		x.Persons = persons
		w.Event(x.Sealed)
		if do == nil {
			continue
		}
		if err := do(x); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return localFault(err)
	}
	end, _ := w.End()
	w.CheckPersons(persons, end >= to)
	gone, err := s.m.lost(ctx)
	if err != nil {
		return err
	}
	if gone != nil {
		w.Found(audit.Finding{Seq: gone.first, Kind: gone.kind, Message: gone.text})
	}
	return nil
}

// Each implements audit.Source.
func (s *Snapshot) Each(ctx context.Context, f audit.Filter, do func(audit.Sealed) error) error {
	persons, _, err := s.m.known(ctx)
	if err != nil {
		return err
	}
	selected, args, err := s.selects(ctx, f)
	if err != nil {
		return err
	}
	rows, err := s.m.db.QueryContext(ctx, `SELECT `+sealedColumns+` FROM mirror_event e WHERE e.chain = ? AND e.seq <= ? AND `+selected+` ORDER BY e.seq`,
		append([]any{s.chain, s.seq}, args...)...)
	if err != nil {
		return localFault(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return localFault(err)
		}
		x.Persons = persons
		if err := do(x); err != nil {
			return err
		}
	}
	return localFault(rows.Err())
}

// period is the condition of a filter's time over e.
func period(f audit.Filter) (cond string, args []any) {
	cond = `true`
	if !f.Since.IsZero() {
		cond, args = cond+` AND e.recorded_us >= ?`, append(args, f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		cond, args = cond+` AND e.recorded_us < ?`, append(args, f.Until.UnixMicro())
	}
	return cond, args
}

// selects is the whole of a filter as one condition over e.
func (s *Snapshot) selects(ctx context.Context, f audit.Filter) (string, []any, error) {
	w, err := s.m.where(ctx, f)
	if err != nil {
		return "", nil, err
	}
	cond, args := append([]string{`true`}, w.cond...), w.args
	add := func(text string, values ...any) { cond, args = append(cond, text), append(args, values...) }
	if index := w.index(); f.Search != "" && index != "" {
		add(`e.id IN (SELECT rowid FROM mirror_text WHERE mirror_text MATCH ?)`, index)
	}
	if f.Settled {
		add(`(e.body ->> 'phase' <> 'intent' OR e.event_id NOT IN (SELECT o.body ->> 'parent' FROM mirror_event o WHERE o.chain = ? AND o.seq <= ? AND o.body ->> 'parent' IS NOT NULL))`, s.chain, s.seq)
	}
	if f.Before > 0 {
		add(`e.seq < ?`, f.Before)
	}
	if f.After > 0 {
		add(`e.seq > ?`, f.After)
	}
	all := `coalesce((` + strings.Join(cond, " AND ") + `), false)`
	if f.Limit <= 0 {
		return all, args, nil
	}
	var from int64
	err = s.m.db.QueryRowContext(ctx, `SELECT coalesce(min(seq), 0) FROM (SELECT e.seq FROM mirror_event e WHERE e.chain = ? AND e.seq <= ? AND `+all+` ORDER BY e.seq DESC LIMIT ?)`,
		append(append([]any{s.chain, s.seq}, args...), f.Limit)...).Scan(&from)
	return `(e.seq >= ? AND ` + all + `)`, append([]any{from}, args...), localFault(err)
}
