SELECT w.name, s.null_frac::float8, s.n_distinct::float8,
       coalesce(s.most_common_vals::text::text[], '{}'), coalesce(s.most_common_freqs::float8[], '{}')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (name, schema, rel, col)
JOIN pg_catalog.pg_stats s ON s.schemaname = w.schema AND s.tablename = w.rel AND s.attname = w.col
WHERE NOT s.inherited OR NOT EXISTS (SELECT FROM pg_catalog.pg_stats p WHERE p.schemaname = s.schemaname AND p.tablename = s.tablename AND p.attname = s.attname AND NOT p.inherited)
