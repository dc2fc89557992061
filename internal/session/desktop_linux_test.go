package session_test

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

// screen is what shows notifications on a desktop.
type screen struct {
	mu    sync.Mutex
	shown []string
}

// Notify is org.freedesktop.Notifications.Notify.
func (s *screen) Notify(app string, _ uint32, _, summary, body string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = append(s.shown, app+"|"+summary+"|"+body)
	return uint32(len(s.shown)), nil //nolint:gosec // a few
}

func (s *screen) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.shown...)
}

// desktop starts a session bus of its own with a screen on it; that of whoever runs the
// tests is not touched.
func desktop(t *testing.T) *screen {
	t.Helper()
	bus := exec.CommandContext(t.Context(), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path="+filepath.Join(t.TempDir(), "bus"))
	bus.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := bus.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, bus.Start())
	t.Cleanup(func() { _ = bus.Process.Kill(); _ = bus.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	c, err := dbus.Connect(strings.TrimSpace(address))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	s := &screen{}
	require.NoError(t, c.Export(s, "/org/freedesktop/Notifications", "org.freedesktop.Notifications"))
	reply, err := c.RequestName("org.freedesktop.Notifications", dbus.NameFlagDoNotQueue)
	require.NoError(t, err)
	require.Equal(t, dbus.RequestNameReplyPrimaryOwner, reply)
	return s
}

// An alert is shown once on a computer, however many windows are open there and however
// often they are opened, and a worker shows nothing. It is not parallel: the bus is
// a matter of the whole process.
func TestAnAlertIsShownOnceOnTheDesktop(t *testing.T) {
	f, s := core(t)
	screen := desktop(t)
	f.fleet.Channels = []fleet.Channel{{Name: "here", Kind: fleet.ChannelDesktop, Severity: "warning", Events: []string{"move.failed"}}}
	insert := `INSERT INTO shard_admin.alert (rule, subject, severity, message, advice, state, since, fired_at, told) VALUES ($1, $2, $3, $4, 'look at <it>', 'firing', now(), now(), $5)`
	open := func(desktop bool) func() {
		w := session.Open(session.Config{
			Fleet: f.fleet, Resolver: fixedResolver{f.role}, Email: "ann@example.com", Source: "window", DBPath: f.dbPath, Flag: func(policy.Flag) (bool, string) { return true, "test" },
		})
		ctx, cancel := context.WithCancel(t.Context())
		_, done, err := w.Observe(ctx, session.ObserveOptions{Yield: true, Desktop: desktop})
		require.NoError(t, err)
		return sync.OnceFunc(func() { cancel(); <-done; w.Close() })
	}
	rule := func(rule, subject, severity, message, told string) {
		f.exec(0, insert, rule, subject, severity, message, told)
	}
	rule("move.failed", "one", "critical", "the move <b>failed</b>", "critical")
	rule("move.failed", "quiet", "critical", "nobody was told of it", "")
	rule("move.failed", "small", "info", "too small", "info")
	rule("health.vacuum", "shard_1", "critical", "another rule", "critical")

	headless := open(false)
	defer headless()
	time.Sleep(3 * time.Second)
	require.Empty(t, screen.got(), "without a window there is no desktop")
	first, second := open(true), open(true)
	defer first()
	defer second()
	require.Eventually(t, func() bool { return len(screen.got()) > 0 }, 20*time.Second, 50*time.Millisecond)
	time.Sleep(5 * time.Second)
	require.Equal(t, []string{"Shard Admin|[" + f.fleet.Name + "] critical: the move &lt;b&gt;failed&lt;/b&gt;|look at &lt;it&gt;"}, screen.got())

	first()
	again := open(true)
	defer again()
	rule("move.failed", "two", "warning", "the second failed", "warning")
	require.Eventually(t, func() bool { return len(screen.got()) > 1 }, 20*time.Second, 50*time.Millisecond)
	time.Sleep(3 * time.Second)
	require.Len(t, screen.got(), 2)
	require.Contains(t, screen.got()[1], "the second failed")
	require.Equal(t, "0", f.text(0, "SELECT count(*)::text FROM shard_admin.notice"), "nothing waits for a desktop")

	// A test of the channel is shown at once; without a desktop it is refused.
	v, err := s.TestChannel(t.Context(), "here")
	require.NoError(t, err)
	require.True(t, v.OK)
	require.Contains(t, screen.got()[2], "Nothing is wrong.")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "autolaunch:")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if credential.SessionBus() != nil { // a desktop of root's own would be asked
		_, err = s.TestChannel(t.Context(), "here")
		require.Equal(t, fault.NotifyRefused, fault.CodeOf(err))
	}
}
