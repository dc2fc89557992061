SELECT current_setting('archive_mode') AS mode, archived_count, failed_count, last_archived_wal, last_archived_time, last_failed_wal, last_failed_time,
       extract(epoch FROM clock_timestamp() - last_failed_time)::float8 AS failed_seconds
FROM pg_catalog.pg_stat_archiver
