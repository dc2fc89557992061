-- The moves that hold a tenant back on their source, with the seconds since the switch.
SELECT id::text, tenant, label, source, target, extract(epoch FROM clock_timestamp() - switched_at)::float8
FROM {{schema}}.move
WHERE state = 'retained' AND switched_at IS NOT NULL
ORDER BY switched_at DESC
