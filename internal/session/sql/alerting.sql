-- The moves that need a person, failed, or were done in the last hour, with when they
-- came there.
SELECT m.id::text, m.tenant, m.label, m.source, m.target,
       CASE WHEN m.state = 'failed' THEN 'failed' WHEN m.state = 'ready' THEN 'person' ELSE m.state END,
       coalesce(m.error_message, ''), coalesce(m.error_hint, ''), m.hold
FROM {{schema}}.move m
WHERE m.state = 'failed'
   OR m.state = 'ready' AND NOT EXISTS (SELECT FROM {{schema}}.run r WHERE r.resource = 'tenant/' || m.tenant AND r.state IN ('queued', 'running'))
   OR m.state IN ('retained', 'cancelled', 'rolled_back')
      AND (SELECT max(s.at) FROM {{schema}}.move_step s WHERE s.move_id = m.id AND s.state = m.state) > clock_timestamp() - interval '1 hour'
ORDER BY m.created_at
LIMIT 1000
