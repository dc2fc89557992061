WITH r AS (
    SELECT c.oid, c.relname, c.relkind FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'v')
)
SELECT 'columns' AS what, concat_ws(E'\t', r.relname, a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'no' ELSE 'yes' END, coalesce(pg_get_expr(d.adbin, d.adrelid), '')) AS fact
FROM r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p')
UNION ALL
SELECT 'constraints', concat_ws(E'\t', r.relname, CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' WHEN 'u' THEN 'unique' ELSE k.contype::text END, k.conname, pg_get_constraintdef(k.oid))
FROM r JOIN pg_constraint k ON k.conrelid = r.oid
WHERE k.contype <> 'n'
UNION ALL
SELECT 'indexes', concat_ws(E'\t', r.relname, i.relname, CASE WHEN x.indisunique THEN 'yes' ELSE 'no' END, substring(pg_get_indexdef(i.oid) FROM 'USING .*$'))
FROM r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT x.indisprimary
UNION ALL
SELECT 'views', r.relname FROM r WHERE r.relkind IN ('m', 'v')
