-- Client sessions of this database, those whose transaction is the oldest first.
-- What a session of another role is and does is hidden, null, from whoever may not
-- see all figures.
SELECT a.pid, a.backend_start, a.query_start, coalesce(a.usename::text, ''), coalesce(r.rolsuper, false), coalesce(a.application_name, ''),
       CASE WHEN a.backend_start IS NULL THEN '' ELSE coalesce(host(a.client_addr), 'socket') END, coalesce(a.state, ''),
       coalesce(a.wait_event_type || ': ' || a.wait_event, ''), coalesce(a.query, ''),
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       CASE WHEN a.state = 'active' THEN extract(epoch FROM clock_timestamp() - a.query_start)::float8 END,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(a.pid) ELSE '{}' END
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
WHERE a.datname = current_database() AND coalesce(a.backend_type, 'client backend') = 'client backend'
  AND a.pid <> pg_catalog.pg_backend_pid() AND ($1 = 0 OR a.pid = $1)
ORDER BY a.xact_start NULLS LAST, a.state_change NULLS LAST, a.pid
LIMIT 1000
