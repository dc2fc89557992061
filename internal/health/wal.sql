SELECT wal_bytes, wal_fpi, stats_reset
FROM pg_catalog.pg_stat_wal
