SELECT current_setting('server_version_num')::int AS version,
       current_setting('server_version') AS version_text,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.pg_postmaster_start_time() AS started,
       d.datname AS database,
       d.oid AS oid,
       current_user AS role,
       pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE') AS monitor,
       pg_catalog.pg_backend_pid() AS pid
FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
