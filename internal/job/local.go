package job

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// LocalHolder names this process for leases and runs: the computer, what it is
// started as, its number, and a random part. Where the system tells one start
// of the computer from another, the name carries it, so that a later process
// can tell that this one has ended.
func LocalHolder(source string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	host = strings.NewReplacer("#", "-", "/", "-", "~", "-").Replace(host)
	return fmt.Sprintf("%s~%s/%s/%d-%s", host, bootID(), source, os.Getpid(), random())
}

// Spoken is a holder as people name it: who it is, and on which computer.
func Spoken(holder string) string {
	parts := strings.Split(holder, "/")
	host, _, _ := strings.Cut(parts[0], "~")
	if len(parts) < 2 || parts[1] == "" {
		return host
	}
	return parts[1] + " on " + host
}

// ended reports whether a holder was a process of this computer, since its
// last start, that is no more. Anything else counts as alive.
func ended(holder string) bool {
	parts := strings.Split(holder, "/")
	if len(parts) != 3 || bootID() == "" || !strings.HasSuffix(parts[0], "~"+bootID()) {
		return false
	}
	text, _, _ := strings.Cut(parts[2], "-")
	pid, err := strconv.Atoi(text)
	return err == nil && pid > 0 && !running(pid)
}

// Reap frees what ended processes of this computer held, so that nobody waits
// for their leases to run out. The next owner's epoch keeps out whatever they
// may still have on the wire.
func (j *Jobs) Reap(ctx context.Context) error {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, j.sql(`SELECT holder FROM {{schema}}.lease WHERE expires_at > clock_timestamp()
		UNION SELECT split_part(worker, '#', 1) FROM {{schema}}.run WHERE state = 'running' AND worker IS NOT NULL
		UNION SELECT queued_on FROM {{schema}}.run WHERE state = 'queued'`))
	if err != nil {
		return j.fault(err)
	}
	holders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return j.fault(err)
	}
	for _, h := range holders {
		if !ended(h) {
			continue
		}
		if _, err := pool.Exec(ctx, j.sql("requeue_dead"), 0.0, h, "", []string{}); err != nil {
			return j.fault(err)
		}
		for _, sql := range []string{
			`UPDATE {{schema}}.lease SET expires_at = '-infinity' WHERE holder = $1`,
			`DELETE FROM {{schema}}.worker WHERE split_part(id, '#', 1) = $1`,
		} {
			if _, err := pool.Exec(ctx, j.sql(sql), h); err != nil {
				return j.fault(err)
			}
		}
	}
	return nil
}

// Supersede takes the waiting runs of a resource out of the queue, because
// a newer one says what is to be done; it returns how many there were.
func (j *Jobs) Supersede(ctx context.Context, resource string) (int64, error) {
	pool, err := j.control.Pool(ctx)
	if err != nil {
		return 0, err
	}
	tag, err := pool.Exec(ctx, j.sql(`UPDATE {{schema}}.run SET state = 'parked', ended_at = clock_timestamp(), error = 'taken out of the queue by a newer one'
		WHERE state = 'queued' AND resource = $1`), resource)
	return tag.RowsAffected(), j.fault(err)
}
