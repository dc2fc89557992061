SELECT gid, owner::text AS owner, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds, age(transaction)::int8 AS age
FROM pg_catalog.pg_prepared_xacts
WHERE database = current_database()
ORDER BY prepared
LIMIT 50
