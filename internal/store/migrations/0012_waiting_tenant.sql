-- +goose Up
-- The tenant that an event which waits is about, empty for none.
ALTER TABLE waiting_event ADD COLUMN tenant TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE waiting_event DROP COLUMN tenant;
