-- What a table would take if it were written anew, from the widths that ANALYZE
-- has seen, against the pages that it has. An estimate: rows of very different
-- widths and columns stored out of line make it wrong.
WITH s AS (
  SELECT current_setting('block_size')::float8 AS bs
), w AS (
  SELECT p.schemaname, p.tablename, count(*) AS columns, sum((1 - p.null_frac) * p.avg_width) AS width, bool_or(p.null_frac > 0) AS nulls
  FROM pg_catalog.pg_stats p
  WHERE NOT p.inherited AND p.schemaname NOT IN ('pg_catalog', 'information_schema')
  GROUP BY 1, 2
), t AS (
  SELECT 'table' AS kind, n.nspname::text AS schema, c.relname::text AS name, c.relpages * s.bs AS bytes,
         ceil(c.reltuples * (4 + ceil((23 + CASE WHEN w.nulls THEN (7 + w.columns) / 8 ELSE 0 END) / 8.0) * 8 + ceil(w.width / 8.0) * 8)
              / ((s.bs - 24) * coalesce((SELECT x.option_value::float8 FROM pg_catalog.pg_options_to_table(c.reloptions) x WHERE x.option_name = 'fillfactor'), 100) / 100)) * s.bs AS needed
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN w ON w.schemaname = n.nspname AND w.tablename = c.relname
  CROSS JOIN s
  WHERE c.relkind IN ('r', 'm') AND c.reltuples >= 0 AND c.relpages > 0
  UNION ALL
  SELECT 'index', n.nspname::text, c.relname::text, c.relpages * s.bs,
         ceil(c.reltuples * (4 + 8 + ceil(k.width / 8.0) * 8) / ((s.bs - 40) * 0.9)) * s.bs
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'btree'
  JOIN pg_catalog.pg_class r ON r.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
  CROSS JOIN s
  JOIN LATERAL (
    SELECT sum((1 - p.null_frac) * p.avg_width) AS width, count(*) AS known
    FROM unnest(string_to_array(i.indkey::text, ' ')::int2[]) u(attnum)
    JOIN pg_catalog.pg_attribute b ON b.attrelid = i.indrelid AND b.attnum = u.attnum
    JOIN pg_catalog.pg_stats p ON p.schemaname = n.nspname AND p.tablename = r.relname AND p.attname = b.attname AND NOT p.inherited
  ) k ON k.known = i.indnatts
  WHERE c.relkind = 'i' AND i.indisvalid AND i.indpred IS NULL AND c.reltuples > 0 AND c.relpages > 1
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
)
SELECT kind, schema, name, bytes::int8 AS bytes, greatest(bytes - needed, 0)::int8 AS wasted_bytes, greatest(1 - needed / bytes, 0) AS share
FROM t
ORDER BY 5 DESC, 1, 2, 3
LIMIT 100
