-- How far commands are that read or write whole tables and say so; vacuum has a
-- question of its own. A total of 0 is one that is not known.
WITH working AS (
  SELECT pid, relid, command, phase, greatest(tuples_done, 0) AS rows,
         CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END AS done, CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END AS total
  FROM pg_catalog.pg_stat_progress_create_index WHERE datname = current_database()
  UNION ALL
  SELECT pid, relid, 'ANALYZE', phase, NULL, sample_blks_scanned, sample_blks_total
  FROM pg_catalog.pg_stat_progress_analyze WHERE datname = current_database()
  UNION ALL
  SELECT pid, relid, command, phase, heap_tuples_written, heap_blks_scanned, heap_blks_total
  FROM pg_catalog.pg_stat_progress_cluster WHERE datname = current_database()
  UNION ALL
  SELECT pid, relid, command, lower(type), tuples_processed, bytes_processed, bytes_total
  FROM pg_catalog.pg_stat_progress_copy WHERE datname = current_database()
)
SELECT w.pid, a.backend_start, w.command, coalesce(n.nspname::text, '') AS schema, coalesce(c.relname::text, CASE WHEN w.relid > 0 THEN w.relid::text END, '') AS "table",
       w.phase, w.rows, CASE WHEN w.total > 0 THEN least(w.done::float8 / w.total, 1) END AS share,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS seconds, a.application_name AS application
FROM working w
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = w.relid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY a.query_start, w.pid
LIMIT 50
