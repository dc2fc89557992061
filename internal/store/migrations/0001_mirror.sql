-- +goose Up
-- One row for each control database whose trail is copied here.
CREATE TABLE mirror_chain (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    retired_at INTEGER,
    reason     TEXT
);
CREATE UNIQUE INDEX mirror_chain_current ON mirror_chain (key) WHERE retired_at IS NULL;

CREATE TABLE mirror_event (
    id          INTEGER PRIMARY KEY,
    chain       INTEGER NOT NULL REFERENCES mirror_chain,
    seq         INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    occurred_us INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    sealed_us   INTEGER NOT NULL,
    db_user     TEXT NOT NULL,
    client_addr TEXT NOT NULL,
    app_name    TEXT NOT NULL,
    body        TEXT NOT NULL,
    event_hash  BLOB NOT NULL,
    prev_hash   BLOB NOT NULL,
    hash        BLOB NOT NULL,
    UNIQUE (chain, seq)
);
CREATE VIRTUAL TABLE mirror_text USING fts5 (body, content = 'mirror_event', content_rowid = 'id', tokenize = "unicode61 tokenchars '@._-'");

CREATE TABLE mirror_alarm (
    id        INTEGER PRIMARY KEY,
    chain     INTEGER NOT NULL REFERENCES mirror_chain,
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    message   TEXT NOT NULL
);

-- +goose StatementBegin
CREATE TRIGGER mirror_event_indexed AFTER INSERT ON mirror_event BEGIN
    INSERT INTO mirror_text (rowid, body) VALUES (new.id, new.body);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mirror_event_kept BEFORE DELETE ON mirror_event BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mirror_event_unchanged BEFORE UPDATE ON mirror_event BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mirror_alarm_kept BEFORE DELETE ON mirror_alarm BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mirror_alarm_unchanged BEFORE UPDATE ON mirror_alarm BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE mirror_alarm;
DROP TABLE mirror_text;
DROP TRIGGER mirror_event_kept;
DROP TABLE mirror_event;
DROP TABLE mirror_chain;
