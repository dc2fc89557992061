package mirror

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode"

	"shardadmin/internal/audit"
)

// List returns the copied events that the filter selects, the newest first, as
// the trail's own List does; it asks nobody else. Limit 0 means 100.
func (m *Mirror) List(ctx context.Context, f audit.Filter) ([]audit.Event, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	cond, args, words := where(f)
	// The index of words gives its rows by rowid, and so in the order of a chain:
	// it is left when the limit is reached, however many rows there are.
	from := `mirror_event e`
	order := `e.seq`
	if q := match(words); q != "" {
		from, order = `mirror_text CROSS JOIN mirror_event e ON e.id = mirror_text.rowid`, `mirror_text.rowid`
		cond, args = append([]string{`mirror_text MATCH ?`}, cond...), append([]any{q}, args...)
	}
	cond, args = append(cond, `e.chain = (SELECT id FROM mirror_chain WHERE key = ? AND retired_at IS NULL)`), append(args, m.key, f.Limit)
	rows, err := m.db.QueryContext(ctx, `SELECT `+sealedColumns+` FROM `+from+` WHERE `+strings.Join(cond, " AND ")+` ORDER BY `+order+` DESC LIMIT ?`, args...)
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
		out = append(out, audit.EventOf(s))
	}
	return out, localFault(rows.Err())
}

func scan(rows *sql.Rows) (audit.Sealed, error) {
	var s audit.Sealed
	return s, rows.Scan(&s.Seq, &s.SealedUS, &s.EventID, &s.OccurredUS, &s.RecordedUS, &s.DBUser, &s.ClientAddr, &s.AppName, &s.Body, &s.EventHash, &s.PrevHash, &s.Hash)
}

// where returns the conditions over e with their values, and the words that
// every selected event holds: they find the rows, and the conditions look at
// nothing else.
func where(f audit.Filter) (cond []string, args []any, words []string) {
	add := func(text string, v any) {
		for range strings.Count(text, "?") {
			args = append(args, v)
		}
		cond = append(cond, text)
	}
	field := func(text, value string) {
		if value != "" {
			add(text, value)
			words = append(words, value)
		}
	}
	if f.ID != "" {
		add(`e.event_id = lower(?)`, f.ID)
	}
	field(`e.body ->> 'tenant' = ?`, f.Tenant)
	field(`lower(e.body ->> 'actor') = lower(?)`, f.Actor)
	field(`(e.body ->> 'source' = ? OR e.body ->> 'target' = ?)`, f.Shard)
	if f.Action != "" {
		// The word is the whole of an action, or how it begins.
		add(`(e.body ->> 'action' = ? OR substr(e.body ->> 'action', 1, length(?) + 1) = ? || '.')`, f.Action)
		words = append(words, f.Action)
	}
	if f.MoveID != "" {
		add(`substr(e.body ->> 'move_id', 1, length(?)) = ?`, f.MoveID)
		words = append(words, f.MoveID)
	}
	if !f.Since.IsZero() {
		add(`e.recorded_us >= ?`, f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		add(`e.recorded_us < ?`, f.Until.UnixMicro())
	}
	if f.Before > 0 {
		add(`e.seq < ?`, f.Before)
	}
	for _, w := range strings.Fields(f.Search) {
		if !strings.ContainsFunc(w, indexed) {
			add(`instr(e.body, ?) > 0`, w)
		}
		words = append(words, w)
	}
	return cond, args, words
}

// match quotes each word, so that nothing a person types is taken as an
// operator of the search; a word finds what begins with it. What the index takes
// for no word finds nothing and is left to the conditions.
func match(words []string) string {
	parts := []string{}
	for _, w := range words {
		if strings.ContainsFunc(w, indexed) {
			parts = append(parts, `"`+strings.ReplaceAll(w, `"`, `""`)+`"*`)
		}
	}
	return strings.Join(parts, " ")
}

// indexed reports whether a character is part of a word: unicode61's letters and
// numbers, and the ones that the index was made to keep.
func indexed(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune("@._-", r)
}

// Remember files which copy is the fleet's, for whoever reads it when the
// control database does not answer.
func (m *Mirror) Remember(ctx context.Context, fleet, schema string) error {
	return m.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO mirror_fleet (fleet, schema, key, seen_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (fleet, schema) DO UPDATE SET key = excluded.key, seen_at = excluded.seen_at`, fleet, schema, m.key, time.Now().UnixMicro())
		return err
	})
}

// Of returns the copy that was last used for a fleet and when that was; false
// where this computer has none.
func Of(ctx context.Context, db *sql.DB, fleet, schema string) (m *Mirror, seen time.Time, ok bool, err error) {
	var key string
	var at int64
	err = db.QueryRowContext(ctx, `SELECT key, seen_at FROM mirror_fleet WHERE fleet = ? AND schema = ?`, fleet, schema).Scan(&key, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, seen, false, nil
	}
	return &Mirror{db: db, key: key, batch: copyBatch}, time.UnixMicro(at).UTC(), err == nil, localFault(err)
}
