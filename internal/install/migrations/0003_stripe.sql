-- +goose Up
-- In how many stripes the fleet's sequences count; chosen once.
CREATE TABLE {{schema}}.stripe_count (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    stripes   int NOT NULL UNIQUE CHECK (stripes BETWEEN 2 AND 4096),
    chosen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    chosen_by text NOT NULL
);

-- Which shard has which stripe: what its sequences hand out leaves this
-- residue. Rows are only ever added, so that no id is handed out twice.
CREATE TABLE {{schema}}.stripe (
    shard    text PRIMARY KEY,
    stripes  int NOT NULL REFERENCES {{schema}}.stripe_count (stripes),
    residue  int NOT NULL UNIQUE CHECK (residue >= 0 AND residue < stripes),
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    given_by text NOT NULL
);

-- Up to which value a shard's column may hold ids of any residue: those from
-- before its sequence was striped.
CREATE TABLE {{schema}}.stripe_column (
    shard    text NOT NULL REFERENCES {{schema}}.stripe,
    name     text NOT NULL,
    highest  bigint NOT NULL,
    -- The highest old id of the whole fleet above which the sequence was raised;
    -- sessions may hold cached values from before otherwise.
    above    bigint,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, name)
);

-- +goose Down
DROP TABLE {{schema}}.stripe_column;
DROP TABLE {{schema}}.stripe;
DROP TABLE {{schema}}.stripe_count;
