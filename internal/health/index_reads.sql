SELECT coalesce(sum(i.idx_blks_hit), 0)::int8 AS index_hit, coalesce(sum(i.idx_blks_read), 0)::int8 AS index_read,
       (SELECT d.stats_reset FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database()) AS stats_reset
FROM pg_catalog.pg_statio_user_indexes i
