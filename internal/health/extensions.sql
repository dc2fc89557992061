SELECT e.extname::text AS extension, e.extversion AS installed, a.default_version AS available
FROM pg_catalog.pg_extension e
LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname
ORDER BY 1
