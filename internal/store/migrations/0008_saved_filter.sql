-- +goose Up
-- Filters of the audit trail that were kept under a name: the filter as it was written,
-- as JSON, so that an age stays one. made_at is in milliseconds since 1970.
CREATE TABLE saved_filter (
    fleet   TEXT NOT NULL,
    name    TEXT NOT NULL COLLATE NOCASE,
    filter  TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (fleet, name)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE saved_filter;
