SELECT s.schemaname::text AS schema, s.relname::text AS "table", s.indexrelname::text AS index, s.idx_scan AS scans,
       c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
       i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered
         OR EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conindid = i.indexrelid) AS needed,
       s.last_idx_scan AS last_scan,
       k.known_since, extract(epoch FROM clock_timestamp() - k.known_since)::float8 AS known_seconds
FROM pg_catalog.pg_stat_user_indexes s
JOIN pg_catalog.pg_index i ON i.indexrelid = s.indexrelid
JOIN pg_catalog.pg_class c ON c.oid = s.indexrelid
CROSS JOIN (SELECT coalesce((SELECT d.stats_reset FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database()),
                            pg_catalog.pg_postmaster_start_time()) AS known_since) k
WHERE i.indisvalid
ORDER BY 1, 2, 3
LIMIT 10000
