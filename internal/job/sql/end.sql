UPDATE {{schema}}.run
SET state = $4, error = nullif($5, ''), error_code = nullif($6, ''), worker = CASE WHEN $4 = 'queued' THEN NULL ELSE worker END,
    not_before = CASE WHEN $4 = 'queued' THEN clock_timestamp() + make_interval(secs => $7) ELSE not_before END,
    ended_at = CASE WHEN $4 = 'queued' THEN NULL ELSE clock_timestamp() END,
    started_at = CASE WHEN $8 THEN NULL ELSE started_at END
WHERE id = $1 AND worker = $2 AND attempt = $3 AND state = 'running'
