-- Reading a sequence waits for those who change it, so these are left out.
SELECT n.nspname::text AS schema, c.relname::text AS sequence, s.seqincrement AS increment, s.seqmin AS lowest, s.seqmax AS highest, s.seqcycle AS cycles,
       has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') AND NOT EXISTS (
         SELECT FROM pg_catalog.pg_locks l WHERE l.relation = c.oid AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock')
           AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
       THEN pg_catalog.pg_sequence_last_value(c.oid) END AS last,
       u.owner_schema, u.owner_table, u.owner_column, u.type, u.type_highest
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT tn.nspname::text AS owner_schema, t.relname::text AS owner_table, a.attname::text AS owner_column, pg_catalog.format_type(a.atttypid, NULL) AS type,
         CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END::int8 AS type_highest
  FROM (
    SELECT d.refobjid AS relid, d.refobjsubid AS attnum FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT ad.adrelid, ad.adnum FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef ad ON ad.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
  ) r
  JOIN pg_catalog.pg_class t ON t.oid = r.relid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relid AND a.attnum = r.attnum
  ORDER BY type_highest, 1, 2, 3
  LIMIT 1
) u ON true
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relpersistence <> 't'
ORDER BY 1, 2
LIMIT 5000
