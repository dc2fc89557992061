-- What could not be sent for longer than anybody waits is given up.
UPDATE {{schema}}.notice
SET claimed_until = NULL, error = $2, not_before = clock_timestamp() + make_interval(secs => $3),
    failed_at = CASE WHEN clock_timestamp() > greatest(created_at, CASE WHEN digest THEN not_before ELSE created_at END) + make_interval(secs => $4) THEN clock_timestamp() END
WHERE id = $1 AND sent_at IS NULL
