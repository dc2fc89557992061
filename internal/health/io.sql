SELECT coalesce(sum(reads * op_bytes), 0)::int8 AS read_bytes,
       coalesce(sum((coalesce(writes, 0) + coalesce(extends, 0)) * op_bytes), 0)::int8 AS write_bytes,
       max(stats_reset) AS stats_reset
FROM pg_catalog.pg_stat_io
