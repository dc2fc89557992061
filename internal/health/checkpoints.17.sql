SELECT num_timed AS timed, num_requested AS requested, stats_reset
FROM pg_catalog.pg_stat_checkpointer
