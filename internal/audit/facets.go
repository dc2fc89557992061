package audit

import (
	"cmp"
	"context"
	_ "embed"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Facets are counted over the newest FacetEvents events, and of each kind the
// FacetValues values that are most often.
const (
	FacetEvents = 10_000
	FacetValues = 10
)

// Facets are how often each value is among the newest events of a filter.
type Facets struct {
	// Events is how many were counted; More whether older ones were not.
	Events int64
	More   bool
	Kinds  []Facet
}

// Facet is one kind of value: action, outcome, operator, shard or tenant.
type Facet struct {
	Kind   string
	Values []FacetValue // the most often first
	// Distinct is how many values there are, listed or not.
	Distinct int64
}

// FacetValue is one value, and how many events have it.
type FacetValue struct {
	Value  string
	Events int64
}

// FacetRow is one row of the query that counts: a value, or of no kind the number of
// events that were read.
type FacetRow struct {
	Kind, Value      string
	Events, Distinct int64
}

// FacetsOf puts the rows in order; every kind is there, with or without values.
func FacetsOf(rows []FacetRow) Facets {
	var out Facets
	slices.SortFunc(rows, func(a, b FacetRow) int { return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Value, b.Value)) })
	for _, kind := range []string{"action", "outcome", "operator", "shard", "tenant"} {
		f := Facet{Kind: kind, Values: []FacetValue{}}
		for _, r := range rows {
			if r.Kind == kind {
				f.Values, f.Distinct = append(f.Values, FacetValue{r.Value, r.Events}), r.Distinct
			}
		}
		out.Kinds = append(out.Kinds, f)
	}
	for _, r := range rows {
		if r.Kind == "" {
			out.Events, out.More = min(r.Events, FacetEvents), r.Events > FacetEvents
		}
	}
	return out
}

//go:embed facets.sql
var facetsSQL string

// Facets counts the values of the newest events that the filter selects. Its limit
// counts for nothing here.
func (t *Trail) Facets(ctx context.Context, f Filter) (Facets, error) {
	var out Facets
	err := t.Read(ctx, func(r *Reader) error {
		var err error
		if f.persons, err = r.Persons(ctx); err != nil {
			return err
		}
		refs, values := []string{}, []string{}
		for _, p := range f.persons.emails() {
			refs, values = append(refs, p.Ref), append(values, p.Value)
		}
		cond, args := f.where([]any{FacetValues, FacetEvents, refs, values})
		rows, err := r.tx.Query(ctx, t.sql(strings.ReplaceAll(facetsSQL, "{{where}}", cond)), args...)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FacetRow])
		out = FacetsOf(list)
		return err
	})
	return out, err
}
