-- What was done to a shard, or to all, in a time: moves that began, moves that were
-- switched, and assignments, the newest first.
SELECT d.* FROM (
  SELECT x.at, x.kind, m.tenant, m.label, m.source, m.target, m.id::text AS move
  FROM {{schema}}.move m CROSS JOIN LATERAL (VALUES (m.started_at, 'move_started'), (m.switched_at, 'move_switched')) x (at, kind)
  UNION ALL
  SELECT e.occurred_at, 'assigned', coalesce(e.body_json ->> 'tenant', ''), coalesce(e.body_json -> 'details' ->> 'label', ''),
         coalesce(e.body_json ->> 'source', ''), coalesce(e.body_json ->> 'target', ''), ''
  FROM {{schema}}.audit_event e
  WHERE e.body_json ->> 'action' = 'tenant.assign' AND e.body_json ->> 'phase' = 'outcome' AND e.body_json ->> 'status' = 'ok'
) d
WHERE d.at >= $1 AND d.at < $2 AND ($3 = '' OR $3 IN (d.source, d.target))
ORDER BY d.at DESC
LIMIT $4
