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
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE {{schema}}.run (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    resource   text NOT NULL,
    shards     text[] NOT NULL DEFAULT '{}',
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    priority   int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload    jsonb NOT NULL,
    worker     text,
    error      text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    ended_at   timestamptz
);
CREATE INDEX run_queue ON {{schema}}.run (priority DESC, created_at) WHERE state IN ('queued', 'running');

CREATE TABLE {{schema}}.run_step (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES {{schema}}.run ON DELETE CASCADE,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker text NOT NULL,
    step   text NOT NULL
);

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

-- +goose Down
DROP TABLE {{schema}}.audit_link, {{schema}}.audit_event, {{schema}}.audit_head CASCADE;
DROP TABLE {{schema}}.run_step, {{schema}}.run, {{schema}}.worker, {{schema}}.lease, {{schema}}.placement, {{schema}}.policy, {{schema}}.operator;
