-- Who keeps vacuum from removing old versions of rows, by what they are.
SELECT 'session' AS kind, a.pid::text AS holder, a.usename::text AS "user", a.application_name AS application,
       greatest(age(a.backend_xmin), age(a.backend_xid))::int8 AS age, a.datname::text AS database
FROM pg_catalog.pg_stat_activity a
WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.backend_type IN ('client backend', 'background worker', 'parallel worker')
UNION ALL
SELECT 'prepared transaction', p.gid, p.owner::text, NULL, age(p.transaction)::int8, p.database::text
FROM pg_catalog.pg_prepared_xacts p
UNION ALL
SELECT 'replication slot', s.slot_name::text, NULL, NULL, greatest(age(s.xmin), age(s.catalog_xmin))::int8, s.database::text
FROM pg_catalog.pg_replication_slots s
WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
UNION ALL
SELECT 'standby', r.pid::text, r.usename::text, r.application_name, age(r.backend_xmin)::int8, NULL
FROM pg_catalog.pg_stat_replication r
WHERE r.backend_xmin IS NOT NULL
ORDER BY 5 DESC NULLS LAST
LIMIT 20
