-- +goose Up
-- Which alerts of a fleet were shown on this computer's desktop; at is in milliseconds
-- since 1970.
CREATE TABLE alert_shown (
    fleet TEXT NOT NULL,
    key   TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (fleet, key)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE alert_shown;
