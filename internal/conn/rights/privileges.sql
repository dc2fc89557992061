SELECT w.ord, w.privilege
FROM (SELECT ord, oid::oid, col, p AS privilege FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS a (oid, col, ps, ord), LATERAL unnest(string_to_array(a.ps, ',')) AS p) AS w
WHERE NOT EXISTS (
    SELECT FROM unnest($4::text[]) AS r (name)
    WHERE CASE WHEN w.col = '' THEN has_table_privilege(r.name, w.oid, w.privilege) ELSE has_column_privilege(r.name, w.oid, w.col, w.privilege) END)
ORDER BY w.ord, w.privilege
