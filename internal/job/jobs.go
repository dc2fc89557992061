package job

import (
	"context"
	"crypto/rand"
	"embed"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/conn"
	"shardadmin/internal/fleet"
)

//go:embed sql/*.sql
var files embed.FS

// Jobs is the leases and runs of one control database.
type Jobs struct {
	control *conn.Database
	schema  string // unquoted
	holder  string
	clock   clock
}

// New returns the jobs in the schema (unquoted) of a control database. The
// holder names this computer and who uses it, so that people can find it; it
// has no "#" in it.
func New(control *conn.Database, schema, holder string) *Jobs {
	return &Jobs{control: control, schema: schema, holder: strings.ReplaceAll(holder, "#", "-"), clock: newClock()}
}

// Holder returns the name under which leases are taken.
func (j *Jobs) Holder() string { return j.holder }

// sql returns an embedded statement, or the text itself, with the schema in.
func (j *Jobs) sql(name string) string {
	text := name
	if !strings.Contains(name, " ") {
		b, err := files.ReadFile("sql/" + name + ".sql")
		if err != nil {
			panic(err) // a name that the binary was not built with
		}
		text = string(b)
	}
	return strings.ReplaceAll(text, "{{schema}}", pgx.Identifier{j.schema}.Sanitize())
}

func (j *Jobs) fault(err error) error { return conn.Fault(err, fleet.ControlName) }

type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// clock is the two clocks of this computer: one may be set, the other may
// stand still while the machine sleeps.
type clock struct {
	wall func() time.Time
	mono func() time.Duration
}

func newClock() clock {
	start := time.Now()
	return clock{
		wall: func() time.Time { return time.Now().Round(0) },
		mono: func() time.Duration { return time.Since(start) },
	}
}

type instant struct {
	wall time.Time
	mono time.Duration
}

func (c clock) now() instant { return instant{c.wall(), c.mono()} }

// since is the longer of the two times that may have passed.
func (c clock) since(i instant) time.Duration {
	return max(c.wall().Sub(i.wall), c.mono()-i.mono)
}

func random() string { return strings.ToLower(rand.Text()[:10]) }
