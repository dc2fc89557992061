WITH live AS (
    SELECT id FROM {{schema}}.worker WHERE seen_at > clock_timestamp() - make_interval(secs => $6)
), next AS (
    SELECT r.id, r.started_at IS NULL AS fresh
    FROM {{schema}}.run r
    WHERE r.state = 'queued' AND r.not_before <= clock_timestamp() AND r.kind = ANY ($2)
      AND ($3 OR r.queued_on = $4)
      AND (r.prefers = '' OR r.prefers = $4 OR NOT EXISTS (SELECT FROM live WHERE split_part(live.id, '#', 1) = r.prefers))
      -- What was begun goes on, whatever the queue waits for.
      AND (r.started_at IS NOT NULL OR r.waits = 'never' OR (NOT $7 AND (r.waits <> 'window' OR $8)))
      AND (r.interrupts OR (
          NOT EXISTS (SELECT FROM {{schema}}.run o WHERE o.state = 'running' AND o.resource = r.resource)
          AND ($9::int IS NULL OR (SELECT count(*) FROM {{schema}}.run o WHERE o.state = 'running' AND NOT o.interrupts) < $9)
          AND NOT EXISTS (
              SELECT FROM unnest(r.shards) shard
              WHERE (SELECT count(*) FROM {{schema}}.run o WHERE o.state = 'running' AND NOT o.interrupts AND shard = ANY (o.shards)) >= $5)))
    ORDER BY r.interrupts DESC, r.priority DESC, r.created_at, r.id
    LIMIT 1
    FOR UPDATE OF r SKIP LOCKED
)
UPDATE {{schema}}.run AS r
SET state = 'running', worker = $1, attempt = r.attempt + 1, started_at = coalesce(r.started_at, clock_timestamp())
FROM next
WHERE r.id = next.id
RETURNING next.fresh,
