-- A digest takes more until somebody sends it.
INSERT INTO {{schema}}.notice AS n (key, channel, items, not_before, digest)
VALUES ($1, $2, $3::jsonb, $4, $5)
ON CONFLICT (key) DO UPDATE SET items = n.items || excluded.items
WHERE n.attempts = 0 AND n.sent_at IS NULL AND n.failed_at IS NULL
