//go:build unix

package session_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/bouncertest"
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
