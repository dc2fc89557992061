-- Whether a run waits that a worker of these kinds $1 may take by its time: of all
-- runs $2, or of what the holder $3 has queued. Whether it may begin is the claim's
-- to say.
SELECT EXISTS (
    SELECT FROM {{schema}}.run r
    WHERE r.state = 'queued' AND r.not_before <= clock_timestamp() AND r.kind = ANY ($1) AND ($2 OR r.queued_on = $3))
