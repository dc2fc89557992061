SELECT r.rolname::text, r.rolsuper, r.rolinherit, current_setting('server_version_num')::int / 10000,
       current_database()::text, pg_has_role(r.oid, 'pg_monitor', 'USAGE'),
       pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'),
       n.oid IS NOT NULL, coalesce(pg_has_role(r.oid, n.nspowner, 'USAGE'), false), coalesce(pg_get_userbyid(n.nspowner)::text, ''),
       m.oid IS NOT NULL
FROM pg_roles r
LEFT JOIN pg_namespace n ON n.nspname = $1
LEFT JOIN pg_namespace m ON m.nspname = 'shard_admin_move'
WHERE r.rolname = current_user
