-- Numbers without texts: those lie in a file that may be large.
SELECT s.userid, s.dbid, s.queryid, s.toplevel AS toplevel, s.calls, s.total_exec_time AS milliseconds, s.rows,
       s.shared_blks_hit, s.shared_blks_read, s.temp_blks_written, NULL::timestamptz AS since
FROM {schema}.pg_stat_statements(false) s
WHERE s.queryid IS NOT NULL
ORDER BY s.total_exec_time DESC
LIMIT 5000
