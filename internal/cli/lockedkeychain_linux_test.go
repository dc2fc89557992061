package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/credential/keyringtest"
)

// desk runs the program in a desktop session of its own.
type desk struct {
	*keyringtest.Desk
	t *testing.T
}

// newDesk has no bus at all, or one with a keychain that was unlocked once.
func newDesk(t *testing.T, bus bool) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk") // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d, err := keyringtest.Bare(dir)
	if bus {
		d, err = keyringtest.Start(t.Context(), dir)
	}
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return &desk{d, t}
}

// run runs the program in the session and returns its exit status, its document
// and what it took.
func (d *desk) run(path, home, stdin string, args ...string) (int, map[string]any, time.Duration) {
	d.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(d.t.Context(), path, append([]string{"--home", home, "--json"}, args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = d.Env, strings.NewReader(stdin), &out, &errs
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

	require.NoError(t, keyringtest.Lock(t.Context(), seated.Env))
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
		d.Env = append(d.Env, kept["control"], kept["shard_1"])
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
