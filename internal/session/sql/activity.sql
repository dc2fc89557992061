-- Rows that were read from and written to tables since the statistics began; of a
-- partitioned one those of its partitions. What was read by a move or by us counts, too.
SELECT w.name, coalesce(p.touched, t.touched, 0)::float8, d.epoch
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (name, schema, rel)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel
LEFT JOIN LATERAL (SELECT coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS touched
                   FROM pg_catalog.pg_stat_all_tables s WHERE s.relid = c.oid) t ON true
LEFT JOIN LATERAL (SELECT sum(coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del) AS touched
                   FROM pg_catalog.pg_partition_tree(c.oid) x JOIN pg_catalog.pg_stat_all_tables s ON s.relid = x.relid) p ON true
CROSS JOIN (SELECT pg_catalog.concat_ws(' ', pg_catalog.pg_postmaster_start_time()::text, b.stats_reset::text) AS epoch
            FROM pg_catalog.pg_stat_database b WHERE b.datname = pg_catalog.current_database()) d
