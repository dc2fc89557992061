-- The moves that hold a tenant.
SELECT m.id::text, m.tenant, m.source, m.target, m.state FROM {{schema}}.move m
WHERE m.state NOT IN ('cancelled', 'rolled_back', 'finalized')
