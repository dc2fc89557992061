-- +goose Up
-- A copy that was begun after the trail's beginning was archived and removed.
ALTER TABLE mirror_chain ADD COLUMN begins_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mirror_chain ADD COLUMN begins_hash BLOB;

-- Which copy is which fleet's, for whoever reads it without the control database.
CREATE TABLE mirror_fleet (
    fleet   TEXT NOT NULL,
    schema  TEXT NOT NULL,
    key     TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (fleet, schema)
);

-- +goose Down
DROP TABLE mirror_fleet;
ALTER TABLE mirror_chain DROP COLUMN begins_hash;
ALTER TABLE mirror_chain DROP COLUMN begins_after;
