-- +goose Up
CREATE TABLE {{schema}}.move (
    id                uuid PRIMARY KEY,
    tenant            text NOT NULL,
    label             text NOT NULL DEFAULT '',
    source            text NOT NULL,
    target            text NOT NULL,
    mode              text NOT NULL CHECK (mode IN ('fenced', 'online')),
    state             text NOT NULL CHECK (state IN ('planned', 'copying', 'catching_up', 'ready', 'switching', 'switched', 'retained',
                                                     'finalizing', 'finalized', 'cancelled', 'failed', 'rolling_back', 'rolled_back')),
    -- Where in the state the run is, for recovery and for people.
    step              text NOT NULL DEFAULT '',
    failed_in         text,
    engine            int NOT NULL,
    epoch             bigint NOT NULL DEFAULT 0,
    hold              boolean NOT NULL DEFAULT false,
    max_read_only_ms  bigint NOT NULL,
    priority          int NOT NULL DEFAULT 0,
    plan              jsonb NOT NULL,
    rows              bigint NOT NULL DEFAULT 0,
    bytes             bigint NOT NULL DEFAULT 0,
    read_only_since   timestamptz,
    write_pause_ms    bigint,
    verified          boolean NOT NULL DEFAULT false,
    verified_at       timestamptz,
    routing_confirmed text,
    park              boolean NOT NULL DEFAULT false,
    note              text NOT NULL,
    error_code        text,
    error_message     text,
    error_hint        text,
    audit_event       text,
    app_audit         text,
    created_by        text NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before        timestamptz,
    started_at        timestamptz,
    switched_at       timestamptz,
    finished_at       timestamptz,
    updated_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One unfinished move for a tenant, whoever asks and from wherever.
CREATE UNIQUE INDEX move_one_per_tenant ON {{schema}}.move (tenant)
    WHERE state NOT IN ('cancelled', 'rolled_back', 'finalized');
CREATE INDEX move_by_creation ON {{schema}}.move (created_at DESC);

CREATE TABLE {{schema}}.move_table (
    move_id      uuid NOT NULL REFERENCES {{schema}}.move ON DELETE CASCADE,
    name         text NOT NULL,
    position     int NOT NULL,
    kind         text NOT NULL,
    rows         bigint NOT NULL,
    bytes        bigint NOT NULL,
    rows_copied  bigint NOT NULL DEFAULT 0,
    bytes_copied bigint NOT NULL DEFAULT 0,
    verified     boolean NOT NULL DEFAULT false,
    digest       jsonb,
    PRIMARY KEY (move_id, name)
);

CREATE TABLE {{schema}}.move_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move_id uuid NOT NULL REFERENCES {{schema}}.move ON DELETE CASCADE,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    level   text NOT NULL DEFAULT 'info',
    message text NOT NULL
);
CREATE INDEX move_log_by_move ON {{schema}}.move_log (move_id, id);

-- What a move is about to make on a shard, committed before it is made.
CREATE TABLE {{schema}}.cleanup (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move_id    uuid NOT NULL REFERENCES {{schema}}.move ON DELETE CASCADE,
    shard      text NOT NULL,
    kind       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at    timestamptz,
    UNIQUE (move_id, shard, kind)
);

-- +goose Down
DROP TABLE {{schema}}.cleanup;
DROP TABLE {{schema}}.move_log;
DROP TABLE {{schema}}.move_table;
DROP TABLE {{schema}}.move;
