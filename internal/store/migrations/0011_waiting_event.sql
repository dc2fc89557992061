-- +goose Up
-- What was done on this computer while the control database could not record it: the
-- next time that it can, each becomes an event there. at is in milliseconds since 1970.
CREATE TABLE waiting_event (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    fleet   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    note    TEXT NOT NULL,
    details TEXT NOT NULL
);

-- +goose Down
DROP TABLE waiting_event;
