-- Physical standbys that replay and are behind a position. What only receives
-- (pg_receivewal, a base backup) replays nothing and serves nobody.
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) || coalesce(' at ' || host(r.client_addr), '')
FROM pg_stat_replication r
-- One that catches up after a pause is behind, whether it has said how far or not.
WHERE (r.state IN ('streaming', 'catchup') AND r.replay_lsn < $1::text::pg_lsn OR r.state = 'catchup' AND r.replay_lsn IS NULL)
  AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
ORDER BY 1
