-- A move of the batch that has come to nothing; the rest was queued for what all of
-- them together bring.
SELECT m.id::text, m.label, m.state FROM {{schema}}.move m
WHERE m.plan ->> 'batch' = $1 AND m.id::text <> $2 AND m.state IN ('failed', 'cancelled', 'rolling_back', 'rolled_back')
ORDER BY m.updated_at LIMIT 1
