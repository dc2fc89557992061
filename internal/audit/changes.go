package audit

import (
	"context"
	"time"
)

// Changes returns when each tenant was last changed through this program:
// assigned, moved, moved back. A tenant without an entry never was. With no
// tenants it answers for all.
func (t *Trail) Changes(ctx context.Context, tenants []string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := t.Read(ctx, func(r *Reader) error {
		rows, err := r.tx.Query(ctx, t.sql(`SELECT e.body_json ->> 'tenant', max(e.recorded_at) FROM {{schema}}.audit_event e
			WHERE ($1::text[] IS NULL AND e.body_json ->> 'tenant' <> '' OR e.body_json ->> 'tenant' = ANY ($1))
			AND e.body_json ->> 'phase' = 'outcome' AND e.body_json ->> 'status' = 'ok' GROUP BY 1`), tenants)
		if err != nil {
			return t.fault(err)
		}
		defer rows.Close()
		for rows.Next() {
			var tenant string
			var at time.Time
			if err := rows.Scan(&tenant, &at); err != nil {
				return err
			}
			out[tenant] = at
		}
		return t.fault(rows.Err())
	})
	return out, err
}
