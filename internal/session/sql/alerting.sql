-- The moves that failed or need a person, all of them; and after them those that were
-- done in the last hour, the newest first: of them there may be any number.
SELECT m.id::text, m.tenant, m.label, m.source, m.target, CASE m.state WHEN 'ready' THEN 'person' ELSE m.state END,
       coalesce(m.error_message, ''), coalesce(m.error_hint, ''), m.hold
FROM {{schema}}.move m
WHERE m.state = 'failed'
   OR m.state = 'ready' AND NOT EXISTS (SELECT FROM {{schema}}.run r WHERE r.resource = 'tenant/' || m.tenant AND r.state IN ('queued', 'running'))
UNION ALL
(SELECT m.id::text, m.tenant, m.label, m.source, m.target, m.state, '', '', m.hold
 FROM {{schema}}.move m
 CROSS JOIN LATERAL (SELECT max(s.at) AS at FROM {{schema}}.move_step s WHERE s.move_id = m.id AND s.state = m.state) ended
 WHERE m.state IN ('retained', 'cancelled', 'rolled_back') AND ended.at > clock_timestamp() - interval '1 hour'
 ORDER BY ended.at DESC
 LIMIT 1000)
