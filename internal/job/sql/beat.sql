INSERT INTO {{schema}}.worker AS w (id, host, pid, version, runs_all) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
