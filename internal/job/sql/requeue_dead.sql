-- What a worker that is gone was doing goes back to the queue, unless a newer
-- run of the resource says what is to be done now. So does what stands in the name
-- of the worker $3 and is not among what it does, $4: the answer to its claim, or to
-- its end, was lost.
UPDATE {{schema}}.run AS r
SET worker = NULL,
    state = CASE WHEN newer.there THEN 'parked' ELSE 'queued' END,
    ended_at = CASE WHEN newer.there THEN clock_timestamp() END,
    error = CASE WHEN newer.there THEN 'nobody carried it out any more and a newer run took its place' END
FROM (SELECT d.id, EXISTS (SELECT FROM {{schema}}.run o WHERE o.resource = d.resource AND o.created_at > d.created_at) AS there
      FROM {{schema}}.run d
      WHERE d.state = 'running' AND (
          d.worker = $3 AND d.id::text <> ALL ($4::text[])
          OR ($2 = '' OR split_part(d.worker, '#', 1) = $2) AND ($2 <> '' OR NOT EXISTS (
              SELECT FROM {{schema}}.worker w WHERE w.id = d.worker AND w.seen_at > clock_timestamp() - make_interval(secs => $1))))) AS newer
WHERE r.id = newer.id AND r.state = 'running'
