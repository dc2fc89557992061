-- How often each value is among the newest events that are selected, and of each
-- kind the ones that are most often: as many as $1, of at most $2 events. One more
-- is read, which says only that there are more. The last row, of no kind, is how many
-- were read. $3 are the refs of operators and $4 who they are.
WITH newest AS MATERIALIZED (
    SELECT e.body_json AS b, row_number() OVER (ORDER BY l.seq DESC) AS n
    FROM {{schema}}.audit_link l JOIN {{schema}}.audit_event e ON e.event_id = l.event_id
    WHERE {{where}}
    ORDER BY l.seq DESC
    LIMIT $2 + 1
), counted AS (
    SELECT v.kind, v.value, count(*) AS events
    FROM newest, LATERAL (VALUES
        ('action', b ->> 'action'), ('outcome', b ->> 'status'), ('operator', coalesce(
            (SELECT p.value FROM unnest($3::text[], $4::text[]) p (ref, value) WHERE p.ref = b ->> 'actor'),
            regexp_replace(lower(b ->> 'actor'), '^person-([0-9a-f]{8})[0-9a-f]{24}$', 'erased person \1')
        )), ('tenant', b ->> 'tenant'),
        ('shard', b ->> 'source'), ('shard', nullif(b ->> 'target', coalesce(b ->> 'source', '')))
    ) AS v (kind, value)
    WHERE n <= $2 AND v.value <> ''
    GROUP BY v.kind, v.value
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY events DESC, value COLLATE "C") AS place, count(*) OVER (PARTITION BY kind) AS kinds
    FROM counted
)
SELECT kind, value, events, kinds FROM ranked WHERE place <= $1
UNION ALL
SELECT '', '', count(*), 0 FROM newest
