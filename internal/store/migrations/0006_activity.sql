-- +goose Up
-- What the tables of a shard had read and written since the server's statistics began,
-- looked at now and then: two looks make a rate. at is in milliseconds since 1970; epoch
-- names the statistics, and counts holds a number for each table.
CREATE TABLE activity_look (
    fleet  TEXT NOT NULL,
    shard  TEXT NOT NULL,
    at     INTEGER NOT NULL,
    epoch  TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (fleet, shard, at)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE activity_look;
