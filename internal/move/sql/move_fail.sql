WITH moved AS (
    UPDATE {{schema}}.move
    SET state = $4, step = CASE WHEN $4 = 'retained' THEN '' ELSE step END, failed_in = CASE WHEN state = 'failed' THEN failed_in ELSE $3 END, epoch = $2, updated_at = clock_timestamp(),
        error_code = $5, error_message = $6, error_hint = $7, read_only_since = NULL
    WHERE id = $1 AND state = $3 AND epoch <= $2 AND step = $8
    RETURNING id, state, step, epoch, error_code
)
INSERT INTO {{schema}}.move_step (move_id, state, step, epoch, error_code) SELECT id, state, step, epoch, error_code FROM moved
