-- $N events of 1,000 tenants, sealed as the trigger seals them, in one go.
ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER;
ALTER TABLE shard_admin.audit_link DISABLE TRIGGER USER;
ALTER TABLE shard_admin.audit_head DISABLE TRIGGER USER;
INSERT INTO shard_admin.audit_person (kind, value, salt) VALUES ('email', 'ann@example.com', sha256('1')), ('host', 'laptop', sha256('2')), ('os_user', 'ann', sha256('3'))
ON CONFLICT DO NOTHING;
INSERT INTO shard_admin.audit_event (event_id, occurred_at, recorded_at, db_user, client_addr, app_name, body)
SELECT lpad(to_hex(n), 32, '0')::uuid, at, at, 'ops', '10.0.0.7', 'shard-admin',
    format('{"action":"tenant.assign","actor":"%4$s","actor_role":"admin","fleet":"production","host":"%5$s","os_user":"%6$s","phase":"outcome","program":"1.0.0","reason":"ticket%1$s because of load","source":"default","status":"ok","target":"shard_%2$s","tenant":"tenant%3$s","v":2,"via":"cli"}', n, n % 8, n % 1000, (SELECT ref FROM shard_admin.audit_person WHERE value = 'ann@example.com'),
    (SELECT ref FROM shard_admin.audit_person WHERE value = 'laptop'), (SELECT ref FROM shard_admin.audit_person WHERE value = 'ann'))
FROM (SELECT n, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second' AS at FROM generate_series(1, $N) n) s;
DO $$
DECLARE
    e shard_admin.audit_event;
    prev bytea := decode(repeat('00', 32), 'hex');
    eh bytea;
    lh bytea;
    n bigint := 0;
BEGIN
    FOR e IN SELECT * FROM shard_admin.audit_event ORDER BY event_id LOOP
        n := n + 1;
        eh := shard_admin.audit_event_hash(e);
        lh := shard_admin.audit_link_hash(n, e.recorded_at, eh, prev);
        INSERT INTO shard_admin.audit_link VALUES (n, e.recorded_at, e.event_id, eh, prev, lh);
        prev := lh;
    END LOOP;
    UPDATE shard_admin.audit_head SET seq = n, hash = prev;
END $$;
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relname IN ('audit_event', 'audit_link', 'audit_head') LOOP
        EXECUTE format('ALTER TABLE shard_admin.%I ENABLE ALWAYS TRIGGER %I', r.relname, r.tgname);
    END LOOP;
END $$;
ANALYZE shard_admin.audit_event;
ANALYZE shard_admin.audit_link;
