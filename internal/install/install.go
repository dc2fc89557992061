package install

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
)

//go:embed migrations/*.sql
var files embed.FS

// DefaultSchema is the schema's name unless the operator chooses another.
const DefaultSchema = "shard_admin"

// Installer installs one schema name.
type Installer struct{ schema string }

// New returns an installer; an empty name means DefaultSchema.
func New(schema string) *Installer {
	if schema == "" {
		schema = DefaultSchema
	}
	return &Installer{schema: schema}
}

// Schema returns the name, unquoted.
func (i *Installer) Schema() string { return i.schema }

func (i *Installer) quoted() string { return pgx.Identifier{i.schema}.Sanitize() }

// table is unquoted, because goose splits it at the dot; Check keeps names to
// those that need no quotes.
func (i *Installer) table() string { return i.schema + ".version" }

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Check refuses a schema name that would need quotes.
func (i *Installer) Check() error {
	if !schemaName.MatchString(i.schema) || strings.HasPrefix(i.schema, "pg_") {
		return fault.Newf(fault.Usage, "use lower-case letters, digits and _", "%q is not a usable name for the schema", i.schema)
	}
	return nil
}

// Status says what is there and what this program brings.
type Status struct {
	Schema    string `json:"schema"`
	Installed bool   `json:"installed"`
	Version   int64  `json:"version"`
	Wanted    int64  `json:"wanted"`
}

// Current reports whether the schema is what this program needs.
func (s Status) Current() bool { return s.Installed && s.Version == s.Wanted }

// Status reads the version; it writes nothing.
func (i *Installer) Status(ctx context.Context, db *conn.Database) (Status, error) {
	s := Status{Schema: i.schema, Wanted: i.wanted()}
	pool, err := db.Pool(ctx)
	if err != nil {
		return s, err
	}
	var exists bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, i.table()).Scan(&exists); err != nil {
		return s, conn.Fault(err, db.Name())
	}
	if !exists {
		return s, nil
	}
	s.Installed = true
	err = pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+i.table()+` WHERE is_applied`).Scan(&s.Version)
	return s, conn.Fault(err, db.Name())
}

// RequireCurrent refuses work on a schema that is missing, older or newer.
func (i *Installer) RequireCurrent(ctx context.Context, db *conn.Database) error {
	s, err := i.Status(ctx, db)
	if err != nil {
		return err
	}
	switch {
	case !s.Installed:
		return fault.Newf(fault.NotInstalled, "shard-admin fleet install --admin YOUR@EMAIL makes it", "the control database has no schema %s: the fleet may only be looked at", i.schema)
	case s.Version > s.Wanted:
		return fault.Newf(fault.SchemaNewer, "use a newer shard-admin", "the schema %s has version %d, this program knows %d: the fleet may only be looked at", i.schema, s.Version, s.Wanted)
	case s.Version < s.Wanted:
		return fault.Newf(fault.SchemaOlder, "shard-admin fleet install upgrades it", "the schema %s has version %d, this program needs %d", i.schema, s.Version, s.Wanted)
	}
	return nil
}

func (i *Installer) names() []string {
	entries, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil
	}
	slices.Sort(entries)
	return entries
}

func (i *Installer) wanted() int64 {
	n := i.names()
	return versionOf(n[len(n)-1])
}

func versionOf(name string) int64 {
	v, _ := strconv.ParseInt(strings.SplitN(path.Base(name), "_", 2)[0], 10, 64)
	return v
}

// Install makes the schema or brings it up to date. A role with CREATE on the
// database is enough.
func (i *Installer) Install(ctx context.Context, db *conn.Database) error {
	if err := i.Check(); err != nil {
		return err
	}
	if s, err := i.Status(ctx, db); err != nil {
		return err
	} else if s.Version > s.Wanted {
		return i.RequireCurrent(ctx, db)
	} else if s.Current() {
		return nil // a DBA may have made it, and nothing more is needed
	}
	pool, err := db.Pool(ctx)
	if err != nil {
		return err
	}
	// One at a time; goose's own lock is a session's, and a pooler has none.
	lock, err := pool.Begin(ctx)
	if err != nil {
		return conn.Fault(err, db.Name())
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := lock.Exec(ctx, "SET LOCAL lock_timeout = '25s'"); err != nil {
		return conn.Fault(err, db.Name())
	}
	if _, err := lock.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))", "shard-admin install "+i.schema); err != nil {
		return conn.Fault(err, db.Name())
	}
	var exists bool
	if err := lock.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)", i.schema).Scan(&exists); err != nil {
		return conn.Fault(err, db.Name())
	}
	if !exists { // IF NOT EXISTS would ask for the right all the same
		if _, err := pool.Exec(ctx, "CREATE SCHEMA "+i.quoted()); err != nil {
			return conn.Fault(err, db.Name())
		}
	}
	handle := stdlib.OpenDBFromPool(pool)
	defer func() { _ = handle.Close() }()
	store, err := database.NewStore(database.DialectPostgres, i.table())
	if err != nil {
		return fault.Wrap(err, fault.InstallFailed, "the version table could not be named", "")
	}
	sub, err := fs.Sub(named{files, i.quoted()}, "migrations")
	if err != nil {
		return fault.Wrap(err, fault.InstallFailed, "the migrations are missing from this program", "")
	}
	p, err := goose.NewProvider("", handle, sub, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fault.Wrap(err, fault.InstallFailed, "the migrations could not be read", "")
	}
	if _, err := p.Up(ctx); err != nil {
		if f := conn.Fault(err, db.Name()); fault.CodeOf(f) == fault.RightMissing {
			return f
		}
		return fault.Wrapf(err, fault.InstallFailed, "the failed step was rolled back; mend the reason and install again", "the schema %s could not be installed: %s", i.schema, cause(err))
	}
	return nil
}

func cause(err error) string {
	var pe *goose.PartialError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// Uninstall removes the schema with everything in it, the audit trail
// included. It is refused while a move is not finished. last runs in the transaction that
// removes it, when nothing refuses any more and everything is still there; nil is nothing.
func (i *Installer) Uninstall(ctx context.Context, db *conn.Database, last func(context.Context, pgx.Tx) error) error {
	pool, err := db.Pool(ctx)
	if err != nil {
		return err
	}
	s, err := i.Status(ctx, db)
	if err != nil {
		return err
	}
	if !s.Installed {
		return fault.Newf(fault.NotInstalled, "", "there is no schema %s to remove", i.schema)
	}
	if s.Version > s.Wanted {
		return i.RequireCurrent(ctx, db)
	}
	remove := func(tx pgx.Tx) error {
		if last != nil {
			if err := last(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "DROP SCHEMA "+i.quoted()+" CASCADE")
		return err
	}
	return conn.Fault(pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		var open int
		var moves bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, i.quoted()+".move").Scan(&moves); err != nil {
			return err
		}
		if !moves { // an older schema
			return remove(tx)
		}
		// No move may begin between the count and the end.
		if _, err := tx.Exec(ctx, "LOCK TABLE "+i.quoted()+".move IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+i.quoted()+`.move WHERE state NOT IN ('cancelled', 'rolled_back', 'finalized')`).Scan(&open); err != nil {
			return err
		}
		if open > 0 {
			return fault.Newf(fault.MoveInProgress, "finalize, roll back or cancel them: shard-admin move list", "%d moves are not finished; their state is in the schema", open)
		}
		return remove(tx)
	}), db.Name())
}

var annotation = regexp.MustCompile(`(?m)^-- \+goose .*\n`)

// Script returns what Install does as plain SQL, for somebody who may do what
// the operator may not. role is granted what the program needs; empty grants
// nothing.
func (i *Installer) Script(role string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- The schema %s, version %d.\nBEGIN;\nCREATE SCHEMA %s;\n", i.schema, i.wanted(), i.quoted())
	fmt.Fprintf(&b, "CREATE TABLE %s (\n    id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,\n    version_id bigint NOT NULL,\n    is_applied boolean NOT NULL,\n    tstamp timestamp NOT NULL DEFAULT now()\n);\n", i.table())
	fmt.Fprintf(&b, "INSERT INTO %s (version_id, is_applied) VALUES (0, true);\n", i.table())
	for _, n := range i.names() {
		text, err := files.ReadFile(n)
		if err != nil {
			panic(err) // the name came from the same file system
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		b.WriteString(annotation.ReplaceAllString(strings.ReplaceAll(up, "{{schema}}", i.quoted()), ""))
		fmt.Fprintf(&b, "INSERT INTO %s (version_id, is_applied) VALUES (%d, true);\n\n", i.table(), versionOf(n))
	}
	if role != "" {
		r, s := pgx.Identifier{role}.Sanitize(), i.quoted()
		fmt.Fprintf(&b, "GRANT USAGE ON SCHEMA %s TO %s;\n", s, r)
		fmt.Fprintf(&b, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s;\n", s, r)
		for _, t := range []string{"operator", "policy", "placement", "lease", "worker", "run", "run_step", "move", "move_table", "move_log", "move_step", "move_replaced", "cleanup", "alert", "silence", "notice", "spread", "telling"} {
			fmt.Fprintf(&b, "GRANT INSERT, UPDATE, DELETE ON %s.%s TO %s;\n", s, t, r)
		}
		fmt.Fprintf(&b, "GRANT INSERT (event_id, occurred_at, body) ON %s.audit_event TO %s;\n", s, r)
		fmt.Fprintf(&b, "GRANT INSERT (kind, value, salt) ON %s.audit_person TO %s;\n", s, r)
		fmt.Fprintf(&b, "GRANT INSERT, UPDATE ON %s.queue TO %s;\n", s, r)
		fmt.Fprintf(&b, "GRANT INSERT ON %s.stripe_count, %s.stripe TO %s;\n", s, s, r)
		fmt.Fprintf(&b, "GRANT INSERT, UPDATE ON %s.stripe_column TO %s;\n", s, r)
	}
	b.WriteString("COMMIT;\n")
	return b.String()
}

// named is a file system whose SQL carries the schema's name.
type named struct {
	fs.FS
	schema string
}

func (n named) Open(name string) (fs.File, error) {
	f, err := n.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text := bytes.ReplaceAll(b, []byte("{{schema}}"), []byte(n.schema))
	return &file{Reader: bytes.NewReader(text), info: info, size: int64(len(text))}, nil
}

type file struct {
	*bytes.Reader
	info fs.FileInfo
	size int64
}

func (f *file) Stat() (fs.FileInfo, error) { return sized{f.info, f.size}, nil }
func (f *file) Close() error               { return nil }

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64        { return s.size }
func (s sized) ModTime() time.Time { return time.Time{} }
