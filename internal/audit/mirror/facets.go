package mirror

import (
	"context"
	"database/sql"
	_ "embed"
	"slices"
	"strings"

	"shardadmin/internal/audit"
)

//go:embed facets.sql
var facetsSQL string

// Facets counts the values of the newest copied events that the filter selects, as
// the trail's own Facets does; it asks nobody else.
func (m *Mirror) Facets(ctx context.Context, f audit.Filter) (audit.Facets, error) {
	w, err := m.where(ctx, f)
	if err != nil {
		return audit.Facets{}, err
	}
	from, order, cond, args := m.rows(w.index(), f)
	text := strings.NewReplacer("{{from}}", from, "{{order}}", order, "{{where}}", strings.Join(slices.Concat(cond, w.cond), " AND ")).Replace(facetsSQL)
	args = slices.Concat(args, w.args, []any{sql.Named("top", audit.FacetValues), sql.Named("most", audit.FacetEvents), sql.Named("key", m.key)})
	rows, err := m.db.QueryContext(ctx, text, args...)
	if err != nil {
		return audit.Facets{}, localFault(err)
	}
	defer func() { _ = rows.Close() }()
	var list []audit.FacetRow
	for rows.Next() {
		var r audit.FacetRow
		if err := rows.Scan(&r.Kind, &r.Value, &r.Events, &r.Distinct); err != nil {
			return audit.Facets{}, localFault(err)
		}
		list = append(list, r)
	}
	return audit.FacetsOf(list), localFault(rows.Err())
}
