SELECT DISTINCT x.shard, x.row ->> 'table', x.row ->> 'key'
FROM {{schema}}.move m
CROSS JOIN LATERAL (
    SELECT m.target, s.value FROM jsonb_array_elements(m.plan::jsonb -> 'shared_copies') s
    UNION ALL
    SELECT m.source, k.value FROM jsonb_array_elements(m.plan::jsonb -> 'keep_on_source') k
) AS x (shard, row)
ORDER BY 1, 2, 3
