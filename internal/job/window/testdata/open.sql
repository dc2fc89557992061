SELECT CASE WHEN $4::int < $5::int THEN dow = ANY ($3::int[]) AND minute >= $4 AND minute < $5
            ELSE dow = ANY ($3) AND minute >= $4 OR (dow + 6) % 7 = ANY ($3) AND minute < $5 END
FROM (SELECT extract(dow FROM wall)::int AS dow, extract(hour FROM wall)::int * 60 + extract(minute FROM wall)::int AS minute
      FROM (SELECT $1::timestamptz AT TIME ZONE $2::text AS wall) w) x
