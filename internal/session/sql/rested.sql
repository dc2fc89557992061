-- When each tenant was last switched, there or back.
SELECT m.tenant, max(greatest(m.switched_at, CASE WHEN m.state = 'rolled_back' THEN m.finished_at END))
FROM {{schema}}.move m WHERE m.switched_at IS NOT NULL GROUP BY m.tenant
