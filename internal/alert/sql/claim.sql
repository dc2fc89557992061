UPDATE {{schema}}.notice n
SET claimed_until = clock_timestamp() + make_interval(secs => $2), attempts = n.attempts + 1
WHERE n.id = (
    SELECT id FROM {{schema}}.notice
    WHERE channel = ANY ($1) AND sent_at IS NULL AND failed_at IS NULL AND not_before <= clock_timestamp()
    AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
    ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING n.id, n.key, n.channel, n.items::text, n.digest, n.attempts, n.created_at
