-- One large table of tenants with three indexes and a foreign key, of the
-- width that the application's own tables have.
CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, shard text);
CREATE TABLE authors (id bigint PRIMARY KEY, account_id bigint NOT NULL, name text);
CREATE TABLE notes (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, author_id bigint NOT NULL REFERENCES authors, title varchar(200), body text,
    price numeric(12, 2), meta jsonb, done boolean NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE INDEX ON notes (account_id);
CREATE INDEX ON notes (author_id, created_at);
CREATE FUNCTION fill(account bigint, first bigint, rows bigint, step bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO authors SELECT account * 1000 + i, account, 'author ' || i FROM generate_series(1, 500) i;
    INSERT INTO notes SELECT first + i * step, account, account * 1000 + 1 + i % 500, 'note ' || i, repeat(md5(i::text), 5), i / 7.0,
        jsonb_build_object('i', i, 'of', account), i % 2 = 0, timestamptz '2026-01-01Z' + (i * 37 % 100000) * interval '1 minute', '2026-06-01Z'
    FROM generate_series(1, rows) i;
$$;
