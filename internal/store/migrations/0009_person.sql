-- +goose Up
-- Who the pseudonyms in a copied trail are, and which of them an event has erased: a
-- value that somebody else's sync still holds is not put back.
CREATE TABLE mirror_person (
    chain INTEGER NOT NULL REFERENCES mirror_chain,
    ref   TEXT NOT NULL,
    kind  TEXT NOT NULL,
    value TEXT NOT NULL,
    salt  BLOB NOT NULL,
    PRIMARY KEY (chain, ref)
);
-- wiped is set once no page of the file or of what is written ahead of it has the value.
CREATE TABLE mirror_erased (
    ref   TEXT NOT NULL PRIMARY KEY,
    wiped INTEGER NOT NULL DEFAULT 0
);
-- +goose StatementBegin
CREATE TRIGGER mirror_person_unchanged BEFORE UPDATE ON mirror_person BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mirror_person_kept BEFORE DELETE ON mirror_person
WHEN NOT EXISTS (SELECT 1 FROM mirror_erased e WHERE e.ref = old.ref) BEGIN
    SELECT raise(ABORT, 'the audit mirror is append-only');
END;
-- +goose StatementEnd
-- The head of the trail when its persons were last copied: with fewer events than that
-- the one that erased somebody may be missing.
ALTER TABLE mirror_chain ADD COLUMN persons_to INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE mirror_chain DROP COLUMN persons_to;
DROP TABLE mirror_person;
DROP TABLE mirror_erased;
