-- How fast this fleet's own moves went, from their beginning to the switch: the usual
-- one, and the one that nine of ten are faster than. Those that waited for a person
-- say nothing of it, nor do those with hardly any rows.
SELECT count(*)::int, percentile_cont(0.5) WITHIN GROUP (ORDER BY x.pace)::float8, percentile_cont(0.1) WITHIN GROUP (ORDER BY x.pace)::float8
FROM (SELECT m.bytes / extract(epoch FROM m.switched_at - m.started_at) AS pace FROM {{schema}}.move m
      WHERE m.switched_at > m.started_at AND NOT m.hold AND m.bytes > 0 ORDER BY m.switched_at DESC LIMIT 200) x
