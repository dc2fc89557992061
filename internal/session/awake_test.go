//go:build faults && linux

package session_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/session"
)

// inhibitor stands where systemd-inhibit is looked for and does what that does:
// it runs the last of its words until that ends. It notes how it was called, that
// whoever called it took it away, and that its input ended.
const inhibitor = `#!/bin/sh
echo "begin $*" >> "$AWAKE_NOTES"
(while kill -0 $$ 2>/dev/null; do sleep 0.02; done; echo "gone" >> "$AWAKE_NOTES") </dev/null &
for last; do :; done
"$last"
echo "let go" >> "$AWAKE_NOTES"
`

// While a tenant cannot write the machine is kept from sleeping, from before its
// fence closes until it is served again, and neither without a fence nor for
// longer than the process lives.
func TestTheMachineIsKeptAwakeWhileAFenceIsClosed(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "systemd-inhibit"), []byte(inhibitor), 0o700))
	notes := filepath.Join(dir, "notes")
	noted := func() []string {
		text, err := os.ReadFile(notes)
		if os.IsNotExist(err) {
			return nil
		}
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	env := []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH"), "AWAKE_NOTES=" + notes}
	held := func() { // and not given back
		t.Helper()
		require.Eventually(t, func() bool { return len(noted()) == 1 }, 10*time.Second, 20*time.Millisecond, "%v", noted())
		require.Contains(t, noted()[0], "begin --what=sleep:idle")
		time.Sleep(200 * time.Millisecond)
		require.Len(t, noted(), 1)
	}
	does := func(action string, m session.MoveView, point string, then func(pid int)) {
		t.Helper()
		_ = os.Remove(notes)
		cmd, out := f.send(errand{Action: action, ID: m.ID}, "SHARD_ADMIN_SLEEP_AT", point, env...)
		if point != "" {
			f.asleep(cmd, out)
			then(cmd.Process.Pid)
			_ = syscall.Kill(cmd.Process.Pid, syscall.SIGCONT)
		}
		_, _ = cmd.Process.Wait()
	}

	f.tenant("7", "default", 7000, 1)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "awake", Hold: true})
	require.NoError(t, err)
	does("start", m, "", nil)
	require.Equal(t, 1, f.openSides("7"))
	require.Empty(t, noted(), "no fence was closed")

	does("switch", m, "before_committing", func(int) {
		require.Zero(t, f.openSides("7"))
		held()
	})
	require.Equal(t, "shard_1", f.pointer("7"))
	require.Eventually(t, func() bool { return strings.Contains(strings.Join(noted(), "\n"), "gone") }, 10*time.Second, 20*time.Millisecond, "%v", noted())

	does("rollback", m, "target_committing", func(int) {
		require.Zero(t, f.openSides("7"))
		held()
	})
	require.Equal(t, "default", f.pointer("7"))

	// It is given back when the tenant is served, though the move goes on.
	m, err = s.StartMove(t.Context(), session.MoveRequest{Tenant: "7", Target: "shard_1", Mode: "fenced", Note: "awake"})
	require.NoError(t, err)
	does("start", m, "target_open", func(int) {
		require.Equal(t, 1, f.openSides("7"))
		require.Eventually(t, func() bool { return strings.Contains(strings.Join(noted(), "\n"), "gone") }, 10*time.Second, 20*time.Millisecond, "%v", noted())
	})
	require.Len(t, starts(noted()), 1)

	// Killed, it keeps nothing.
	does("rollback", m, "source_brought_up", func(pid int) {
		held()
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Eventually(t, func() bool { return strings.Contains(strings.Join(noted(), "\n"), "let go") }, 10*time.Second, 20*time.Millisecond, "%v", noted())
	})
}

// starts are the notes of calls.
func starts(notes []string) []string {
	out := []string{}
	for _, n := range notes {
		if strings.HasPrefix(n, "begin ") {
			out = append(out, n)
		}
	}
	return out
}
