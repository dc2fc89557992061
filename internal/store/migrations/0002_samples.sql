-- +goose Up
-- What was measured, by fleet, shard and name.
CREATE TABLE sample_series (
    id    INTEGER PRIMARY KEY,
    fleet TEXT NOT NULL,
    shard TEXT NOT NULL,
    name  TEXT NOT NULL,
    UNIQUE (fleet, shard, name)
);

-- at is in milliseconds since 1970.
CREATE TABLE sample_raw (
    series INTEGER NOT NULL REFERENCES sample_series ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    value  REAL NOT NULL,
    PRIMARY KEY (series, at)
) WITHOUT ROWID;
CREATE INDEX sample_raw_at ON sample_raw (at);

-- step is the length of a bucket and at its begin, both in milliseconds.
CREATE TABLE sample_bucket (
    step   INTEGER NOT NULL,
    series INTEGER NOT NULL REFERENCES sample_series ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    least  REAL NOT NULL,
    most   REAL NOT NULL,
    total  REAL NOT NULL,
    PRIMARY KEY (step, series, at)
) WITHOUT ROWID;
CREATE INDEX sample_bucket_at ON sample_bucket (step, at);

-- Up to when the buckets of a step are made: what is older is not looked at again.
CREATE TABLE sample_rolled (
    step  INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
);

-- +goose Down
DROP TABLE sample_rolled;
DROP TABLE sample_bucket;
DROP TABLE sample_raw;
DROP TABLE sample_series;
