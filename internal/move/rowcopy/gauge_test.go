package rowcopy_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/move/fence"
	"shardadmin/internal/move/rowcopy"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/twoshards"
	"shardadmin/internal/structure"
	"shardadmin/internal/tenancy"
)

// Somebody else makes the target slow while a copy runs: fewer streams copy.
// When it is calm again, they come back.
func TestStreamsMakeWayForOthersAndComeBack(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const tables = "CREATE TABLE owners (id int PRIMARY KEY, shard text); CREATE TABLE numbers (id bigint PRIMARY KEY, owner_id int NOT NULL);"
	pair := twoshards.Open(
		t, tables+"INSERT INTO owners VALUES (1); INSERT INTO numbers SELECT n, 1 FROM generate_series(1, 30000) n; ANALYZE",
		// Rows arrive slowly without taking the processor.
		tables+`INSERT INTO owners VALUES (1);
		CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END';
		CREATE TRIGGER slowly BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION slowly()`,
	)
	job := rowcopy.Job{
		Source: pair.Here, Target: pair.There, Map: pair.Map, Tenant: "1", Move: uuid.NewString(), Epoch: 1, Tables: pair.Map.Moving(),
		Bytes: map[string]int64{"numbers": 1 << 30}, Streams: 4, PartBytes: 1,
	}
	require.NoError(t, fence.New(job.Target, pair.Map).Enter(ctx, job.Move, 1))
	snapshot, err := fence.New(job.Source, pair.Map).Snapshot(ctx, job.Move, 1)
	require.NoError(t, err)
	t.Cleanup(func() { snapshot.Close(context.Background()) })
	job.Snapshot = snapshot.ID

	var mu sync.Mutex
	decisions := []string{}
	gauges := []rowcopy.Gauge{}
	for _, db := range []*conn.Database{job.Source, job.Target} {
		g := rowcopy.NewGauge(db, job)
		t.Cleanup(g.Close)
		gauges = append(gauges, alone{g})
	}
	job.Governor = rowcopy.Govern(ctx, job.Streams, rowcopy.Rules{Every: 20 * time.Millisecond, Calm: 300 * time.Millisecond, Slower: 60 * time.Millisecond}, gauges,
		func(d rowcopy.Decision) {
			mu.Lock()
			defer mu.Unlock()
			decisions = append(decisions, d.String())
		},
		func(shard string, err error) { t.Errorf("%s is not watched: %v", shard, err) })
	t.Cleanup(job.Governor.Close) // before the gauges

	copying, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- rowcopy.Run(copying, job) }()
	look := pgtest.Connect(t, pair.ThereURL)
	// atOnce is how many streams copy at once within a while.
	atOnce := func() int {
		most := 0
		for range 20 {
			var n int
			require.NoError(t, look.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %numbers%'").Scan(&n))
			most = max(most, n)
			time.Sleep(10 * time.Millisecond)
		}
		return most
	}
	become := func(why string, is func(int) bool) {
		t.Helper()
		for until := time.Now().Add(30 * time.Second); !is(atOnce()); {
			mu.Lock()
			require.True(t, time.Now().Before(until), "%s: %q", why, decisions)
			mu.Unlock()
			require.Empty(t, ended, "the copy ended before")
		}
	}
	become("two copy, or more where that is faster", func(n int) bool { return n >= 2 })

	locking, release := context.WithCancel(ctx)
	locked := make(chan struct{})
	go func() {
		defer close(locked)
		c, err := pgx.Connect(ctx, pair.ThereURL)
		if err != nil {
			return
		}
		defer func() { _ = c.Close(context.Background()) }()
		for locking.Err() == nil {
			_, _ = c.Exec(ctx, "BEGIN; LOCK TABLE numbers; SELECT pg_sleep(0.2); ROLLBACK; SELECT pg_sleep(0.02)", pgx.QueryExecModeSimpleProtocol)
		}
	}()
	become("one is left", func(n int) bool { return n == 1 })
	release()
	<-locked
	become("they come back", func(n int) bool { return n >= 2 })
	end()
	require.ErrorIs(t, <-ended, context.Canceled)
	said := strings.Join(decisions, "\n")
	require.Regexp(t, `(?m)^2 of 4 streams: .*there answers a small probe in [\d.]+ m?s \(95 of 100\), before in [\d.]+ ms$`, said)
	require.Contains(t, said, "2 of 4 streams again")
}

// alone is a gauge that takes nobody for others: the server belongs to other tests
// too.
type alone struct{ *rowcopy.ServerGauge }

func (a alone) Look(ctx context.Context) (rowcopy.Reading, error) {
	r, err := a.ServerGauge.Look(ctx)
	r.Others = 0
	return r, err
}

// A gauge sees how far a standby is behind, and who is at work; a role that may
// not see it reads the probe alone.
func TestAGaugeSeesStandbysAndSessionsWhereItMay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const own = 20 // a server that no other test needs
	standby := pgtest.Standby(t, own)
	name := pgtest.Database(t, own, "CREATE TABLE owners (id int PRIMARY KEY, shard text); CREATE TABLE numbers (id bigint PRIMARY KEY, owner_id int NOT NULL);")
	url := pgtest.Server(t, own).URL("", name)
	c := pgtest.Connect(t, url)
	tables, err := structure.Read(ctx, c, nil)
	require.NoError(t, err)
	m, err := tenancy.BuildMap(tables, &tenancy.Profile{Name: "p", Tenants: tenancy.Tenants{Table: "owners", Key: "id", Labels: []string{"id"}}, TenantColumns: []string{"owner_id"}, Pointer: "owners.shard", Follows: tenancy.FollowsTrue})
	require.NoError(t, err)
	gauge := func(url string) *rowcopy.ServerGauge {
		f := &fleet.Fleet{Name: "f", Environment: fleet.Development, Shards: []fleet.Shard{{Name: "one", InControl: true}}}
		f.Control.URL = url
		set := conn.Open(f, conn.Options{Resolver: appPassword{}})
		t.Cleanup(set.Close)
		db, err := set.Shard("one")
		require.NoError(t, err)
		g := rowcopy.NewGauge(db, rowcopy.Job{Map: m, Tables: m.Moving(), Move: uuid.NewString(), Epoch: 1})
		t.Cleanup(g.Close)
		return g
	}
	sees := func(g *rowcopy.ServerGauge, what string, is func(rowcopy.Reading) bool) rowcopy.Reading {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			// The lag is that of what is written.
			_, err := c.Exec(ctx, "INSERT INTO numbers SELECT coalesce(max(id), 0) + 1, 1 FROM numbers")
			require.NoError(t, err)
			_, err = g.Probe(ctx)
			require.NoError(t, err)
			r, err := g.Look(ctx)
			require.NoError(t, err)
			if is(r) {
				return r
			}
			require.True(t, time.Now().Before(until), "%s: %+v", what, r)
		}
	}
	g := gauge(url)
	r := sees(g, "a standby", func(r rowcopy.Reading) bool { return r.Standby != "" && r.Lag < time.Second })
	require.Equal(t, processors(t), r.Processors)
	require.Zero(t, r.Work)

	there := pgtest.Connect(t, standby.URL("", "postgres"))
	_, err = there.Exec(ctx, "SELECT pg_wal_replay_pause()")
	require.NoError(t, err)
	sees(g, "a standby that stands still", func(r rowcopy.Reading) bool { return r.Lag > 2*time.Second })
	_, err = there.Exec(ctx, "SELECT pg_wal_replay_resume()")
	require.NoError(t, err)
	sees(g, "a standby that follows again", func(r rowcopy.Reading) bool { return r.Standby != "" && r.Lag < time.Second })

	// One waits for a lock; the others wait for nobody here.
	_, err = c.Exec(ctx, "BEGIN; LOCK TABLE owners", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	looks := pgtest.Connect(t, url) // one in a transaction would see the same sessions each time
	others, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	stdin, nothing := io.Pipe()
	stop := func() {
		end()
		_ = nothing.Close()
		wg.Wait()
	}
	for _, f := range []func(*pgx.Conn){
		func(o *pgx.Conn) { _, _ = o.Exec(others, "SELECT count(*) FROM owners") },
		func(o *pgx.Conn) { _, _ = o.Exec(others, "SELECT pg_sleep(60)") },
		func(o *pgx.Conn) { _, _ = o.PgConn().CopyFrom(others, stdin, "COPY numbers FROM STDIN") },
	} {
		o := pgtest.Connect(t, url)
		wg.Go(func() { f(o) })
	}
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		var waits string
		err := looks.QueryRow(ctx, "SELECT string_agg(wait_event_type, ' ' ORDER BY wait_event_type) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()").Scan(&waits)
		return err == nil && waits == "Client Lock Timeout"
	}, 10*time.Second, 20*time.Millisecond)
	r, err = g.Look(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, r.Work)
	stop()
	// A probe waits for a lock of its table no longer than two seconds.
	_, err = c.Exec(ctx, "LOCK TABLE numbers")
	require.NoError(t, err)
	took, err := g.Probe(ctx)
	require.NoError(t, err)
	require.InDelta(t, 2, took.Seconds(), 1)
	_, err = c.Exec(ctx, "ROLLBACK")
	require.NoError(t, err)

	plain := gauge(pgtest.Server(t, own).URL(pgtest.AppRole, name))
	took, err = plain.Probe(ctx)
	require.NoError(t, err)
	require.Positive(t, took)
	r, err = plain.Look(ctx)
	require.NoError(t, err)
	r.Others = 0
	require.Equal(t, rowcopy.Reading{}, r)
	require.NotRegexp(t, "(ERROR|FATAL).*permission denied", pgtest.Server(t, own).Log(), "nothing is tried that would be refused")
}

// A role without any right of its own sees whether others are at work, and is
// nobody's other itself. Its probe writes a row of its move, and none once another
// owner has the move.
func TestAGaugeSeesWhetherOthersAreAtWork(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	const tables = "CREATE TABLE owners (id int PRIMARY KEY, shard text); CREATE TABLE numbers (id bigint PRIMARY KEY, owner_id int NOT NULL);"
	pair := twoshards.Open(t, tables+"INSERT INTO owners VALUES (1)", tables)
	job := rowcopy.Job{Map: pair.Map, Tables: pair.Map.Moving(), Move: uuid.NewString(), Epoch: 3}
	require.NoError(t, fence.New(pair.Here, pair.Map).Enter(ctx, job.Move, 3))
	one, two := rowcopy.NewGauge(pair.Here, job), rowcopy.NewGauge(pair.Here, job)
	t.Cleanup(one.Close)
	t.Cleanup(two.Close)
	sees := func() bool {
		t.Helper()
		for _, g := range []*rowcopy.ServerGauge{one, two} {
			took, err := g.Probe(ctx)
			require.NoError(t, err)
			require.Positive(t, took)
		}
		r, err := one.Look(ctx)
		require.NoError(t, err)
		return r.Others > 0
	}
	c := pgtest.Connect(t, pair.HereURL)
	found := func() (n int) {
		t.Helper()
		require.NoError(t, c.QueryRow(ctx, "SELECT found FROM shard_admin_move.probe WHERE move_id = $1", job.Move).Scan(&n))
		return n
	}
	for range 20 {
		_, _ = two.Look(ctx)
		// The server belongs to other tests too, whose sessions are others.
		if !sees() {
			break
		}
	}
	require.Zero(t, found())
	_, err := c.Exec(ctx, "INSERT INTO numbers VALUES (1, 1)")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "BEGIN; INSERT INTO numbers VALUES (2, 1)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	require.True(t, sees(), "another's transaction has begun")
	_, err = c.Exec(ctx, "COMMIT")
	require.NoError(t, err)

	three := rowcopy.NewGauge(pair.Here, job)
	t.Cleanup(three.Close)
	_, err = three.Probe(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, found())
	_, err = c.Exec(ctx, "UPDATE shard_admin_move.probe SET found = 7; UPDATE shard_admin_move.epoch SET epoch = 4", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	_, err = three.Probe(ctx)
	require.NoError(t, err)
	require.Equal(t, 7, found())
	require.NoError(t, fence.New(pair.Here, pair.Map).Remove(ctx, "1", job.Move, 4))
	var left int
	require.NoError(t, c.QueryRow(ctx, "SELECT count(*) FROM shard_admin_move.probe").Scan(&left))
	require.Zero(t, left)
}

// processors is how many this computer has, 0 where it does not say so in a file.
func processors(t *testing.T) int {
	t.Helper()
	if _, err := os.Stat("/sys/devices/system/cpu/online"); err != nil {
		return 0
	}
	out, err := exec.CommandContext(t.Context(), "getconf", "_NPROCESSORS_ONLN").Output()
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	return n
}

type appPassword struct{}

func (appPassword) Resolve(_ context.Context, _, _ string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	return credential.Credential{User: at.User, Password: credential.NewSecret(pgtest.AppPassword)}, credential.FromEnvironment, nil
}
