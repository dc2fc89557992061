//go:build unix

// Package sshtest runs OpenSSH servers for tests, each with a key, a port and
// a folder of its own, as a process of a user who is nobody's superuser. Tests
// alone may import it.
package sshtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// Sshd is one running server.
type Sshd struct {
	// User logs in; the server knows no other.
	User string
	Port int
	// HostKey is the public half of the server's key.
	HostKey ssh.PublicKey

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	log  string
	// binary is the server, libraries the folder of those it needs; empty where
	// they are installed.
	binary, libraries string
}

// Key is a key pair of a person.
type Key struct {
	Private ed25519.PrivateKey
	Public  ssh.PublicKey
}

// NewKey makes a key.
func NewKey(t testing.TB) Key {
	t.Helper()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	return Key{private, p}
}

// PEM is the key as a file, encrypted where a passphrase is given.
func (k Key) PEM(t testing.TB, passphrase string) []byte {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(k.Private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(k.Private, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

// Start runs a server that lets in whoever has one of the keys; more are lines
// of its configuration.
func Start(t testing.TB, keys []Key, more ...string) *Sshd {
	t.Helper()
	who, err := user.Current()
	require.NoError(t, err)
	if who.Uid == "0" {
		who, err = user.Lookup("nobody")
		require.NoError(t, err)
	}
	dir, err := os.MkdirTemp("", "shard-admin-sshd-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Sshd{t: t, User: who.Username, dir: dir, log: filepath.Join(dir, "log")}
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // the server's user enters it
	s.install()
	var authorized bytes.Buffer
	for _, k := range keys {
		authorized.Write(ssh.MarshalAuthorizedKey(k.Public))
	}
	s.write("authorized_keys", authorized.Bytes())
	s.Port = freePort(t)
	s.Renew()
	s.write("config", []byte(fmt.Sprintf(`ListenAddress 127.0.0.1
Port %d
HostKey %s/host_key
PidFile none
AuthorizedKeysFile %s/authorized_keys
StrictModes no
# An account without a password is locked for whoever asks nobody else.
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
LogLevel VERBOSE
MaxStartups 100
MaxSessions 200
%s
`, s.Port, dir, dir, strings.Join(more, "\n"))))
	s.Run()
	t.Cleanup(s.Stop)
	return s
}

// find returns the server that is installed, or that of the folder into which
// build/need has unpacked one.
func find(t testing.TB) (path, unpacked string) {
	t.Helper()
	for _, p := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(p); err == nil {
			return p, ""
		}
	}
	up, err := os.Getwd()
	require.NoError(t, err)
	for ; ; up = filepath.Dir(up) {
		root := filepath.Join(up, "build", "cache", "sshd")
		if _, err := os.Stat(filepath.Join(root, "usr/sbin/sshd")); err == nil {
			return filepath.Join(root, "usr/sbin/sshd"), root
		}
		if up == filepath.Dir(up) {
			require.Fail(t, "OpenSSH's server is needed: build/need sshd unpacks one")
		}
	}
}

// install chooses the server. An unpacked one is copied with its libraries to
// where the server's user may read it.
func (s *Sshd) install() {
	s.t.Helper()
	server, root := find(s.t)
	if s.binary = server; root == "" {
		return
	}
	files := []string{server}
	for _, pattern := range []string{"lib/*-linux-gnu/*.so*", "usr/lib/*-linux-gnu/*.so*"} {
		m, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(s.t, err)
		files = append(files, m...)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(s.t, err)
		require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, filepath.Base(f)), b, 0o755)) //nolint:gosec // the server's user runs it
	}
	s.binary, s.libraries = filepath.Join(s.dir, "sshd"), s.dir
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Sshd) write(name string, b []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path, b, 0o600))
	if os.Getuid() == 0 {
		uid, gid := ids(s.t, s.User)
		require.NoError(s.t, os.Chown(path, uid, gid))
	}
}

func ids(t testing.TB, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	require.NoError(t, err)
	uid, err = strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err = strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return uid, gid
}

// Renew gives the server another key, which it shows after its next Run.
func (s *Sshd) Renew() {
	s.t.Helper()
	k := NewKey(s.t)
	s.HostKey = k.Public
	s.write("host_key", k.PEM(s.t, ""))
}

// Run starts the server and waits until it answers.
func (s *Sshd) Run() {
	t := s.t
	t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.binary, "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if s.libraries != "" {
		s.cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+s.libraries)
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		uid, gid := ids(t, s.User)
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids
	}
	require.NoError(t, s.cmd.Start())
	cmd, done := s.cmd, make(chan struct{})
	s.done = done
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	for {
		c, err := net.Dial("tcp", s.Address()) //nolint:noctx // ends with the server
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-done:
			t.Fatalf("sshd did not start:\n%s", s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server and every connection that it carries.
func (s *Sshd) Stop() {
	list := s.family()
	_ = s.cmd.Process.Kill()
	for _, pid := range list {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.done
}

// family lists the processes that the server has started: each connection has
// its own, in a session of its own.
func (s *Sshd) family() []int {
	out, err := exec.CommandContext(context.Background(), "ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, l := range strings.Split(string(out), "\n") {
		var pid, parent int
		if n, _ := fmt.Sscan(l, &pid, &parent); n == 2 {
			children[parent] = append(children[parent], pid)
		}
	}
	list := []int{}
	for next := []int{s.cmd.Process.Pid}; len(next) > 0; next = next[1:] {
		list = append(list, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return list
}

// Address is host:port.
func (s *Sshd) Address() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// Log is what the server has written.
func (s *Sshd) Log() string {
	b, _ := os.ReadFile(s.log)
	return string(b)
}

// Logins counts how often somebody was let in.
func (s *Sshd) Logins() int { return strings.Count(s.Log(), "Accepted publickey") }
