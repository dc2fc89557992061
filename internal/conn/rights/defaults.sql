SELECT DISTINCT n.nspname::text, s.relname::text, o.rolname::text, o.rolsuper, pg_has_role(current_user, s.relowner, 'MEMBER')
FROM pg_attrdef a
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_roles o ON o.oid = s.relowner
WHERE a.adrelid = ANY ($1::bigint[]::oid[])
  AND NOT EXISTS (SELECT FROM unnest($2::text[]) r WHERE pg_has_role(r, s.relowner, 'USAGE'))
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = s.oid AND x.refclassid = 'pg_class'::regclass AND x.deptype IN ('a', 'i') AND x.refobjsubid > 0)
ORDER BY 3, 1, 2
