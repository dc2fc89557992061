package audit

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Filter selects events; a zero field selects all.
type Filter struct {
	// ID is one event's own.
	ID     string `json:"id,omitempty"`
	Tenant string `json:"tenant,omitempty"`
	Actor  string `json:"actor,omitempty"`
	// Shard is the source or the target.
	Shard string `json:"shard,omitempty"`
	// Action is one action, or the first part of several: "move" finds
	// move.start and move.switch.
	Action string    `json:"action,omitempty"`
	MoveID string    `json:"move_id,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"` // not included
	// Search finds every one of its words anywhere in an event, in any case.
	Search string `json:"search,omitempty"`
	// Before selects events with a smaller number, for paging.
	Before int64 `json:"before,omitempty"`
	// After selects events with a larger number, and of those the oldest that the
	// limit lets in, so that whoever asks again after the last passes none over.
	After int64 `json:"after,omitempty"`
	Limit int   `json:"limit,omitempty"` // 0: no limit
	// Actions selects any of these, each as Action does.
	Actions []string `json:"actions,omitempty"`
	// Statuses selects any of these: ok, failed, refused, cancelled, rolled_back,
	// interrupted, and begun, which is an intent.
	Statuses []string `json:"statuses,omitempty"`
	// Settled leaves out intents that have an outcome: one event stands for each
	// change, and a change whose end is not known stands there too.
	Settled bool  `json:"settled,omitempty"`
	from    int64 // the smallest number, where a limit was made one
	persons *Persons
}

// where returns the condition over l and e, and the values with its own after
// them.
func (f Filter) where(args []any) (string, []any) {
	var cond []string
	add := func(text string, v any) {
		args = append(args, v)
		cond = append(cond, strings.ReplaceAll(text, "?", "$"+strconv.Itoa(len(args))))
	}
	if f.ID != "" {
		add(`e.event_id::text = lower(?)`, f.ID)
	}
	if f.Tenant != "" {
		add(`e.body_json ->> 'tenant' = ?`, f.Tenant)
	}
	if f.Actor != "" {
		texts, begins := f.persons.Who(f.Actor)
		if begins != "" {
			add(`starts_with(e.body_json ->> 'actor', ?)`, begins)
		} else {
			add(`lower(e.body_json ->> 'actor') = ANY (?::text[])`, texts)
		}
	}
	if f.Shard != "" {
		add(`(e.body_json ->> 'source' = ? OR e.body_json ->> 'target' = ?)`, f.Shard)
	}
	if f.Action != "" {
		add(`(e.body_json ->> 'action' = ? OR starts_with(e.body_json ->> 'action', ? || '.'))`, f.Action)
	}
	if len(f.Actions) > 0 {
		add(`EXISTS (SELECT FROM unnest(?::text[]) a WHERE e.body_json ->> 'action' = a OR starts_with(e.body_json ->> 'action', a || '.'))`, f.Actions)
	}
	if len(f.Statuses) > 0 {
		add(`e.body_json ->> 'status' = ANY (?::text[])`, f.Statuses)
	}
	if f.Settled {
		cond = append(cond, `(e.body_json ->> 'phase' <> 'intent' OR NOT EXISTS (SELECT FROM {{schema}}.audit_event o WHERE o.body_json ->> 'parent' = e.event_id::text))`)
	}
	if f.MoveID != "" {
		add(`starts_with(e.body_json ->> 'move_id', ?)`, f.MoveID)
	}
	if !f.Since.IsZero() {
		add(`e.recorded_at >= ?`, f.Since)
	}
	if !f.Until.IsZero() {
		add(`e.recorded_at < ?`, f.Until)
	}
	for _, w := range strings.Fields(f.Search) {
		add(`(position(lower(?) IN lower(e.body || ' ' || e.db_user || ' ' || e.event_id::text)) > 0`, w)
		if w := strings.ToLower(w); inRefs(w) {
			add(cond[len(cond)-1]+` AND position(? IN regexp_replace(lower(e.body || ' ' || e.db_user || ' ' || e.event_id::text), '"`+refPrefix+`[0-9a-f]{32}"', '', 'g')) > 0`, w)
			cond = slices.Delete(cond, len(cond)-2, len(cond)-1)
		}
		if refs := f.persons.Refs(func(value string) bool { return strings.Contains(value, strings.ToLower(w)) }); len(refs) > 0 {
			add(cond[len(cond)-1]+` OR EXISTS (SELECT FROM unnest(?::text[]) r WHERE position(r IN e.body) > 0)`, refs)
			cond = slices.Delete(cond, len(cond)-2, len(cond)-1)
		}
		cond[len(cond)-1] += `)`
	}
	if f.Before > 0 {
		add(`l.seq < ?`, f.Before)
	}
	if f.After > 0 {
		add(`l.seq > ?`, f.After)
	}
	if f.from > 0 {
		add(`l.seq >= ?`, f.from)
	}
	if len(cond) == 0 {
		return "true", args
	}
	return strings.Join(cond, " AND "), args
}

// List returns the events that the filter selects, the newest first.
func (t *Trail) List(ctx context.Context, f Filter) ([]Event, error) {
	out, _, err := t.Page(ctx, f)
	return out, err
}

// Page is List, and the number after which what is not yet in the trail follows.
func (t *Trail) Page(ctx context.Context, f Filter) (out []Event, next int64, err error) {
	out = []Event{}
	err = t.Read(ctx, func(r *Reader) error {
		order := "DESC"
		if f.After > 0 {
			order = "ASC"
		}
		sealed, err := r.selected(ctx, f, order, f.Limit)
		if err != nil {
			return err
		}
		for _, s := range sealed {
			out = append(out, EventOf(s))
		}
		if f.After > 0 {
			slices.Reverse(out)
		}
		head, err := r.Head(ctx)
		next = f.Next(out, head.Seq)
		return err
	})
	return out, next, err
}

// Next is the number after which to ask for what a page, the newest first, does not
// have: the end of the trail that was read, or of the page where there is more.
func (f Filter) Next(page []Event, end int64) int64 {
	switch {
	case len(page) == 0:
		return end
	case f.After > 0 && f.Limit > 0 && len(page) >= f.Limit:
		return page[0].Seq
	}
	return max(end, page[0].Seq)
}

// LastBefore returns the last entry that was sealed before a time, 0 for none.
func (t *Trail) LastBefore(ctx context.Context, at time.Time) (int64, error) {
	var seq int64
	err := t.Read(ctx, func(r *Reader) error {
		return r.trail.fault(r.tx.QueryRow(ctx, r.trail.sql(`SELECT coalesce(max(seq), 0) FROM {{schema}}.audit_link WHERE sealed_at < $1`), at).Scan(&seq))
	})
	return seq, err
}

func (r *Reader) selected(ctx context.Context, f Filter, order string, limit int) ([]Sealed, error) {
	scan, err := r.sealed(ctx)
	if err != nil {
		return nil, err
	}
	f.persons = r.persons
	cond, args := f.where(nil)
	text := `SELECT ` + sealedColumns + ` FROM {{schema}}.audit_link l JOIN {{schema}}.audit_event e ON e.event_id = l.event_id
		WHERE ` + cond + ` ORDER BY l.seq ` + order
	if limit > 0 {
		text += " LIMIT " + strconv.Itoa(limit)
	}
	rows, err := r.tx.Query(ctx, r.trail.sql(text), args...)
	if err != nil {
		return nil, r.trail.fault(err)
	}
	out, err := pgx.CollectRows(rows, scan)
	return out, r.trail.fault(err)
}

// inRefs reports whether a word may be found in a ref by chance alone, which is in the
// body of most events.
func inRefs(word string) bool {
	return strings.Contains(refPrefix, word) || len(word) < refShown && !strings.ContainsFunc(word, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// OutcomeOf returns the id of the stored outcome of an intent and its status, "" when
// there is none: what became of a commit whose answer was lost. The status tells one's
// own outcome from what somebody said who took over.
func (t *Trail) OutcomeOf(ctx context.Context, intent string) (id, status string, err error) {
	err = t.Read(ctx, func(r *Reader) error {
		err := r.tx.QueryRow(ctx, t.sql(`SELECT event_id::text, body_json ->> 'status' FROM {{schema}}.audit_event
			WHERE body_json ->> 'parent' = $1 AND body_json ->> 'phase' = 'outcome' LIMIT 1`), intent).Scan(&id, &status)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return id, status, err
}
