WITH RECURSIVE mv AS (
    SELECT c.oid, n.nspname, c.relname, c.relispopulated, pg_catalog.pg_table_size(c.oid) AS bytes
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND n.nspname !~ '^pg_' AND n.nspname <> ALL ($1::text[])
), dep AS (
    SELECT mv.oid AS view, d.refobjid AS rel
    FROM mv
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = mv.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> mv.oid
    UNION
    SELECT dep.view, d.refobjid
    FROM dep
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = dep.rel
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> dep.rel
)
SELECT mv.nspname::text, mv.relname::text,
       coalesce((SELECT array_agg(DISTINCT CASE WHEN tn.nspname = 'public' THEN tc.relname::text ELSE tn.nspname || '.' || tc.relname END)
                 FROM dep JOIN pg_catalog.pg_class tc ON tc.oid = dep.rel AND tc.relkind IN ('r', 'p', 'f')
                 JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace WHERE dep.view = mv.oid), '{}')::text[],
       EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = mv.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL),
       mv.relispopulated, mv.bytes,
       (SELECT count(DISTINCT dep.rel)::int FROM dep JOIN pg_catalog.pg_class vc ON vc.oid = dep.rel AND vc.relkind = 'm' WHERE dep.view = mv.oid AND dep.rel <> mv.oid)
FROM mv
