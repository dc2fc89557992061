-- +goose Up
-- How far a move is and how fast it goes, as the run that carries it out has
-- measured it last, and when; null where nobody has.
ALTER TABLE {{schema}}.move ADD COLUMN measured jsonb, ADD COLUMN measured_at timestamptz;

-- +goose Down
ALTER TABLE {{schema}}.move DROP COLUMN measured_at, DROP COLUMN measured;
