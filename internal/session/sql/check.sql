SELECT current_setting('server_version'), current_user::text,
       coalesce((SELECT s.version FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid() AND s.ssl), 'none'),
       pg_catalog.pg_is_in_recovery(), current_setting('transaction_read_only')::bool, current_setting('wal_level'),
       current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_catalog.pg_replication_slots)
