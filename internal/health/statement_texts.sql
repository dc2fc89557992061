SELECT DISTINCT ON (s.queryid) s.queryid, s.query
FROM {schema}.pg_stat_statements(true) s
WHERE s.queryid = ANY ($1::int8[])
ORDER BY s.queryid
