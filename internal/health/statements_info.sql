SELECT i.dealloc, i.stats_reset, current_setting('pg_stat_statements.max')::int AS most,
       extract(epoch FROM clock_timestamp() - i.stats_reset)::float8 AS seconds
FROM {schema}.pg_stat_statements_info i
