-- +goose Up
CREATE TABLE {{schema}}.operator (
    email    text PRIMARY KEY CHECK (email = lower(email) AND email <> ''),
    role     text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    -- The database role that the e-mail belongs to; in production it must match.
    db_role  text,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    added_by text NOT NULL
);

-- The fleet's own policy: a flag that is off here is off everywhere.
CREATE TABLE {{schema}}.policy (
    name       text PRIMARY KEY,
    value      text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL
);

-- Where tenants are, for applications whose catalogue has no such column.
CREATE TABLE {{schema}}.placement (
    tenant     text PRIMARY KEY,
    shard      text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who owns what, under which epoch. Only this server's clock is used.
CREATE TABLE {{schema}}.lease (
    resource   text PRIMARY KEY,
    epoch      bigint NOT NULL,
    holder     text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE {{schema}}.worker (
    id         text PRIMARY KEY,
    host       text NOT NULL,
    pid        int NOT NULL DEFAULT 0,
    version    text NOT NULL,
    -- Whether it carries out what others have queued.
    runs_all   boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE {{schema}}.run (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    resource   text NOT NULL,
    shards     text[] NOT NULL DEFAULT '{}',
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'parked')),
    priority   int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload    jsonb NOT NULL,
    -- An interruption may run beside the run of its resource that it ends.
    interrupts boolean NOT NULL DEFAULT false,
    -- Where it was queued, and who should carry it out while they live.
    queued_on  text NOT NULL DEFAULT '',
    prefers    text NOT NULL DEFAULT '',
    worker     text,
    attempt    int NOT NULL DEFAULT 0,
    error      text,
    error_code text,
    created_by text NOT NULL,
    -- The database role that queued it; stamped, so that nobody queues as
    -- somebody else.
    created_as text NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    ended_at   timestamptz
);
CREATE INDEX run_queue ON {{schema}}.run (priority DESC, created_at) WHERE state IN ('queued', 'running');

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.run_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.created_as := session_user;
    ELSIF (NEW.created_as, NEW.created_by, NEW.kind, NEW.resource, NEW.payload) IS DISTINCT FROM (OLD.created_as, OLD.created_by, OLD.kind, OLD.resource, OLD.payload) THEN
        RAISE EXCEPTION 'what a run does and who asked for it cannot be changed' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER run_stamp BEFORE INSERT OR UPDATE ON {{schema}}.run FOR EACH ROW EXECUTE FUNCTION {{schema}}.run_stamp();

CREATE TABLE {{schema}}.run_step (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES {{schema}}.run ON DELETE CASCADE,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker text NOT NULL,
    step   text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX run_step_by_run ON {{schema}}.run_step (run_id, id);

-- The audit trail. Events are written by whoever acts; the chain seals them at
-- commit, in the order of commits, without a gap.
CREATE TABLE {{schema}}.audit_event (
    event_id    uuid PRIMARY KEY,
    occurred_at timestamptz(6) NOT NULL,
    recorded_at timestamptz(6) NOT NULL,
    db_user     text NOT NULL,
    client_addr text NOT NULL,
    app_name    text NOT NULL,
    body        text NOT NULL,
    body_json   jsonb NOT NULL GENERATED ALWAYS AS (body::jsonb) STORED
);
CREATE INDEX audit_event_tenant ON {{schema}}.audit_event ((body_json ->> 'tenant'));
CREATE INDEX audit_event_parent ON {{schema}}.audit_event ((body_json ->> 'parent'));

CREATE TABLE {{schema}}.audit_link (
    seq        bigint PRIMARY KEY CHECK (seq > 0),
    sealed_at  timestamptz(6) NOT NULL,
    event_id   uuid NOT NULL UNIQUE REFERENCES {{schema}}.audit_event,
    event_hash bytea NOT NULL,
    prev_hash  bytea NOT NULL UNIQUE,
    hash       bytea NOT NULL
);

CREATE TABLE {{schema}}.audit_head (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq       bigint NOT NULL,
    sealed_at timestamptz(6) NOT NULL,
    hash      bytea NOT NULL
);
INSERT INTO {{schema}}.audit_head (seq, sealed_at, hash) VALUES (0, '2000-01-01 00:00:00+00', decode(repeat('00', 32), 'hex'));

-- Length-prefixed strings: no two lists of values give the same bytes.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_netstring(t text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT convert_to(octet_length(convert_to(t, 'UTF8'))::text || ':', 'UTF8') || convert_to(t, 'UTF8') || convert_to(',', 'UTF8') $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_micros(t timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (extract(epoch FROM t) * 1000000)::bigint $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_event_hash(e {{schema}}.audit_event) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256('\x00'::bytea
    || {{schema}}.audit_netstring(e.event_id::text)
    || {{schema}}.audit_netstring({{schema}}.audit_micros(e.occurred_at)::text)
    || {{schema}}.audit_netstring({{schema}}.audit_micros(e.recorded_at)::text)
    || {{schema}}.audit_netstring(e.db_user)
    || {{schema}}.audit_netstring(e.client_addr)
    || {{schema}}.audit_netstring(e.app_name)
    || {{schema}}.audit_netstring(e.body)) $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_link_hash(seq bigint, sealed timestamptz, event_hash bytea, prev bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256('\x01'::bytea || {{schema}}.audit_netstring(seq::text) || {{schema}}.audit_netstring({{schema}}.audit_micros(sealed)::text) || event_hash || prev) $$;
-- +goose StatementEnd

-- What the client may not say about itself is stamped here.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    NEW.db_user := session_user;
    NEW.client_addr := coalesce(host(inet_client_addr()), 'local');
    NEW.app_name := coalesce(current_setting('application_name', true), '');
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_stamp BEFORE INSERT ON {{schema}}.audit_event FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_stamp();

-- Runs at commit, so the head is locked for no longer than that.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    h {{schema}}.audit_head;
    at timestamptz(6);
    eh bytea;
    lh bytea;
BEGIN
    SELECT * INTO h FROM {{schema}}.audit_head FOR UPDATE;
    at := greatest(clock_timestamp(), h.sealed_at);
    eh := {{schema}}.audit_event_hash(NEW);
    lh := {{schema}}.audit_link_hash(h.seq + 1, at, eh, h.hash);
    INSERT INTO {{schema}}.audit_link (seq, sealed_at, event_id, event_hash, prev_hash, hash) VALUES (h.seq + 1, at, NEW.event_id, eh, h.hash, lh);
    UPDATE {{schema}}.audit_head SET seq = h.seq + 1, sealed_at = at, hash = lh;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON {{schema}}.audit_event
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_seal();

-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = '42501'; END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON {{schema}}.audit_event FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse_all BEFORE TRUNCATE ON {{schema}}.audit_event FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON {{schema}}.audit_link FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse_all BEFORE TRUNCATE ON {{schema}}.audit_link FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse BEFORE INSERT OR DELETE ON {{schema}}.audit_head FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_refuse();
CREATE TRIGGER audit_refuse_all BEFORE TRUNCATE ON {{schema}}.audit_head FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.audit_refuse();

-- An owner may write where others may not: a seal is made by the seal trigger
-- and by nothing else.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_only_sealing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'the audit trail is sealed by its own trigger' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_only_sealing BEFORE INSERT ON {{schema}}.audit_link FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_only_sealing();
CREATE TRIGGER audit_only_sealing BEFORE UPDATE ON {{schema}}.audit_head FOR EACH ROW EXECUTE FUNCTION {{schema}}.audit_only_sealing();

-- ALWAYS: a session in the role of a replica would pass ordinary triggers.
ALTER TABLE {{schema}}.audit_event ENABLE ALWAYS TRIGGER audit_stamp;
ALTER TABLE {{schema}}.audit_event ENABLE ALWAYS TRIGGER audit_seal;
ALTER TABLE {{schema}}.audit_event ENABLE ALWAYS TRIGGER audit_refuse;
ALTER TABLE {{schema}}.audit_event ENABLE ALWAYS TRIGGER audit_refuse_all;
ALTER TABLE {{schema}}.audit_link ENABLE ALWAYS TRIGGER audit_refuse;
ALTER TABLE {{schema}}.audit_link ENABLE ALWAYS TRIGGER audit_refuse_all;
ALTER TABLE {{schema}}.audit_link ENABLE ALWAYS TRIGGER audit_only_sealing;
ALTER TABLE {{schema}}.audit_head ENABLE ALWAYS TRIGGER audit_refuse;
ALTER TABLE {{schema}}.audit_head ENABLE ALWAYS TRIGGER audit_refuse_all;
ALTER TABLE {{schema}}.audit_head ENABLE ALWAYS TRIGGER audit_only_sealing;

-- For whoever has psql and not this program. The program computes the same
-- itself, because a function is as easy to change as a row.
-- +goose StatementBegin
CREATE FUNCTION {{schema}}.audit_verify() RETURNS TABLE (seq bigint, kind text)
LANGUAGE sql STABLE
AS $$
    WITH chain AS (
        SELECT l.seq, l.sealed_at, l.event_hash, l.prev_hash, l.hash, e.event_id IS NULL AS missing,
               CASE WHEN e.event_id IS NOT NULL THEN {{schema}}.audit_event_hash(e) END AS want_event,
               {{schema}}.audit_link_hash(l.seq, l.sealed_at, l.event_hash, l.prev_hash) AS want,
               coalesce(lag(l.seq) OVER w, 0) AS last_seq, coalesce(lag(l.hash) OVER w, decode(repeat('00', 32), 'hex')) AS last_hash
        FROM {{schema}}.audit_link l LEFT JOIN {{schema}}.audit_event e ON e.event_id = l.event_id
        WINDOW w AS (ORDER BY l.seq)
    ), tail AS (
        SELECT coalesce(max(c.seq), 0) AS seq, coalesce((SELECT c2.hash FROM chain c2 ORDER BY c2.seq DESC LIMIT 1), decode(repeat('00', 32), 'hex')) AS hash FROM chain c
    )
    SELECT c.seq, 'gap' FROM chain c WHERE c.seq <> c.last_seq + 1
    UNION ALL SELECT c.seq, 'order' FROM chain c WHERE c.seq = c.last_seq + 1 AND c.prev_hash <> c.last_hash
    UNION ALL SELECT c.seq, 'event_missing' FROM chain c WHERE c.missing
    UNION ALL SELECT c.seq, 'event_changed' FROM chain c WHERE NOT c.missing AND c.event_hash <> c.want_event
    UNION ALL SELECT c.seq, 'link_changed' FROM chain c WHERE c.hash <> c.want
    UNION ALL SELECT least(t.seq, coalesce(h.seq, 0)) + 1, 'head' FROM tail t LEFT JOIN {{schema}}.audit_head h ON true
              WHERE h.seq IS DISTINCT FROM t.seq OR h.hash IS DISTINCT FROM t.hash
    UNION ALL SELECT 0, 'unsealed' FROM {{schema}}.audit_event e WHERE NOT EXISTS (SELECT FROM {{schema}}.audit_link l WHERE l.event_id = e.event_id)
    ORDER BY 1, 2
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE {{schema}}.audit_link, {{schema}}.audit_event, {{schema}}.audit_head CASCADE;
DROP TABLE {{schema}}.run_step, {{schema}}.run, {{schema}}.worker, {{schema}}.lease, {{schema}}.placement, {{schema}}.policy, {{schema}}.operator;
