-- pg_blocking_pids stops the lock manager for a moment, so it is asked of those
-- alone that wait for a lock, and of more than 200 of those that wait longest; how
-- many wait comes with each.
WITH locks AS MATERIALIZED (
  SELECT l.pid, min(l.waitstart) AS since, min(l.relation) AS relation, min(l.mode) AS mode
  FROM pg_catalog.pg_locks l
  WHERE NOT l.granted
  GROUP BY l.pid
), longest AS MATERIALIZED (
  SELECT a.pid, count(*) OVER () AS all_waiting
  FROM pg_catalog.pg_stat_activity a
  LEFT JOIN locks l ON l.pid = a.pid
  WHERE a.wait_event_type = 'Lock' AND a.datname = current_database()
  ORDER BY l.since NULLS LAST, a.pid
  LIMIT 200
), waiting AS MATERIALIZED (
  SELECT pid, pg_catalog.pg_blocking_pids(pid) AS blockers, all_waiting FROM longest
), involved AS (
  SELECT pid FROM waiting UNION SELECT unnest(blockers) FROM waiting
)
SELECT i.pid, a.backend_start, coalesce(w.blockers, '{}') AS blockers,
       CASE WHEN w.pid IS NOT NULL THEN extract(epoch FROM clock_timestamp() - coalesce(l.since, clock_timestamp()))::float8 END AS waiting_seconds,
       (SELECT c.relname::text FROM pg_catalog.pg_class c WHERE c.oid = l.relation) AS relation, l.mode,
       a.usename::text AS "user", a.application_name AS application, coalesce(host(a.client_addr), 'socket') AS client, a.state, a.query,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds, w.all_waiting
FROM involved i
LEFT JOIN waiting w ON w.pid = i.pid
LEFT JOIN locks l ON l.pid = i.pid AND w.pid IS NOT NULL
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = i.pid
ORDER BY waiting_seconds DESC NULLS LAST, 1
