package saved

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// longest is how many characters a name has at most: it stands in a menu.
const longest = 60

// Filters are the saved filters of one fleet.
type Filters struct {
	db    *sql.DB
	fleet string
}

// New returns the filters that a store has of a fleet.
func New(s *store.Store, fleet string) *Filters { return &Filters{s.DB(), fleet} }

// Filter is a filter that was kept under a name.
type Filter struct {
	Name string
	// Text is the filter as JSON, whose form is the caller's.
	Text   string
	MadeAt time.Time
}

// List returns all of them in the order of their names.
func (f *Filters) List(ctx context.Context) ([]Filter, error) {
	rows, err := f.db.QueryContext(ctx, `SELECT name, filter, made_at FROM saved_filter WHERE fleet = ? ORDER BY name`, f.fleet)
	if err != nil {
		return nil, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	out := []Filter{}
	for rows.Next() {
		var x Filter
		var at int64
		if err := rows.Scan(&x.Name, &x.Text, &at); err != nil {
			return nil, localFault(err)
		}
		x.MadeAt = time.UnixMilli(at).UTC()
		out = append(out, x)
	}
	return out, localFault(rows.Err())
}

// Get returns the one of a name, in whatever case it is written.
func (f *Filters) Get(ctx context.Context, name string) (Filter, error) {
	var x Filter
	var at int64
	err := f.db.QueryRowContext(ctx, `SELECT name, filter, made_at FROM saved_filter WHERE fleet = ? AND name = ?`, f.fleet, strings.TrimSpace(name)).Scan(&x.Name, &x.Text, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return x, f.unknown(name)
	}
	x.MadeAt = time.UnixMilli(at).UTC()
	return x, localFault(err)
}

// Save keeps a filter under a name. A name that is used already is refused unless it
// is to be replaced; then it is written as it is given now.
func (f *Filters) Save(ctx context.Context, name, text string, replace bool) (Filter, error) {
	x := Filter{Name: strings.TrimSpace(name), Text: text, MadeAt: time.Now().UTC().Truncate(time.Millisecond)}
	if why := unfit(x.Name); why != "" {
		return x, fault.Newf(fault.FilterInvalid, "1 to "+strconv.Itoa(longest)+" characters in one line, the first of them no dash", "a filter cannot be saved as %q: %s", x.Name, why)
	}
	conflict := `DO NOTHING`
	if replace {
		conflict = `(fleet, name) DO UPDATE SET name = excluded.name, filter = excluded.filter, made_at = excluded.made_at`
	}
	r, err := f.db.ExecContext(ctx, `INSERT INTO saved_filter (fleet, name, filter, made_at) VALUES (?, ?, ?, ?) ON CONFLICT `+conflict, f.fleet, x.Name, x.Text, x.MadeAt.UnixMilli())
	if err != nil {
		return x, localFault(err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return x, localFault(err)
	}
	return x, fault.Newf(fault.FilterExists, "take another name, or replace it: --replace", "the fleet %s has a saved filter %q already", f.fleet, x.Name)
}

// Remove forgets the one of a name and returns what it was.
func (f *Filters) Remove(ctx context.Context, name string) (Filter, error) {
	var x Filter
	var at int64
	err := f.db.QueryRowContext(ctx, `DELETE FROM saved_filter WHERE fleet = ? AND name = ? RETURNING name, filter, made_at`, f.fleet, strings.TrimSpace(name)).Scan(&x.Name, &x.Text, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return x, f.unknown(name)
	}
	x.MadeAt = time.UnixMilli(at).UTC()
	return x, localFault(err)
}

func (f *Filters) unknown(name string) error {
	return fault.Newf(fault.FilterUnknown, "shard-admin audit filters lists those that there are", "the fleet %s has no saved filter %q on this computer", f.fleet, strings.TrimSpace(name))
}

// unfit says why a name cannot be one, "" where it can.
func unfit(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "it holds what cannot be printed"
	case utf8.RuneCountInString(name) > longest:
		return "it is too long"
	case strings.HasPrefix(name, "-"):
		return "it would be taken for a flag"
	}
	return ""
}

func localFault(err error) error {
	if err == nil || fault.As(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if strings.Contains(err.Error(), "SQLITE_FULL") || strings.Contains(err.Error(), "disk is full") {
		return fault.Wrap(err, fault.DiskFull, "this computer's disk is full; no saved filter was changed", "make room, then try again")
	}
	return fault.Wrap(err, fault.Internal, "the saved filters on this computer cannot be used", "move shard-admin.db away; it is made again, without them")
}
