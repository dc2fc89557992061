package session_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/session"
)

const smallProfile = `
name = "small"
tenant_columns = ["account_id"]
pointer = "accounts.shard"
default_shard = "default"
routing_ttl = "1ms"
follows = "true"
[tenants]
table = "accounts"
key = "id"
labels = ["name"]
`

const smallSchema = `
CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, shard text);
CREATE TABLE authors (id bigint PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, name text);
CREATE TABLE notes (id bigint PRIMARY KEY, account_id bigint NOT NULL, author_id bigint REFERENCES authors, body text);
CREATE INDEX ON authors (account_id);
CREATE INDEX ON notes (account_id);
`

// small is a fleet of a small application with as many small tenants.
func small(t *testing.T, tenants int) (*fixture, *session.Session) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.toml")
	require.NoError(t, os.WriteFile(path, []byte(smallProfile), 0o600))
	f := newFixture(t, smallSchema, path)
	f.exec(0, fmt.Sprintf(`INSERT INTO accounts SELECT i, 'tenant' || i, 'default' FROM generate_series(1, %d) i`, tenants))
	f.exec(0, `INSERT INTO authors SELECT a.id * 10 + i, a.id, 'author ' || i FROM accounts a, generate_series(1, 3) i`)
	f.exec(0, `INSERT INTO notes SELECT a.id * 100 + i, a.id, a.id * 10 + 1 + i % 3, md5(i::text) FROM accounts a, generate_series(1, 40) i`)
	f.exec(0, "ANALYZE")
	s := f.open()
	f.grant(s)
	_, err := s.Install(t.Context(), session.InstallRequest{Admin: "ann@example.com", Note: "first"})
	require.NoError(t, err)
	f.grant(s)
	return f, s
}

// contents is what each tenant has on a shard, as one digest.
func (f *fixture) contents(n int) map[string]string {
	f.t.Helper()
	rows, err := f.super(n).Query(context.Background(), `SELECT account_id::text, md5(string_agg(r, ',' ORDER BY r)) FROM (
		SELECT account_id, 'author ' || a::text AS r FROM authors a UNION ALL SELECT account_id, 'note ' || n::text FROM notes n) x GROUP BY 1`)
	require.NoError(f.t, err)
	out := map[string]string{}
	var id, digest string
	_, err = pgx.ForEachRow(rows, []any{&id, &digest}, func() error { out[id] = digest; return nil })
	require.NoError(f.t, err)
	return out
}

// work carries out what is queued until the test ends, or stop is called.
func (f *fixture) work(s *session.Session) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Work(ctx, true); err != nil {
			f.t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	f.t.Cleanup(stop)
	return stop
}

// A hundred small tenants move online through one queue with two workers; one
// of the moves fails, and every other tenant arrives. QUEUE_TENANTS makes it as many.
func TestAHundredTenantsMoveThroughOneQueue(t *testing.T) {
	t.Parallel()
	const limit, bad = 3, "42"
	tenants := 100
	if n, err := strconv.Atoi(os.Getenv("QUEUE_TENANTS")); err == nil {
		tenants = n
	}
	f, s := small(t, tenants)
	ctx := t.Context()
	// Filed in a pause, with workers alive: nothing begins.
	workers := []*session.Session{f.open(), f.open()}
	for _, w := range workers {
		f.work(w)
	}
	_, err := s.PauseQueue(ctx, session.QueueRequest{Note: "all at once"})
	require.NoError(t, err)
	_, err = s.LimitQueue(ctx, false, ptr(limit), session.QueueRequest{Note: "not too many"})
	require.NoError(t, err)
	_, err = s.LimitQueue(ctx, true, ptr(10), session.QueueRequest{Note: "the fleet's limit is enough"})
	require.NoError(t, err)
	want := f.contents(0)
	require.Len(t, want, tenants)
	begin := time.Now()
	for i := range tenants {
		_, err := s.StartMove(ctx, session.MoveRequest{Tenant: fmt.Sprint(i + 1), Target: "shard_1", Mode: "online", Priority: i % 3, Note: "a larger server"})
		require.NoError(t, err)
	}
	t.Logf("%d moves were planned and queued in %s", tenants, time.Since(begin).Round(time.Millisecond))
	// An application that routes wrongly has written for one of them meanwhile.
	f.exec(1, "INSERT INTO accounts VALUES (42, 'tenant42', 'default'); INSERT INTO notes VALUES (4201, 42, NULL, 'a stray')")
	q, err := s.Queue(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{tenants, 0, 2}, []int{q.Waiting, q.Running, q.Workers})
	for _, r := range q.Runs {
		require.Equal(t, "pause", r.Waits)
	}
	require.True(t, slices.IsSortedFunc(q.Runs, func(a, b session.QueuedRun) int {
		return cmp.Or(b.Priority-a.Priority, cmp.Compare(a.CreatedAt, b.CreatedAt))
	}), "the highest priority first")
	time.Sleep(time.Second)
	q, err = s.Queue(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{tenants, 0}, []int{q.Waiting, q.Running}, "workers have looked a few times")

	begin = time.Now()
	_, err = s.ResumeQueue(ctx, session.QueueRequest{Note: "go"})
	require.NoError(t, err)
	most := 0
	require.Eventually(t, func() bool {
		q, err := s.Queue(ctx)
		require.NoError(t, err)
		most = max(most, q.Running)
		return q.Running+q.Waiting == 0
	}, time.Hour, 50*time.Millisecond)
	took := time.Since(begin)
	t.Logf("%d tenants moved online in %s: %.1f tenants/s with 2 workers, %d at once", tenants-1, took.Round(time.Millisecond), float64(tenants-1)/took.Seconds(), most)
	require.Equal(t, limit, most, "never more than the limit, and as many")

	list, err := s.Moves(ctx, "", tenants+1)
	require.NoError(t, err)
	require.Len(t, list.Moves, tenants)
	for _, m := range list.Moves {
		if m.Tenant == bad {
			require.Equal(t, "failed", m.State)
			require.Contains(t, m.Error.Message, "notes")
			continue
		}
		require.Equal(t, "retained", m.State, "%s: %+v", m.Tenant, m.Error)
		require.True(t, m.Verified)
		require.Equal(t, "online", m.Mode)
	}
	there := f.contents(1)
	for id, digest := range f.contents(0) {
		require.Equal(t, want[id], digest, "the source keeps its copy")
		if id == bad {
			require.NotEqual(t, digest, there[id])
			continue
		}
		require.Equal(t, digest, there[id], id)
	}
	require.Equal(t, bad, f.text(0, "SELECT string_agg(id::text, ',') FROM accounts WHERE shard <> 'shard_1'"))
	require.Equal(t, "2", f.text(0, "SELECT count(DISTINCT worker)::text FROM shard_admin.run WHERE state = 'done'"), "both have worked")
	require.Equal(t, fmt.Sprintf("failed 1, done %d", tenants-1), f.text(0, "SELECT string_agg(state || ' ' || n, ', ' ORDER BY n) FROM (SELECT state, count(*) AS n FROM shard_admin.run GROUP BY 1) x"))
	v, err := s.VerifyAudit(ctx)
	require.NoError(t, err)
	require.True(t, v.OK)
}

// hours is a window of three hours that began an hour ago, or begins in one.
func hours(open bool) string {
	from := time.Now().UTC().Add(-time.Hour)
	if !open {
		from = from.Add(2*time.Hour + time.Minute)
	}
	return fmt.Sprintf("daily %s-%s UTC", from.Format("15:04"), from.Add(3*time.Hour).Format("15:04"))
}

// A window holds back what begins a move, whoever asks, and nothing of a move
// that has begun.
func TestMovesBeginInWindowsAlone(t *testing.T) {
	t.Parallel()
	f, s := small(t, 3)
	ctx := t.Context()
	begun := f.arrives(s, "1")
	held, err := s.StartMove(ctx, session.MoveRequest{Tenant: "2", Target: "shard_1", Mode: "fenced", Hold: true, Note: "test"})
	require.NoError(t, err)
	held, err = s.Await(ctx, held.ID, nil)
	require.NoError(t, err)
	require.True(t, held.Held)
	state, err := s.SetQueueWindows(ctx, hours(false), session.QueueRequest{Note: "not by day"})
	require.NoError(t, err)
	require.False(t, state.WindowOpen)
	opens, err := time.Parse(time.RFC3339Nano, *state.WindowOpensAt)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour), opens, 2*time.Minute)

	// With --wait as well: it parks, and may be cancelled.
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: "3", Target: "shard_1", Note: "test"})
	require.NoError(t, err)
	why, err := s.Waits(ctx, "3")
	require.NoError(t, err)
	require.Contains(t, why, "the next maintenance window ("+state.Windows+") opens at "+opens.Format("2006-01-02 15:04")+" UTC")
	m, err = s.Move(ctx, m.ID)
	require.NoError(t, err)
	require.Equal(t, why, m.Log[len(m.Log)-1].Message, "whoever looks at the move sees it")
	soon, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	m, err = s.Await(soon, m.ID, nil)
	require.ErrorContains(t, err, "stopped at a safe point: planned")
	require.Equal(t, "planned", m.State)
	// To go on with what has not begun is to begin it.
	_, err = s.ActOnMove(ctx, "resume", session.MoveAction{ID: m.ID, Note: "now"})
	require.NoError(t, err)
	why, err = s.Waits(ctx, "3")
	require.NoError(t, err)
	require.Contains(t, why, "maintenance window")

	require.Equal(t, "retained", act(t, s, "switch", session.MoveAction{ID: held.ID}).State)
	require.Equal(t, "rolled_back", act(t, s, "rollback", session.MoveAction{ID: begun.ID}).State)
	require.Equal(t, "finalized", act(t, s, "finalize", session.MoveAction{ID: held.ID, Wait: true}).State)
	require.Equal(t, "cancelled", act(t, s, "cancel", session.MoveAction{ID: m.ID}).State)

	_, err = s.SetQueueWindows(ctx, strings.Join([]string{hours(false), hours(true)}, ";"), session.QueueRequest{Note: "and now"})
	require.NoError(t, err)
	require.Equal(t, "retained", f.arrives(s, "3").State)
	events, err := s.Events(ctx, session.AuditFilter{Action: "queue.set"})
	require.NoError(t, err)
	require.Len(t, events.Events, 2)
	require.Equal(t, state.Windows, events.Events[0].Before["windows"])
	require.Equal(t, "not by day", events.Events[1].Note)
}

// What goes on with a move, or ends it, does not wait for the time at which it
// was to begin.
func TestAMoveOfTomorrowIsCancelledToday(t *testing.T) {
	t.Parallel()
	_, s := small(t, 1)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "1", Target: "shard_1", At: time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339), Note: "test"})
	require.NoError(t, err)
	why, err := s.Waits(t.Context(), "1")
	require.NoError(t, err)
	require.Contains(t, why, "it begins no sooner than")
	soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = s.ActOnMove(soon, "cancel", session.MoveAction{ID: m.ID, Note: "no"})
	require.NoError(t, err)
	m, err = s.Await(soon, m.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "cancelled", m.State)
}

// arrives moves a small tenant online.
func (f *fixture) arrives(s *session.Session, tenant string) session.MoveView {
	f.t.Helper()
	m, err := s.StartMove(f.t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: "online", Note: "test"})
	require.NoError(f.t, err)
	m, err = s.Await(f.t.Context(), m.ID, nil)
	require.NoError(f.t, err, "%+v", m.Log)
	return m
}

func ptr[T any](v T) *T { return &v }

// A rollback that was queued meets a finalize that died: it is refused, and not
// carried out as the rest of that finalize, which it was never permitted to be.
func TestARollbackThatMeetsAFinalizeDeletesNothing(t *testing.T) {
	t.Parallel()
	f, s := small(t, 2)
	m := f.moved(s, "1", "shard_1")
	want := []map[string]string{f.contents(0), f.contents(1)}
	_, err := s.ActOnMove(t.Context(), "rollback", session.MoveAction{ID: m.ID, Note: "back"})
	require.NoError(t, err)
	f.exec(0, "UPDATE shard_admin.move SET state = 'finalizing' WHERE id = $1", m.ID)
	m, err = s.Await(t.Context(), m.ID, nil)
	require.Error(t, err)
	require.Equal(t, fault.MoveState, fault.CodeOf(err), "%v", err)
	require.Equal(t, "finalizing", m.State)
	require.Equal(t, want, []map[string]string{f.contents(0), f.contents(1)}, "nothing was deleted on either side")
}
