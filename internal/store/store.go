package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"shardadmin/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the open file.
type Store struct {
	db   *sql.DB
	path string
}

// Open opens the file at path, makes it with mode 0600 when it is not there,
// and brings its structure up to this program's; programs that come at the same
// time wait for the one that does so. A file that a newer program
// has written is refused with the code schema_newer.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fileFault(err, path)
	}
	// SQLite gives its side files the mode of the main file, so the main file
	// has to exist with the right one first.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fileFault(err, path)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fileFault(err, path)
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	u.RawQuery = url.Values{
		"_txlock": {"immediate"},
		// recursive_triggers: INSERT OR REPLACE would delete without them. secure_delete:
		// what is deleted is overwritten, because somebody may have asked for that.
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "recursive_triggers(1)", "secure_delete(1)"},
	}.Encode()
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fileFault(err, path)
	}
	s := &Store{db: db, path: path}
	if err := s.migrate(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the local store's migrations are missing from the program", "")
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the local store's migrations cannot be read", "")
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	if have, err := p.GetDBVersion(ctx); err == nil && have == want {
		return nil
	}
	// Several programs may meet a file that is new, or an older one's: each migration is
	// for one of them.
	lock := flock.New(s.path + ".lock") // mode 0600
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return fileFault(err, s.path)
	}
	defer func() { _ = lock.Close() }()
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fileFault(err, s.path)
	}
	if have > want {
		return fault.Newf(fault.SchemaNewer, "use the newer program, or move the file away: it is made again from the control databases",
			"%s has version %d and this program knows %d", s.path, have, want)
	}
	if have == want {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fileFault(err, s.path)
	}
	return nil
}

// DB returns the handle. Transactions begun on it are IMMEDIATE.
func (s *Store) DB() *sql.DB { return s.db }

// Path returns where the file is.
func (s *Store) Path() string { return s.path }

// Close closes the file.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fileFault(err, s.path)
	}
	return nil
}

func fileFault(err error, path string) error {
	if f := fault.As(err); f != nil {
		return f
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "the disk of %s is full", path)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrapf(err, fault.Internal, "check that the folder belongs to you; the file may be moved away and is made again",
		"the local store %s cannot be used: %s", path, err)
}
