-- How moves ended, and how assignments did, by what the fleet's record holds.
SELECT 'move' AS kind, mode AS what, state AS outcome, count(*) FROM {{schema}}.move
WHERE state IN ('finalized', 'retained', 'cancelled', 'rolled_back', 'failed') GROUP BY 2, 3
UNION ALL
SELECT 'assignment', '', body_json ->> 'status', count(*) FROM {{schema}}.audit_event
WHERE body_json ->> 'action' = 'tenant.assign' AND body_json ->> 'phase' = 'outcome' GROUP BY 3
