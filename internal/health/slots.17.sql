SELECT s.slot_name::text AS slot, s.slot_type AS type, s.database::text AS database, s.active, s.wal_status AS status, s.safe_wal_size AS safe_bytes,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn)::int8 AS kept_bytes,
       nullif(current_setting('max_slot_wal_keep_size'), '-1') AS keep_setting,
       (SELECT CASE WHEN setting::int8 > 0 THEN setting::int8 * 1048576 END FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS limit_bytes,
       extract(epoch FROM clock_timestamp() - s.inactive_since)::float8 AS inactive_seconds, s.invalidation_reason AS invalid
FROM pg_catalog.pg_replication_slots s
WHERE NOT s.temporary
ORDER BY 7 DESC NULLS LAST, 1
LIMIT 100
