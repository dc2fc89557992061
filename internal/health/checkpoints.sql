SELECT checkpoints_timed AS timed, checkpoints_req AS requested, stats_reset
FROM pg_catalog.pg_stat_bgwriter
