package conn

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"shardadmin/internal/fault"
)

const (
	// consoleDatabase is the database by which PgBouncer offers its console.
	consoleDatabase = "pgbouncer"
	// usualPoolerPort is where PgBouncer listens unless told otherwise.
	usualPoolerPort = 6432
)

// MayBePooled reports whether the database's URL leads through a pooler: its
// session was not the server's own, a direct URL stands beside it, or it has the
// port that poolers have.
func (d *Database) MayBePooled() bool {
	d.pooled.mu.Lock()
	defer d.pooled.mu.Unlock()
	return d.pooled.seen || d.endpoint.Direct != "" || d.Port() == usualPoolerPort
}

// Console opens the console of the PgBouncer that the database's URL leads through,
// as the same user. It takes the simple protocol alone. Where there is none, or it
// is not for this user, the error is not_available and says which.
func (d *Database) Console(ctx context.Context) (*pgconn.PgConn, error) {
	cfg, lacking, err := d.config(ctx, d.endpoint.URL)
	if err != nil {
		return nil, err
	}
	cfg.Database = consoleDatabase
	cfg.RuntimeParams = map[string]string{"application_name": d.set.opt.AppName}
	cfg.ValidateConnect = nil // the console knows nothing of roles of servers
	c, err := pgconn.ConnectConfig(ctx, &cfg.Config)
	if err != nil {
		return nil, d.consoleFault(err, lacking, cfg.User)
	}
	version, err := c.Exec(ctx, "SHOW VERSION").ReadAll()
	if err != nil || len(version) != 1 || len(version[0].Rows) != 1 || !strings.HasPrefix(string(version[0].Rows[0][0]), "PgBouncer") {
		_ = c.Close(context.WithoutCancel(ctx))
		if err != nil && ctx.Err() != nil {
			return nil, Fault(err, d.name)
		}
		return nil, noConsole(err)
	}
	return c, nil
}

func noConsole(cause error) error {
	return fault.Wrap(cause, fault.NotAvailable, "what the database is reached through is not PgBouncer: it has no console", "")
}

func (d *Database) consoleFault(err, lacking error, user string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return d.fault(err, lacking)
	}
	switch {
	case pg.Code == "3D000", strings.Contains(pg.Message, "no such database"), strings.Contains(pg.Message, "does not exist"):
		return noConsole(err)
	case strings.Contains(pg.Message, "not allowed"):
		return fault.Wrapf(err, fault.NotAvailable, "add it to stats_users in pgbouncer.ini and reload", "PgBouncer does not show its pools to %s: it is neither in stats_users nor in admin_users", user)
	}
	return d.fault(err, lacking)
}
