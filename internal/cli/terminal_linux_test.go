package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shardadmin/internal/cli"
)

// terminal opens a terminal at which somebody has typed answers ahead.
func terminal(t *testing.T, answers string) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = slave.Close() })
	_, err = master.WriteString(answers)
	require.NoError(t, err)
	return slave
}

// typed runs a command at a terminal.
func (s *shell) typed(answers string, args ...string) result {
	s.t.Helper()
	var out, errs bytes.Buffer
	exit := cli.Main(s.t.Context(), s.faces, append([]string{"--home", s.home}, args...), terminal(s.t, answers), &out, &errs)
	return result{exit, out.String(), errs.String()}
}

func TestAPersonIsAskedBeforeSomethingIsRemoved(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.json(0, "fleet", "add", "asked", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control")
	r := s.typed("n\n", "fleet", "remove", "asked")
	require.Equal(t, 1, r.exit)
	require.Contains(t, r.stderr, "Go on? [y/N]")
	require.Contains(t, r.stderr, "nothing was changed")
	r = s.typed("\x04", "fleet", "remove", "asked")
	require.Equal(t, 2, r.exit, "the end of the input is no yes")
	require.FileExists(t, filepath.Join(s.home, "fleets", "asked.toml"))
	require.Equal(t, 0, s.typed("yes\n", "fleet", "remove", "asked").exit)
	require.NoFileExists(t, filepath.Join(s.home, "fleets", "asked.toml"))

	s.json(0, "fleet", "add", "asked", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control")
	r = s.typed("", "fleet", "remove", "asked", "--yes")
	require.Equal(t, 0, r.exit)
	require.NotContains(t, r.stderr, "Go on?")
}

func TestAPasswordIsAskedForAndNotShown(t *testing.T) {
	s := newShell(t)
	s.json(0, "fleet", "add", "typed", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control")
	r := s.typed("ops\nhunter2secret\n", "fleet", "credential", "set", "control")
	require.Equal(t, 0, r.exit, r.stderr)
	require.Contains(t, r.stderr, "Password of ops: ")
	require.NotContains(t, r.stderr+r.out, "hunter2secret")
	require.Equal(t, true, s.json(0, "fleet", "credential", "forget", "control")["forgotten"])
	require.Equal(t, 2, s.typed("ops\n\n", "fleet", "credential", "set", "control").exit, "an empty password is none")
}

func TestInProductionAChangeIsConfirmedByName(t *testing.T) {
	t.Parallel()
	l := installed(t, "production")
	l.tenant("7", "default", 7000, 1)
	l.tenant("8", "default", 8000, 0)
	l.refused(3, "confirmation_missing", "shards", "assign", "8", "shard_1", "--note", "room", "--yes")
	l.refused(3, "confirmation_missing", "shards", "assign", "8", "shard_1", "--note", "room", "--confirm", "sub9")
	r := l.typed("room\nsub9\n", "shards", "assign", "8", "shard_1")
	require.Equal(t, 3, r.exit)
	r = l.typed("room\nsub8\n", "shards", "assign", "8", "shard_1")
	require.Equal(t, 0, r.exit, r.stderr)
	require.Contains(t, r.stderr, "This is production.")
	events := list(t, l.json(0, "audit", "list", "--tenant", "sub8"), "events")
	require.Equal(t, "room", events[0]["note"])

	m := l.json(0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--wait", "--accept-alone", "--note", "room", "--confirm", "sub7")
	id := m["id"].(string)
	finalize := []string{"move", "finalize", id, "--wait", "--note", "done", "--confirm", "sub7"}
	l.refused(3, "confirmation_missing", finalize...)
	v := l.jsonWith("wrong\n", 3, append(finalize, "--password-stdin")...)
	require.Equal(t, "reentry_refused", v["error"].(map[string]any)["code"])
	v = l.jsonWith(password+"\n", 0, append(finalize, "--password-stdin")...)
	require.Equal(t, "finalized", v["state"])
}

func TestWhoChangesSomethingIsAskedForTheirNameOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, "staging")
	l.json(0, "settings", "set", "operator_email", "")
	r := l.typed("eve@example.com\nbecause\ny\n", "fleet", "install")
	require.Equal(t, 3, r.exit, "a name alone allows nothing")
	require.Contains(t, r.stderr, "Who are you?")
	require.Equal(t, "eve@example.com", l.json(0, "settings", "get", "operator_email")["value"])
	require.NotContains(t, l.typed("because\ny\n", "fleet", "install").stderr, "Who are you?")
}

// What is confirmed is the session that was shown.
func TestAPersonSeesTheSessionThatIsEnded(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	c, pid := l.client("a report")
	r := l.typed("it blocks the import\nn\n", "shards", "terminate", "shard_1", pid)
	require.Equal(t, 1, r.exit, r.stderr)
	for _, want := range []string{"a report", pid, "what it has not committed is lost", "Why?", "Go on? [y/N]", "nothing was changed"} {
		require.Contains(t, r.stderr, want)
	}
	require.NoError(t, c.Ping(t.Context()))
	require.Empty(t, list(t, l.json(0, "audit", "list", "--action", "session.terminate"), "events"))
}
