-- What was told since $1 and not handed to each of the channels $2. Whoever hands it on
-- locks it, in one order: another one that waits here finds it handed.
SELECT id, items::text, channels FROM {{schema}}.telling
WHERE told_at > $1 AND NOT channels @> $2
ORDER BY id FOR UPDATE
