-- The moves that failed or need a person, all of them; and after them those that were
-- done in the last hour, the newest first: of them there may be any number. Of those that
-- failed the plan whose move it was, and whether what had not begun of it is cancelled.
SELECT m.id::text, m.tenant, m.label, m.source, m.target, CASE m.state WHEN 'ready' THEN 'person' ELSE m.state END,
       coalesce(m.error_message, ''), coalesce(m.error_hint, ''), m.hold, coalesce(m.plan ->> 'batch', ''),
       NOT EXISTS (SELECT FROM {{schema}}.move o WHERE o.plan ->> 'batch' = m.plan ->> 'batch' AND o.state = 'planned')
FROM {{schema}}.move m
WHERE m.state = 'failed'
   OR m.state = 'ready' AND NOT EXISTS (SELECT FROM {{schema}}.run r WHERE r.resource = 'tenant/' || m.tenant AND r.state IN ('queued', 'running'))
UNION ALL
(SELECT m.id::text, m.tenant, m.label, m.source, m.target, m.state, '', '', m.hold, '', true
 FROM {{schema}}.move m
 CROSS JOIN LATERAL (SELECT max(s.at) AS at FROM {{schema}}.move_step s WHERE s.move_id = m.id AND s.state = m.state) ended
 WHERE m.state IN ('retained', 'cancelled', 'rolled_back') AND ended.at > clock_timestamp() - interval '1 hour'
 ORDER BY ended.at DESC
 LIMIT 1000)
