SELECT current_setting('server_version'),
       pg_catalog.pg_database_size(current_database()),
       (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int
