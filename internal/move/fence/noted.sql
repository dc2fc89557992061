WITH notes AS MATERIALIZED (
    SELECT tbl, key, xact FROM (
        SELECT tbl, key, xact FROM shard_admin_move.touched WHERE move_id = $1
        UNION ALL
        SELECT tbl, key, xact FROM shard_admin_move.touched_once WHERE move_id = $1) n
    LIMIT $2::bigint + 1
)
SELECT (SELECT count(*) FROM (SELECT DISTINCT tbl, key FROM notes) rows),
       (SELECT count(*) FROM notes) > $2,
       current_setting('track_commit_timestamp')::boolean,
       CASE WHEN current_setting('track_commit_timestamp')::boolean THEN
           (extract(epoch FROM clock_timestamp() - pg_xact_commit_timestamp((SELECT xact FROM notes ORDER BY xact LIMIT 1)::xid)) * 1000)::bigint
       END
