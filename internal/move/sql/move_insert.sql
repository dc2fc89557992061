INSERT INTO {{schema}}.move (id, tenant, label, source, target, mode, state, engine, hold, max_read_only_ms, priority, plan, rows, bytes,
                             note, audit_event, app_audit, created_by, not_before)
VALUES ($1, $2, $3, $4, $5, $6, 'planned', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
