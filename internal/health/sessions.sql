-- Sessions of this database that take long: in a transaction, in a statement,
-- or waiting for their client within a transaction.
SELECT pid, backend_start, usename::text AS "user", application_name AS application, coalesce(host(client_addr), 'socket') AS client, state,
       wait_event_type, wait_event, query,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - query_start)::float8 AS statement_seconds,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds,
       (SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings s
        WHERE s.name = 'idle_in_transaction_session_timeout' AND s.source NOT IN ('client', 'session')) AS idle_limit_seconds
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
  AND application_name NOT LIKE 'shard-admin%' AND xact_start IS NOT NULL
ORDER BY xact_start
LIMIT 200
