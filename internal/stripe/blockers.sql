SELECT format('pid %s (%s, %s, %s)', a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''))
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database()
  AND quote_ident(n.nspname) || '.' || quote_ident(c.relname) = $1
ORDER BY a.xact_start NULLS LAST
LIMIT 3
