-- What a server feels beside the probe: the physical standby that is furthest
-- behind in replaying, and the sessions at work or waiting for one another. A
-- role without pg_read_all_stats sees nobody else's: $1 is false for it. Everybody
-- may see who is in a transaction, and in which: those are the sessions of others
-- that are not ours.
SELECT coalesce(s.name, ''), coalesce(s.lag, 0)::float8,
	(SELECT count(*) FROM pg_stat_activity
	 WHERE $1 AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker') AND state = 'active'
	   AND coalesce(wait_event_type, '') NOT IN ('Client', 'Activity', 'Timeout', 'Extension')),
	coalesce(o.pids, '{}'), coalesce(o.at, '{}')
FROM (SELECT) one LEFT JOIN (
	SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) || coalesce(' at ' || host(r.client_addr), '') AS name,
		-- What has replayed everything keeps its last lag for a while.
		CASE WHEN r.replay_lsn < pg_current_wal_flush_lsn() THEN coalesce(extract(epoch FROM r.replay_lag), 0) ELSE 0 END AS lag
	FROM pg_stat_replication r
	WHERE $1 AND r.state = 'streaming' AND r.replay_lsn IS NOT NULL
	  AND NOT EXISTS (SELECT FROM pg_replication_slots o WHERE o.active_pid = r.pid AND o.slot_type = 'logical')
	ORDER BY 2 DESC LIMIT 1
) s ON true CROSS JOIN (
	SELECT array_agg(a.pid) AS pids, array_agg(coalesce(a.backend_xid::text, '') || ' ' || coalesce(a.backend_xmin::text, '')) AS at
	FROM pg_stat_activity a
	WHERE a.usesysid IS NOT NULL AND a.datid IS NOT NULL AND a.application_name NOT LIKE 'shard-admin%'
	  AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL)
) o
