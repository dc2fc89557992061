-- +goose Up
-- Who the pseudonyms in events are. An event holds the ref, which is made of the value
-- and a random salt: with the row gone nobody can tell, or guess, whose it was.
CREATE TABLE {{schema}}.audit_person (
    ref   text PRIMARY KEY,
    kind  text NOT NULL CHECK (kind IN ('email', 'host', 'os_user')),
    value text NOT NULL CHECK (value <> ''),
    salt  bytea NOT NULL CHECK (octet_length(salt) = 32),
    since timestamptz NOT NULL,
    UNIQUE (kind, value)
);

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_person_ref(salt bytea, value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT 'person-' || substr(encode(sha256(salt || convert_to(value, 'UTF8')), 'hex'), 1, 32) $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_person_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.ref := {{schema}}.audit_person_ref(NEW.salt, NEW.value);
    NEW.since := clock_timestamp();
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- A person is never changed, and removed by an erasure alone.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_person_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF current_setting('shard_admin.audit_erase', true) = OLD.ref THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'who a pseudonym of the audit trail is may not be changed, and is removed by an erasure alone' USING ERRCODE = '42501';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_person_stamp BEFORE INSERT ON {{schema}}.audit_person FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_person_stamp();
CREATE TRIGGER audit_person_kept BEFORE UPDATE OR DELETE ON {{schema}}.audit_person FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_person_kept();
CREATE TRIGGER audit_person_kept_all BEFORE TRUNCATE ON {{schema}}.audit_person FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.audit_person_kept();
ALTER TABLE {{schema}}.audit_person ENABLE ALWAYS TRIGGER audit_person_stamp;
ALTER TABLE {{schema}}.audit_person ENABLE ALWAYS TRIGGER audit_person_kept;
ALTER TABLE {{schema}}.audit_person ENABLE ALWAYS TRIGGER audit_person_kept_all;

-- Whoever may append may say whom an event names: an upgrade leaves nobody unable to.
-- +goose StatementBegin
DO $$
DECLARE
    who oid;
BEGIN
    FOR who IN
        SELECT DISTINCT x.grantee FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'body',
            LATERAL (SELECT * FROM pg_catalog.aclexplode(c.relacl) UNION SELECT * FROM pg_catalog.aclexplode(a.attacl)) x
        WHERE c.oid = '{{schema}}.audit_event'::regclass AND x.privilege_type = 'INSERT' AND x.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT (kind, value, salt) ON {{schema}}.audit_person TO %s',
            CASE WHEN who = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(who)) END);
    END LOOP;
END $$;
-- +goose StatementEnd

-- Appending holds this lock shared until the transaction ends and erasing holds it
-- alone: no event that bears a ref is sealed after the event that erased it.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_person_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT hashtextextended('shard-admin audit persons {{schema}}', 0) $$;
-- +goose StatementEnd

-- Finds the refs of values and makes those that are not there, with the caller's rights.
-- Each statement sees what was committed before it, whatever the lock had waited for.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_persons(kinds text[], vals text[], salts bytea[]) RETURNS TABLE (of_kind text, of_value text, is_ref text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({{schema}}.audit_person_lock());
    IF EXISTS (SELECT FROM unnest(kinds, vals) w (k, v) WHERE NOT EXISTS (SELECT FROM {{schema}}.audit_person p WHERE p.kind = w.k AND p.value = w.v)) THEN
        -- In one order, so that two that make the same ones wait for each other and not in a ring.
        INSERT INTO {{schema}}.audit_person (kind, value, salt)
        SELECT w.k, w.v, w.s FROM unnest(kinds, vals, salts) w (k, v, s)
        WHERE NOT EXISTS (SELECT FROM {{schema}}.audit_person p WHERE p.kind = w.k AND p.value = w.v)
        ORDER BY w.k, w.v
        ON CONFLICT (kind, value) DO NOTHING;
    END IF;
    RETURN QUERY SELECT p.kind, p.value, p.ref FROM unnest(kinds, vals) w (k, v) JOIN {{schema}}.audit_person p ON p.kind = w.k AND p.value = w.v;
END $$;
-- +goose StatementEnd

-- Who asked for a run cannot be changed, but for an erasure, which has the owner's rights.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION {{schema}}.run_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.created_as := session_user;
    ELSIF (NEW.created_as, NEW.kind, NEW.resource, NEW.payload) IS DISTINCT FROM (OLD.created_as, OLD.kind, OLD.resource, OLD.payload)
        OR NEW.created_by IS DISTINCT FROM OLD.created_by AND NOT (
            coalesce(current_setting('shard_admin.audit_erase', true), '') = NEW.created_by
            AND current_user = (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = TG_RELID)) THEN
        RAISE EXCEPTION 'what a run does and who asked for it cannot be changed' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Removes the value of a ref, and puts the ref where other tables tell who did something.
-- Whoever may call it has the owner's rights for this alone: the event of the same
-- transaction has to name the ref. It answers whether there was such a value.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_erase(erased text, event uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p {{schema}}.audit_person;
BEGIN
    PERFORM pg_advisory_xact_lock({{schema}}.audit_person_lock());
    SELECT * INTO p FROM {{schema}}.audit_person a WHERE a.ref = erased;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (SELECT FROM {{schema}}.audit_event e WHERE e.event_id = event AND e.body_json ->> 'action' = 'audit.erase'
        AND e.body_json ->> 'phase' = 'outcome' AND e.body_json ->> 'status' = 'ok' AND e.body_json -> 'details' -> 'persons' @> to_jsonb(substr(erased, 8))) THEN
        RAISE EXCEPTION 'no event of the audit trail erases %', erased USING ERRCODE = '22023';
    END IF;
    PERFORM set_config('shard_admin.audit_erase', erased, true);
    IF p.kind = 'email' THEN
        IF EXISTS (SELECT FROM {{schema}}.operator o WHERE lower(o.email) = p.value)
            OR EXISTS (SELECT FROM {{schema}}.run r WHERE lower(r.created_by) = p.value AND r.state IN ('queued', 'running')) THEN
            RAISE EXCEPTION 'the person is an operator or has work queued' USING ERRCODE = '55006';
        END IF;
        UPDATE {{schema}}.run SET created_by = erased WHERE lower(created_by) = p.value;
        UPDATE {{schema}}.move SET created_by = erased WHERE lower(created_by) = p.value;
        UPDATE {{schema}}.move_log SET message = replace(message, p.value, erased) WHERE position(p.value IN message) > 0;
        UPDATE {{schema}}.operator SET added_by = erased WHERE lower(added_by) = p.value;
        UPDATE {{schema}}.policy SET changed_by = erased WHERE lower(changed_by) = p.value;
        UPDATE {{schema}}.queue SET paused_by = erased WHERE lower(paused_by) = p.value;
        UPDATE {{schema}}.queue SET changed_by = erased WHERE lower(changed_by) = p.value;
        UPDATE {{schema}}.stripe_count SET chosen_by = erased WHERE lower(chosen_by) = p.value;
        UPDATE {{schema}}.stripe SET given_by = erased WHERE lower(given_by) = p.value;
        UPDATE {{schema}}.alert SET acknowledged_by = erased WHERE lower(acknowledged_by) = p.value;
        UPDATE {{schema}}.silence SET created_by = erased WHERE lower(created_by) = p.value;
    END IF;
    DELETE FROM {{schema}}.audit_person a WHERE a.ref = erased;
    PERFORM set_config('shard_admin.audit_erase', '', true);
    RETURN true;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION {{schema}}.audit_erase(text, uuid) FROM PUBLIC;

-- +goose Down
DROP FUNCTION {{schema}}.audit_erase(text, uuid);
DROP FUNCTION {{schema}}.audit_persons(text[], text[], bytea[]);
DROP FUNCTION {{schema}}.audit_person_lock();
DROP TABLE {{schema}}.audit_person;
DROP FUNCTION {{schema}}.audit_person_kept();
DROP FUNCTION {{schema}}.audit_person_stamp();
DROP FUNCTION {{schema}}.audit_person_ref(bytea, text);
