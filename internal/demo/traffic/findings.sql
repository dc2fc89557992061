-- $1 acknowledged: once each; $2 without an answer: at most once; $3 tenant.
SELECT w.mark, count(m.id)::int
FROM (SELECT unnest($1::text[]) AS mark, 1 AS least UNION ALL SELECT unnest($2::text[]), 0) w
LEFT JOIN pwb_messages m ON m.title = w.mark AND m.website_id = $3
GROUP BY w.mark, w.least
HAVING count(m.id) NOT BETWEEN w.least AND 1
ORDER BY w.mark
