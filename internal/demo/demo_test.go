package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// victim names the folder in which this test binary, run once more, keeps a
// demo up until it is killed.
const victim = "SHARD_ADMIN_TEST_DEMO_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victim); dir != "" {
		h, err := home.Open(home.Options{Dir: dir, Env: func(string) string { return "" }})
		if err == nil {
			err = demo.New(h).Start(context.Background(), func(step string) { fmt.Println(step) })
		}
		fmt.Println("up", err)
		select {}
	}
	pgtest.Main(m)
}

// sample is a demo of its own that the test's end removes.
func sample(t *testing.T) (*home.Home, *demo.Demo) {
	t.Helper()
	h, err := home.Open(home.Options{Dir: t.TempDir(), Env: func(string) string { return "" }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	d := demo.New(h)
	t.Cleanup(func() { require.NoError(t, d.Reset(context.WithoutCancel(t.Context()))) })
	return h, d
}

func servers(t *testing.T, d *demo.Demo) (running int) {
	t.Helper()
	all, list, err := d.Status(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 4)
	for _, s := range list {
		if s.Running {
			running++
		}
	}
	require.Equal(t, all, running == 4)
	return running
}

func require80(t *testing.T, out string) {
	t.Helper()
	for _, line := range strings.Split(out, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
}

// The guided run keeps its promises, leaves no server behind, and goes on with
// the same data the next time.
func TestTheGuidedRun(t *testing.T) {
	t.Parallel()
	h, d := sample(t)
	var out bytes.Buffer
	begin := time.Now()
	first, err := d.Run(t.Context(), demo.Options{Exit: true, Out: &out})
	require.NoError(t, err, out.String())
	t.Logf("%.1f s\n%s", time.Since(begin).Seconds(), out.String())
	require80(t, out.String())
	require.True(t, first.Verified)
	require.True(t, first.AuditOK)
	require.Zero(t, first.Lost)
	require.Positive(t, first.Writes)
	require.Positive(t, first.Refused, "the application met the fence")
	require.NotNil(t, first.WritePauseMS)
	require.Greater(t, first.Rows, int64(500))
	require.Zero(t, servers(t, d))

	f, err := h.Fleet(demo.FleetName)
	require.NoError(t, err)
	require.EqualValues(t, "demo", f.Environment)
	require.Equal(t, "property_web_builder_demo", f.Profile)
	require.Len(t, f.Shards, 5)
	require.Empty(t, f.Shards[4].Endpoint.URL, "shard_3 is known and not configured")
	require.NotContains(t, f.Control.URL, ":@", "no password is in the file")

	// What an operator sets in the file stays.
	f.Shards[1].Region = "eu-west"
	require.NoError(t, h.ReplaceFleet(f))

	// The second run finds the fleet as it was left, and moves another tenant.
	// Its page sees the servers, and they end with it.
	opened := 0
	out.Reset()
	second, err := d.Run(t.Context(), demo.Options{Web: true, Out: &out, OpenPage: func(ctx context.Context, at *home.Home) error {
		opened++
		require.Same(t, h, at)
		require.Equal(t, 4, servers(t, d))
		// Another demo of the folder is told who has it; a window beside it
		// takes the fleet as it is.
		_, err := demo.New(h).Run(ctx, demo.Options{Exit: true, Out: &bytes.Buffer{}})
		require.Equal(t, fault.DemoRunning, fault.CodeOf(err))
		require.Equal(t, fault.DemoRunning, fault.CodeOf(demo.New(h).Down(ctx)))
		require.Equal(t, fault.DemoRunning, fault.CodeOf(demo.New(h).Reset(ctx)))
		return demo.New(h).Start(ctx, func(string) { require.Fail(t, "there is nothing to do") })
	}})
	require.NoError(t, err, out.String())
	require.Equal(t, 1, opened)
	require.NotEqual(t, first.Tenant, second.Tenant)
	f, err = h.Fleet(demo.FleetName)
	require.NoError(t, err)
	require.Equal(t, "eu-west", f.Shards[1].Region)
	require.Len(t, f.Shards, 5)
	require.Greater(t, second.AuditEvents, first.AuditEvents)
	require.Zero(t, servers(t, d))

	// An operator moves both back; the run goes on with the first again, whose
	// ids are now from two shards' sequences.
	require.NoError(t, d.Start(t.Context(), func(string) {}))
	s, err := h.Session(t.Context(), demo.FleetName, home.SessionOptions{Email: "demo@localhost", Source: "cli"})
	require.NoError(t, err)
	for _, id := range []string{first.MoveID, second.MoveID} {
		_, err = s.ActOnMove(t.Context(), "rollback", session.MoveAction{ID: id, Note: "back"})
		require.NoError(t, err)
		m, err := s.Await(t.Context(), id, nil)
		require.NoError(t, err)
		require.Equal(t, "rolled_back", m.State)
	}
	s.Close()
	out.Reset()
	require.NoError(t, d.Down(t.Context()))
	third, err := d.Run(t.Context(), demo.Options{Exit: true, Out: &out})
	require.NoError(t, err, out.String())
	require.Equal(t, first.Tenant, third.Tenant)
	require80(t, out.String())

	// Whoever owns the server writes another name into the trail, takes away what the
	// application wrote and changes a row of the tenant: the run says what does not hold,
	// and fails.
	require.NoError(t, d.Start(t.Context(), func(string) {}))
	owner := func(of string) *pgx.Conn {
		u, err := url.Parse(of)
		require.NoError(t, err)
		q := u.Query()
		q.Set("user", "postgres")
		u.User, u.RawQuery = nil, q.Encode()
		return pgtest.Connect(t, u.String())
	}
	_, err = owner(f.Control.URL).Exec(t.Context(), "ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; UPDATE shard_admin.audit_event SET db_user = 'nobody' WHERE event_id = (SELECT event_id FROM shard_admin.audit_link WHERE seq = 3); DO $$ DECLARE x record; BEGIN FOR x IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'shard_admin.audit_event'::regclass AND NOT tgisinternal LOOP EXECUTE format('ALTER TABLE shard_admin.audit_event ENABLE ALWAYS TRIGGER %I', x.tgname); END LOOP; END $$", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	require.NoError(t, d.Down(t.Context()))
	out.Reset()
	looks := &trigger{when: "4  Looking for ourselves", do: func() {
		var tenant, target string
		require.NoError(t, owner(f.Control.URL).QueryRow(t.Context(), "SELECT tenant, target FROM shard_admin.move ORDER BY created_at DESC LIMIT 1").Scan(&tenant, &target))
		at := f.Control.URL
		for _, s := range f.Shards {
			if s.Name == target && s.Endpoint.URL != "" {
				at = s.Endpoint.URL
			}
		}
		tag, err := owner(at).Exec(t.Context(), "DELETE FROM pwb_messages WHERE id = (SELECT max(id) FROM pwb_messages WHERE website_id = $1::text::int AND content = 'from the sample application')", tenant)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
		tag, err = owner(at).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'another' WHERE id = (SELECT min(id) FROM pwb_contacts WHERE website_id = $1::text::int)", tenant)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
	}}
	fourth, err := d.Run(t.Context(), demo.Options{Exit: true, Out: io.MultiWriter(&out, looks)})
	require.Equal(t, fault.DemoFailed, fault.CodeOf(err), out.String())
	require.Equal(t, 1, fault.Exit(err))
	require.True(t, looks.done)
	require.Contains(t, err.Error(), "3 promises did not hold: every acknowledged write is there exactly once; plain SQL finds its ")
	require.Contains(t, err.Error(), "; the chain of")
	require.Equal(t, 3, strings.Count(out.String(), "BROKEN"), out.String())
	require.Contains(t, out.String(), "pwb_contacts: 1 rows are missing or differ")
	require.Equal(t, 1, fourth.Lost)
	require.False(t, fourth.AuditOK)
	require.True(t, fourth.Verified)
	require80(t, out.String())
	require.Zero(t, servers(t, d))
}

// Servers of --no-window stay until down; an interruption ends them.
func TestServersStayOnlyWhenTheyShould(t *testing.T) {
	t.Parallel()
	h, d := sample(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopper := &trigger{when: "3  The move", do: cancel}
	_, err := d.Run(ctx, demo.Options{NoWindow: true, Out: stopper})
	require.Error(t, err)
	require.True(t, stopper.done)
	require.Zero(t, servers(t, d), "interrupted")

	// While the servers are filled, too; it is no failure that wants a reset.
	require.NoError(t, d.Reset(t.Context()))
	filling, cancelFilling := context.WithCancel(t.Context())
	defer cancelFilling()
	stopper = &trigger{when: "Filling them", do: cancelFilling}
	_, err = d.Run(filling, demo.Options{NoWindow: true, Out: stopper})
	require.ErrorIs(t, err, context.Canceled)
	require.NotEqual(t, fault.DemoFailed, fault.CodeOf(err))
	require.Zero(t, servers(t, d), "interrupted")

	_, err = d.Run(t.Context(), demo.Options{NoWindow: true, Out: &bytes.Buffer{}})
	require.NoError(t, err)
	require.Equal(t, 4, servers(t, d))
	require.NoError(t, demo.New(h).Down(t.Context()))
	require.Zero(t, servers(t, d))

	// A window starts it again, once.
	steps := 0
	require.NoError(t, d.Start(t.Context(), func(string) { steps++ }))
	require.Positive(t, steps)
	require.Equal(t, 4, servers(t, d))
	before := steps
	require.NoError(t, d.Start(t.Context(), func(string) { steps++ }))
	require.Equal(t, before, steps)
	require.Equal(t, fault.DemoRunning, fault.CodeOf(demo.New(h).Down(t.Context())), "its servers hold the lock")
	s, err := h.Session(t.Context(), demo.FleetName, home.SessionOptions{Email: "demo@localhost", Source: "cli"})
	require.NoError(t, err)
	st, err := s.Status(t.Context())
	s.Close()
	require.NoError(t, err)
	require.Equal(t, 4, st.Answering)
	require.EqualValues(t, 200, *st.Tenants)

	require.NoError(t, d.Reset(t.Context()))
	require.Zero(t, servers(t, d))
	_, err = h.Fleet(demo.FleetName)
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
	left, err := os.ReadDir(h.Dir())
	require.NoError(t, err)
	for _, e := range left {
		require.NotEqual(t, "demo", e.Name())
	}
}

// A program that is killed takes its servers with it, and the next one goes on,
// whether the fleet was being filled or was up.
func TestAKilledDemoLeavesNoServer(t *testing.T) {
	t.Parallel()
	h, d := sample(t)
	for _, at := range []string{"Filling", "up <nil>"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victim+"="+h.Dir())
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		said, lines := "", bufio.NewScanner(out)
		for !strings.HasPrefix(said, at) && lines.Scan() {
			said = lines.Text()
		}
		running := servers(t, d)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		require.True(t, strings.HasPrefix(said, at), said)
		require.Equal(t, 4, running)
		require.Eventually(t, func() bool {
			_, list, err := d.Status(context.Background())
			return err == nil && !slices.ContainsFunc(list, func(s demo.Server) bool { return s.Running })
		}, 20*time.Second, 20*time.Millisecond)
	}
	var out bytes.Buffer
	sum, err := d.Run(t.Context(), demo.Options{Exit: true, Out: &out})
	require.NoError(t, err, out.String())
	require.True(t, sum.Verified)
}

// trigger does something when a text has been written.
type trigger struct {
	when string
	do   func()
	done bool
}

func (w *trigger) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.when) && !w.done {
		w.done = true
		w.do()
	}
	return len(b), nil
}
