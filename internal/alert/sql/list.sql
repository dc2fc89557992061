WHERE state <> 'resolved' OR $1::boolean
ORDER BY (state = 'resolved'), CASE WHEN state = 'resolved' THEN 0 ELSE array_position(ARRAY['critical', 'warning', 'info'], severity) END, coalesce(resolved_at, since) DESC, id DESC
LIMIT 500
