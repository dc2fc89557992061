-- +goose Up
-- What the whole queue keeps to, whoever works on it.
CREATE TABLE {{schema}}.queue (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    paused_at  timestamptz,
    paused_by  text,
    paused_why text,
    -- Maintenance windows, in which moves are begun; empty: at any time.
    windows    text NOT NULL DEFAULT '',
    -- How many runs at once, in the fleet and on one shard; null: as many as
    -- there are workers for, and as the workers say.
    per_fleet  int CHECK (per_fleet > 0),
    per_shard  int CHECK (per_shard > 0),
    changed_at timestamptz,
    changed_by text,
    CHECK ((paused_at IS NULL) = (paused_by IS NULL) AND (paused_at IS NULL) = (paused_why IS NULL))
);
INSERT INTO {{schema}}.queue DEFAULT VALUES;

-- What a run that nobody has begun waits for: the end of a pause, a window as
-- well, or neither.
ALTER TABLE {{schema}}.run ADD COLUMN waits text NOT NULL DEFAULT 'pause' CHECK (waits IN ('never', 'pause', 'window'));
UPDATE {{schema}}.run SET waits = CASE payload ->> 'action' WHEN 'start' THEN 'window' ELSE 'never' END
WHERE kind = 'move' AND payload ->> 'action' IN ('start', 'cancel', 'rollback');

-- When a move came to each state and step.
CREATE TABLE {{schema}}.move_step (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move_id    uuid NOT NULL REFERENCES {{schema}}.move ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    state      text NOT NULL,
    step       text NOT NULL,
    epoch      bigint NOT NULL,
    error_code text
);
CREATE INDEX move_step_by_move ON {{schema}}.move_step (move_id, id);

-- How many writes the move's fence had refused on a shard when it was taken away.
ALTER TABLE {{schema}}.cleanup ADD COLUMN refused bigint;

-- +goose Down
ALTER TABLE {{schema}}.cleanup DROP COLUMN refused;
DROP TABLE {{schema}}.move_step;
ALTER TABLE {{schema}}.run DROP COLUMN waits;
DROP TABLE {{schema}}.queue;
