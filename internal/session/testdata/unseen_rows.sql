-- The rows of one tenant: {T} is its key, {M} its mark, {N} the number above
-- which its integers lie. pg_temp.u makes a uuid of a name.
CREATE FUNCTION pg_temp.u(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('{M} ' || $1)::uuid $$;

INSERT INTO users (id, organization_id, email, invited_by_id, mark) OVERRIDING SYSTEM VALUE
    SELECT {N} + i, '{T}', 'User' || i || '@Example.com', CASE WHEN i > 1 THEN {N} + i - 1 END, '{M}' FROM generate_series(1, 4) i;
INSERT INTO api_keys (serial, user_id, token, mark) SELECT {N} + i, {N} + i, '{M} token ' || i, '{M}' FROM generate_series(1, 3) i;
INSERT INTO webhooks (id, payload, mark) SELECT pg_temp.u('webhook' || i), jsonb_build_object('org', '{T}', 'i', i), '{M}' FROM generate_series(1, 3) i;
INSERT INTO "Order Books" SELECT '{T}', i, 1, '{M}' FROM generate_series(1, 2) i;
INSERT INTO "Order Lines" SELECT '{T}', i, l, CASE WHEN l = 1 THEN {N} + 1 END, 1 + l % 2, '{M}' FROM generate_series(1, 2) i, generate_series(1, 3) l;
INSERT INTO "Order Notes" SELECT '{T}', i, 1, i, 'note ' || i, '{M}' FROM generate_series(1, 2) i;
INSERT INTO "Weird Schema"."Größe ""XL""" SELECT pg_temp.u('XL' || i), '{T}', 'ä ''quoted'' \ ' || chr(10) || i, '{M}' FROM generate_series(1, 3) i;
INSERT INTO "Weird Schema"."Order Books" SELECT pg_temp.u('weird' || i), pg_temp.u('XL' || i), ROW(i + 0.50, 'E"U,R')::money_of, '{M}' FROM generate_series(1, 2) i;

INSERT INTO images SELECT pg_temp.u('image' || i), '{M} image ' || i, '\x00ff'::bytea, '2026-01-02 03:04:05.678901Z', '{M}' FROM generate_series(1, 2) i;
INSERT INTO folders VALUES (pg_temp.u('folder1'), '{T}', NULL, pg_temp.u('image1'), '{M}'), (pg_temp.u('folder2'), NULL, pg_temp.u('folder1'), pg_temp.u('image2'), '{M}'),
    (pg_temp.u('folder3'), NULL, pg_temp.u('folder2'), NULL, '{M}');
INSERT INTO pages SELECT pg_temp.u('page' || i), pg_temp.u('folder' || i), NULL, '{M}' FROM generate_series(1, 3) i;
INSERT INTO page_versions SELECT pg_temp.u('version' || i || v), pg_temp.u('page' || i), ('<p n="' || v || '"/>')::xml, to_tsvector('simple', 'words of ' || i), '{M}' FROM generate_series(1, 3) i, generate_series(1, 2) v;
UPDATE pages SET current_version_id = v.id FROM page_versions v WHERE v.page_id = pages.id AND v.id = pg_temp.u('version12') AND pages.mark = '{M}';
INSERT INTO threads VALUES (pg_temp.u('thread1'), pg_temp.u('folder3'), NULL, '{M}'), (pg_temp.u('thread2'), NULL, NULL, '{M}');
INSERT INTO posts VALUES (pg_temp.u('post1'), pg_temp.u('thread1'), NULL, '{M}'), (pg_temp.u('post2'), NULL, pg_temp.u('post1'), '{M}'), (pg_temp.u('post3'), pg_temp.u('thread2'), pg_temp.u('post2'), '{M}');
UPDATE threads SET last_post_id = pg_temp.u('post3') WHERE id IN (pg_temp.u('thread1'), pg_temp.u('thread2'));

INSERT INTO events (id, organization_id, at, kind, mark) OVERRIDING SYSTEM VALUE
    SELECT {N} + i, '{T}', timestamptz '2025-06-01Z' + i * interval '3 months', i % 3, '{M}' FROM generate_series(1, 5) i;
INSERT INTO event_notes SELECT id, at, kind, n, mark FROM events, generate_series(1, 2) n WHERE mark = '{M}';
INSERT INTO nodes VALUES (pg_temp.u('node1'), 0, NULL, NULL, pg_temp.u('folder1'), '{M}'), (pg_temp.u('node2'), 1, pg_temp.u('node1'), 0, NULL, '{M}'),
    (pg_temp.u('node3'), 0, pg_temp.u('node2'), 1, NULL, '{M}'), (pg_temp.u('node4'), 0, pg_temp.u('node3'), 0, NULL, '{M}');

INSERT INTO vehicles SELECT pg_temp.u('vehicle' || i), '{T}', '{M}' FROM generate_series(1, 2) i;
INSERT INTO trucks SELECT pg_temp.u('truck' || i), '{T}', '{M}', i * 1.5 FROM generate_series(1, 3) i;
INSERT INTO vehicle_logs SELECT pg_temp.u('vehicle1'), 'the same', '{M}' FROM generate_series(1, 3) i;

INSERT INTO log_lines SELECT '{T}', 'infinity', 'twice', '{M}' FROM generate_series(1, 2) i;
INSERT INTO page_reads SELECT pg_temp.u('page' || i), {N} + i, '{M}' FROM generate_series(1, 2) i;
INSERT INTO comments VALUES (pg_temp.u('comment1'), 'Page', pg_temp.u('page1'), 'of a page', '{M}'), (pg_temp.u('comment2'), 'Invoice', pg_temp.u('invoice1'), 'of an invoice', '{M}');
INSERT INTO reactions SELECT pg_temp.u('comment' || i), 'smile', '{M}' FROM generate_series(1, 2) i;
INSERT INTO transfers VALUES (pg_temp.u('transfer1'), '{T}', NULL, 1.0, '{M}'), (pg_temp.u('transfer2'), NULL, '{T}', 1.00, '{M}');
INSERT INTO billing.invoices SELECT pg_temp.u('invoice' || i), '{T}', i, i * 100.10, '1 mon 2 days 03:00:00.5', 'NaN', '{trial,closed}', '[2026-01-01Z,infinity)', ARRAY['a,b', NULL, '"'], '{M}' FROM generate_series(1, 3) i;
INSERT INTO billing.invoice_lines SELECT pg_temp.u('invoice' || i), n, {N} + 2, '{M}' FROM generate_series(1, 3) i, generate_series(1, 2) n;
INSERT INTO billing.users SELECT {N} + i, pg_temp.u('invoice' || i), '{M}' FROM generate_series(1, 2) i;
