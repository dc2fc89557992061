package home

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// Variable names the environment variable with the folder.
const Variable = "SHARD_ADMIN_HOME"

// Options of Open.
type Options struct {
	// Dir wins over the environment; empty means SHARD_ADMIN_HOME, else
	// shard-admin in the user's config folder.
	Dir string
	// Env looks up a variable; os.Getenv when nil.
	Env func(string) string
	// Verbose writes details to the log as well.
	Verbose bool
}

// Home is the opened folder. Its methods may be called from any goroutine.
type Home struct {
	dir      string
	env      func(string) string
	log      *rotating
	logger   *slog.Logger
	settings *Settings
	vault    *credential.Vault
}

// Open makes the folder where it is missing and checks who may write to it.
func Open(o Options) (*Home, error) {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	dir := o.Dir
	if dir == "" {
		dir = o.Env(Variable)
	}
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, fault.Wrap(err, fault.Usage, "there is no config folder for this user", "set "+Variable+" or give --home DIR")
		}
		dir = filepath.Join(base, "shard-admin")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fileFault(err, dir)
	}
	for _, d := range []string{dir, filepath.Join(dir, "fleets"), filepath.Join(dir, "logs")} {
		if err := folder(d); err != nil {
			return nil, err
		}
	}
	h := &Home{dir: dir, env: o.Env}
	h.settings = &Settings{home: h}
	h.vault = h.newVault()
	h.log = &rotating{path: filepath.Join(dir, "logs", "shard-admin.log"), limit: logLimit, keep: logKeep, lock: h.lock}
	level := slog.LevelInfo
	if o.Verbose {
		level = slog.LevelDebug
	}
	h.logger = slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: level}))
	return h, nil
}

// Close closes the log.
func (h *Home) Close() error { return h.log.Close() }

// Dir returns the folder's absolute path.
func (h *Home) Dir() string { return h.dir }

// DBPath returns where the local database is.
func (h *Home) DBPath() string { return filepath.Join(h.dir, "shard-admin.db") }

// LogPath returns where the log is.
func (h *Home) LogPath() string { return h.log.path }

// Env looks up an environment variable.
func (h *Home) Env(name string) string { return h.env(name) }

// Settings returns the user's settings.
func (h *Home) Settings() *Settings { return h.settings }

// Logger writes to the folder's log. Secrets are filtered out of what it
// writes.
func (h *Home) Logger() *slog.Logger { return h.logger }

// Hide keeps a value out of the log from now on.
func (h *Home) Hide(s credential.Secret) { h.log.filter.add(s) }

// folder makes a folder, or takes an existing one back from readers.
func folder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fileFault(err, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fileFault(err, path)
	}
	if !info.IsDir() {
		return fault.Newf(fault.Usage, "move it away, or choose another folder with --home", "%s is not a folder", path)
	}
	if runtime.GOOS == "windows" {
		return nil // the profile's own access list holds there
	}
	if info.Mode().Perm()&0o022 != 0 {
		return tooOpen(path, "700")
	}
	if info.Mode().Perm()&0o055 != 0 {
		if err := os.Chmod(path, 0o700); err != nil {
			return fileFault(err, path)
		}
	}
	return nil
}

func tooOpen(path, mode string) error {
	return fault.Newf(fault.SettingsInvalid, "chmod "+mode+" "+path, "others may write to %s: whoever does decides where passwords are sent", path)
}

// read returns a file's text, refusing one that others may write to.
func read(path string) ([]byte, error) {
	b, _, err := readWith(path)
	return b, err
}

func readWith(path string) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return nil, nil, tooOpen(path, "600")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fileFault(err, path)
	}
	return b, info, nil
}

// write replaces a file whole: after a crash there is the old one or the new
// one.
func write(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return fileFault(err, path)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return fileFault(err, path)
	}
	if err = f.Sync(); err != nil {
		return fileFault(err, path)
	}
	if err = f.Close(); err != nil {
		return fileFault(err, path)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fileFault(err, path)
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	// The name is the folder's, and as lasting as the folder.
	if dir, opening := os.Open(filepath.Dir(path)); opening == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

func fileFault(err error, path string) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "the disk of %s is full", path)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrapf(err, fault.SettingsInvalid, "check who owns it, or choose another folder with --home", "%s may not be used by this user", path)
	}
	return fault.Wrapf(err, fault.SettingsInvalid, "choose another folder with --home, or mend this one", "%s cannot be used", path)
}
