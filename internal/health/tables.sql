-- Pages and rows as the catalogue has them: the functions that measure a table
-- wait for those who change it.
SELECT s.schemaname::text AS schema, s.relname::text AS "table", c.reltuples::float8 AS rows,
       (c.relpages::int8 * current_setting('block_size')::int8) AS bytes,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.seq_scan, s.idx_scan, s.seq_tup_read,
       s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze,
       coalesce(o.enabled, true) AS autovacuum,
       least(coalesce(o.threshold, current_setting('autovacuum_vacuum_threshold')::float8)
             + coalesce(o.scale, current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0),
             nullif(coalesce(o.most, current_setting('autovacuum_vacuum_max_threshold', true)::float8), -1)) AS trigger,
       (SELECT d.stats_reset FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database()) AS stats_reset
FROM pg_catalog.pg_stat_user_tables s
JOIN pg_catalog.pg_class c ON c.oid = s.relid
LEFT JOIN LATERAL (
  SELECT max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_threshold')::float8 AS threshold,
         max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_scale_factor')::float8 AS scale,
         max(x.option_value) FILTER (WHERE x.option_name = 'autovacuum_vacuum_max_threshold')::float8 AS most,
         bool_and(x.option_value::bool) FILTER (WHERE x.option_name = 'autovacuum_enabled') AS enabled
  FROM pg_catalog.pg_options_to_table(c.reloptions) x
) o ON true
WHERE c.relkind IN ('r', 'm')
ORDER BY c.relpages DESC, 1, 2
LIMIT 2000
