WITH rel AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.relpersistence, c.relrowsecurity, c.relreplident, c.reltuples, c.relpages, c.relispartition
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL ($1::text[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
), seq AS (
    SELECT d.refobjid AS rel, d.refobjsubid AS num, quote_ident(sn.nspname) || '.' || quote_ident(sc.relname) AS name
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class sc ON sc.oid = d.objid AND sc.relkind = 'S'
    JOIN pg_catalog.pg_namespace sn ON sn.oid = sc.relnamespace
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
), col AS (
    SELECT a.attrelid, json_agg(json_build_object(
        'Name', a.attname, 'Type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'SQLType', CASE WHEN tn.nspname <> 'pg_catalog' AND pg_catalog.pg_type_is_visible(t.oid) THEN quote_ident(tn.nspname) || '.' ELSE '' END || pg_catalog.format_type(a.atttypid, a.atttypmod),
        'TypeKind', t.typtype, 'NotNull', a.attnotnull,
        'Default', CASE WHEN a.attgenerated = '' THEN coalesce(pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), '') ELSE '' END,
        'Identity', a.attidentity, 'Generated', a.attgenerated <> '',
        'Collation', coalesce((SELECT collname FROM pg_catalog.pg_collation co WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation), ''),
        'Sequence', coalesce((SELECT s.name FROM seq s WHERE s.rel = a.attrelid AND s.num = a.attnum LIMIT 1), '')) ORDER BY a.attnum) AS list
    FROM pg_catalog.pg_attribute a
    JOIN rel ON rel.oid = a.attrelid
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
), att AS NOT MATERIALIZED (
    SELECT a.attrelid, a.attnum, a.attname FROM pg_catalog.pg_attribute a WHERE a.attnum > 0
), fk AS (
    SELECT c.conrelid, json_agg(json_build_object(
        'Name', c.conname,
        'Columns', (SELECT json_agg(att.attname ORDER BY k.ord) FROM unnest(c.conkey) WITH ORDINALITY k(num, ord) JOIN att ON att.attrelid = c.conrelid AND att.attnum = k.num),
        'RefTable', CASE WHEN rn.nspname = 'public' THEN rc.relname::text ELSE rn.nspname || '.' || rc.relname END,
        'RefColumns', (SELECT json_agg(att.attname ORDER BY k.ord) FROM unnest(c.confkey) WITH ORDINALITY k(num, ord) JOIN att ON att.attrelid = c.confrelid AND att.attnum = k.num),
        'OnDelete', c.confdeltype, 'OnUpdate', c.confupdtype, 'Deferrable', c.condeferrable, 'Deferred', c.condeferred, 'Validated', c.convalidated,
        'Definition', pg_catalog.pg_get_constraintdef(c.oid)) ORDER BY c.conname) AS list
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_class rc ON rc.oid = c.confrelid
    JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid IN (SELECT oid FROM rel)
    GROUP BY c.conrelid
), chk AS (
    SELECT c.conrelid, json_agg(json_build_object('Name', c.conname, 'Definition', pg_catalog.pg_get_constraintdef(c.oid)) ORDER BY c.conname) AS list
    FROM pg_catalog.pg_constraint c WHERE c.contype IN ('c', 'x') AND c.conrelid IN (SELECT oid FROM rel) GROUP BY c.conrelid
), uni AS (
    SELECT i.indrelid, json_agg(json_build_object(
        'Name', ic.relname,
        'Columns', CASE WHEN i.indexprs IS NULL THEN coalesce((SELECT json_agg(att.attname ORDER BY k.ord) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k(num, ord)
                     JOIN att ON att.attrelid = i.indrelid AND att.attnum = k.num), '[]'::json) ELSE '[]'::json END,
        'Definition', regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.* USING ', 'USING '),
        'Predicate', coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
        'Primary', i.indisprimary, 'Expression', i.indexprs IS NOT NULL, 'Immediate', i.indimmediate,
        'NullsEqual', pg_catalog.pg_get_indexdef(i.indexrelid) LIKE '%NULLS NOT DISTINCT%') ORDER BY ic.relname) AS list,
        (array_agg(i.indexrelid) FILTER (WHERE i.indisprimary))[1] AS pk
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    WHERE i.indisunique AND i.indisvalid AND i.indrelid IN (SELECT oid FROM rel)
    GROUP BY i.indrelid
), trg AS (
    SELECT g.tgrelid, json_agg(json_build_object('Name', g.tgname, 'Enabled', g.tgenabled, 'Definition', pg_catalog.pg_get_triggerdef(g.oid)) ORDER BY g.tgname) AS list
    FROM pg_catalog.pg_trigger g WHERE NOT g.tgisinternal AND g.tgname NOT LIKE '%\_shard\_admin\_%' GROUP BY g.tgrelid
)
SELECT json_build_object(
    'Schema', rel.nspname, 'Rel', rel.relname, 'Kind', rel.relkind, 'Owner', pg_catalog.pg_get_userbyid(rel.relowner),
    'Columns', coalesce(col.list, '[]'::json),
    'PrimaryKey', coalesce((SELECT json_agg(att.attname ORDER BY k.ord) FROM pg_catalog.pg_index i, unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k(num, ord)
                   JOIN att ON att.attrelid = rel.oid AND att.attnum = k.num WHERE i.indexrelid = uni.pk), '[]'::json),
    'Uniques', coalesce(uni.list, '[]'::json), 'ForeignKeys', coalesce(fk.list, '[]'::json), 'Checks', coalesce(chk.list, '[]'::json),
    'Triggers', coalesce(trg.list, '[]'::json),
    'Parent', coalesce((SELECT CASE WHEN pn.nspname = 'public' THEN pc.relname::text ELSE pn.nspname || '.' || pc.relname END
               FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class pc ON pc.oid = h.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
               WHERE h.inhrelid = rel.oid ORDER BY h.inhseqno LIMIT 1), ''),
    'Partition', rel.relispartition, 'Inherited', rel.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = rel.oid),
    'Unlogged', rel.relpersistence = 'u', 'RLS', rel.relrowsecurity, 'ReplicaIdentity', rel.relreplident,
    'RowsEstimate', rel.reltuples::bigint, 'Bytes', rel.relpages::bigint * current_setting('block_size')::bigint)::text
FROM rel
LEFT JOIN col ON col.attrelid = rel.oid
LEFT JOIN fk ON fk.conrelid = rel.oid
LEFT JOIN chk ON chk.conrelid = rel.oid
LEFT JOIN uni ON uni.indrelid = rel.oid
LEFT JOIN trg ON trg.tgrelid = rel.oid
