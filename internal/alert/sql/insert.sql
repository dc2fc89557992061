INSERT INTO {{schema}}.alert (rule, subject, shard, severity, message, value, advice, once, state, since, fired_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
