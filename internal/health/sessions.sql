-- Sessions of this database that take long: in a transaction, in a statement,
-- or waiting for their client within a transaction. Of more than 200 those are kept
-- that wait for a lock or hold it, and then those that have been at any of the three
-- for longest; how many there are comes with each.
WITH sessions AS MATERIALIZED (
  SELECT pid, backend_start, usename, application_name, client_addr, state, wait_event_type, wait_event, query, xact_start, query_start, state_change,
         count(*) OVER () AS open,
         least(row_number() OVER (ORDER BY xact_start), row_number() OVER (PARTITION BY state = 'active' ORDER BY query_start),
               row_number() OVER (PARTITION BY state = 'active' ORDER BY state_change)) AS rank
  FROM pg_catalog.pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
    AND application_name NOT LIKE 'shard-admin%' AND xact_start IS NOT NULL
), waiting AS MATERIALIZED (
  -- It stops the lock manager for a moment, so it is asked where something is left out.
  SELECT pid, pg_catalog.pg_blocking_pids(pid) AS blockers
  FROM (SELECT pid FROM sessions WHERE open > 200 AND wait_event_type = 'Lock' ORDER BY query_start LIMIT 50) w
), kept AS (
  SELECT s.*
  FROM sessions s
  ORDER BY s.pid IN (SELECT pid FROM waiting UNION ALL SELECT unnest(blockers) FROM waiting) DESC, s.rank, s.xact_start
  LIMIT 200
)
SELECT pid, backend_start, usename::text AS "user", application_name AS application, coalesce(host(client_addr), 'socket') AS client, state,
       wait_event_type, wait_event, query,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - query_start)::float8 AS statement_seconds,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds,
       (SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings s
        WHERE s.name = 'idle_in_transaction_session_timeout' AND s.source NOT IN ('client', 'session')) AS idle_limit_seconds,
       open
FROM kept
ORDER BY xact_start
