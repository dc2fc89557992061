-- No row: the session is gone, or its number belongs to another.
SELECT pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1 AND a.backend_start = $2 AND a.datname = current_database()
