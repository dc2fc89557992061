package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
)

// desk is a desktop session of its own for processes: folders, a bus that starts
// nobody by itself, and on it a gnome-keyring if there is one.
type desk struct {
	t   *testing.T
	env []string
}

// companion starts a program that ends with the test, however that ends.
func (d *desk) companion(stdin string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stdin = d.env, strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(d.t, cmd.Start())
	d.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// call asks somebody on the bus; "" where nobody answers.
func (d *desk) call(to, path, method string, args ...string) string {
	cmd := exec.CommandContext(d.t.Context(), "gdbus", append([]string{"call", "--session", "--dest", to, "--object-path", path, "--method", method}, args...)...)
	cmd.Env = d.env
	out, _ := cmd.Output()
	return strings.TrimSpace(string(out))
}

// newDesk has no bus at all, or one with a keychain that was unlocked once.
func newDesk(t *testing.T, bus bool) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk") // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &desk{t: t, env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8"}}
	for name, sub := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o700))
		d.env = append(d.env, name+"="+filepath.Join(dir, sub))
	}
	socket := filepath.Join(dir, "bus")
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket)
	if !bus {
		return d
	}
	conf := filepath.Join(dir, "bus.conf")
	require.NoError(t, os.WriteFile(conf, []byte(`<busconfig><type>session</type><listen>unix:path=`+socket+`</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600))
	d.companion("", "dbus-daemon", "--config-file="+conf, "--nofork", "--nopidfile")
	require.Eventually(t, func() bool { _, err := os.Stat(socket); return err == nil }, 20*time.Second, 20*time.Millisecond)
	d.companion("login password", "gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets")
	require.Eventually(t, func() bool {
		return strings.Contains(d.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"), "true")
	}, 20*time.Second, 50*time.Millisecond)
	return d
}

// lock locks the keychain, as a screen that was left does.
func (d *desk) lock() {
	d.t.Helper()
	const login = "/org/freedesktop/secrets/collection/login"
	d.call("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", "['"+login+"']")
	require.Contains(d.t, d.call("org.freedesktop.secrets", login, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked"), "true")
}

// run runs the program in the session and returns its exit status, its document
// and what it took.
func (d *desk) run(path, home, stdin string, args ...string) (int, map[string]any, time.Duration) {
	d.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(d.t.Context(), path, append([]string{"--home", home, "--json"}, args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = d.env, strings.NewReader(stdin), &out, &errs
	begin := time.Now()
	err := cmd.Run()
	var ended *exec.ExitError
	require.True(d.t, err == nil || errors.As(err, &ended), "%v", err)
	require.NotContains(d.t, out.String()+errs.String(), password)
	var v map[string]any
	require.NoError(d.t, json.Unmarshal(out.Bytes(), &v), "%v\n%s%s", args, &out, &errs)
	return cmd.ProcessState.ExitCode(), v, time.Since(begin)
}

// The keychain that holds the fleet's passwords is locked, and then there is none:
// each command as a process of its own ends soon with that code and a remedy, and
// changes nothing. Unlocked, or with the password in a variable, it works.
func TestALockedAndAMissingKeychainEndEachCommand(t *testing.T) {
	t.Parallel()
	l := populated(t)
	program, name := built(t, "v1.0.0", nil), l.name()
	seated, bare := newDesk(t, true), newDesk(t, false)
	kept := map[string]string{}
	for _, c := range []string{"control", "shard_1"} {
		kept[c] = credential.Variable(name, c) + "=" + password
		exit, v, _ := seated.run(program, l.home, password+"\n", "fleet", "credential", "set", c, "--user", l.role, "--note", "x")
		require.Equal(t, 0, exit, v)
	}
	exit, v, _ := seated.run(program, l.home, "", "fleet", "credential", "test", "shard_1")
	require.Equal(t, 0, exit, v)
	exit, v, _ = seated.run(program, l.home, "", "move", "plan", "7", "shard_1")
	require.Equal(t, 0, exit, v)

	seated.lock()
	before, open := l.all(), l.unfinished()
	home := folder(t, l.home)
	for _, c := range []struct {
		code  string
		where *desk
		hint  string
	}{{"keychain_locked", seated, "unlock it, then try again, or give the password as SHARD_ADMIN_PASSWORD_"}, {"keychain_absent", bare, "SHARD_ADMIN_PASSWORD_"}} {
		for _, one := range []struct {
			exit int
			args []string
		}{
			{1, []string{"fleet", "credential", "set", "shard_1", "--user", l.role, "--note", "x"}},
			{1, []string{"fleet", "credential", "test", "shard_1"}},
			{5, []string{"fleet", "check"}},
			{0, []string{"shards", "status"}}, // each database with its reason
			{1, []string{"move", "plan", "7", "shard_1"}},
			{1, []string{"move", "start", "7", "shard_1", "--wait", "--note", "x"}},
			{1, []string{"shards", "assign", "9", "shard_1", "--note", "x"}},
		} {
			args := one.args
			exit, v, took := c.where.run(program, l.home, "another\n", args...)
			text, err := json.Marshal(v)
			require.NoError(t, err)
			t.Logf("%s: %v: exit %d after %s: %s", c.code, args, exit, took.Round(10*time.Millisecond), text)
			require.Equal(t, one.exit, exit, args)
			require.Contains(t, string(text), `"`+c.code+`"`, args)
			require.Contains(t, string(text), c.hint, args)
			require.Less(t, took, 25*time.Second, args)
		}
	}
	alike(t, before, l.all(), "a keychain that gives nothing")
	require.Equal(t, open, l.unfinished())
	require.Equal(t, home, folder(t, l.home))

	// What else has the passwords serves, beside a lock and without a keychain.
	for _, d := range []*desk{seated, bare} {
		d.env = append(d.env, kept["control"], kept["shard_1"])
		exit, v, _ := d.run(program, l.home, "", "move", "plan", "7", "shard_1")
		require.Equal(t, 0, exit, v)
	}
}

// folder is what the fleets' files and the settings hold.
func folder(t *testing.T, home string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.toml", "fleets/*"} {
		list, err := filepath.Glob(filepath.Join(home, pattern))
		require.NoError(t, err)
		for _, path := range list {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			out[path] = string(b)
		}
	}
	require.NotEmpty(t, out)
	return out
}
