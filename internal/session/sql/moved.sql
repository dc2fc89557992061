-- When moves of the last months changed the sizes of shards: rows arrive before the
-- switch and may be deleted when the move is over.
SELECT m.target, x.at FROM {{schema}}.move m CROSS JOIN LATERAL (VALUES (m.started_at), (m.switched_at), (m.finished_at)) x (at)
WHERE x.at > now() - interval '100 days'
UNION ALL
SELECT m.source, x.at FROM {{schema}}.move m CROSS JOIN LATERAL (VALUES (m.switched_at), (m.finished_at)) x (at)
WHERE x.at > now() - interval '100 days'
