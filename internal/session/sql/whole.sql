-- What tables take on disk with their indexes, and the rows alone; a partitioned one what
-- its partitions do.
SELECT w.name, coalesce(d.whole, pg_catalog.pg_total_relation_size(c.oid), 0)::float8, coalesce(d.rows, pg_catalog.pg_relation_size(c.oid), 0)::float8
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (name, schema, rel)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel
CROSS JOIN LATERAL (SELECT sum(pg_catalog.pg_total_relation_size(p.relid)) AS whole, sum(pg_catalog.pg_relation_size(p.relid)) AS rows
                    FROM pg_catalog.pg_partition_tree(c.oid) p) d
