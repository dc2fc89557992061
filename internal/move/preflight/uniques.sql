SELECT n.nspname, c.relname, x.relname,
       (SELECT array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k::int, true) ORDER BY k) FROM pg_catalog.generate_series(1, i.indnkeyatts) k),
       (SELECT array_agg(pg_catalog.format_type(a.atttypid, NULL) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts),
       coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), ''), i.indisprimary
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'shard_admin_move') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2, i.indisprimary DESC, 3
