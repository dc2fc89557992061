-- How often each value is among the newest copied events that are selected, and of
-- each kind the ones that are most often: as many as :top, of at most :most events.
-- One more is read, which says only that there are more. The last row, of no kind, is
-- how many were read.
WITH newest AS MATERIALIZED (
    SELECT e.body AS b, row_number() OVER (ORDER BY {{order}} DESC) AS n
    FROM {{from}}
    WHERE {{where}}
    ORDER BY {{order}} DESC
    LIMIT :most + 1
), found (kind, value) AS (
    SELECT 'action', b ->> 'action' FROM newest WHERE n <= :most
    UNION ALL SELECT 'outcome', b ->> 'status' FROM newest WHERE n <= :most
    UNION ALL SELECT 'operator', coalesce(
        (SELECT p.value FROM mirror_person p JOIN mirror_chain c ON c.id = p.chain WHERE c.key = :key AND c.retired_at IS NULL AND p.ref = b ->> 'actor'),
        CASE WHEN b ->> 'actor' GLOB 'person-[0-9a-f]*' AND length(b ->> 'actor') = 39 THEN 'erased person ' || substr(b ->> 'actor', 8, 8) END,
        lower(b ->> 'actor')) FROM newest WHERE n <= :most
    UNION ALL SELECT 'tenant', b ->> 'tenant' FROM newest WHERE n <= :most
    UNION ALL SELECT 'shard', b ->> 'source' FROM newest WHERE n <= :most
    UNION ALL SELECT 'shard', nullif(b ->> 'target', coalesce(b ->> 'source', '')) FROM newest WHERE n <= :most
), counted AS (
    SELECT kind, value, count(*) AS events FROM found WHERE value <> '' GROUP BY kind, value
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY events DESC, value) AS place, count(*) OVER (PARTITION BY kind) AS kinds
    FROM counted
)
SELECT kind, value, events, kinds FROM ranked WHERE place <= :top
UNION ALL
SELECT '', '', count(*), 0 FROM newest
