//go:build unix

package session_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/traffic"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/bouncertest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// throughPooler leads shard_1 through PgBouncer and opens the fleet anew.
func throughPooler(t *testing.T, f *fleettest.Fleet, settings string) (s *session.Session, pooled string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "shard-admin-pooler-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // the pooler's user enters it
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	i := 1
	cfg, err := pgx.ParseConfig(file.Shards[i].Endpoint.URL)
	require.NoError(t, err)
	port := bouncertest.Start(t, dir, f.Server("shard_1"), map[string]string{f.Role: fleettest.Password}, settings)
	file.Shards[i].Endpoint.Direct = file.Shards[i].Endpoint.URL
	file.Shards[i].Endpoint.URL = fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", f.Role, port, cfg.Database)
	s = reopened(t, f, file)
	return s, fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable&default_query_exec_mode=simple_protocol", f.Role, fleettest.Password, port, cfg.Database)
}

// reopened opens the fleet with another file.
func reopened(t *testing.T, f *fleettest.Fleet, file *fleet.Fleet) *session.Session {
	t.Helper()
	require.NoError(t, f.Home.ReplaceFleet(file))
	s, err := f.Home.Session(t.Context(), fleettest.Name, home.SessionOptions{Email: fleettest.Admin, Source: "cli"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// poolerOf is what is found of the pooler, and why nothing could be.
func poolerOf(t *testing.T, s *session.Session) (found []session.Finding, reason, status string) {
	t.Helper()
	h, err := s.Health(t.Context(), "shard_1")
	require.NoError(t, err)
	for _, x := range h.Shards[0].Findings {
		if x.Check == "pooler" {
			found = append(found, x)
		}
	}
	for _, u := range h.Shards[0].Unavailable {
		if u.Check == "pooler" {
			reason = u.Reason
		}
	}
	return found, reason, h.Shards[0].Status
}

// Whoever holds the one connection of a pool keeps the others waiting; that is said
// although the shard itself cannot be asked, and no more once they are served.
func TestClientsThatWaitForThePoolerAreFound(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	s, pooled := throughPooler(t, f, "default_pool_size = 1\nstats_users = "+f.Role+"\nquery_wait_timeout = 60")
	found, reason, status := poolerOf(t, s)
	require.Empty(t, found)
	require.Empty(t, reason)
	require.NotEqual(t, "unreachable", status)

	holder := pgtest.Connect(t, pooled)
	_, err := holder.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)
	waiter := pgtest.Connect(t, pooled)
	served := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(context.Background(), "SELECT 2")
		served <- err
	}()
	require.Eventually(t, func() bool {
		found, _, status = poolerOf(t, s)
		return len(found) == 1 && found[0].Severity == "warning"
	}, 30*time.Second, 50*time.Millisecond, "%v", &found)
	require.Equal(t, "unreachable", status, "its own connection waits, too")
	require.Contains(t, found[0].Message, " of "+f.Role+" for a connection of the pooler, the longest for ")
	require.Contains(t, found[0].Message, "; all 1 of its pool are in use")
	require.NotEmpty(t, found[0].Rows)

	_, err = holder.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-served)
	require.Eventually(t, func() bool {
		found, reason, status = poolerOf(t, s)
		return len(found) == 0 && reason == "" && status != "unreachable"
	}, 30*time.Second, 50*time.Millisecond, "%v", &found)
}

// A database that somebody paused is found, with what resumes it; a shard that no
// pooler stands before has nothing of it.
func TestADatabaseThatIsPausedInThePoolerIsFound(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	s, pooled := throughPooler(t, f, "admin_users = "+f.Role)
	cfg, err := pgx.ParseConfig(pooled)
	require.NoError(t, err)
	database := cfg.Database
	cfg.Database = "pgbouncer"
	console, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = console.Close(context.Background()) })
	found, _, status := poolerOf(t, s) // PgBouncer knows the database from now on
	require.Empty(t, found)
	require.NotEqual(t, "unreachable", status)
	tell := func(word string) {
		_, err := console.PgConn().Exec(t.Context(), word+` "`+database+`"`).ReadAll()
		require.NoError(t, err)
	}
	tell("PAUSE")
	found, _, _ = poolerOf(t, s)
	require.NotEmpty(t, found)
	require.Equal(t, "critical", found[0].Severity)
	require.Contains(t, found[0].Message, database+" is paused in the pooler")
	require.Equal(t, `RESUME "`+database+`"`, found[0].Statement)
	tell("RESUME")
	require.Eventually(t, func() bool {
		found, _, status = poolerOf(t, s)
		return len(found) == 0 && status != "unreachable"
	}, 30*time.Second, 50*time.Millisecond)

	h, err := s.Health(t.Context(), "default")
	require.NoError(t, err)
	for _, u := range h.Shards[0].Unavailable {
		require.NotEqual(t, "pooler", u.Check, "no pooler stands before it")
	}
}

// Where the pools may not be seen, or what stands there is none of PgBouncer, that
// is said and nothing is called fine.
func TestAPoolerThatShowsNothingSaysWhy(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	s, _ := throughPooler(t, f, "")
	found, reason, status := poolerOf(t, s)
	require.Empty(t, found)
	require.NotEqual(t, "unreachable", status)
	require.Contains(t, reason, "PgBouncer does not show its pools to "+f.Role)
	require.Contains(t, reason, "stats_users")

	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	file.Shards[1].Endpoint.URL = file.Shards[1].Endpoint.Direct
	require.NoError(t, f.Home.ReplaceFleet(file))
	_, reason, status = poolerOf(t, f.Open(fleettest.Admin))
	require.NotEqual(t, "unreachable", status)
	require.Contains(t, reason, "is not PgBouncer")
}

// A move needs sessions that no pooler is in the way of. Where it cannot have them
// on a shard, be it the source, the target or the one in control, the plan says so
// and a start is refused: nothing was put on a shard, and nobody waits.
func TestAMoveThroughAPoolerIsRefusedByItsPlan(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	direct, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	s, _ := throughPooler(t, f, "")
	pooled, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	here, there := f.On("default")[0].Label(), f.On("shard_1")[0].Label()
	ctx := t.Context()

	found := func(s *session.Session, tenant, target string) *session.Check {
		t.Helper()
		p, err := s.PlanMove(ctx, session.MoveRequest{Tenant: tenant, Target: target})
		require.NoError(t, err)
		for _, c := range p.Checks {
			if c.Name == "direct session" && c.Status != "ok" {
				require.Equal(t, "blocker", c.Status)
				require.True(t, p.Blocked)
				require.NotEmpty(t, c.Evidence)
				return &c
			}
		}
		return nil
	}
	refused := func(s *session.Session, tenant, target string, code fault.Code) {
		t.Helper()
		_, err := s.StartMove(ctx, session.MoveRequest{Tenant: tenant, Target: target, Note: "through a pooler"})
		require.Equal(t, code, fault.CodeOf(err), "%v", err)
		list, err := s.Moves(ctx, "", 0)
		require.NoError(t, err)
		require.Empty(t, list.Moves)
		for _, shard := range f.Shards {
			var guards int
			require.NoError(t, f.Super(shard).QueryRow(ctx, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shard_admin_move'").Scan(&guards))
			require.Zero(t, guards, shard)
		}
	}
	require.Nil(t, found(s, here, "shard_1"), "with direct nothing is in the way")

	file := *pooled
	file.Shards = slices.Clone(pooled.Shards)
	file.Shards[1].Endpoint.Direct = ""
	s = reopened(t, f, &file)
	for tenant, target := range map[string]string{here: "shard_1", there: "default"} {
		c := found(s, tenant, target)
		require.NotNil(t, c, "%s to %s", tenant, target)
		require.Contains(t, c.Message, "shard_1: the connection goes through a pooler")
		require.Contains(t, c.Fix, `add direct = "postgres://…" for shard_1`)
		refused(s, tenant, target, fault.PoolerInPath)
	}

	cfg, err := pgx.ParseConfig(direct.Control.URL)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "shard-admin-pooler-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // the pooler's user enters it
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := bouncertest.Start(t, dir, f.Server("default"), map[string]string{f.Role: fleettest.Password}, "")
	file = *direct
	file.Control.URL = fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", f.Role, port, cfg.Database)
	s = reopened(t, f, &file)
	c := found(s, here, "shard_1")
	require.NotNil(t, c)
	require.Contains(t, c.Fix, `add direct = "postgres://…" under [control]`)
	refused(s, here, "shard_1", fault.PoolerInPath)

	file = *pooled
	file.Shards = slices.Clone(pooled.Shards)
	file.Shards[1].Endpoint.Direct = direct.Control.URL
	s = reopened(t, f, &file)
	c = found(s, here, "shard_1")
	require.NotNil(t, c)
	require.Contains(t, c.Message, "shard_1: direct leads to another database than url")
	require.NotEmpty(t, c.Fix)
	refused(s, here, "shard_1", fault.FleetInvalid)
}

// What waits for a person is not begun behind a pooler either, and can be taken back
// there: to delete the copy takes no session of its own.
func TestWhatIsHeldIsNotSwitchedBehindAPoolerAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	s, _ := throughPooler(t, f, "")
	ctx := t.Context()
	m, err := s.StartMove(ctx, session.MoveRequest{Tenant: f.On("default")[0].Label(), Target: "shard_1", Note: "held", Hold: true})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	require.True(t, m.Held)

	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	file.Shards[1].Endpoint.Direct = ""
	s = reopened(t, f, file)
	_, err = s.ActOnMove(ctx, "switch", session.MoveAction{ID: m.ID, Note: "go", Wait: true})
	require.Equal(t, fault.PoolerInPath, fault.CodeOf(err), "%v", err)
	m, err = s.Move(ctx, m.ID)
	require.NoError(t, err)
	require.True(t, m.Held, "nothing has changed")

	_, err = s.ActOnMove(ctx, "cancel", session.MoveAction{ID: m.ID, Note: "back", Wait: true})
	require.NoError(t, err)
	m, err = s.Await(ctx, m.ID, nil)
	require.NoError(t, err, "%+v", m.Log)
	require.Equal(t, "cancelled", m.State)
	var left int
	require.NoError(t, f.Super("shard_1").QueryRow(ctx, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shard_admin_move'").Scan(&left))
	require.Zero(t, left)
	// The view, which takes such a session, is said to be what it is.
	last := m.Log[len(m.Log)-2]
	require.Equal(t, "warning", last.Level, "%+v", m.Log)
	require.Contains(t, last.Message, "pwb_properties on shard_1 is stale: it still shows rows of "+m.Label+" that are gone.")
}

// behindPoolers leads every database of the fleet through a PgBouncer, with the way
// to the server itself beside it, and returns the application's ways through them.
// A pooler comes to its server by the socket, everybody else over TCP: so the
// server's log tells which way a statement came.
func (f *fixture) behindPoolers() map[string]string {
	f.t.Helper()
	app := map[string]string{}
	for n, name := range []string{"default", "shard_1"} {
		dir, err := os.MkdirTemp("", "shard-admin-pooler-")
		require.NoError(f.t, err)
		require.NoError(f.t, os.Chmod(dir, 0o755)) //nolint:gosec // the pooler's user enters it
		f.t.Cleanup(func() { _ = os.RemoveAll(dir) })
		on := f.server(n)
		port := bouncertest.Start(f.t, dir, on, map[string]string{f.role: password, pgtest.AppRole: pgtest.AppPassword},
			fmt.Sprintf("max_client_conn = 200\n[databases]\n* = host=%s port=%d", on.Socket(), on.Port()))
		way := fleet.Endpoint{URL: fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", f.role, port, f.dbs[n]), Direct: on.URL(f.role, f.dbs[n])}
		if n == 0 {
			f.fleet.Control = way
		} else {
			f.fleet.Shards[n].Endpoint = way
		}
		app[name] = fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable&default_query_exec_mode=exec", pgtest.AppRole, pgtest.AppPassword, port, f.dbs[n])
	}
	return app
}

// said is a statement that a server was sent.
type said struct {
	app, text string
	pooled    bool
}

// logged lets a database's server write down what the operator's role says there
// from now on; heard reads it.
func (f *fixture) logged(n int) (heard func() []said) {
	f.t.Helper()
	on := f.server(n)
	pgtest.Exec(f.t, on, f.dbs[n], fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET log_statement = 'all'", f.role, f.dbs[n]))
	const prefix = "heard|%d|%u|%h|%a|"
	for _, sql := range []string{"ALTER SYSTEM SET log_line_prefix = '" + prefix + "'", "SELECT pg_reload_conf()"} {
		f.exec(n, sql)
	}
	require.Eventually(f.t, func() bool { return f.text(n, "SHOW log_line_prefix") == prefix }, 10*time.Second, 10*time.Millisecond)
	return func() []said {
		text, err := os.ReadFile(filepath.Join(on.Dir(), "server.log"))
		require.NoError(f.t, err)
		out := []said{}
		for _, record := range strings.Split(strings.ReplaceAll(string(text), "\n\t", "\n "), "\nheard|") {
			part := strings.SplitN(record, "|", 5)
			if len(part) < 5 || part[0] != f.dbs[n] || part[1] != f.role {
				continue
			}
			if kind, text, found := strings.Cut(part[4], ": "); found && kind == "LOG" {
				out = append(out, said{app: part[3], text: strings.TrimSpace(text), pooled: part[2] == "[local]"})
			}
		}
		return out
	}
}

// less is a dump less the rows of another.
func less(dump, rows map[string][]string) map[string][]string {
	out := map[string][]string{}
	for table, list := range dump {
		for _, row := range list {
			if !slices.Contains(rows[table], row) {
				out[table] = append(out[table], row)
			}
		}
	}
	return out
}

// added is the rows of dumps together, sorted.
func added(dumps ...map[string][]string) map[string][]string {
	out := map[string][]string{}
	for _, d := range dumps {
		for table, rows := range d {
			out[table] = append(out[table], rows...)
		}
	}
	for _, rows := range out {
		slices.Sort(rows)
	}
	return out
}

// apart is a database's rows, but for the root rows and the application's own
// records: those of the traffic, and all others.
func (f *fixture) apart(n int) (traffic, others map[string][]string) {
	f.t.Helper()
	traffic, others = map[string][]string{}, map[string][]string{}
	for table, rows := range filltest.Dump(f.t, f.super(n), "pwb_websites", "pwb_shard_audit_logs") {
		for _, row := range rows {
			if strings.Contains(row, `"traffic `) {
				traffic[table] = append(traffic[table], row)
			} else {
				others[table] = append(others[table], row)
			}
		}
	}
	return added(traffic), added(others)
}

// bound is what only works while one keeps the same server process: PgBouncer in
// transaction mode gives another to each transaction.
var bound = regexp.MustCompile(`(?is)pg_export_snapshot|set\s+transaction\s+snapshot|\bcopy\b.+\b(from\s+stdin|to\s+stdout)|advisory_(un)?lock|` +
	`^\S+( \S+)?: \s*(listen|prepare|declare|create\s+temp|set\s+(session|[a-z_.]+\s*(=|to)))|^execute [^<]`)

var copied = regexp.MustCompile(`(?is)\bcopy\b.+\b(from\s+stdin|to\s+stdout)`)

// With PgBouncer in transaction mode before every database, of control as well, and
// the direct way beside it, tenants move, come back and are finalized as anywhere,
// while the application writes through the same poolers. What needs a process of its
// own took the direct way, all else the pooler's.
func TestMovesBehindPoolersUnderTraffic(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"fenced", "online"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f, direct := ready(t)
			direct.Close()
			_, none := f.apart(0)
			f.tenant("70177", "default", 70177000, 3)
			_, source := f.apart(0)
			returns := less(source, none)
			f.tenant("80288", "default", 80288000, 2)
			_, both := f.apart(0)
			stay := less(both, source)
			source = both
			f.tenant("90399", "shard_1", 90399000, 2)
			for n := range 2 { // each shard gives ids of its own range
				f.exec(n, "SELECT setval(pg_get_serial_sequence('pwb_messages', 'id'), $1)", 500_000_000+n*100_000_000)
			}
			_, target := f.apart(1)
			require.Greater(t, len(returns), 55, "rows in every class of table")
			require.Len(t, stay, len(returns))
			urls := f.behindPoolers()
			heard := []func() []said{f.logged(0), f.logged(1)}
			s := f.open()

			var load *traffic.Traffic
			start := func() {
				var err error
				load, err = traffic.Start(t.Context(), traffic.Config{URLs: urls, Catalogue: "default", Tenant: 70177, Others: []int{80288, 90399}, Writers: 4, Rate: 60})
				require.NoError(t, err)
			}
			stop := func() {
				t.Helper()
				stats := load.Stop()
				require.NoError(t, load.Err())
				require.Zero(t, stats.Failed)
				require.Positive(t, stats.Writes)
				bad, err := load.Findings(t.Context())
				require.NoError(t, err)
				require.Empty(t, bad)
			}
			to := func(tenant string) session.MoveView {
				t.Helper()
				m, err := s.StartMove(t.Context(), session.MoveRequest{Tenant: tenant, Target: "shard_1", Mode: mode, Note: "test"})
				require.NoError(t, err)
				m, err = s.Await(t.Context(), m.ID, nil)
				require.NoError(t, err, "%+v", m.Log)
				require.Equal(t, "retained", m.State)
				require.Equal(t, mode, m.Mode)
				require.True(t, m.Verified)
				return m
			}
			start()
			back, stays := to("70177"), to("80288")
			stop()
			written, here := f.apart(0)
			came, there := f.apart(1)
			require.Equal(t, source, here, "the source is untouched")
			require.Equal(t, added(target, returns, stay), there, "the target has what it had and the tenants' rows")
			for table, rows := range written {
				require.Subset(t, came[table], rows, "what was written before the switch is on the target")
			}
			require.Equal(t, []string{"shard_1", "shard_1"}, []string{f.pointer("70177"), f.pointer("80288")})

			start()
			require.Equal(t, "rolled_back", act(t, s, "rollback", session.MoveAction{ID: back.ID}).State)
			require.Equal(t, "finalized", act(t, s, "finalize", session.MoveAction{ID: stays.ID, Wait: true}).State)
			stop()
			written, here = f.apart(0)
			came, there = f.apart(1)
			require.Equal(t, added(less(source, stay)), here)
			require.Equal(t, added(target, stay), there)
			of := func(tenant string, rows map[string][]string) (out []string) {
				for _, row := range rows["public.pwb_messages"] {
					if strings.Contains(row, ","+tenant+",") || strings.HasSuffix(row, ","+tenant+")") {
						out = append(out, row)
					}
				}
				return out
			}
			require.NotEmpty(t, of("70177", written))
			require.Empty(t, of("70177", came))
			require.NotEmpty(t, of("80288", came))
			require.Empty(t, of("80288", written))
			require.Equal(t, []string{"default", "shard_1"}, []string{f.pointer("70177"), f.pointer("80288")})
			for n := range 2 {
				require.Empty(t, f.leftovers(n))
			}

			for n, name := range []string{"default", "shard_1"} {
				ways := map[bool]string{}
				apps := map[bool]map[string]bool{true: {}, false: {}}
				for _, x := range heard[n]() {
					ways[x.pooled] += x.text + "\n"
					apps[x.pooled][x.app] = true
					if own := strings.Contains(strings.ToLower(x.text), "set application_name="); x.pooled && !own { // the pooler's own
						require.NotRegexp(t, bound, x.text, "%s through the pooler, by %q", name, x.app)
					}
				}
				delete(apps[true], "[unknown]") // the pooler's own words, before anybody's
				require.Equal(t, []string{"shard-admin"}, slices.Sorted(maps.Keys(apps[true])), name)
				for _, m := range []session.MoveView{back, stays} {
					require.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(apps[false])), func(app string) bool {
						return strings.HasPrefix(app, "shard-admin/") && strings.Contains(app, strings.ReplaceAll(m.ID, "-", ""))
					}), "%s: move %s among %v", name, m.ID, apps[false])
				}
				require.NotContains(t, apps[false], "shard-admin", "%s: what needs no session of its own", name)
				require.True(t, copied.MatchString(ways[false]), name)
				require.Contains(t, ways[true], "pg_advisory_xact_lock(", "%s: the fence is a transaction's", name)
				require.Contains(t, ways[true], "CREATE TRIGGER ", name)
			}
			exported := slices.ContainsFunc(heard[0](), func(x said) bool { return !x.pooled && strings.Contains(x.text, "pg_export_snapshot") })
			require.True(t, exported, "the copy's snapshot")
		})
	}
}
