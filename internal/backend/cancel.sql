-- No row: the session is gone, its number belongs to another, or it runs
-- something else by now.
SELECT pg_catalog.pg_cancel_backend(a.pid)
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1 AND a.backend_start = $2 AND a.query_start = $3 AND a.state = 'active' AND a.datname = current_database()
