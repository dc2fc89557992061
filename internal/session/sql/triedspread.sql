-- What was known before stays, with its age.
INSERT INTO {{schema}}.spread (dimension, tried_at, tried_by, reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (dimension) DO UPDATE SET tried_at = excluded.tried_at, tried_by = excluded.tried_by, reason = excluded.reason
