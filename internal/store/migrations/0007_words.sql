-- +goose Up
-- The words that are in the index of the copied events, each as often as it is there:
-- asked for the first from some text on, and never for all.
CREATE VIRTUAL TABLE mirror_word USING fts5vocab (mirror_text, instance);

-- +goose Down
DROP TABLE mirror_word;
