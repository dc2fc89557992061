-- Each shard goes on behind its own highest id, as a restored database would.
DO $$
DECLARE
    r record;
    highest bigint;
BEGIN
    FOR r IN SELECT n.nspname, c.relname, a.attname, pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS owned,
                    substring(pg_get_expr(d.adbin, d.adrelid) FROM 'nextval\(''([^'']+)''') AS used
             FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
             WHERE n.nspname = 'public' AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval%' LOOP
        EXECUTE format('SELECT coalesce(max(%I), 0) FROM %I.%I', r.attname, r.nspname, r.relname) INTO highest;
        IF highest > 0 THEN
            PERFORM setval(coalesce(r.owned, r.used)::regclass, highest);
        END IF;
    END LOOP;
END $$;
ANALYZE;
-- This commit waits for the disk, and so for all that came before it.
SET synchronous_commit = on;
REFRESH MATERIALIZED VIEW pwb_properties;
