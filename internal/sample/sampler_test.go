package sample_test

import (
	"context"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/sample"
)

// often are rules by which everything comes soon.
func often(every time.Duration) sample.Rules {
	return sample.Rules{Every: func(sample.Tier) time.Duration { return every }, Deadline: time.Second, Again: 10 * time.Millisecond}
}

func source(name, url string) sample.Source {
	return sample.Source{Name: name, Open: func(ctx context.Context) (*pgx.Conn, error) {
		cfg, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		for k, v := range sample.Settings() {
			cfg.RuntimeParams[k] = v
		}
		cfg.RuntimeParams["application_name"] = "sampled " + name
		return pgx.ConnectConfig(ctx, cfg)
	}}
}

// run runs a sampler until the test ends, and returns a channel of its readings.
func run(t *testing.T, sources []sample.Source, queries []sample.Query, rules sample.Rules) (*sample.Sampler, <-chan sample.Reading) {
	t.Helper()
	heard := make(chan sample.Reading, 10_000)
	s := sample.NewSampler(sources, queries, rules, func(r sample.Reading) {
		select {
		case heard <- r:
		default:
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s, heard
}

// until waits for a reading that is as wanted.
func until(t *testing.T, heard <-chan sample.Reading, what string, is func(sample.Reading) bool) sample.Reading {
	t.Helper()
	limit := time.After(60 * time.Second)
	for {
		select {
		case r := <-heard:
			if is(r) {
				return r
			}
		case <-limit:
			require.FailNow(t, "no such reading: "+what)
		}
	}
}

func of(name string, s sample.State) func(sample.Reading) bool {
	return func(r sample.Reading) bool { return r.Source == name && r.State == s }
}

func TestTheSamplerAsksEveryTier(t *testing.T) {
	t.Parallel()
	queries := []sample.Query{}
	for _, tier := range sample.Tiers() {
		queries = append(queries, sample.Query{Name: string(tier), Tier: tier, SQL: sample.Always("SELECT extract(epoch FROM clock_timestamp())::float8 AS at")})
	}
	_, heard := run(t, []sample.Source{source("a", pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))}, queries, often(20*time.Millisecond))
	r := until(t, heard, "every tier twice", func(r sample.Reading) bool { return len(r.Before) == len(queries) })
	require.Equal(t, sample.Up, r.State)
	require.Positive(t, r.Latency)
	for _, tier := range sample.Tiers() {
		now, before := r.Results[string(tier)], r.Before[string(tier)]
		require.NoError(t, now.Err)
		require.Greater(t, now.Row(0).FloatOr("at", 0), before.Row(0).FloatOr("at", 0), tier)
		require.True(t, now.At.After(before.At))
	}
}

// silent takes connections and never says a word.
func silent(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return "postgres://nobody@" + l.Addr().String() + "/none?sslmode=disable"
}

func TestAHungSourceDelaysNoOther(t *testing.T) {
	t.Parallel()
	rules := often(20 * time.Millisecond)
	rules.Deadline = 5 * time.Second
	good := pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, ""))
	_, heard := run(t, []sample.Source{source("hung", silent(t)), source("good", good)}, nil, rules)
	// A hundred looks of the one fit into the first of the other.
	looks := 0
	first := until(t, heard, "a hundred looks, or a miss", func(r sample.Reading) bool {
		if r.Source == "good" {
			looks++
		}
		return looks == 20 || r.Source == "hung"
	})
	require.Equal(t, "good", first.Source)
	r := until(t, heard, "the miss", of("hung", sample.Failing))
	require.Error(t, r.Err)
	require.Zero(t, r.At, "it has never answered")
	require.Equal(t, 1, r.Missed)
}

func TestASourceThatGoesIsDownAndComesBackByItself(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	url := server.URL("", pgtest.Database(t, 0, ""))
	var mu sync.Mutex
	gone := false
	inner := source("a", url)
	src := sample.Source{Name: "a", Open: func(ctx context.Context) (*pgx.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if gone {
			return pgx.Connect(ctx, "postgres://nobody@127.0.0.1:1/none?sslmode=disable")
		}
		return inner.Open(ctx)
	}}
	s, heard := run(t, []sample.Source{src}, []sample.Query{query("one", "SELECT 1 AS one")}, often(20*time.Millisecond))
	up := until(t, heard, "up", of("a", sample.Up))

	mu.Lock()
	gone = true
	mu.Unlock()
	_, err := pgtest.Connect(t, server.URL("", "postgres")).Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sampled a'")
	require.NoError(t, err)
	failing := until(t, heard, "failing", of("a", sample.Failing))
	require.Error(t, failing.Err)
	down := until(t, heard, "down", of("a", sample.Down))
	require.Equal(t, 2, down.Missed)
	require.False(t, down.Since.Before(failing.Since))
	require.False(t, down.At.Before(up.At), "what was known keeps its age")
	require.NoError(t, down.Results["one"].Err, "and stays")
	later := until(t, heard, "it goes on being down", func(r sample.Reading) bool { return r.Missed > 4 })
	require.Equal(t, down.Since, later.Since, "since when does not change")

	mu.Lock()
	gone = false
	mu.Unlock()
	back := until(t, heard, "up again", of("a", sample.Up))
	require.Zero(t, back.Missed)
	require.NoError(t, back.Err)
	latest, ok := s.Reading("a")
	require.True(t, ok)
	require.Equal(t, sample.Up, latest.State)
}

// While a slow tier is asked the frequent one goes on, on two sessions in all.
func TestASlowTierKeepsNoLookWaiting(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	queries := []sample.Query{
		query("sessions", "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'sampled slow'"),
		{Name: "slow", Tier: sample.Hour, SQL: sample.Always("SELECT pg_sleep(1)::text AS done")},
		{Name: "other", Tier: sample.Day, SQL: sample.Always("SELECT pg_sleep(1)::text AS done")},
	}
	_, heard := run(t, []sample.Source{source("slow", server.URL("", pgtest.Database(t, 0, "")))}, queries, often(10*time.Millisecond))
	looks, most := 0, int64(0)
	until(t, heard, "the slow answer", func(r sample.Reading) bool {
		if n := r.Results["sessions"]; len(n.Rows) > 0 {
			looks++
			most = max(most, n.Row(0).IntOr("n", 0))
		}
		_, done := r.Results["slow"]
		return done
	})
	require.Greater(t, looks, 5)
	require.Equal(t, int64(2), most)
}

// Counters that take their time are no silence: the source stays up, its session is
// theirs no longer than they may take, what was answered is kept and what was not says
// why, until they are asked where there is time for them.
func TestSlowCountersAreNoSilence(t *testing.T) {
	t.Parallel()
	counter := func(name, sql string) sample.Query {
		return sample.Query{Name: name, Tier: sample.Minute, SQL: sample.Always(sql)}
	}
	queries := []sample.Query{query("live", "SELECT 1"), counter("first", "SELECT 1 AS n"), counter("size", "SELECT pg_sleep(2)::text, 2 AS n"), counter("last", "SELECT 3 AS n")}
	rules := often(20 * time.Millisecond)
	rules.Counters = 1200 * time.Millisecond
	_, heard := run(t, []sample.Source{source("counted", pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))}, queries, rules)
	up := func(is func(sample.Reading) bool) func(sample.Reading) bool {
		return func(r sample.Reading) bool {
			require.Contains(t, []sample.State{sample.Waiting, sample.Up}, r.State, "%v", r.Err)
			require.NoError(t, r.Err)
			return is(r)
		}
	}
	r := until(t, heard, "the counters' time is over", up(func(r sample.Reading) bool { return r.Results["size"].Late }))
	require.NoError(t, r.Results["first"].Err)
	require.Equal(t, fault.TimedOut, fault.CodeOf(r.Results["size"].Err))
	require.ErrorContains(t, r.Results["size"].Err, "no answer within the 1.2 s")
	require.True(t, r.Results["last"].Unasked)
	require.ErrorContains(t, r.Results["last"].Err, "its turn did not come: size was not answered")
	r = until(t, heard, "all counters twice", up(func(r sample.Reading) bool { return len(r.Before["last"].Rows) > 0 && len(r.Before["size"].Rows) > 0 }))
	require.Equal(t, int64(2), r.Results["size"].Row(0).IntOr("n", 0))
}

// A slower tier has its own time, whatever another one took.
func TestEachSlowerTierHasItsOwnTime(t *testing.T) {
	t.Parallel()
	rules := often(20 * time.Millisecond)
	rules.Longest = time.Second
	queries := []sample.Query{
		query("live", "SELECT 1"),
		{Name: "tables", Tier: sample.Tables, SQL: sample.Always("SELECT pg_sleep(1.5)::text")},
		{Name: "hour", Tier: sample.Hour, SQL: sample.Always("SELECT pg_sleep(0.6)::text")},
		{Name: "day", Tier: sample.Day, SQL: sample.Always("SELECT pg_sleep(0.6)::text")},
	}
	_, heard := run(t, []sample.Source{source("slow tiers", pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))}, queries, rules)
	r := until(t, heard, "the day's answer", func(r sample.Reading) bool { return !r.Results["day"].At.IsZero() })
	require.True(t, r.Results["tables"].Late)
	require.NoError(t, r.Results["hour"].Err)
	require.NoError(t, r.Results["day"].Err)
	require.Equal(t, sample.Up, r.State)
}

// rarely are rules by which the slow tiers come once, but for one of them.
func rarely(often sample.Tier) sample.Rules {
	return sample.Rules{Again: 10 * time.Millisecond, Every: func(t sample.Tier) time.Duration {
		if t == sample.Live || t == often {
			return 20 * time.Millisecond
		}
		return time.Hour
	}}
}

// A right that is granted and an extension that is created while the sampler's session
// lives count from the next slow tier on, and what was asked without them is asked again.
func TestWhatChangesAtAServerIsFoundOut(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	database := pgtest.Database(t, 0, "")
	role := pgtest.Random("r_")
	pgtest.Exec(t, server, "postgres", "CREATE ROLE "+role+" LOGIN PASSWORD '"+role+"'")
	t.Cleanup(func() { pgtest.Exec(t, server, "postgres", "DROP ROLE "+role) })
	queries := []sample.Query{
		query("session", "SELECT pg_backend_pid()::int8 AS pid"),
		{Name: "often", Tier: sample.Tables, SQL: sample.Always("SELECT 1")},
		{Name: "once", Tier: sample.Day, SQL: func(s sample.Server) (string, string) {
			if _, ok := s.Extensions["pgstattuple"]; !ok || !s.Monitor {
				return "", "neither right nor extension"
			}
			return "SELECT 1 AS n", ""
		}},
	}
	src := source("changed", server.URL(role, database))
	src.Open = func(ctx context.Context) (*pgx.Conn, error) {
		cfg, err := pgx.ParseConfig(server.URL(role, database))
		if err != nil {
			return nil, err
		}
		cfg.Password = role
		return pgx.ConnectConfig(ctx, cfg)
	}
	_, heard := run(t, []sample.Source{src}, queries, rarely(sample.Tables))
	first := until(t, heard, "all tiers", func(r sample.Reading) bool { return !r.Results["once"].At.IsZero() })
	require.False(t, first.Server.Monitor)
	require.Error(t, first.Results["once"].Err)
	pgtest.Exec(t, server, database, "CREATE EXTENSION pgstattuple; GRANT pg_monitor TO "+role)
	r := until(t, heard, "what was granted", func(r sample.Reading) bool {
		require.Equal(t, sample.Up, r.State, "%v", r.Err)
		return len(r.Results["once"].Rows) == 1
	})
	require.True(t, r.Server.Monitor)
	require.Contains(t, r.Server.Extensions, "pgstattuple")
	require.Equal(t, first.Results["session"].Row(0).IntOr("pid", 0), r.Results["session"].Row(0).IntOr("pid", 0), "over the session that it had")
}

// A standby that is promoted is a primary from the next look on.
func TestAPromotionIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t, 5, "")
	standby := pgtest.Standby(t, 5)
	queries := []sample.Query{
		query("session", "SELECT pg_backend_pid()::int8 AS pid"),
		{Name: "part", Tier: sample.Day, SQL: func(s sample.Server) (string, string) {
			if s.InRecovery {
				return "SELECT 'standby' AS part", ""
			}
			return "SELECT 'primary' AS part", ""
		}},
	}
	rules := rarely(sample.Live)
	rules.Deadline = 10 * time.Second
	_, heard := run(t, []sample.Source{source("promoted", standby.URL("", database))}, queries, rules)
	part := func(want string) func(sample.Reading) bool {
		return func(r sample.Reading) bool {
			p := r.Results["part"]
			return len(p.Rows) == 1 && p.Row(0).Text("part") == want
		}
	}
	first := until(t, heard, "the standby", part("standby"))
	require.True(t, first.Server.InRecovery)
	require.NotContains(t, first.Results, "in recovery", "it is the sampler's own")
	_, err := pgtest.Connect(t, standby.URL("", database)).Exec(t.Context(), "SELECT pg_promote()")
	require.NoError(t, err)
	r := until(t, heard, "the primary", part("primary"))
	require.False(t, r.Server.InRecovery)
	require.Equal(t, first.Results["session"].Row(0).IntOr("pid", 0), r.Results["session"].Row(0).IntOr("pid", 0), "over the session that it had")
}

// What is compared with is as old as a query's rates need, and what it is compared with
// begins anew with the counters.
func TestARateIsMadeOverTheTimeItNeeds(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	database := pgtest.Database(t, 0, "CREATE TABLE c (n int8, stats_reset timestamptz); INSERT INTO c VALUES (1, now())")
	long := sample.Query{Name: "long", Tier: sample.Minute, Over: time.Second, SQL: sample.Always("SELECT n, stats_reset FROM c")}
	short := sample.Query{Name: "short", Tier: sample.Minute, SQL: sample.Always("SELECT n, stats_reset FROM c")}
	_, heard := run(t, []sample.Source{source("rates", server.URL("", database))}, []sample.Query{query("live", "SELECT 1"), long, short}, often(20*time.Millisecond))
	age := func(r sample.Reading, name string) time.Duration {
		if r.Before[name].At.IsZero() {
			return 0
		}
		return r.Results[name].At.Sub(r.Before[name].At)
	}
	until(t, heard, "two looks", func(r sample.Reading) bool { return age(r, "long") > 0 })
	r := until(t, heard, "a second", func(r sample.Reading) bool { return age(r, "long") >= time.Second })
	require.Less(t, age(r, "short"), age(r, "long"))
	pgtest.Exec(t, server, database, "UPDATE c SET n = 0")
	until(t, heard, "counters that fell", func(r sample.Reading) bool {
		return len(r.Before["long"].Rows) == 1 && r.Before["long"].Row(0).IntOr("n", 9) == 0
	})
	pgtest.Exec(t, server, database, "UPDATE c SET n = 5, stats_reset = now() + interval '1 hour'")
	r = until(t, heard, "counters that were reset", func(r sample.Reading) bool {
		return len(r.Before["long"].Rows) == 1 && r.Before["long"].Row(0).IntOr("n", 9) == 5
	})
	require.Less(t, age(r, "long"), time.Second)
}

// A rate of two looks is of one server.
func TestAnotherServerBeginsAnew(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last *pgx.Conn
	use := 0
	urls := []string{pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")), pgtest.Server(t, 1).URL("", pgtest.Database(t, 1, ""))}
	src := sample.Source{Name: "a", Open: func(ctx context.Context) (*pgx.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		c, err := source("a", urls[use]).Open(ctx)
		last = c
		return c, err
	}}
	_, heard := run(t, []sample.Source{src}, []sample.Query{query("where", "SELECT pg_postmaster_start_time()::text AS at")}, often(20*time.Millisecond))
	first := until(t, heard, "two looks", func(r sample.Reading) bool { return len(r.Before) > 0 })
	mu.Lock()
	use = 1
	_ = last.PgConn().Conn().Close() // as a server that was restarted elsewhere
	mu.Unlock()
	r := until(t, heard, "the other server", func(r sample.Reading) bool {
		return r.State == sample.Up && r.Server.Instance() != first.Server.Instance()
	})
	require.Empty(t, r.Before)
	require.NotEqual(t, first.Results["where"].Row(0).Text("at"), r.Results["where"].Row(0).Text("at"))
}

func TestOneThatAnswersSlowlyIsSpared(t *testing.T) {
	t.Parallel()
	rules := often(20 * time.Millisecond)
	rules.Weary = 50 * time.Millisecond
	queries := []sample.Query{
		query("live", "SELECT pg_sleep(0.06)::text"),
		{Name: "much", Tier: sample.Day, SQL: sample.Always("SELECT 1")},
	}
	_, heard := run(t, []sample.Source{source("a", pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))}, queries, rules)
	r := until(t, heard, "spared", func(r sample.Reading) bool { return r.Spared != "" })
	require.True(t, strings.Contains(r.Spared, "slowly"))
	require.NotContains(t, r.Results, "much")
}

// What stands before a database is asked although the database does not answer, and
// what it says is part of the reading.
func TestWhatStandsBeforeASilentDatabaseIsAsked(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	silent := source("a", "postgres://nobody@"+address+"/x")
	n := 0
	silent.Beside = func(context.Context) map[string]sample.Result {
		n++
		return map[string]sample.Result{"pools": {At: time.Now(), Columns: []string{"n"}, Rows: [][]any{{int64(n)}}}}
	}
	s, heard := run(t, []sample.Source{silent}, nil, often(20*time.Millisecond))
	r := until(t, heard, "down with the newest answer", func(r sample.Reading) bool {
		return r.State == sample.Down && len(r.Results["pools"].Rows) == 1 && r.Results["pools"].Row(0).IntOr("n", 0) >= 3
	})
	require.Error(t, r.Err)
	require.Less(t, r.Before["pools"].Row(0).IntOr("n", 0), r.Results["pools"].Row(0).IntOr("n", 0))
	now, ok := s.Reading("a")
	require.True(t, ok)
	require.NotEmpty(t, now.Results["pools"].Rows)
}

// Who wants a look before its time has one over the session that is kept, and all who want
// it at once share it.
func TestALookThatIsWantedComesAtOnce(t *testing.T) {
	t.Parallel()
	c := source("a", pgtest.Server(t, 0).URL("", pgtest.Database(t, 0, "")))
	opened := atomic.Int64{}
	inner := c.Open
	c.Open = func(ctx context.Context) (*pgx.Conn, error) { opened.Add(1); return inner(ctx) }
	asks := []sample.Query{{Name: "at", Tier: sample.Live, SQL: sample.Always("SELECT clock_timestamp() AS at")}}
	idle := sample.NewSampler([]sample.Source{c}, asks, often(20*time.Second), nil)
	_, ok := idle.Look(t.Context(), "a")
	require.False(t, ok, "nobody samples")
	s, heard := run(t, []sample.Source{c}, asks, often(20*time.Second))
	first := until(t, heard, "the first", of("a", sample.Up))
	r, ok := s.Look(t.Context(), "a")
	require.True(t, ok)
	require.Equal(t, first.At, r.At, "it has just been looked at")
	require.Positive(t, r.RoundTrip)
	require.LessOrEqual(t, r.RoundTrip, r.Latency)
	time.Sleep(1100 * time.Millisecond)
	var wg sync.WaitGroup
	at := make([]time.Time, 8)
	for i := range at {
		wg.Go(func() {
			r, ok := s.Look(t.Context(), "a")
			if !ok {
				t.Error("no look")
			}
			at[i] = r.At
		})
	}
	wg.Wait()
	for _, x := range at {
		require.Equal(t, at[0], x)
	}
	require.True(t, at[0].After(first.At))
	require.EqualValues(t, 1, opened.Load())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	time.Sleep(1100 * time.Millisecond)
	_, ok = s.Look(gone, "a")
	require.False(t, ok)
	_, ok = s.Look(t.Context(), "nobody")
	require.False(t, ok)
}

// One that stops and begins again goes on with what it knew, also of rates that are made
// over some time, and changes nothing that others hold.
func TestASamplerThatBeginsAgainGoesOn(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, 0)
	database := pgtest.Database(t, 0, "CREATE TABLE c (n int8, stats_reset timestamptz); INSERT INTO c VALUES (1, now())")
	long := sample.Query{Name: "long", Tier: sample.Minute, Over: time.Minute, SQL: sample.Always("SELECT n, stats_reset FROM c")}
	heard := make(chan sample.Reading, 10_000)
	s := sample.NewSampler([]sample.Source{source("again", server.URL("", database))}, []sample.Query{query("live", "SELECT 1"), long}, often(20*time.Millisecond), func(r sample.Reading) {
		select {
		case heard <- r:
		default:
		}
	})
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		began := time.Now()
		r := until(t, heard, "a rate", func(r sample.Reading) bool {
			return r.Results["long"].At.After(began) && !r.Before["long"].At.IsZero() && r.Before["long"].At.Before(r.Results["long"].At)
		})
		known, held := len(r.Results), maps.Clone(r.Results)
		cancel()
		wg.Wait()
		require.Equal(t, known, len(r.Results))
		require.Equal(t, held["long"].At, r.Results["long"].At)
	}
}
