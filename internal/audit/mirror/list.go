package mirror

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"shardadmin/internal/audit"
	"shardadmin/internal/store"
)

// List returns the copied events that the filter selects, the newest first, as
// the trail's own List does; it asks nobody else. Limit 0 means 100.
func (m *Mirror) List(ctx context.Context, f audit.Filter) ([]audit.Event, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	w, err := m.where(ctx, f)
	if err != nil {
		return nil, err
	}
	asks, err := m.asks(ctx, w)
	if err != nil {
		return nil, err
	}
	for _, a := range asks {
		out, whole, err := m.read(ctx, a, w, f)
		if f.After > 0 {
			slices.Reverse(out)
		}
		if err != nil || whole {
			return out, err
		}
	}
	return []audit.Event{}, nil
}

// Tenant returns the id of the tenant that an event names by this label, the one of the
// newest such event; empty where none does. Labels are a catalogue's, which does not
// answer when this is asked.
func (m *Mirror) Tenant(ctx context.Context, label string) (string, error) {
	before := int64(0)
	for range 4 { // what is in none of the newest is not looked for in all
		list, err := m.List(ctx, audit.Filter{Search: label, Before: before, Limit: 500})
		if err != nil || len(list) == 0 {
			return "", err
		}
		for _, e := range list {
			if e.Tenant == label {
				return label, nil // it is an id
			}
			if e.Details["label"] == label && e.Tenant != "" {
				return e.Tenant, nil
			}
			before = e.Seq
		}
	}
	return "", nil
}

// read returns the newest events that the index of words and the conditions select
// and that hold words which begin as each beside does. With those it gives up, whole
// being false, after mostRead events of the index, and at one that cannot be told.
func (m *Mirror) read(ctx context.Context, a ask, w wanted, f audit.Filter) (out []audit.Event, whole bool, err error) {
	from, order, where, args := m.rows(a.index, f)
	newest := ``
	if f.After == 0 {
		newest = ` DESC`
	}
	if len(a.beside) == 0 {
		where, args = append(where, w.cond...), append(args, w.args...)
		out, err = m.events(ctx, w.persons, from+` WHERE `+strings.Join(where, " AND ")+` ORDER BY `+order+newest+` LIMIT ?`, append(args, f.Limit))
		return out, err == nil, err
	}
	// Rows that the conditions leave out count too: nothing else bounds how many there
	// are. Of most nothing but the text is looked at, so the rest is read of those found.
	selected := strings.Join(append([]string{`true`}, w.cond...), " AND ")
	rows, err := m.db.QueryContext(ctx, `SELECT e.id, CASE WHEN `+selected+` THEN e.body END FROM `+from+` WHERE `+strings.Join(where, " AND ")+` ORDER BY `+order+newest+` LIMIT ?`,
		append(append(slices.Clone(w.args), args...), mostRead)...)
	if err != nil {
		return nil, false, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	var found []string
	read := 0
	for len(found) < f.Limit && rows.Next() {
		var id int64
		var body sql.NullString
		if err := rows.Scan(&id, &body); err != nil {
			return nil, false, localFault(err)
		}
		if read++; !body.Valid {
			continue
		}
		holds, known := begins(body.String, a.beside)
		if !known {
			return nil, false, nil
		}
		if holds {
			found = append(found, strconv.FormatInt(id, 10))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, localFault(err)
	}
	if len(found) < f.Limit && read == mostRead {
		return nil, false, nil
	}
	out, err = m.events(ctx, w.persons, `mirror_event e WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id`+newest, []any{`[` + strings.Join(found, `,`) + `]`})
	return out, err == nil, err
}

// events are those that a query selects from mirror_event e, with the values of persons.
func (m *Mirror) events(ctx context.Context, persons *audit.Persons, from string, args []any) ([]audit.Event, error) {
	rows, err := m.db.QueryContext(ctx, `SELECT `+sealedColumns+` FROM `+from, args...)
	if err != nil {
		return nil, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	out := []audit.Event{}
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, localFault(err)
		}
		s.Persons = persons
		out = append(out, audit.EventOf(s))
	}
	return out, localFault(rows.Err())
}

// rows are those of the chain between the filter's numbers, and of those the ones that
// the index of words has: what to select from, in which order, and where.
func (m *Mirror) rows(index string, f audit.Filter) (from, order string, where []string, args []any) {
	const chain = `(SELECT id FROM mirror_chain WHERE key = ? AND retired_at IS NULL)`
	// The index of words gives its rows by rowid, and so in the order of a chain:
	// it is left when the limit is reached, however many rows there are.
	from, order = `mirror_event e`, `e.seq`
	where, args = []string{`e.chain = ` + chain}, []any{m.key}
	if f.Before > 0 {
		where, args = append(where, `e.seq < ?`), append(args, f.Before)
	}
	if f.After > 0 {
		where, args = append(where, `e.seq > ?`), append(args, f.After)
	}
	if index == "" {
		return from, order, where, args
	}
	from, order = `mirror_text CROSS JOIN mirror_event e ON e.id = mirror_text.rowid`, `mirror_text.rowid`
	where, args = append(where, `mirror_text MATCH ?`), append(args, index)
	if f.Before > 0 {
		where = append(where, `mirror_text.rowid < coalesce((SELECT id FROM mirror_event WHERE chain = `+chain+` AND seq >= ? ORDER BY seq LIMIT 1), 9223372036854775807)`)
		args = append(args, m.key, f.Before)
	}
	if f.After > 0 {
		where = append(where, `mirror_text.rowid > coalesce((SELECT id FROM mirror_event WHERE chain = `+chain+` AND seq <= ? ORDER BY seq DESC LIMIT 1), 0)`)
		args = append(args, m.key, f.After)
	}
	return from, order, where, args
}

// scan reads sealedColumns, and more after them.
func scan(rows *sql.Rows, more ...any) (audit.Sealed, error) {
	var s audit.Sealed
	return s, rows.Scan(append([]any{&s.Seq, &s.SealedUS, &s.EventID, &s.OccurredUS, &s.RecordedUS, &s.DBUser, &s.ClientAddr, &s.AppName, &s.Body, &s.EventHash, &s.PrevHash, &s.Hash}, more...)...)
}

// wanted are the conditions over e with their values, and the words that every
// selected event holds: they find the rows, and the conditions look at nothing else.
// Each of whole is a value to its end, and each of words begins one.
// Any of a group is one of them.
type wanted struct {
	cond         []string
	args         []any
	whole, words []string
	groups       []string // as the index of words is asked
	persons      *audit.Persons
}

func (m *Mirror) where(ctx context.Context, f audit.Filter) (w wanted, err error) {
	if w.persons, _, err = m.known(ctx); err != nil {
		return w, err
	}
	add := func(text string, v any) {
		for range strings.Count(text, "?") {
			w.args = append(w.args, v)
		}
		w.cond = append(w.cond, text)
	}
	field := func(text, value string) {
		if value != "" {
			add(text, value)
			w.whole = append(w.whole, value)
		}
	}
	if f.ID != "" {
		add(`e.event_id = lower(?)`, f.ID)
	}
	field(`e.body ->> 'tenant' = ?`, f.Tenant)
	if f.Actor != "" {
		texts, begins := w.persons.Who(f.Actor)
		if begins != "" {
			add(`substr(e.body ->> 'actor', 1, length(?)) = ?`, begins)
			w.words = append(w.words, begins)
		} else {
			w.cond = append(w.cond, `lower(e.body ->> 'actor') IN (?`+strings.Repeat(`, ?`, len(texts)-1)+`)`)
			for _, text := range texts {
				w.args = append(w.args, text)
			}
			if q := quoted(texts, ""); len(q) == len(texts) {
				w.groups = append(w.groups, oneOf(q))
			}
		}
	}
	field(`(e.body ->> 'source' = ? OR e.body ->> 'target' = ?)`, f.Shard)
	if f.Action != "" {
		// The word is the whole of an action, or how it begins.
		add(`(e.body ->> 'action' = ? OR substr(e.body ->> 'action', 1, length(?) + 1) = ? || '.')`, f.Action)
		w.words = append(w.words, f.Action)
	}
	if len(f.Actions) > 0 {
		var each []string
		for _, a := range f.Actions {
			each = append(each, `(e.body ->> 'action' = ? OR substr(e.body ->> 'action', 1, length(?) + 1) = ? || '.')`)
			w.args = append(w.args, a, a, a)
		}
		w.cond = append(w.cond, `(`+strings.Join(each, ` OR `)+`)`)
	}
	if len(f.Statuses) > 0 {
		w.cond = append(w.cond, `e.body ->> 'status' IN (?`+strings.Repeat(`, ?`, len(f.Statuses)-1)+`)`)
		for _, s := range f.Statuses {
			w.args = append(w.args, s)
		}
	}
	if f.MoveID != "" {
		add(`substr(e.body ->> 'move_id', 1, length(?)) = ?`, f.MoveID)
		w.words = append(w.words, f.MoveID)
	}
	if in, args := period(f); len(args) > 0 {
		w.cond, w.args = append(w.cond, in), append(w.args, args...)
	}
	for _, word := range strings.Fields(f.Search) {
		if !strings.ContainsFunc(word, indexed) {
			add(`instr(e.body, ?) > 0`, word)
		}
		// Who holds a word that begins so is in the text under a pseudonym.
		refs := w.persons.Refs(func(value string) bool {
			holds, known := begins(value, []string{strings.ToLower(word)})
			return holds && known
		})
		if q := quoted([]string{word}, "*"); len(refs) > 0 && len(q) > 0 {
			w.groups = append(w.groups, oneOf(append(q, quoted(refs, "")...)))
			continue
		}
		w.words = append(w.words, word)
	}
	return w, nil
}

// oneOf is what the index of words is asked for one of several.
func oneOf(words []string) string { return "(" + strings.Join(words, " OR ") + ")" }

// Remember files which copy is the fleet's, for whoever reads it when the
// control database does not answer.
func (m *Mirror) Remember(ctx context.Context, fleet, schema string) error {
	return m.remark(ctx, func(tx *sql.Tx, all *marks) error {
		all.Fleets[fleetMark(fleet, schema)] = m.key
		_, err := tx.ExecContext(ctx, `INSERT INTO mirror_fleet (fleet, schema, key, seen_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (fleet, schema) DO UPDATE SET key = excluded.key, seen_at = excluded.seen_at`, fleet, schema, m.key, time.Now().UnixMicro())
		return err
	})
}

// Of returns the copy that was last used for a fleet and when that was; false
// where this computer has none. Where the file has forgotten which copy that is, or
// names another than was marked, the marked one is meant.
func Of(ctx context.Context, s *store.Store, fleet, schema string) (m *Mirror, seen time.Time, ok bool, err error) {
	m = New(s, "")
	var at int64
	err = m.db.QueryRowContext(ctx, `SELECT key, seen_at FROM mirror_fleet WHERE fleet = ? AND schema = ?`, fleet, schema).Scan(&m.key, &at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, seen, false, localFault(err)
	}
	seen = time.UnixMicro(at).UTC()
	all, err := readMarks(m.marks)
	if err != nil {
		return nil, seen, false, err
	}
	if key := all.Fleets[fleetMark(fleet, schema)]; key != "" && key != m.key {
		m.key, seen = key, all.Copies[key].At
	}
	return m, seen, m.key != "", nil
}
