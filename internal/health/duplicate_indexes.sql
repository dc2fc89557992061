-- An index is spare where another one of its table begins with the same
-- columns, in the same order and way, under the same condition.
WITH i AS (
  SELECT x.indexrelid, x.indrelid, n.nspname::text AS schema, t.relname::text AS "table", c.relname::text AS index, c.relam,
         c.relpages::int8 * current_setting('block_size')::int8 AS bytes, x.indnkeyatts AS n, x.indnatts AS all_n,
         (string_to_array(x.indkey::text, ' '))[1:x.indnkeyatts] AS keys, string_to_array(x.indclass::text, ' ') AS classes,
         string_to_array(x.indcollation::text, ' ') AS collations, string_to_array(x.indoption::text, ' ') AS options,
         regexp_replace(coalesce(x.indexprs::text, ''), ':location -?\d+', '', 'g') AS expressions,
         regexp_replace(coalesce(x.indpred::text, ''), ':location -?\d+', '', 'g') AS predicate,
         x.indisunique OR x.indisexclusion OR x.indisreplident OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid) AS needed,
         a.amname = 'btree' AS btree
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_am a ON a.oid = c.relam
  WHERE x.indisvalid AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%' AND c.relkind = 'i' AND NOT c.relispartition
)
SELECT s.schema, s."table", s.index, s.bytes, min(k.index) AS covered_by
FROM i s
JOIN i k ON k.indrelid = s.indrelid AND k.indexrelid <> s.indexrelid AND k.relam = s.relam AND k.predicate = s.predicate AND k.expressions = s.expressions
        AND k.n >= s.n AND (s.btree OR k.n = s.n) AND (s.expressions = '' OR k.n = s.n)
        AND k.keys[1:s.n] = s.keys AND k.classes[1:s.n] = s.classes[1:s.n] AND k.collations[1:s.n] = s.collations[1:s.n] AND k.options[1:s.n] = s.options[1:s.n]
WHERE NOT s.needed AND s.all_n = s.n
  AND (k.n > s.n OR k.needed OR k.all_n > s.all_n OR k.indexrelid < s.indexrelid)
GROUP BY 1, 2, 3, 4
ORDER BY 4 DESC, 1, 2, 3
LIMIT 200
