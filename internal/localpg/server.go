package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/fault"
)

// Config says which server to run and where.
type Config struct {
	Binaries Binaries
	// Dir holds the data folder, the socket and the log; made when missing.
	Dir string
	// Port on loopback; 0 takes the port of an earlier start, else a free one.
	Port int
	// Superuser is the name of the first role; postgres when empty.
	Superuser string
	// Settings are passed on the command line and win over the defaults.
	Settings map[string]string
	// Child ends the server when this process ends, however it does.
	Child bool
}

// Server is a running server.
type Server struct {
	cfg  Config
	port int
	cmd  *exec.Cmd // nil for a server that an earlier process started
	done chan struct{}
}

func (c Config) data() string   { return filepath.Join(c.Dir, "data") }
func (c Config) socket() string { return filepath.Join(c.Dir, "s") }
func (c Config) log() string    { return filepath.Join(c.Dir, "server.log") }

// Start makes the data folder when there is none, starts the server when it
// does not run, and returns when it answers.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Superuser == "" {
		cfg.Superuser = "postgres"
	}
	who, err := serverUser()
	if err != nil {
		return nil, err
	}
	for _, d := range []string{cfg.Dir, cfg.socket()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, ioFault(err, d)
		}
		if err := who.own(d); err != nil {
			return nil, ioFault(err, d)
		}
	}
	if err := who.reach(cfg.Dir); err != nil {
		return nil, err
	}
	if cfg.Binaries, err = who.binaries(cfg.Binaries, filepath.Dir(cfg.Dir)); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(cfg.data(), "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := initdb(ctx, cfg, who); err != nil {
			return nil, err
		}
	}
	s := &Server{cfg: cfg, done: make(chan struct{})}
	if pid, port := running(cfg); pid > 0 {
		s.port = port
		return s, s.wait(ctx)
	}
	portFile := filepath.Join(cfg.Dir, "port")
	for try := 0; ; try++ {
		s.port = cfg.Port
		if s.port == 0 {
			if b, err := os.ReadFile(portFile); err == nil && try == 0 {
				s.port, _ = strconv.Atoi(strings.TrimSpace(string(b)))
			}
		}
		if s.port == 0 {
			if s.port, err = freePort(ctx); err != nil {
				return nil, err
			}
		}
		if err = s.launch(ctx, who); err == nil {
			break
		}
		if try == 3 || cfg.Port != 0 {
			return nil, err
		}
		s.done = make(chan struct{})
	}
	if err := os.WriteFile(portFile, []byte(strconv.Itoa(s.port)), 0o600); err != nil {
		return nil, ioFault(err, portFile)
	}
	return s, nil
}

func initdb(ctx context.Context, cfg Config, who user) error {
	cmd := exec.CommandContext(ctx, filepath.Join(cfg.Binaries.Dir, "initdb"), "-D", cfg.data(), "-U", cfg.Superuser,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir = cfg.Dir
	who.apply(cmd, false)
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(cfg.data())
		return fault.Wrapf(err, fault.DemoFailed, "look at the message; a full disk and a folder of another user are the usual reasons",
			"initdb in %s failed: %s", cfg.Dir, lastLines(out, 3))
	}
	return nil
}

func (s *Server) settings() []string {
	all := map[string]string{
		"wal_level": "logical", "max_replication_slots": "20", "max_wal_senders": "20", "max_connections": "200",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": s.cfg.socket(), "unix_socket_permissions": "0700",
		"shared_buffers": "64MB", "log_min_messages": "warning", "timezone": "UTC", "cluster_name": "shard-admin",
		"max_prepared_transactions": "5",
	}
	for k, v := range s.cfg.Settings {
		all[k] = v
	}
	keys := make([]string, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	args := []string{}
	for _, k := range keys {
		args = append(args, "-c", k+"="+all[k])
	}
	return args
}

func (s *Server) launch(ctx context.Context, who user) error {
	args := append([]string{"-D", s.cfg.data(), "-p", strconv.Itoa(s.port)}, s.settings()...)
	cmd := exec.Command(filepath.Join(s.cfg.Binaries.Dir, "postgres"), args...)
	cmd.Dir = s.cfg.Dir
	log, err := os.OpenFile(s.cfg.log(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return ioFault(err, s.cfg.log())
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	who.apply(cmd, s.cfg.Child)
	// The end of a parent is told to a child when the thread that made it
	// ends; a thread of its own lives until the server has ended.
	started := make(chan error, 1)
	done := s.done // a restart has another one, which this server's end must not close
	go keepThread(s.cfg.Child, func() {
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(done)
		}
	})
	if err := <-started; err != nil {
		return fault.Wrapf(err, fault.DemoFailed, "check the binaries in "+s.cfg.Binaries.Dir, "postgres could not be started in %s", s.cfg.Dir)
	}
	s.cmd = cmd
	return s.wait(ctx)
}

// wait returns when the server answers, or with the last lines of its log.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL("", "postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.done:
			return fault.Newf(fault.DemoFailed, "the whole log is in "+s.cfg.log(), "PostgreSQL in %s ended: %s", s.cfg.Dir, s.Log())
		case <-ctx.Done():
			return fault.Wrapf(err, fault.DemoFailed, "the whole log is in "+s.cfg.log(), "PostgreSQL in %s does not answer: %s", s.cfg.Dir, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop shuts the server down fast: sessions end, the data is consistent.
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, syscall.SIGINT) }

// Crash ends the server as a power cut would, but for the disk's cache.
func (s *Server) Crash(ctx context.Context) error { return s.end(ctx, syscall.SIGQUIT) }

func (s *Server) end(ctx context.Context, sig syscall.Signal) error {
	pid, _ := running(s.cfg)
	if pid == 0 {
		return nil
	}
	if err := signal(pid, sig); err != nil {
		return fault.Wrapf(err, fault.DemoFailed, "end process "+strconv.Itoa(pid)+" by hand", "the server in %s could not be stopped", s.cfg.Dir)
	}
	for {
		if !alive(pid) {
			return nil
		}
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Restart starts the server again on its port and data.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	who, err := serverUser()
	if err != nil {
		return err
	}
	s.done = make(chan struct{})
	return s.launch(ctx, who)
}

// Pause stops every process of the server, as a frozen machine would.
func (s *Server) Pause() error { return s.signalAll(stopped) }

// Resume lets a paused server go on.
func (s *Server) Resume() error { return s.signalAll(goOn) }

func (s *Server) signalAll(sig syscall.Signal) error {
	pid, _ := running(s.cfg)
	if pid == 0 {
		return fault.Newf(fault.DemoFailed, "", "the server in %s does not run", s.cfg.Dir)
	}
	for _, p := range append([]int{pid}, children(pid)...) {
		if err := signal(p, sig); err != nil {
			return err
		}
	}
	return nil
}

// Port returns the port on loopback.
func (s *Server) Port() int { return s.port }

// Socket returns the folder of the server's socket.
func (s *Server) Socket() string { return s.cfg.socket() }

// Dir returns the server's folder.
func (s *Server) Dir() string { return s.cfg.Dir }

// Major returns the server's major version.
func (s *Server) Major() int { return s.cfg.Binaries.Major }

// URL returns a connection URL without a password. The superuser (user "")
// comes through the socket, where it needs none; everybody else over TCP.
func (s *Server) URL(user, database string) string {
	if user == "" {
		q := url.Values{"host": {s.cfg.socket()}, "port": {strconv.Itoa(s.port)}, "user": {s.cfg.Superuser}}
		return "postgres:///" + url.PathEscape(database) + "?" + q.Encode()
	}
	u := url.URL{Scheme: "postgres", User: url.User(user), Host: fmt.Sprintf("127.0.0.1:%d", s.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Log returns the last lines of the server's log.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.cfg.log())
	if err != nil {
		return "no log"
	}
	return lastLines(b, 6)
}

// Running reports whether a server runs in the folder, and its port.
func Running(dir string) (port int, ok bool) {
	pid, port := running(Config{Dir: dir})
	return port, pid > 0
}

// running reads the pid file of a data folder and asks whether that process
// is there.
func running(c Config) (pid, port int) {
	b, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return 0, 0
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) < 4 {
		return 0, 0
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	if pid <= 0 || !alive(pid) || !isPostgres(pid, c.data()) {
		return 0, 0
	}
	return pid, port
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fault.Wrap(err, fault.ListenFailed, "no free port on 127.0.0.1", "end something that listens there")
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func lastLines(b []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(bytes.TrimSpace(b))), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "; ")
}

func ioFault(err error, path string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fault.Wrapf(err, fault.DiskFull, "make room, then try again", "the disk of %s is full", path)
	}
	return fault.Wrapf(err, fault.DemoFailed, "check who owns the folder", "%s cannot be used", path)
}
