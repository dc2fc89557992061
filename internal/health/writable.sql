-- A session's own setting says nothing of others'; where ours came with the
-- connection, what a database or role has by default is all that can be seen.
SELECT coalesce((SELECT CASE WHEN s.source IN ('client') THEN NULL ELSE s.reset_val = 'on' END FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_read_only'),
                (SELECT bool_or(c = 'default_transaction_read_only=on') FROM pg_catalog.pg_db_role_setting r, unnest(r.setconfig) c
                 WHERE r.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND r.setrole = 0), false) AS read_only
