-- +goose Up
-- What was told together, with the channels that it was handed to. Each program hands it
-- to those of its own fleet file, whoever evaluated.
CREATE TABLE {{schema}}.telling (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    told_at  timestamptz NOT NULL,
    items    jsonb NOT NULL,
    channels text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX telling_told_at ON {{schema}}.telling (told_at);

-- +goose Down
DROP TABLE {{schema}}.telling;
