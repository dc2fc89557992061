UPDATE {{schema}}.alert
SET shard = $2, severity = $3, message = $4, value = $5, advice = $6, state = $7, fired_at = $8, clear_since = $9, resolved_at = $10
WHERE id = $1
