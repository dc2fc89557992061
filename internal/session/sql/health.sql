SELECT (SELECT round(d.blks_hit::numeric / nullif(d.blks_hit + d.blks_read, 0), 4)::float8 FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database()),
       (SELECT round(sum(idx_blks_hit)::numeric / nullif(sum(idx_blks_hit) + sum(idx_blks_read), 0), 4)::float8 FROM pg_catalog.pg_statio_user_indexes),
       coalesce((SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float8 FROM pg_catalog.pg_stat_activity
                 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()), 0),
       pg_catalog.pg_is_in_recovery(),
       current_setting('transaction_read_only')::bool,
       (SELECT age(datfrozenxid)::bigint FROM pg_catalog.pg_database WHERE datname = current_database())
