WITH moved AS (
    UPDATE {{schema}}.move
    SET state = $4, step = $5, epoch = $2, updated_at = clock_timestamp(),
        started_at = coalesce(started_at, clock_timestamp()),
        switched_at = CASE WHEN $4 = 'switched' AND state <> 'switched' THEN clock_timestamp() ELSE switched_at END,
        finished_at = CASE WHEN $4 IN ('cancelled', 'rolled_back', 'finalized') THEN clock_timestamp() ELSE finished_at END,
        error_code = NULL, error_message = NULL, error_hint = NULL, failed_in = NULL
    WHERE id = $1 AND state = $3 AND epoch <= $2
    RETURNING id, state, step, epoch
)
INSERT INTO {{schema}}.move_step (move_id, state, step, epoch) SELECT id, state, step, epoch FROM moved
