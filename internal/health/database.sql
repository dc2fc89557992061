SELECT blks_hit, blks_read, temp_files, temp_bytes, deadlocks, xact_commit, xact_rollback, checksum_failures, checksum_last_failure, stats_reset,
       pg_catalog.pg_database_size(datid) AS bytes
FROM pg_catalog.pg_stat_database
WHERE datname = current_database()
