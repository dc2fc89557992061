SELECT coalesce((SELECT array_agg(l.virtualtransaction)
                 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                 WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() AND a.datname = current_database()
                   AND coalesce(a.backend_type, '') NOT IN ('autovacuum worker', 'walsender', 'parallel worker')
                   AND coalesce(a.application_name, '') !~ '/move-[0-9a-f]{32}/[0-9]+$'), '{}'),
       coalesce((SELECT array_agg(gid) FROM pg_prepared_xacts WHERE database = current_database()), '{}')
