UPDATE {{schema}}.run AS r
SET state = 'queued', worker = NULL
WHERE r.state = 'running' AND NOT EXISTS (
    SELECT FROM {{schema}}.worker w WHERE w.id = r.worker AND w.seen_at > clock_timestamp() - make_interval(secs => $1))
