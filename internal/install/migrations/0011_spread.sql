-- +goose Up
-- How unevenly tenants are spread by each dimension, and since when, as whoever
-- evaluates alerts sees it.
CREATE TABLE {{schema}}.spread (
    dimension   text PRIMARY KEY,
    -- The last look that told: how far the fullest shard was above an even spread, as a
    -- share, and above what it is uneven. Null before the first one.
    seen_at     timestamptz,
    seen_by     text NOT NULL DEFAULT '',
    above       double precision,
    fullest     text NOT NULL DEFAULT '',
    threshold   double precision NOT NULL DEFAULT 0,
    -- Since when it is uneven, whether that lasted long enough, and the longest time of
    -- it in which nobody looked.
    since       timestamptz,
    standing    boolean NOT NULL DEFAULT false,
    gap_seconds double precision NOT NULL DEFAULT 0,
    -- Why moves would not be worth it; '' where they would.
    worthless   text NOT NULL DEFAULT '',
    -- The last look, and why it did not tell; '' where it did.
    tried_at    timestamptz NOT NULL,
    tried_by    text NOT NULL,
    reason      text NOT NULL DEFAULT '',
    CHECK ((seen_at IS NULL) = (above IS NULL))
);

-- +goose Down
DROP TABLE {{schema}}.spread;
