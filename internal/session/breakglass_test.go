//go:build faults && unix

package session_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/move"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

// glass is docs/break-glass.md: its statements by name, its tables by case.
type glass struct {
	statements  map[string]string
	cases       map[string]situation
	assignments map[string]deadAssignment
}

// deadAssignment is a row of the table of assignments.
type deadAssignment struct {
	ended, pointer string
	fences         []string
	tenant         string
	steps          []step
}

// situation is a row of the table: what is found, and what is to be done.
type situation struct {
	states           []string
	pointer          string
	source, target   []string
	tenant           string
	steps            []step
	whoMayWriteFirst string // source, target or nobody
}

type step struct{ statement, where string }

var (
	glassStatement = regexp.MustCompile("(?s)```sql\n-- ([a-z-]+), on [^\n]*\n(.*?)```")
	glassStep      = regexp.MustCompile("^`([a-z-]+)` on (control|both shards|the source|the target)$")
)

func readGlass(t *testing.T) glass {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "break-glass.md"))
	require.NoError(t, err)
	g := glass{statements: map[string]string{}, cases: map[string]situation{}, assignments: map[string]deadAssignment{}}
	for _, m := range glassStatement.FindAllStringSubmatch(string(b), -1) {
		require.Empty(t, g.statements[m[1]], "%s is there twice", m[1])
		g.statements[m[1]] = m[2]
	}
	require.Equal(t, strings.Count(string(b), "```sql"), len(glassStatement.FindAllString(string(b), -1)), "a statement without a name")
	for _, line := range strings.Split(string(b), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(line, "|") && len(cells) == 6 && cells[0] != "assignment" && !strings.HasPrefix(cells[0], "---") {
			g.assignments[cells[0]] = deadAssignment{cells[1], cells[2], strings.Split(cells[3], ", or "), cells[4], g.steps(t, cells[0], cells[5])}
		}
		if !strings.HasPrefix(line, "|") || len(cells) != 7 || cells[0] == "case" || strings.HasPrefix(cells[0], "---") {
			continue
		}
		s := situation{
			states: strings.Split(cells[1], " · "), pointer: cells[2], source: strings.Split(cells[3], " · "), target: strings.Split(cells[4], " · "),
			tenant: cells[5], whoMayWriteFirst: "nobody",
		}
		if _, side, ok := strings.Cut(s.tenant, "writes on the "); ok {
			s.whoMayWriteFirst = side
		}
		s.steps = g.steps(t, cells[0], cells[6])
		g.cases[cells[0]] = s
	}
	return g
}

// steps reads the last cell of a row.
func (g glass) steps(t *testing.T, name, cell string) []step {
	t.Helper()
	out := []step{}
	if cell == "nothing" {
		return out
	}
	for _, text := range strings.Split(cell, "; ") {
		m := glassStep.FindStringSubmatch(text)
		require.NotNil(t, m, "%s: %q", name, text)
		require.NotEmpty(t, g.statements[m[1]], "%s: there is no statement %s", name, m[1])
		out = append(out, step{m[1], m[2]})
	}
	return out
}

// rescue is a person with psql, the page and a role that may do what the
// mover's role may, and no more.
type rescue struct {
	t      *testing.T
	f      *fixture
	g      glass
	role   string
	values map[string]string
}

func newRescue(t *testing.T, f *fixture) *rescue {
	r := &rescue{t: t, f: f, g: readGlass(t), role: pgtest.Random("dba_")}
	for n := range 2 {
		s := pgtest.Server(t, n)
		pgtest.Exec(t, s, "postgres", "CREATE ROLE "+r.role+" LOGIN NOSUPERUSER NOCREATEROLE PASSWORD '"+password+"'; GRANT "+f.role+" TO "+r.role)
		t.Cleanup(func() {
			c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
			if err == nil {
				_, _ = c.Exec(context.Background(), "DROP ROLE IF EXISTS "+r.role)
				_ = c.Close(context.Background())
			}
		})
	}
	return r
}

func (r *rescue) of(m session.MoveView) {
	r.values = map[string]string{"tenant": m.Tenant, "move": m.ID, "source": m.Source, "target": m.Target, "reason": "control was lost"}
}

// conn is a session of the role on side 0, which is also control, or 1.
func (r *rescue) conn(side int) *pgx.Conn {
	return r.f.connect(pgtest.Server(r.t, side).URL(r.role, r.f.dbs[side]) + "&password=" + password)
}

// text is a statement with psql's variables filled in.
func (r *rescue) text(statement string) string {
	sql := r.g.statements[statement]
	require.NotEmpty(r.t, sql, statement)
	for name, value := range r.values {
		sql = strings.ReplaceAll(sql, ":'"+name+"'", "'"+strings.ReplaceAll(value, "'", "''")+"'")
	}
	require.NotContains(r.t, sql, ":'", statement)
	return sql
}

// run sends a statement as psql does, and returns the rows of all answers.
func (r *rescue) run(statement string, side int) [][]string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	results, err := r.conn(side).PgConn().Exec(ctx, r.text(statement)).ReadAll()
	require.NoError(r.t, err, "%s on side %d", statement, side)
	out := [][]string{}
	for _, res := range results {
		for _, row := range res.Rows {
			cells := []string{}
			for _, v := range row {
				cells = append(cells, string(v))
			}
			out = append(out, cells)
		}
	}
	if statement == "take-over" {
		require.Len(r.t, out, 1)
		r.values["epoch"] = out[0][0]
	}
	return out
}

func side(shard string) int { return map[string]int{"default": 0, "shard_1": 1}[shard] }

func (r *rescue) sides(where string) []int {
	source, target := side(r.values["source"]), side(r.values["target"])
	switch where {
	case "control":
		return []int{0}
	case "the source":
		return []int{source}
	case "the target":
		return []int{target}
	}
	return []int{source, target}
}

func (r *rescue) do(statement, where string) {
	r.t.Helper()
	for _, n := range r.sides(where) {
		rows := r.run(statement, n)
		if slices.Contains([]string{"reopen-source", "reopen-target"}, statement) {
			require.Len(r.t, rows, 1, "%s changed nothing", statement)
		}
	}
}

// look asks what the page asks.
func (r *rescue) look() (state, pointer, source, target string) {
	r.t.Helper()
	control := r.run("look", 0)
	require.Len(r.t, control, 1)
	require.Equal(r.t, r.values["move"], control[0][0])
	state, pointer = control[0][3], map[string]string{r.values["source"]: "source", r.values["target"]: "target"}[control[0][5]]
	fenceOf := func(n int) string {
		rows := r.run("look-shard", n)
		if len(rows) == 0 {
			return "no row"
		}
		require.Equal(r.t, r.values["move"], rows[0][0])
		return rows[0][1]
	}
	return state, pointer, fenceOf(side(r.values["source"])), fenceOf(side(r.values["target"]))
}

// mayWrite says whether the application may insert a row of the tenant.
func (r *rescue) mayWrite(n int) bool {
	r.t.Helper()
	return r.f.mayWrite(n, r.values["tenant"])
}

// onlyOn proves that one side takes the tenant's writes and the other refuses.
func (r *rescue) onlyOn(shard, why string) {
	r.t.Helper()
	require.True(r.t, r.mayWrite(side(shard)), "%s: %s does not take writes", why, shard)
	require.False(r.t, r.mayWrite(1-side(shard)), "%s: two open sides", why)
	require.Equal(r.t, shard, r.f.pointer(r.values["tenant"]), "%s: the open side is not where the pointer leads", why)
}

// Every row of the page's table: a move that was killed there is found as the
// page says, the page's statements reopen exactly the side that the pointer
// names, what is written then stays, and the program goes on or back.
func TestBreakGlassReopensATenant(t *testing.T) {
	t.Parallel()
	type scenario struct{ name, action, point, then, mode string }
	list := []scenario{
		{"armed", "start", "older_gone", "resume", "fenced"},
		{"armed", "start", "held", "cancel", "fenced"},
		{"armed", "start", "first_table_copied", "resume", "online"},
		{"armed", "start", "catching_up", "resume", "online"},
		{"armed", "start", "caught_up", "cancel", "online"},
		{"armed", "start", "held", "switch", "online"},
		{"fenced", "start", "fenced", "cancel", "fenced"},
		{"fenced", "start", "copied", "resume", "fenced"},
		{"fenced", "start", "digests_stored", "cancel", "fenced"},
		{"fenced", "start", "before_committing", "resume", "fenced"},
		{"fenced", "start", "switch_fenced", "cancel", "online"},
		{"fenced", "start", "last_pass", "resume", "online"},
		{"committing", "start", "committing", "resume", "fenced"},
		{"committing", "start", "flip_not_committed", "cancel", "fenced"},
		{"committing", "start", "flip_not_committed", "resume", "online"},
		{"flipped", "start", "flipped", "resume", "fenced"},
		{"flipped", "start", "flipped", "resume", "online"},
		{"half open", "start", "source_moved", "resume", "fenced"},
		{"served", "start", "target_open", "resume", "fenced"},
		{"served", "start", "target_open", "resume", "online"},
		{"served", "start", "retained", "rollback", "fenced"},
		{"served", "finalize", "first_batch_purged", "resume", "fenced"},
		{"served", "rollback", "rollback_begun", "resume", "fenced"},
		{"served", "rollback", "noting_writes", "resume", "online"},
		{"failed", "", "", "cancel", "fenced"},
		{"failed", "", "", "resume", "online"},
		{"moving back", "rollback", "target_fenced", "resume", "fenced"},
		{"moving back", "rollback", "rollback_verified", "resume", "fenced"},
		{"moving back", "rollback", "source_brought_up", "resume", "online"},
		{"back, committing", "rollback", "target_committing", "resume", "fenced"},
		{"back, committing", "rollback", "flip_back_not_committed", "resume", "fenced"},
		{"back, committing", "rollback", "target_committing", "resume", "online"},
		{"back, flipped", "rollback", "flipped_back", "resume", "fenced"},
		{"back, half open", "rollback", "target_moved", "resume", "fenced"},
		{"back, served", "rollback", "source_open", "resume", "fenced"},
	}
	shown := map[string]bool{}
	for _, sc := range list {
		shown[sc.name] = true
	}
	for name := range readGlass(t).cases {
		require.True(t, shown[name], "nothing shows the page's row %q", name)
	}
	for _, mode := range []string{"fenced", "online"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f, s := core(t)
			r := newRescue(t, f)
			for i, sc := range list {
				if sc.mode != mode {
					continue
				}
				id := fmt.Sprint(100000 + i)
				f.tenant(id, "default", (100000+i)*1000, 2)
				// On a slow computer ten seconds pass while the page is followed.
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: sc.mode, MaxReadOnlyMS: 300_000, Note: sc.name, Hold: sc.point == "held" || sc.name == "failed"})
				require.NoError(t, err)
				r.of(m)
				switch {
				case sc.name == "failed":
					m, err = s.Await(t.Context(), m.ID, nil)
					require.NoError(t, err)
					f.exec(1, "ALTER TABLE pwb_contacts ADD COLUMN break_glass int")
					_, err = s.ActOnMove(t.Context(), "switch", session.MoveAction{ID: m.ID, Note: "test"})
					require.NoError(t, err)
					_, err = s.Await(t.Context(), m.ID, nil)
					require.Error(t, err)
					f.exec(1, "ALTER TABLE pwb_contacts DROP COLUMN break_glass")
				case sc.action == "start":
					f.killedAt("start", m.ID, sc.point)
				default:
					_, err = s.Await(t.Context(), m.ID, nil)
					require.NoError(t, err)
					f.killedAt(sc.action, m.ID, sc.point)
				}
				why := sc.name + " at " + sc.point + ", " + sc.mode
				want, ok := r.g.cases[sc.name]
				require.True(t, ok, "the page has no row %q", sc.name)

				state, pointer, source, target := r.look()
				require.Contains(t, want.states, state, why)
				require.Equal(t, want.pointer, pointer, why)
				require.Contains(t, want.source, source, why)
				require.Contains(t, want.target, target, why)
				for _, which := range []string{"source", "target"} {
					require.Equal(t, which == want.whoMayWriteFirst, r.mayWrite(side(r.values[which])), "%s: the page says: %s", why, want.tenant)
				}

				for _, st := range want.steps {
					r.do(st.statement, st.where)
					if st.statement == "take-over" {
						_, again, _, _ := r.look()
						require.Equal(t, pointer, again, why)
					}
				}
				r.onlyOn(r.values[pointer], why)
				_, err = f.app(side(r.values[pointer])).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'after the glass broke' WHERE website_id = "+id)
				require.NoError(t, err)
				rows := f.rowsOf(side(r.values[pointer]), id)
				require.Greater(t, len(rows), 15, why)

				m, err = s.Move(t.Context(), m.ID)
				require.NoError(t, err)
				if sc.then != "resume" || slices.Contains(m.Actions, "resume") {
					m = act(t, s, sc.then, session.MoveAction{ID: m.ID, Wait: true})
				}
				if m.Held { // it was held before it failed
					m = act(t, s, "switch", session.MoveAction{ID: m.ID})
				}
				require.True(t, m.Settled, why)
				f.whole(m, rows)
				t.Logf("%s: %d statements, then %s: %s", why, len(want.steps), sc.then, m.State)
				if m.State == "retained" {
					end := "finalize"
					if sc.mode == "online" && sc.name != "committing" { // finalize waits for the routes
						end = "rollback"
					}
					f.whole(act(t, s, end, session.MoveAction{ID: m.ID, Wait: true}), rows)
				}
			}
			v, err := s.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.True(t, v.OK)
		})
	}
}

// Every row of the page's table of assignments, each at every place where it
// is found so; afterwards nothing is in the way of the program.
func TestBreakGlassAfterAnAssignmentThatDied(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	r := newRescue(t, f)
	f.tenant("8999", "default", 8999000, 1)
	bystander := f.rowsOf(0, "8999")
	shown := map[string]bool{}
	for i, p := range assignPoints {
		name := map[string]string{
			"assign_fenced": "closed", "assign_committing": "about to point", "assign_not_committed": "about to point", "assign_pointed": "pointed", "assign_unfenced": "pointed",
		}[p.name]
		if name == "" {
			name = "not begun"
		}
		shown[name] = true
		want, ok := r.g.assignments[name]
		require.True(t, ok, "the page has no row %q", name)
		id, why := fmt.Sprint(8000+i), name+" at "+p.name
		f.rowless(id)
		f.dies(errand{Assign: session.AssignRequest{Tenant: id, Shard: "shard_1", Note: "test"}}, p.name)

		r.values = map[string]string{"tenant": id, "reason": "it died"}
		look := r.run("look-assignment", 0)
		require.Len(t, look, 1, why)
		r.values["source"], r.values["target"] = look[0][0], look[0][1]
		require.Equal(t, []string{"default", "shard_1"}, look[0][:2], why)
		require.Equal(t, map[string]string{"source": "default", "target": "shard_1"}[want.pointer], look[0][2], why)
		require.Equal(t, map[string]string{"no": "f", "yes": "t"}[want.ended], look[0][3], why)
		fence := "no row"
		if f.text(0, "SELECT (to_regclass('shard_admin_move.fence') IS NOT NULL)::text") == "true" {
			if rows := r.run("look-shard", 0); len(rows) > 0 {
				r.values["move"], fence = rows[0][0], rows[0][1]
			}
		}
		require.Contains(t, want.fences, fence, why)
		serves := side(look[0][2])
		_, says, writes := strings.Cut(want.tenant, "writes on the ")
		require.Equal(t, writes, f.mayWrite(serves, id), "%s: the page says: %s", why, want.tenant)
		if writes {
			require.Equal(t, want.pointer, says, why)
		}

		if r.values["move"] == "" { // nothing was fenced, and no statement is about a fence
			r.values["move"] = "00000000-0000-0000-0000-000000000000"
		}
		for _, st := range want.steps {
			r.do(st.statement, st.where)
		}
		require.True(t, f.mayWrite(serves, id), "%s: %s does not take writes", why, look[0][2])
		require.Equal(t, "t", r.run("look-assignment", 0)[0][3], why)
		if i%2 == 0 { // by hand
			if fence != "no row" {
				r.do("leave", "the source")
			}
			if len(f.leftovers(0)) > 0 {
				require.Empty(t, r.run("whose", 0), why)
				r.do("remove-guards", "the source")
				r.do("remove-schema", "the source")
			}
			require.Empty(t, f.leftovers(0), why)
		}
		// The program is in nobody's debt.
		for _, to := range []string{"shard_1", "default"} {
			if to == f.pointer(id) {
				continue
			}
			_, err := s.Assign(t.Context(), session.AssignRequest{Tenant: id, Shard: to, Note: "test"})
			require.NoError(t, err, why)
			require.True(t, f.mayWrite(side(to), id), why)
		}
		require.Equal(t, bystander, f.rowsOf(0, "8999"), why)
	}
	for name := range r.g.assignments {
		require.True(t, shown[name], "nothing shows the page's row %q", name)
	}
	v, err := s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, "%+v", v.Findings)
}

// The owner is not dead but asleep: what the page does keeps it from doing
// anything when it wakes, also in the middle of the transaction of the switch.
func TestBreakGlassShutsASleeperOut(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	r := newRescue(t, f)
	for i, point := range []string{"copied", "before_committing", "committing", "flip_not_committed"} {
		id := fmt.Sprint(700 + i)
		f.tenant(id, "default", (700+i)*1000, 2)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "fenced", Note: "sleep"})
		require.NoError(t, err)
		r.of(m)
		cmd, out := f.child("start", m.ID, "SHARD_ADMIN_SLEEP_AT", point)
		require.Eventually(t, func() bool {
			var ws syscall.WaitStatus
			pid, _ := syscall.Wait4(cmd.Process.Pid, &ws, syscall.WUNTRACED|syscall.WNOHANG, nil)
			return pid == cmd.Process.Pid && ws.Stopped()
		}, 60*time.Second, 20*time.Millisecond, "%s: %s", point, out)

		// Taking over waits for a switch that is under way until that is ended.
		taken := make(chan error, 1)
		sql := r.text("take-over")
		second := pgtest.Connect(t, pgtest.Server(t, 0).URL(r.role, f.dbs[0])+"&password="+password)
		go func() {
			var epoch string
			err := second.QueryRow(context.Background(), sql).Scan(&epoch)
			r.values["epoch"] = epoch
			taken <- err
		}()
		if point == "flip_not_committed" {
			select {
			case err := <-taken:
				t.Fatalf("took over while the switch was under way: %v", err)
			case <-time.After(time.Second):
			}
			require.NotEmpty(t, r.run("end-switch", 0))
		}
		require.NoError(t, <-taken, point)
		_, pointer, _, _ := r.look()
		require.Equal(t, "source", pointer, point)
		r.do("shut-out", "both shards")
		r.do("reopen-source", "the source")
		r.onlyOn("default", point)
		_, err = f.app(0).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'written while it slept' WHERE website_id = "+id)
		require.NoError(t, err)
		rows := f.rowsOf(0, id)

		// It wakes and finds itself shut out; its run waits for the lease.
		require.NoError(t, syscall.Kill(cmd.Process.Pid, syscall.SIGCONT))
		for range 15 {
			time.Sleep(200 * time.Millisecond)
			r.onlyOn("default", point+", awake")
		}
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		require.Equal(t, rows, f.rowsOf(0, id), point)
		r.do("hand-back", "control")
		m = act(t, s, "cancel", session.MoveAction{ID: m.ID})
		require.Equal(t, "cancelled", m.State)
		f.whole(m, rows)
	}
}

// Control does not answer: what is fenced may be opened, what is committing
// may not, and the page's statements keep to that by themselves.
func TestBreakGlassWithoutControl(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	r := newRescue(t, f)
	f.tenant("701", "default", 701000, 2)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "701", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	r.of(m)
	f.killedAt("start", m.ID, "copied")
	require.False(t, r.mayWrite(0))
	r.do("reopen-source", "the source")
	r.onlyOn("default", "without control")
	// The program comes back and knows nothing of it.
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "retained", m.State)
	f.killedAt("rollback", m.ID, "target_fenced")
	require.False(t, r.mayWrite(1))
	r.do("reopen-target", "the target")
	r.onlyOn("shard_1", "without control, moving back")
	rows := f.rowsOf(1, "701")
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	f.whole(m, rows)
}

// Control comes back from a backup that is older than the switch: set right
// first, nothing that was written on the target is lost.
func TestBreakGlassAfterARestoredControl(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	r := newRescue(t, f)
	for i, mode := range []string{"fenced", "online"} {
		id := fmt.Sprint(702 + 10*i)
		f.tenant(id, "default", (702+10*i)*1000, 2)
		m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: id, Target: "shard_1", Mode: mode, Note: "test"})
		require.NoError(t, err)
		r.of(m)
		f.killedAt("start", m.ID, "target_open")
		_, err = f.app(1).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'after the switch' WHERE website_id = "+id)
		require.NoError(t, err)
		rows := f.rowsOf(1, id)
		f.exec(0, "UPDATE pwb_websites SET shard_name = 'default' WHERE id = "+id)
		f.exec(0, "UPDATE shard_admin.move SET state = 'ready', step = CASE mode WHEN 'fenced' THEN 'verified' ELSE 'caught_up' END, switched_at = NULL WHERE id = $1", m.ID)
		if mode == "online" { // older than the verification as well
			f.exec(0, "UPDATE shard_admin.move_table SET verified = false, digest = NULL WHERE move_id = $1", m.ID)
		}

		state, pointer, source, target := r.look()
		require.Equal(t, []string{"ready", "source", "moved", "open"}, []string{state, pointer, source, target}, "control is behind the shards")
		r.do("set-forward", "control")
		r.do("close", "the source")
		r.do("open", "the target")
		r.onlyOn("shard_1", "restored")
		m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
		require.Equal(t, "retained", m.State)
		f.whole(m, rows)
		f.whole(act(t, s, "finalize", session.MoveAction{ID: m.ID, Wait: true}), rows)
	}
}

// The target is lost after the switch: the source serves what it has, the
// trail says who decided so, and the program cleans up when the target is back.
func TestBreakGlassWhenTheTargetIsLost(t *testing.T) {
	t.Parallel()
	f, s := core(t)
	r := newRescue(t, f)
	f.tenant("703", "default", 703000, 2)
	rows := f.rowsOf(0, "703")
	m := f.moved(s, "703", "shard_1")
	r.of(m)
	_, err := f.app(1).Exec(t.Context(), "UPDATE pwb_contacts SET first_name = 'given up' WHERE website_id = 703")
	require.NoError(t, err)
	r.do("take-over", "control")
	r.do("point-back", "control")
	r.do("open", "the source")
	r.do("write-down", "control")
	r.do("hand-back", "control")
	require.True(t, r.mayWrite(0))
	// It is there again.
	r.do("close", "the target")
	r.onlyOn("default", "target lost")
	m = act(t, s, "resume", session.MoveAction{ID: m.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	f.whole(m, rows)

	v, err := s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, v.OK, "%+v", v.Findings)
	list, err := s.Events(t.Context(), session.AuditFilter{Tenant: "703", Action: "break_glass", Limit: 5})
	require.NoError(t, err)
	require.Len(t, list.Events, 1)
	require.Equal(t, []string{r.role, "control was lost", m.ID}, []string{list.Events[0].Actor, list.Events[0].Note, list.Events[0].MoveID})
}

// Nobody will ever go on: guards and schema go by hand, and the other side
// refuses until its guards go, too.
func TestBreakGlassRemovesEverything(t *testing.T) {
	t.Parallel()
	f, s := ready(t)
	r := newRescue(t, f)

	// Before the switch, nothing on the target yet.
	f.tenant("704", "default", 704000, 2)
	m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: "704", Target: "shard_1", Mode: "fenced", Note: "test"})
	require.NoError(t, err)
	r.of(m)
	f.killedAt("start", m.ID, "fenced")
	require.False(t, r.mayWrite(0))
	r.do("take-over", "control")
	require.Equal(t, [][]string{{"704", m.ID, "fenced"}}, r.run("whose", 0))
	for _, st := range []string{"remove-guards", "remove-guards", "remove-schema"} {
		r.do(st, "the source")
	}
	r.onlyOn("default", "removed on the source")
	r.do("remove-guards", "the target")
	r.do("remove-schema", "the target")
	r.do("give-up", "control")
	r.do("hand-back", "control")
	require.Empty(t, f.leftovers(0))
	require.Empty(t, f.leftovers(1))
	m, err = s.Move(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, string(move.Cancelled), m.State)

	// The tenant may be moved again; after the switch, the source keeps its
	// fence while its rows are there. Another tenant's move is not touched.
	m = f.online(s, "704", "shard_1")
	f.tenant("705", "default", 705000, 1)
	other := f.moved(s, "705", "shard_1")
	r.of(m)
	f.writes("704", "noted on the target")
	noted := "SELECT ((SELECT count(*) FROM shard_admin_move.touched_once) + (SELECT count(*) FROM shard_admin_move.touched) + (SELECT count(*) FROM shard_admin_move.digest))::text"
	require.NotEqual(t, "0", f.text(1, noted))
	r.do("take-over", "control")
	require.Len(t, r.run("whose", 1), 2)
	r.do("leave", "the target")
	require.Equal(t, "0", f.text(1, noted))
	r.onlyOn("shard_1", "left the target")
	require.Len(t, r.run("whose", 1), 1)
	// The tenant's rows on the source go only with the move's own pass.
	_, err = f.super(0).Exec(t.Context(), "DELETE FROM pwb_messages WHERE website_id = 704")
	require.ErrorContains(t, err, "SA001")
	tx, err := r.conn(0).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SET LOCAL shard_admin.bypass = '"+m.ID+"'")
	require.NoError(t, err)
	tag, err := tx.Exec(t.Context(), "DELETE FROM pwb_messages WHERE website_id = 704")
	require.NoError(t, err)
	require.Positive(t, tag.RowsAffected())
	require.NoError(t, tx.Commit(t.Context()))
	r.do("give-up", "control")
	r.do("hand-back", "control")
	m, err = s.Move(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, string(move.Finalized), m.State)
	r.onlyOn("shard_1", "given up")
	want := f.rowsOf(1, "705")
	m = act(t, s, "rollback", session.MoveAction{ID: other.ID, Wait: true})
	require.Equal(t, "rolled_back", m.State)
	require.Equal(t, want, f.rowsOf(0, "705"))
	require.Equal(t, 1, f.openSides("705"))
}
