SELECT count(*)::int, pg_catalog.pg_database_size(current_database()), coalesce(sum(pg_catalog.pg_indexes_size(c.oid)), 0)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT LIKE 'shard\_admin%'
