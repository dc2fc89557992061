SELECT w.ord, c.oid::bigint, pg_get_userbyid(c.relowner)::text, o.rolsuper, pg_has_role(current_user, c.relowner, 'USAGE'), pg_has_role(current_user, c.relowner, 'MEMBER')
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, ord)
JOIN pg_namespace n ON n.nspname = w.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
JOIN pg_roles o ON o.oid = c.relowner
ORDER BY w.ord
