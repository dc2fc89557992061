package session

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"shardadmin/internal/audit/saved"
	"shardadmin/internal/fault"
	"shardadmin/internal/store"
)

// SavedFilter is a filter of the audit trail that this computer keeps under a name.
type SavedFilter struct {
	Name string `json:"name"`
	// Filter is as it was written: an age such as 30d is one still.
	Filter AuditFilter `json:"filter"`
	MadeAt string      `json:"made_at"`
	// Reason is why it cannot be used, empty where it can.
	Reason string `json:"reason"`
}

// SavedFilterList are those of the fleet, in the order of their names.
type SavedFilterList struct {
	Filters []SavedFilter `json:"filters"`
}

// SaveFilterRequest is a filter that is to be kept.
type SaveFilterRequest struct {
	Name   string      `json:"name"`
	Filter AuditFilter `json:"filter"`
	// Replace lets it take the place of one that has the name already.
	Replace bool `json:"replace"`
}

// SavedFilters lists what was saved for the fleet; it asks no database.
func (s *Session) SavedFilters(ctx context.Context) (SavedFilterList, error) {
	out := SavedFilterList{Filters: []SavedFilter{}}
	err := s.withSaved(ctx, func(f *saved.Filters) error {
		list, err := f.List(ctx)
		if err != nil {
			return err
		}
		for _, x := range list {
			v, err := savedView(x)
			if err != nil {
				v.Reason = fault.As(err).Message
			}
			out.Filters = append(out.Filters, v)
		}
		return nil
	})
	return out, err
}

// SavedFilter returns the one of a name.
func (s *Session) SavedFilter(ctx context.Context, name string) (out SavedFilter, err error) {
	err = s.withSaved(ctx, func(f *saved.Filters) error {
		x, err := f.Get(ctx, name)
		if err != nil {
			return err
		}
		out, err = savedView(x)
		return err
	})
	return out, err
}

// SaveFilter keeps a filter under a name, for this fleet and on this computer only.
// What is one event's own or a page of a list is no part of it.
func (s *Session) SaveFilter(ctx context.Context, r SaveFilterRequest) (out SavedFilter, err error) {
	r.Filter.ID, r.Filter.Before, r.Filter.After, r.Filter.Limit = "", 0, 0, 0
	text, err := filterText(r.Filter)
	if err != nil {
		return out, err
	}
	if text == "{}" {
		return out, fault.New(fault.FilterInvalid, "the filter selects every event, so there is nothing to save", "narrow it first: a tenant, an action, an outcome, a time")
	}
	if _, err := r.Filter.filter(time.UTC); err != nil {
		return out, err
	}
	err = s.withSaved(ctx, func(f *saved.Filters) error {
		x, err := f.Save(ctx, r.Name, text, r.Replace)
		if err != nil {
			return err
		}
		out, err = savedView(x)
		return err
	})
	return out, err
}

// RemoveFilter forgets the saved filter of a name and returns what it was.
func (s *Session) RemoveFilter(ctx context.Context, name string) (out SavedFilter, err error) {
	err = s.withSaved(ctx, func(f *saved.Filters) error {
		x, err := f.Remove(ctx, name)
		if err != nil {
			return err
		}
		if out, err = savedView(x); err != nil { // it can be removed all the same
			out.Reason = fault.As(err).Message
		}
		return nil
	})
	return out, err
}

func (s *Session) withSaved(ctx context.Context, f func(*saved.Filters) error) error {
	db, err := store.Open(ctx, s.cfg.DBPath)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return f(saved.New(db, s.cfg.Fleet.Name))
}

// filterText is a filter as JSON, without what it does not select by.
func filterText(f AuditFilter) (string, error) {
	all := map[string]any{}
	text, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	for k, v := range all {
		if v == nil || reflect.ValueOf(v).IsZero() {
			delete(all, k)
		}
	}
	if err == nil {
		text, err = json.Marshal(all)
	}
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "the filter could not be written as JSON", "")
	}
	return string(text), nil
}

// savedView reads a filter. One with a part that this program does not know would
// select more than was meant, and is refused.
func savedView(x saved.Filter) (SavedFilter, error) {
	out := SavedFilter{Name: x.Name, MadeAt: stamp(x.MadeAt)}
	dec := json.NewDecoder(bytes.NewReader([]byte(x.Text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out.Filter); err != nil {
		out.Filter = AuditFilter{}
		return out, fault.Wrapf(err, fault.FilterInvalid, "use the newer program, or save it anew with --replace", "the saved filter %q holds what this program does not know (%s)", x.Name, strings.TrimPrefix(err.Error(), "json: "))
	}
	return out, nil
}
