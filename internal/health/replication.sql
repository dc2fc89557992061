SELECT r.application_name AS standby, coalesce(host(r.client_addr), 'socket') AS client, r.state, r.sync_state AS mode,
       extract(epoch FROM r.replay_lag)::float8 AS seconds,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() ELSE pg_catalog.pg_current_wal_lsn() END, r.replay_lsn)::int8 AS bytes
FROM pg_catalog.pg_stat_replication r
WHERE r.state <> 'backup'
ORDER BY 6 DESC NULLS LAST, 1
LIMIT 50
