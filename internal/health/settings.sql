SELECT name, setting, unit, source, pending_restart,
       CASE WHEN source NOT IN ('client', 'session') THEN reset_val END AS reset_val
FROM pg_catalog.pg_settings
WHERE context <> 'internal'
ORDER BY name
