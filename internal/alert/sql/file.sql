-- A digest takes more until it is due.
INSERT INTO {{schema}}.notice AS n (key, channel, items, not_before, digest)
VALUES ($1, $2, $3::jsonb, $4, $5)
ON CONFLICT (key) DO UPDATE SET items = n.items || excluded.items
