-- +goose Up
-- Who keeps the samples of a fleet in this file. The token is another one each time
-- it is taken; times are in milliseconds since 1970.
CREATE TABLE sample_lease (
    fleet TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    face  TEXT NOT NULL,
    pid   INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
);

-- +goose Down
DROP TABLE sample_lease;
