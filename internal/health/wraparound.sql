-- An age is judged by what starts the vacuum that ends it, not by 2 billion:
-- just below that age is where every healthy table spends its time.
WITH s AS (
  SELECT current_setting('autovacuum_freeze_max_age')::float8 AS xid, current_setting('autovacuum_multixact_freeze_max_age')::float8 AS mxid,
         current_setting('vacuum_failsafe_age')::float8 AS failsafe, current_setting('vacuum_multixact_failsafe_age')::float8 AS multixact_failsafe
), t AS (
  SELECT CASE c.relkind WHEN 't' THEN 'toast' ELSE 'table' END AS kind, n.nspname::text AS schema, c.relname::text AS name,
         age(c.relfrozenxid)::int8 AS xid_age, CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid)::int8 ELSE 0 END AS mxid_age,
         least(s.xid, (SELECT x.option_value::float8 FROM pg_catalog.pg_options_to_table(c.reloptions) x WHERE x.option_name = 'autovacuum_freeze_max_age')) AS xid_limit,
         least(s.mxid, (SELECT x.option_value::float8 FROM pg_catalog.pg_options_to_table(c.reloptions) x WHERE x.option_name = 'autovacuum_multixact_freeze_max_age')) AS mxid_limit,
         s.failsafe, s.multixact_failsafe
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, s
  WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0' AND c.relpersistence <> 't'
  UNION ALL
  SELECT 'database', '', d.datname::text, age(d.datfrozenxid)::int8, mxid_age(d.datminmxid)::int8, s.xid, s.mxid, s.failsafe, s.multixact_failsafe
  FROM pg_catalog.pg_database d, s
)
SELECT * FROM t
ORDER BY greatest(t.xid_age / t.xid_limit, t.mxid_age / t.mxid_limit) DESC
LIMIT 20
