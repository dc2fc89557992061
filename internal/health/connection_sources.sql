SELECT count(*) AS connections, coalesce(state, 'starting') AS state, usename::text AS "user", datname::text AS database,
       application_name AS application, coalesce(host(client_addr), 'socket') AS client
FROM pg_catalog.pg_stat_activity
WHERE backend_type = 'client backend'
GROUP BY 2, 3, 4, 5, 6
ORDER BY 1 DESC, 2, 3, 4
LIMIT 50
