-- +goose Up
-- The windows in which the silence holds, again and again until it ends; '' where it
-- holds all the time.
ALTER TABLE {{schema}}.silence ADD COLUMN windows text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE {{schema}}.silence DROP COLUMN windows;
