WITH moved AS (
    SELECT w.ord, c.oid
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, ord)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), parts AS (
    -- A partition may be written to by its own name.
    SELECT ord, oid AS root, oid AS rel FROM moved
    UNION
    SELECT m.ord, m.oid, t.relid FROM moved m CROSS JOIN LATERAL pg_catalog.pg_partition_tree(m.oid) t WHERE t.relid IS NOT NULL
), fills AS (
    SELECT p.ord, p.root, p.rel, d.refobjsubid AS num, d.objid AS seq, d.deptype = 'i' AS identity
    FROM parts p
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.rel
                               AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    UNION
    SELECT p.ord, p.root, p.rel, a.adnum, d.refobjid, false
    FROM parts p
    JOIN pg_catalog.pg_attrdef a ON a.adrelid = p.rel
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
)
SELECT DISTINCT f.ord, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       CASE WHEN n.nspname = 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
       has_sequence_privilege(c.oid, 'SELECT'), s.seqincrement, s.seqstart, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
       bool_or(f.identity) OVER (PARTITION BY c.oid), a.attname::text, t.typname::text, t.typcategory = 'N',
       EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
               JOIN pg_catalog.pg_attribute k ON k.attrelid = f.root AND k.attnum = i.indkey[0]
               WHERE i.indrelid = f.root AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND k.attname = a.attname)
FROM fills f
JOIN pg_catalog.pg_class c ON c.oid = f.seq AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.rel AND a.attnum = f.num
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
ORDER BY f.ord, 12, 2
