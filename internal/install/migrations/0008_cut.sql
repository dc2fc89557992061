-- +goose Up
-- Where the trail begins here: the entries up to seq lie in an archive, which was
-- verified before they were removed. The event that says so is in the chain itself.
CREATE TABLE {{schema}}.audit_anchor (
    seq            bigint PRIMARY KEY CHECK (seq > 0),
    hash           bytea NOT NULL,
    sealed_at      timestamptz(6) NOT NULL,
    cut_at         timestamptz(6) NOT NULL DEFAULT clock_timestamp(),
    event_id       uuid NOT NULL,
    archive_sha256 text NOT NULL
);

-- Append-only but for a cut: what it removes ends at the entry that it names.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION {{schema}}.audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    through bigint := nullif(current_setting('shard_admin.audit_cut', true), '')::bigint;
BEGIN
    IF TG_OP = 'DELETE' AND through IS NOT NULL THEN
        IF TG_TABLE_NAME = 'audit_link' THEN
            IF OLD.seq <= through THEN
                RETURN OLD;
            END IF;
        ELSIF TG_TABLE_NAME = 'audit_event' THEN
            IF NOT EXISTS (SELECT FROM {{schema}}.audit_link l WHERE l.event_id = OLD.event_id AND l.seq > through) THEN
                RETURN OLD;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = '42501';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_only_cutting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('shard_admin.audit_cut', true) IS DISTINCT FROM NEW.seq::text THEN
        RAISE EXCEPTION 'where the audit trail begins is said by a cut' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON {{schema}}.audit_anchor FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse_all BEFORE TRUNCATE ON {{schema}}.audit_anchor FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_only_cutting BEFORE INSERT ON {{schema}}.audit_anchor FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_only_cutting();
ALTER TABLE {{schema}}.audit_anchor ENABLE ALWAYS TRIGGER audit_refuse;
ALTER TABLE {{schema}}.audit_anchor ENABLE ALWAYS TRIGGER audit_refuse_all;
ALTER TABLE {{schema}}.audit_anchor ENABLE ALWAYS TRIGGER audit_only_cutting;

-- Removes the entries up to through and says how many. The caller's rights decide:
-- only an owner may delete here. The event has to be appended in the same transaction.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_cut(through bigint, through_hash bytea, event uuid, archive text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz(6);
    cut bigint;
BEGIN
    SELECT l.sealed_at INTO at FROM {{schema}}.audit_link l WHERE l.seq = through AND l.hash = through_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the trail has no entry % of that hash', through USING ERRCODE = '22023';
    END IF;
    PERFORM set_config('shard_admin.audit_cut', through::text, true);
    INSERT INTO {{schema}}.audit_anchor (seq, hash, sealed_at, event_id, archive_sha256) VALUES (through, through_hash, at, event, archive);
    WITH gone AS (DELETE FROM {{schema}}.audit_link l WHERE l.seq <= through RETURNING l.event_id)
    DELETE FROM {{schema}}.audit_event e USING gone WHERE e.event_id = gone.event_id;
    GET DIAGNOSTICS cut = ROW_COUNT;
    PERFORM set_config('shard_admin.audit_cut', '', true);
    RETURN cut;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION {{schema}}.audit_cut(bigint, bytea, uuid, text) FROM PUBLIC;

-- For whoever has psql and not this program, from where the trail begins.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION {{schema}}.audit_verify() RETURNS TABLE (seq bigint, kind text)
LANGUAGE sql STABLE
AS $$
    WITH start AS (
        SELECT coalesce(max(a.seq), 0) AS seq, coalesce((SELECT a2.hash FROM {{schema}}.audit_anchor a2 ORDER BY a2.seq DESC LIMIT 1), decode(repeat('00', 32), 'hex')) AS hash
        FROM {{schema}}.audit_anchor a
    ), chain AS (
        SELECT l.seq, l.sealed_at, l.event_hash, l.prev_hash, l.hash, e.event_id IS NULL AS missing,
               CASE WHEN e.event_id IS NOT NULL THEN {{schema}}.audit_event_hash(e) END AS want_event,
               {{schema}}.audit_link_hash(l.seq, l.sealed_at, l.event_hash, l.prev_hash) AS want,
               coalesce(lag(l.seq) OVER w, s.seq) AS last_seq, coalesce(lag(l.hash) OVER w, s.hash) AS last_hash
        FROM start s, {{schema}}.audit_link l LEFT JOIN {{schema}}.audit_event e ON e.event_id = l.event_id
        WINDOW w AS (ORDER BY l.seq)
    ), tail AS (
        SELECT coalesce((SELECT max(c.seq) FROM chain c), s.seq) AS seq, coalesce((SELECT c2.hash FROM chain c2 ORDER BY c2.seq DESC LIMIT 1), s.hash) AS hash FROM start s
    )
    SELECT c.seq, 'gap' FROM chain c WHERE c.seq <> c.last_seq + 1
    UNION ALL SELECT c.seq, 'order' FROM chain c WHERE c.seq = c.last_seq + 1 AND c.prev_hash <> c.last_hash
    UNION ALL SELECT c.seq, 'event_missing' FROM chain c WHERE c.missing
    UNION ALL SELECT c.seq, 'event_changed' FROM chain c WHERE NOT c.missing AND c.event_hash <> c.want_event
    UNION ALL SELECT c.seq, 'link_changed' FROM chain c WHERE c.hash <> c.want
    UNION ALL SELECT least(t.seq, coalesce(h.seq, 0)) + 1, 'head' FROM tail t LEFT JOIN {{schema}}.audit_head h ON true
              WHERE h.seq IS DISTINCT FROM t.seq OR h.hash IS DISTINCT FROM t.hash
    UNION ALL SELECT 0, 'unsealed' FROM {{schema}}.audit_event e WHERE NOT EXISTS (SELECT FROM {{schema}}.audit_link l WHERE l.event_id = e.event_id)
    UNION ALL SELECT a.seq, 'cut' FROM {{schema}}.audit_anchor a WHERE a.seq = (SELECT s.seq FROM start s)
              AND NOT EXISTS (SELECT FROM {{schema}}.audit_event e WHERE e.event_id = a.event_id)
    ORDER BY 1, 2
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION {{schema}}.audit_cut(bigint, bytea, uuid, text);
DROP TABLE {{schema}}.audit_anchor;
DROP FUNCTION {{schema}}.audit_only_cutting();
