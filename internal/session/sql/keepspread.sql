INSERT INTO {{schema}}.spread AS s
    (dimension, seen_at, seen_by, above, fullest, threshold, since, standing, gap_seconds, worthless, tried_at, tried_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $2, $3)
ON CONFLICT (dimension) DO UPDATE SET
    seen_at = excluded.seen_at, seen_by = excluded.seen_by, above = excluded.above, fullest = excluded.fullest, threshold = excluded.threshold,
    since = excluded.since, standing = excluded.standing, gap_seconds = excluded.gap_seconds, worthless = excluded.worthless,
    tried_at = excluded.tried_at, tried_by = excluded.tried_by, reason = ''
