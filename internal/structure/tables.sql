-- Every row says of which table it is and what: t the table itself, c a column, f a foreign
-- key, k another constraint, u a unique index, g a trigger. What a row holds is text; the
-- reader puts it together, and resolves the numbers of columns.
WITH rel AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.relpersistence, c.relrowsecurity, c.relreplident, c.reltuples, c.relpages, c.relispartition
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL ($1::text[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
), seq AS MATERIALIZED (
    SELECT d.refobjid AS rel, d.refobjsubid AS num, min(quote_ident(sn.nspname) || '.' || quote_ident(sc.relname)) AS name
    FROM pg_catalog.pg_class sc
    JOIN pg_catalog.pg_depend d ON d.objid = sc.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace
    WHERE sc.relkind = 'S'
    GROUP BY 1, 2
)
SELECT 't', rel.oid, ARRAY[rel.nspname::text, rel.relname::text, rel.relkind::text, pg_catalog.pg_get_userbyid(rel.relowner)::text,
    coalesce((SELECT CASE WHEN pn.nspname = 'public' THEN pc.relname::text ELSE pn.nspname || '.' || pc.relname END
              FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class pc ON pc.oid = h.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
              WHERE h.inhrelid = rel.oid ORDER BY h.inhseqno LIMIT 1), ''),
    rel.relispartition::text, (rel.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = rel.oid))::text,
    (rel.relpersistence = 'u')::text, rel.relrowsecurity::text, rel.relreplident::text,
    rel.reltuples::bigint::text, (rel.relpages::bigint * current_setting('block_size')::bigint)::text]
FROM rel
UNION ALL
SELECT 'c', a.attrelid, ARRAY[a.attnum::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    CASE WHEN tn.nspname <> 'pg_catalog' AND pg_catalog.pg_type_is_visible(t.oid) THEN quote_ident(tn.nspname) || '.' ELSE '' END,
    t.typtype::text, a.attnotnull::text,
    CASE WHEN a.attgenerated = '' THEN coalesce(pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), '') ELSE '' END,
    a.attidentity::text, (a.attgenerated <> '')::text, coalesce(co.collname::text, ''), coalesce(seq.name, '')]
FROM rel
JOIN pg_catalog.pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN seq ON seq.rel = a.attrelid AND seq.num = a.attnum
UNION ALL
SELECT 'f', c.conrelid, ARRAY[c.conname::text, c.conkey::text, CASE WHEN rn.nspname = 'public' THEN rc.relname::text ELSE rn.nspname || '.' || rc.relname END,
    c.confrelid::text, c.confkey::text,
    -- The table may be one that is left out, whose columns are in no row.
    CASE WHEN EXISTS (SELECT FROM rel WHERE rel.oid = c.confrelid) THEN '' ELSE (SELECT coalesce(json_agg(a.attname ORDER BY k.ord), '[]')::text
        FROM unnest(c.confkey) WITH ORDINALITY k(num, ord) JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) END,
    c.confdeltype::text, c.confupdtype::text, c.condeferrable::text, c.condeferred::text, c.convalidated::text, pg_catalog.pg_get_constraintdef(c.oid)]
FROM rel
JOIN pg_catalog.pg_constraint c ON c.conrelid = rel.oid AND c.contype = 'f' AND c.conparentid = 0
JOIN pg_catalog.pg_class rc ON rc.oid = c.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
UNION ALL
SELECT 'k', c.conrelid, ARRAY[c.conname::text, pg_catalog.pg_get_constraintdef(c.oid)]
FROM rel JOIN pg_catalog.pg_constraint c ON c.conrelid = rel.oid AND c.contype IN ('c', 'x')
UNION ALL
SELECT 'u', i.indrelid, ARRAY[ic.relname::text, CASE WHEN i.indexprs IS NULL THEN i.indkey::text ELSE '' END, i.indnkeyatts::text,
    pg_catalog.pg_get_indexdef(i.indexrelid), coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
    i.indisprimary::text, (i.indexprs IS NOT NULL)::text, i.indimmediate::text]
FROM rel
JOIN pg_catalog.pg_index i ON i.indrelid = rel.oid AND i.indisunique AND i.indisvalid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
UNION ALL
SELECT 'g', g.tgrelid, ARRAY[g.tgname::text, g.tgenabled::text, pg_catalog.pg_get_triggerdef(g.oid)]
FROM rel JOIN pg_catalog.pg_trigger g ON g.tgrelid = rel.oid AND NOT g.tgisinternal AND g.tgname NOT LIKE '%\_shard\_admin\_%'
