-- Constraints that older rows were never held against. What a partition or a child
-- has from its parent is validated there.
SELECT n.nspname::text AS schema, coalesce(t.relname, d.typname)::text AS "table", k.conname::text AS "constraint",
       t.oid IS NULL AS domain, CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'n' THEN 'not null' ELSE 'check' END AS kind,
       f.relname::text AS referenced, t.reltuples::float8 AS rows
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
LEFT JOIN pg_catalog.pg_type d ON d.oid = k.contypid
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
WHERE NOT k.convalidated AND k.conparentid = 0 AND k.coninhcount = 0 AND t.relpersistence IS DISTINCT FROM 't'
ORDER BY 1, 2, 3
LIMIT 200
