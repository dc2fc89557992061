-- +goose Up
-- What is wrong, or was: one row for each time that a condition was seen.
CREATE TABLE {{schema}}.alert (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule            text NOT NULL,
    subject         text NOT NULL,
    shard           text NOT NULL DEFAULT '',
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    message         text NOT NULL,
    value           text NOT NULL DEFAULT '',
    advice          text NOT NULL DEFAULT '',
    once            boolean NOT NULL DEFAULT false,
    state           text NOT NULL CHECK (state IN ('pending', 'firing', 'acknowledged', 'resolved')),
    since           timestamptz NOT NULL,
    fired_at        timestamptz,
    -- Since when the condition is not seen any more, for as long as that has to last.
    clear_since     timestamptz,
    resolved_at     timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text NOT NULL DEFAULT '',
    acknowledged_why text NOT NULL DEFAULT '',
    -- The severity that the channels were told of; '' where nobody was told.
    told            text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alert_open ON {{schema}}.alert (rule, subject) WHERE state <> 'resolved';
CREATE INDEX alert_by_end ON {{schema}}.alert (resolved_at DESC) WHERE state = 'resolved';

-- Maintenance: what is known and told to nobody, for a time.
CREATE TABLE {{schema}}.silence (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      text NOT NULL DEFAULT '',
    rule       text NOT NULL DEFAULT '',
    begins_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > begins_at),
    reason     text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Messages to be sent, each to one channel. The key is the receiver's as well, who
-- knows by it what comes twice.
CREATE TABLE {{schema}}.notice (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           text NOT NULL UNIQUE,
    channel       text NOT NULL,
    items         jsonb NOT NULL,
    digest        boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before    timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    sent_at       timestamptz,
    failed_at     timestamptz,
    error         text NOT NULL DEFAULT ''
);
CREATE INDEX notice_due ON {{schema}}.notice (not_before) WHERE sent_at IS NULL AND failed_at IS NULL;

-- +goose Down
DROP TABLE {{schema}}.notice;
DROP TABLE {{schema}}.silence;
DROP TABLE {{schema}}.alert;
