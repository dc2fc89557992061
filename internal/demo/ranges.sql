-- Every sequence of the application goes on in the range that begins here.
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, greatest($1::bigint, coalesce(last_value, 0)))
FROM pg_sequences WHERE schemaname = 'public' AND max_value > $1::bigint
