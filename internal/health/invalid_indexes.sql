SELECT n.nspname::text AS schema, t.relname::text AS "table", c.relname::text AS index, x.indisready AS written
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT x.indisvalid AND c.relkind = 'i'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid OR p.relid = x.indrelid)
ORDER BY 1, 2, 3
LIMIT 200
