SELECT p.pid, coalesce(n.nspname::text, '') AS schema, coalesce(c.relname::text, p.relid::text) AS "table", p.phase, p.heap_blks_total AS blocks, p.heap_blks_scanned AS scanned, p.index_vacuum_count AS index_rounds,
       p.indexes_total, p.indexes_processed,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds, a.backend_type AS by
FROM pg_catalog.pg_stat_progress_vacuum p
JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = p.relid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.datname = current_database()
ORDER BY 1
LIMIT 50
