SELECT a.used, current_setting('max_connections')::int AS max,
       current_setting('superuser_reserved_connections')::int AS reserved,
       coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved_for_roles
FROM (SELECT count(*) AS used FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') a
