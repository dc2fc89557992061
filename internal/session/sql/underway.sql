-- The moves that are not over, and how far each is.
SELECT m.id::text, m.tenant, m.source, m.target, m.mode, m.state, coalesce(t.rows, m.rows), coalesce(t.copied, 0), m.started_at, m.read_only_since
FROM {{schema}}.move m
LEFT JOIN LATERAL (SELECT sum(rows)::bigint AS rows, sum(rows_copied)::bigint AS copied FROM {{schema}}.move_table WHERE move_id = m.id) t ON true
WHERE m.state NOT IN ('cancelled', 'rolled_back', 'finalized')
ORDER BY m.created_at
LIMIT 1000
