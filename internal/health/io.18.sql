SELECT coalesce(sum(read_bytes), 0)::int8 AS read_bytes,
       coalesce(sum(coalesce(write_bytes, 0) + coalesce(extend_bytes, 0)), 0)::int8 AS write_bytes,
       max(stats_reset) AS stats_reset
FROM pg_catalog.pg_stat_io
WHERE object <> 'wal'
