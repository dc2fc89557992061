-- +goose Up
-- How far the mark beside this file went when it was last set: a mark that is gone
-- although there was one is a finding.
ALTER TABLE mirror_chain ADD COLUMN marked_to INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE mirror_chain DROP COLUMN marked_to;
