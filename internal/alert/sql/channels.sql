SELECT channel,
       coalesce((array_agg(error ORDER BY id DESC) FILTER (WHERE error <> ''))[1], '') AS error,
       count(*) FILTER (WHERE sent_at IS NULL AND failed_at IS NULL)::int AS waiting,
       max(sent_at)
FROM {{schema}}.notice n
WHERE error = '' OR NOT EXISTS (SELECT FROM {{schema}}.notice l WHERE l.channel = n.channel AND l.id > n.id AND l.sent_at IS NOT NULL)
GROUP BY channel ORDER BY channel
