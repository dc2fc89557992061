-- Columns by which rows find their tenant, and whose values may be equal without
-- being the same text, or are compared by an operator that is not the server's own.
WITH RECURSIVE asked AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) AS a (tbl, col, tenant)
), types AS (
  SELECT a.tbl, a.col, a.tenant, y.oid, y.typtype, y.typbasetype, y.typnamespace, y.typname, k.attcollation
  FROM asked a
  JOIN pg_catalog.pg_attribute k ON k.attrelid = to_regclass(a.tbl) AND k.attname = a.col
  JOIN pg_catalog.pg_type y ON y.oid = k.atttypid
  UNION ALL
  SELECT t.tbl, t.col, t.tenant, y.oid, y.typtype, y.typbasetype, y.typnamespace, y.typname, t.attcollation
  FROM types t JOIN pg_catalog.pg_type y ON y.oid = t.typbasetype
  WHERE t.typtype = 'd'
)
SELECT DISTINCT t.tbl, t.col, format_type(t.oid, NULL) || CASE WHEN c.collname IS NOT NULL AND NOT c.collisdeterministic THEN ' with the collation ' || quote_ident(c.collname) ELSE '' END
FROM types t
LEFT JOIN pg_catalog.pg_collation c ON c.oid = t.attcollation
WHERE t.typtype <> 'd'
  AND (t.typtype = 'b' AND t.typnamespace <> 'pg_catalog'::regnamespace
       OR t.tenant AND (NOT coalesce(c.collisdeterministic, true)
                        OR t.typtype <> 'e' AND NOT (t.typnamespace = 'pg_catalog'::regnamespace
                           AND t.typname IN ('int2', 'int4', 'int8', 'oid', 'uuid', 'text', 'varchar', 'bpchar', 'char', 'name', 'bool', 'date', 'bytea', 'inet', 'cidr', 'macaddr'))))
ORDER BY 1, 2
