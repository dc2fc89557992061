-- +goose Up
-- Which values of a move's rows, ids above all, were taken on the other shard, and
-- what the rows have there instead. It stays with the move: whoever finds an old
-- id somewhere can ask what has become of it.
CREATE TABLE {{schema}}.move_replaced (
    move_id uuid NOT NULL REFERENCES {{schema}}.move ON DELETE CASCADE,
    tbl     text NOT NULL,
    col     text NOT NULL,
    source  text NOT NULL,
    target  text NOT NULL,
    -- On which side the row was when its value was taken on the other.
    came    text NOT NULL CHECK (came IN ('source', 'target')),
    PRIMARY KEY (move_id, tbl, col, source),
    UNIQUE (move_id, tbl, col, target)
);

-- +goose Down
DROP TABLE {{schema}}.move_replaced;
