//go:build faults && unix

package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fleet"
	"shardadmin/internal/move"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/policy"
	"shardadmin/internal/session"
)

// errand is what a child process is to do with a move, or the tenant that it
// is to assign.
type errand struct {
	Fleet  *fleet.Fleet
	Role   string
	DBPath string
	Action string
	ID     string
	Assign session.AssignRequest
}

const errandVariable = "SHARD_ADMIN_TEST_ERRAND"

// init turns the test's own binary into a process that carries out a move, so
// that it can be killed.
func init() {
	text := os.Getenv(errandVariable)
	if text == "" {
		return
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	s := session.Open(session.Config{
		Fleet: e.Fleet, Resolver: fixedResolver{e.Role}, Email: "ann@example.com", Source: "cli", DBPath: e.DBPath,
		Flag: func(policy.Flag) (bool, string) { return true, "test" },
	})
	ctx := context.Background()
	if e.Assign.Tenant != "" {
		if _, err := s.Assign(ctx, e.Assign); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if _, err := s.ActOnMove(ctx, e.Action, session.MoveAction{ID: e.ID, Note: "child", Wait: true}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := s.Await(ctx, e.ID, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (f *fixture) child(action, id, variable, point string) (*exec.Cmd, *bytes.Buffer) {
	f.t.Helper()
	return f.send(errand{Action: action, ID: id}, variable, point)
}

// send starts a child process with an errand on this fleet, and with more of an
// environment.
func (f *fixture) send(e errand, variable, point string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	f.t.Helper()
	e.Fleet, e.Role, e.DBPath = f.fleet, f.role, f.dbPath
	if f.wired != nil {
		e.Fleet = f.wired
	}
	text, err := json.Marshal(e)
	require.NoError(f.t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), env...), errandVariable+"="+string(text), variable+"="+point)
	var out bytes.Buffer
	cmd.Stderr = &out
	require.NoError(f.t, cmd.Start())
	return cmd, &out
}

// killedAt carries out an action in a process that kills itself at the point.
func (f *fixture) killedAt(action, id, point string) {
	f.t.Helper()
	f.dies(errand{Action: action, ID: id}, point)
}

// dies sends a child process on an errand that kills itself at the point.
func (f *fixture) dies(e errand, point string) {
	f.t.Helper()
	cmd, out := f.send(e, "SHARD_ADMIN_STOP_AT", point)
	err := cmd.Wait()
	var exit *exec.ExitError
	require.True(f.t, errors.As(err, &exit), "the process ended by itself: %s", out)
	require.Equal(f.t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s: %s", point, out)
}

// mayWrite says whether the application may insert a row of a tenant on a side.
func (f *fixture) mayWrite(n int, tenant string) bool {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	tx, err := f.app(n).Begin(ctx)
	require.NoError(f.t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, "INSERT INTO pwb_contacts (id, website_id, created_at, updated_at) VALUES (2000000000, "+tenant+", now(), now())")
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "SA001" {
		return false
	}
	require.NoError(f.t, err, "side %d", n)
	return true
}

// open counts the sides on which the application may write for a tenant.
func (f *fixture) openSides(tenant string) int {
	n := 0
	for side := range f.dbs {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		tag, err := f.app(side).Exec(ctx, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = "+tenant)
		cancel()
		var pg *pgconn.PgError
		switch {
		case err == nil && tag.RowsAffected() > 0:
			n++
		case err != nil && (!errors.As(err, &pg) || pg.Code != "SA001"):
			f.t.Fatalf("side %d: %v", side, err)
		}
	}
	return n
}

// whole checks that a settled tenant has its rows where the pointer says, one
// open side, and nothing on the other unless it is retained.
func (f *fixture) whole(m session.MoveView, want map[string][]string) {
	f.t.Helper()
	t := f.t.(*testing.T)
	at := sideOf(f.pointer(m.Tenant))
	require.Equal(t, want, f.rowsOf(at, m.Tenant), "rows on the open side")
	require.Equal(t, 1, f.openSides(m.Tenant))
	if m.State == "retained" {
		return
	}
	for side := range f.dbs {
		if side != at {
			require.Empty(t, owned(t, f, side, m.Tenant), m.State)
		}
		require.Empty(t, f.leftovers(side))
	}
}

// over checks that a move that has ended holds nothing in control any more, and that
// the application's own trail says what became of it.
func (f *fixture) over(m session.MoveView) {
	f.t.Helper()
	require.Empty(f.t, f.list(0, "SELECT shard || ' of ' || move_id FROM shard_admin.cleanup WHERE done_at IS NULL"), "what is left to clean")
	require.Empty(f.t, f.list(0, "SELECT resource || ' by ' || holder FROM shard_admin.lease WHERE expires_at > clock_timestamp() AND resource LIKE 'tenant/%'"), "leases that are held")
	require.Equal(f.t, []string{map[string]string{"cancelled": "failed", "finalized": "completed", "rolled_back": "rolled_back"}[m.State]},
		f.list(0, "SELECT status FROM pwb_shard_audit_logs WHERE website_id = "+m.Tenant), "the application's trail of %s", m.Tenant)
	f.concluded(m.Tenant)
}

// concluded demands that each intent about a tenant has one outcome.
func (f *fixture) concluded(tenant string) {
	f.t.Helper()
	require.Empty(f.t, f.list(0, `SELECT i.body_json ->> 'action' || ' has ' || count(o.event_id) || ' outcomes: ' || coalesce(string_agg(o.body_json ->> 'status', ', '), '')
		FROM shard_admin.audit_event i LEFT JOIN shard_admin.audit_event o ON o.body_json ->> 'parent' = i.event_id::text
		WHERE i.body_json ->> 'phase' = 'intent' AND i.body_json ->> 'tenant' = '`+tenant+`' GROUP BY i.event_id HAVING count(o.event_id) <> 1`), "intents about %s", tenant)
}

// outcomes are the outcomes of an action on a tenant, in their order.
func (f *fixture) outcomes(tenant, action string) []string {
	f.t.Helper()
	return f.list(0, `SELECT e.body_json ->> 'status' FROM shard_admin.audit_event e JOIN shard_admin.audit_link l ON l.event_id = e.event_id
		WHERE e.body_json ->> 'phase' = 'outcome' AND e.body_json ->> 'tenant' = '`+tenant+`' AND e.body_json ->> 'action' = '`+action+`' ORDER BY l.seq`)
}

// list is the one column of a query, as text.
func (f *fixture) list(n int, sql string) []string {
	f.t.Helper()
	rows, err := f.super(n).Query(f.t.Context(), sql)
	require.NoError(f.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(f.t, err)
	return out
}

// killing is a stop point at which an action is killed, and what is done then.
type killing struct{ point, action, recovery string }

// killings are the stop points that a move of the mode passes, each with the ways
// out.
func killings(mode string) []killing {
	list := []killing{}
	action := "start"
	for _, p := range move.Points() {
		switch p.Name {
		case "rollback_begun":
			action = "rollback"
		case "finalize_begun":
			action = "finalize"
		case "cancel_begun":
			action = "cancel"
		}
		if p.Mode != "" && p.Mode != mode {
			continue
		}
		list = append(list, killing{p.Name, action, "resume"})
		if action == "start" && p.State != move.Switched && p.State != move.Retained {
			list = append(list, killing{p.Name, action, "cancel"})
		}
	}
	return list
}

// recover is the action that brings what was left to an end, "" where nothing is
// left to do.
func (k killing) recover(t *testing.T, m session.MoveView) string {
	t.Helper()
	switch {
	case slices.Contains(m.Actions, k.recovery):
		return k.recovery
	case m.State == "retained" && k.action != "start":
		return k.action
	case m.State == "retained", m.State == "rolled_back", m.State == "finalized", m.State == "cancelled":
		return ""
	case m.Held && k.recovery == "resume":
		return "switch"
	}
	t.Fatalf("%s: %s cannot %s, only %v", k.point, m.State, k.recovery, m.Actions)
	return ""
}

// Every stop point: kill -9 there, then resume or cancel.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	list := killings("fenced")
	lanes := 2
	var wg sync.WaitGroup
	for lane := range lanes {
		wg.Add(1)
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			defer wg.Done()
			t.Parallel()
			f, s := core(t)
			f.tenant("700777", "default", 700777000, 1)
			f.tenant("700888", "shard_1", 700888000, 1)
			bystanders := [2]map[string][]string{f.rowsOf(0, "700777"), f.rowsOf(1, "700888")}
			require.Greater(t, len(bystanders[0]), 15)
			require.Greater(t, len(bystanders[1]), 15)
			for i, sc := range list {
				if (i+i/lanes)%lanes != lane { // resumes take longer than cancels
					continue
				}
				id := fmt.Sprint(100000 + i)
				f.tenant(id, "default", (100000+i)*1000, 2)
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "fenced", Note: sc.point, Hold: sc.point == "held" || (sc.action == "cancel" && sc.point != "copy_removed")})
				require.NoError(t, err)
				f.writes(id, "before")
				if sc.point == "copy_removed" { // of what was copied
					f.killedAt("start", m.ID, "copied")
					f.killedAt(sc.action, m.ID, sc.point)
				} else if sc.action != "start" {
					m, err = s.Await(t.Context(), m.ID, nil)
					require.NoError(t, err, sc.point)
					require.Equal(t, []string{"ok"}, f.outcomes(id, "move.start"), "retained or held")
					f.writes(id, "where it stands") // on the target, but for what is cancelled
					f.killedAt(sc.action, m.ID, sc.point)
				} else {
					f.killedAt("start", m.ID, sc.point)
				}
				open := f.openSides(id)
				require.LessOrEqual(t, open, 1, "%s: two open sides", sc.point)
				if open == 1 {
					f.writes(id, "after the kill")
				}
				m, err = s.Move(t.Context(), m.ID)
				require.NoError(t, err)
				action := sc.recover(t, m)
				if action != "" {
					m = act(t, s, action, session.MoveAction{ID: m.ID, Wait: true})
					said := f.outcomes(id, "move."+action)
					require.NotEmpty(t, said, "%s: what came of %s", sc.point, action)
					require.NotEqual(t, "interrupted", said[len(said)-1], "%s: %s was not", sc.point, action)
				}
				require.True(t, m.Settled, "%s: %s", sc.point, m.State)
				if m.State == "ready" { // held again before the fence
					require.Equal(t, 1, f.openSides(id))
					m = act(t, s, "cancel", session.MoveAction{ID: m.ID, Wait: true})
				}
				f.wrote(m)
				t.Logf("%s of %s, then %s: %s", sc.action, sc.point, action, m.State)
				if m.State == "retained" {
					f.writes(id, "on the target")
					m = act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true})
					f.wrote(m)
				}
				f.over(m)
			}
			require.Equal(t, bystanders, [2]map[string][]string{f.rowsOf(0, "700777"), f.rowsOf(1, "700888")}, "rows of others")
			v, err := s.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK)
		})
	}
}

// A process that sleeps inside the fence: the tenant is writable again when the
// fence's time is over, and the process that wakes changes no row of either side.
func TestSleeperWritesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"fenced", "start", "fenced"},
		{"fenced", "start", "copied"},
		{"fenced", "start", "digests_stored"},
		{"fenced", "start", "before_committing"},
		{"fenced", "rollback", "target_fenced"},
		{"fenced", "rollback", "source_brought_up"},
		{"fenced", "rollback", "rollback_verified"},
		{"online", "start", "switch_fenced"},
		{"online", "start", "last_pass"},
		{"online", "start", "before_committing"},
	} {
		mode, action, point := c[0], c[1], c[2]
		t.Run(mode+" "+action+" "+point, func(t *testing.T) {
			t.Parallel()
			const limit = 8 * time.Second
			f, s := core(t)
			f.tenant("700", "default", 700000, 2)
			m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "700", Target: "shard_1", Mode: mode, Note: "sleep", MaxReadOnlyMS: limit.Milliseconds()})
			require.NoError(t, err)
			side := 0
			if action == "rollback" {
				m, err = s.Await(t.Context(), m.ID, nil)
				require.NoError(t, err)
				f.writes("700", "on the target")
				side = 1
			}
			cmd, out := f.child(action, m.ID, "SHARD_ADMIN_SLEEP_AT", point)
			f.asleep(cmd, out)
			require.Zero(t, f.openSides("700"), "the tenant is closed")
			f.opensInTime(side, "700", limit)
			f.writes("700", "while it slept")
			rows := func() [2]map[string][]string {
				both := [2]map[string][]string{}
				for n := range both { // the application's trail may say how it ended
					both[n] = filltest.Dump(t, f.super(n), "pwb_shard_audit_logs")
				}
				return both
			}
			before := rows()
			require.NoError(t, syscall.Kill(cmd.Process.Pid, syscall.SIGCONT))
			_, _ = cmd.Process.Wait()
			require.Equal(t, before, rows(), "%s", out)
			require.Equal(t, f.fleet.Shards[side].Name, f.pointer("700"))
			require.Equal(t, 1, f.openSides("700"))
			end, ended := "cancel", "cancelled"
			if action == "rollback" {
				end, ended = "rollback", "rolled_back"
			}
			m = act(t, s, end, session.MoveAction{ID: m.ID})
			require.Equal(t, ended, m.State)
			f.wrote(m)
			f.over(m)
		})
	}
}

// opensInTime waits until the application may write where a fence is closed. By the
// clock of the fence's server that is not before its time is over, no write that
// begins a second later is refused, and the time is no longer than the limit.
func (f *fixture) opensInTime(side int, tenant string, limit time.Duration) {
	f.t.Helper()
	ctx, clock, app := f.t.Context(), f.super(side), f.app(side)
	left := func() (s float64) {
		f.t.Helper()
		require.NoError(f.t, clock.QueryRow(ctx, "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM shard_admin_move.fence WHERE tenant = $1", tenant).Scan(&s))
		return s
	}
	require.LessOrEqual(f.t, left(), limit.Seconds(), "how long the fence stays closed")
	for {
		before := left()
		_, err := app.Exec(ctx, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = "+tenant)
		if err == nil {
			require.LessOrEqual(f.t, left(), 0.0, "written while the fence was closed")
			return
		}
		require.ErrorContains(f.t, err, "SA001")
		require.Greater(f.t, before, -1.0, "refused although the fence's time is over")
		time.Sleep(50 * time.Millisecond)
	}
}

// Another owner takes over while the first sleeps at any point: the first wakes
// and changes nothing, in control or on a shard.
func TestWhoWasTakenOverWritesNothing(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	for i, point := range []string{
		"cleanup_recorded", "guards_on_source", "armed", "older_gone", "fenced", "root_placed", "first_table_copied", "copied", "digests_stored",
		"before_committing", "committing", "flip_not_committed", "flipped", "source_moved", "target_open",
		"online first_pass", "online verified", "online catching_up", "online passed", "online caught_up", "online switch_fenced", "online last_pass", "online committing", "online flipped",
	} {
		mode := "fenced"
		if online, ok := strings.CutPrefix(point, "online "); ok {
			mode, point = "online", online
		}
		id := fmt.Sprint(3000 + i)
		f.tenant(id, "default", (3000+i)*1000, 2)
		want := f.rowsOf(0, id)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: mode, Note: point})
		require.NoError(t, err)
		cmd, out := f.child("start", m.ID, "SHARD_ADMIN_SLEEP_AT", point)
		f.asleep(cmd, out)
		t.Logf("asleep at %s", point)
		f.takenOver(s, "resume", m, cmd, point)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.NoError(t, err, point)
		require.Equal(t, "retained", m.State, point)
		f.whole(m, want)
		f.wakesInVain(cmd, point)
		again, err := s.Move(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, "retained", again.State, point)
		f.whole(again, want)
		f.concluded(id)
	}
}

// The same of a rollback, a finalize and a cancel: whoever wakes after another has ended
// it brings nothing back and takes nothing away, from the tenant or from those who share
// its tables.
func TestWhoWasTakenOverOnTheWayOutWritesNothing(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	f.tenant("700777", "default", 700777000, 1)
	f.tenant("700888", "shard_1", 700888000, 1)
	bystanders := [2]map[string][]string{f.rowsOf(0, "700777"), f.rowsOf(1, "700888")}
	ended := map[string]string{"rollback": "rolled_back", "finalize": "finalized", "cancel": "cancelled"}
	for i, c := range []string{
		"online cancel cancel_begun", "online cancel source_reopened", "online cancel copy_removed",
		"fenced rollback target_fenced", "fenced rollback source_brought_up", "fenced rollback target_committing", "fenced rollback flip_back_not_committed",
		"fenced rollback flipped_back", "fenced rollback source_open", "fenced rollback target_purged", "online rollback noting_writes", "online rollback flipped_back",
		"fenced finalize purge_listed", "fenced finalize first_batch_purged",
	} {
		way := strings.Fields(c)
		mode, action, point := way[0], way[1], way[2]
		id := fmt.Sprint(3100 + i)
		f.tenant(id, "default", (3100+i)*1000, 2)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: mode, Note: c, Hold: action == "cancel"})
		require.NoError(t, err)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.NoError(t, err)
		f.writes(id, "where it stands")
		cmd, out := f.child(action, m.ID, "SHARD_ADMIN_SLEEP_AT", point)
		f.asleep(cmd, out)
		t.Logf("asleep at %s", c)
		over := "resume"
		if action == "cancel" { // which a move that was held has no other way to end
			over = action
		}
		f.takenOver(s, over, m, cmd, c)
		m, err = s.Await(t.Context(), m.ID, nil)
		require.NoError(t, err, c)
		require.Equal(t, ended[action], m.State, c)
		f.writes(id, "after it was over")
		f.wrote(m)
		f.wakesInVain(cmd, c)
		m, err = s.Move(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, ended[action], m.State, c)
		f.wrote(m)
		f.over(m)
		require.Equal(t, bystanders, [2]map[string][]string{f.rowsOf(0, "700777"), f.rowsOf(1, "700888")}, "rows of others: %s", c)
	}
}

// takenOver has a move carried on here by an action while its owner sleeps, as though the
// time of that one's lease and heartbeat had passed.
func (f *fixture) takenOver(s *session.Session, action string, m session.MoveView, cmd *exec.Cmd, point string) {
	f.t.Helper()
	go func() {
		for range 100 {
			c, err := pgx.Connect(context.Background(), f.server(0).URL("", f.dbs[0]))
			if err != nil {
				return
			}
			_, err = c.Exec(context.Background(), "SET lock_timeout = '100ms'; UPDATE shard_admin.lease SET expires_at = '-infinity' WHERE resource = 'tenant/"+m.Tenant+"'; UPDATE shard_admin.worker SET seen_at = '-infinity' WHERE pid = "+fmt.Sprint(cmd.Process.Pid), pgx.QueryExecModeSimpleProtocol)
			_ = c.Close(context.Background())
			if err == nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	require.EventuallyWithT(f.t, func(c *assert.CollectT) {
		_, err := s.ActOnMove(f.t.Context(), action, session.MoveAction{ID: m.ID, Note: "take over", Wait: true})
		require.NoError(c, err)
	}, 90*time.Second, 300*time.Millisecond, point)
}

// wakesInVain lets a process that slept go on: it ends, and no row of either side is
// another one.
func (f *fixture) wakesInVain(cmd *exec.Cmd, point string) {
	f.t.Helper()
	before := [2]map[string][]string{f.everything(0), f.everything(1)}
	require.NoError(f.t, syscall.Kill(cmd.Process.Pid, syscall.SIGCONT))
	_, _ = cmd.Process.Wait()
	require.Equal(f.t, before, [2]map[string][]string{f.everything(0), f.everything(1)}, point)
}

// crash ends a server as a power cut would, and starts it again.
func (f *fixture) crash(n int) {
	f.t.Helper()
	for _, c := range f.conns {
		_ = c.Close(f.t.Context())
	}
	require.NoError(f.t, f.server(n).Crash(f.t.Context()))
	require.NoError(f.t, f.server(n).Restart(f.t.Context()))
}

// everything is every row of a database of the fleet, with our schemas, but for
// what says when a lease or a process was last seen.
func (f *fixture) everything(n int) map[string][]string {
	f.t.Helper()
	out := filltest.Dump(f.t, f.super(n), "pwb_websites")
	for _, table := range f.list(n, "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = to_regnamespace('shard_admin_move') AND c.relkind = 'r' ORDER BY 1") {
		rows, err := f.super(n).Query(f.t.Context(), "SELECT x::text FROM "+table+" x ORDER BY 1")
		require.NoError(f.t, err)
		out[table], err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(f.t, err)
	}
	if n == 0 {
		rows, err := f.super(n).Query(f.t.Context(), "SELECT (x.id, x.state, x.step, x.epoch, x.error_code)::text FROM shard_admin.move x ORDER BY 1")
		require.NoError(f.t, err)
		out["moves"], err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(f.t, err)
	}
	return out
}

// asleep waits until a child process has stopped itself.
func (f *fixture) asleep(cmd *exec.Cmd, out *bytes.Buffer) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		var ws syscall.WaitStatus
		pid, _ := syscall.Wait4(cmd.Process.Pid, &ws, syscall.WUNTRACED|syscall.WNOHANG, nil)
		return pid == cmd.Process.Pid && ws.Stopped()
	}, 60*time.Second, 20*time.Millisecond, "%s", out)
}

// A target that crashes right after the switch has every row: the switch waits
// until they are on the disk, whatever the server's synchronous_commit says.
func TestCopiedRowsOutliveACrashOfTheTarget(t *testing.T) {
	t.Parallel()
	f, s := readyOn(t, [2]int{20, 21})
	pgtest.Exec(t, f.server(1), "postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'")
	pgtest.Exec(t, f.server(1), "postgres", "SELECT pg_reload_conf()")
	f.tenant("700", "default", 700000, 2)
	want := f.rowsOf(0, "700")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "700", Target: "shard_1", Mode: "fenced", Note: "crash"})
	require.NoError(t, err)
	f.killedAt("start", m.ID, "flipped")
	f.crash(1)
	s.Reconnect()
	m = act(t, s, "resume", session.MoveAction{ID: m.ID})
	require.Equal(t, "retained", m.State)
	f.whole(m, want)
}

// A source that crashes while its fence is closed keeps it closed.
func TestAClosedFenceOutlivesACrashOfTheSource(t *testing.T) {
	t.Parallel()
	f, s := readyOn(t, [2]int{22, 23})
	for _, n := range []int{0, 1} {
		pgtest.Exec(t, f.server(n), "postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'")
		pgtest.Exec(t, f.server(n), "postgres", "SELECT pg_reload_conf()")
	}
	f.tenant("700", "shard_1", 700000, 2)
	want := f.rowsOf(1, "700")
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "700", Target: "default", Mode: "fenced", Note: "crash"})
	require.NoError(t, err)
	f.killedAt("start", m.ID, "committing")
	f.crash(1)
	s.Reconnect()
	require.Zero(t, f.openSides("700"))
	m = act(t, s, "cancel", session.MoveAction{ID: m.ID})
	require.Equal(t, "cancelled", m.State)
	f.whole(m, want)
}
