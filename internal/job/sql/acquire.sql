INSERT INTO {{schema}}.lease AS l (resource, epoch, holder, expires_at)
VALUES ($1, 1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (resource) DO UPDATE
SET epoch = l.epoch + 1, holder = excluded.holder, expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE l.expires_at < clock_timestamp()
RETURNING l.epoch
