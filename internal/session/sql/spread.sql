SELECT dimension, seen_at, seen_by, coalesce(above, 0), fullest, threshold, since, standing, gap_seconds, worthless, reason,
    extract(epoch FROM clock_timestamp() - seen_at)::double precision, extract(epoch FROM clock_timestamp() - tried_at)::double precision
FROM {{schema}}.spread
