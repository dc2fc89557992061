-- How many events bear the ref $1, how many have its value $2 in plain words,
-- and, if $3, the refs of computers and system users that events name beside this actor
-- and beside nobody else.
WITH mine AS (
    SELECT DISTINCT v.ref FROM {{schema}}.audit_event e, LATERAL (VALUES (e.body_json ->> 'host'), (e.body_json ->> 'os_user')) v (ref)
    WHERE $3 AND e.body_json ->> 'actor' = $1
), alone AS (
    SELECT p.ref FROM mine m JOIN {{schema}}.audit_person p ON p.ref = m.ref
    WHERE p.kind <> 'email' AND NOT EXISTS (
        SELECT FROM {{schema}}.audit_event o
        WHERE (o.body_json ->> 'host' = p.ref OR o.body_json ->> 'os_user' = p.ref) AND o.body_json ->> 'actor' <> $1
    )
), borne AS (
    SELECT array_agg(a.ref ORDER BY a.ref) AS refs FROM alone a
)
SELECT
    (SELECT count(*) FROM {{schema}}.audit_event e, borne b
        WHERE position($1 IN e.body) > 0 OR EXISTS (SELECT FROM unnest(b.refs) r WHERE position(r IN e.body) > 0)),
    (SELECT count(*) FROM {{schema}}.audit_event e WHERE $2 <> '' AND position($2 IN lower(e.body)) > 0),
    coalesce((SELECT b.refs FROM borne b), '{}')
