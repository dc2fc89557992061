package conn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/cable"
)

func at(t *testing.T, l logins, o conn.Options, u string) *conn.Database {
	t.Helper()
	return open(t, l, o, fleet.Endpoint{URL: u}).Control()
}

func TestSessionsCarryOurSettings(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	name := pgtest.Database(t, 0, "")
	// What a server or a role has by default must not decide for us.
	user := role(t, s)
	pgtest.Exec(t, s, "postgres", "ALTER ROLE "+user+" SET statement_timeout = '1ms'; ALTER ROLE "+user+" SET search_path = 'nowhere'; ALTER ROLE "+user+" SET TimeZone = 'Asia/Tokyo'")
	set := open(t, logins{user, word}, conn.Options{AppName: "test-app"}, fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), name, "sslmode=disable")})
	db := set.Control()
	require.Equal(t, []any{"control", true, "127.0.0.1", s.Port(), name, "disable", "control"}, []any{db.Name(), db.InControl(), db.Host(), db.Port(), db.DatabaseName(), db.TLSMode(), db.Credential()})
	show := func(q interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}, setting string,
	) (v string) {
		require.NoError(t, q.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&v))
		return v
	}
	pool, err := db.Pool(t.Context())
	require.NoError(t, err)
	c, err := db.Direct(t.Context(), conn.DirectOptions{Purpose: "copy", Epoch: 7})
	require.NoError(t, err)
	defer func() { _ = c.Close(context.Background()) }()
	for setting, want := range map[string][2]string{
		"statement_timeout": {"30s", "0"}, "lock_timeout": {"2s", "2s"}, "idle_in_transaction_session_timeout": {"20s", "0"}, "search_path": {"public", "public"},
		"TimeZone": {"UTC", "UTC"}, "application_name": {"test-app", "test-app/copy/7"},
	} {
		require.Equal(t, want, [2]string{show(pool, setting), show(c, setting)}, setting)
	}
	// Who reads much has longer, and no longer than its caller.
	short, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, x := range []struct {
		ctx   context.Context
		limit time.Duration
		want  string
	}{{t.Context(), 10 * time.Minute, "10min"}, {t.Context(), 0, "0"}, {short, 10 * time.Minute, "60…"}, {short, 0, "60…"}, {short, time.Second, "1s"}} {
		require.NoError(t, db.Read(x.ctx, x.limit, func(tx pgx.Tx) error {
			got := show(tx, "statement_timeout")
			if strings.HasSuffix(x.want, "…") {
				ms, err := strconv.Atoi(strings.TrimSuffix(got, "ms"))
				require.NoError(t, err, got)
				require.InDelta(t, 58_000, ms, 3_000, "the rest of the minute and a second")
				got = x.want
			}
			require.Equal(t, []string{x.want, "0", "on"}, []string{got, show(tx, "idle_in_transaction_session_timeout"), show(tx, "transaction_read_only")})
			return nil
		}))
	}
	require.Equal(t, "30s", show(pool, "statement_timeout"))
	require.Equal(t, "test-app/copy/7", set.AppName("copy", 7))
	again, err := db.Pool(t.Context())
	require.NoError(t, err)
	require.Same(t, pool, again)
}

func TestPasswordsAndDatabasesThatAreWrong(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	user := role(t, s)
	for name, c := range map[string]struct {
		l        logins
		database string
		message  string
	}{
		"password": {logins{user, "wrong-" + word}, "postgres", "refused user or password (SQLSTATE 28P01)"},
		"none":     {logins{user, ""}, "postgres", "control: "},
		"user":     {logins{"nobody_here", word}, "postgres", "refused user or password"},
		"database": {logins{user, word}, "no_such_database", `database "no_such_database" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := at(t, c.l, conn.Options{}, urlTo("127.0.0.1", s.Port(), c.database, "sslmode=disable"))
			_, err := db.Pool(t.Context())
			if name != "none" {
				require.Equal(t, fault.LoginRefused, fault.CodeOf(err), "%v", err)
			}
			require.Equal(t, 5, fault.Exit(err))
			require.Contains(t, err.Error(), c.message)
			require.NotEmpty(t, fault.HintOf(err))
			require.NotContains(t, fmt.Sprintf("%v %+v %s", err, fault.As(err).Cause, fault.HintOf(err)), word)
			_, err = db.Direct(t.Context(), conn.DirectOptions{})
			require.Equal(t, 5, fault.Exit(err))
		})
	}
}

// closed is a port that nobody listens on, nor will while the test runs: this
// end of a connection has it.
func closed(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().(*net.TCPAddr).Port
}

// silent is a server that takes connections and never says a word; it counts
// them.
func silent(t *testing.T) (port int, count func() int) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	held := []net.Conn{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			_ = c.Close()
		}
	})
	return l.Addr().(*net.TCPAddr).Port, func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(held)
	}
}

func TestDatabasesThatCannotBeReached(t *testing.T) {
	t.Parallel()
	port := closed(t)
	for u, message := range map[string]string{
		urlTo("127.0.0.1", port, "d", "sslmode=disable"):     fmt.Sprintf("connection refused (127.0.0.1:%d)", port),
		urlTo("nowhere.invalid", 5432, "d", ""):              "the host nowhere.invalid is not known",
		"postgres:///d?host=" + url.QueryEscape(t.TempDir()): "no connection",
	} {
		db := at(t, logins{"u", word}, conn.Options{ConnectTimeout: 3 * time.Second}, u)
		_, err := db.Pool(t.Context())
		require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err), "%v", err)
		require.Equal(t, 5, fault.Exit(err))
		require.True(t, fault.Retryable(err))
		require.Contains(t, err.Error(), message)
		require.NotEmpty(t, fault.HintOf(err))
		_, err = db.Identity(t.Context())
		require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err))
		_, err = db.Direct(t.Context(), conn.DirectOptions{})
		require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err))
	}
}

func TestASilentServerCostsItsTimeOnceAndNobodyMoreThanTheirOwn(t *testing.T) {
	t.Parallel()
	port, count := silent(t)
	db := at(t, logins{"u", word}, conn.Options{ConnectTimeout: time.Second}, urlTo("127.0.0.1", port, "d", "sslmode=disable"))
	var wg sync.WaitGroup
	start := time.Now()
	for range 8 {
		wg.Go(func() {
			_, err := db.Pool(t.Context())
			if fault.CodeOf(err) != fault.DatabaseUnreachable || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("got %v", err)
			}
		})
	}
	hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := db.Pool(hurried)
	require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(err))
	require.Less(t, time.Since(start), 900*time.Millisecond)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = db.Pool(ended)
	require.Equal(t, fault.Cancelled, fault.CodeOf(err))
	wg.Wait()
	require.Less(t, time.Since(start), 5*time.Second)
	require.Equal(t, 1, count(), "one attempt for all")
}

func TestPgBouncerInFrontAndTheServerBeside(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	name := pgtest.Database(t, 0, "")
	user := role(t, s)
	straight := urlTo("127.0.0.1", s.Port(), name, "sslmode=disable")
	strict := pooler(t, s, []string{user}, "")
	hiding := pooler(t, s, []string{user}, "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout,extra_float_digits,IntervalStyle,intervalstyle,bytea_output,search_path,tcp_keepalives_idle,tcp_keepalives_interval,tcp_keepalives_count")

	work := func(db *conn.Database) {
		t.Helper()
		pool, err := db.Pool(t.Context())
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				for j := range 10 {
					// The same statements on ever other server processes.
					var got int
					if err := pool.QueryRow(t.Context(), "SELECT $1::int + $2::int", i, j).Scan(&got); err != nil || got != i+j {
						t.Errorf("got %d %v", got, err)
					}
				}
			})
		}
		wg.Wait()
	}
	for kind, port := range map[string]int{"one that refuses our settings": strict, "one that passes over them": hiding} {
		t.Run(kind, func(t *testing.T) {
			through := urlTo("127.0.0.1", port, name, "sslmode=disable")
			both := open(t, logins{user, word}, conn.Options{}, fleet.Endpoint{URL: through, Direct: straight}).Control()
			work(both)
			c, err := both.Direct(t.Context(), conn.DirectOptions{Purpose: "move"})
			require.NoError(t, err)
			var pid uint32
			require.NoError(t, c.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid))
			require.Equal(t, c.PgConn().PID(), pid)
			require.NoError(t, c.Close(t.Context()))

			alone := at(t, logins{user, word}, conn.Options{}, through)
			work(alone)
			_, err = alone.Direct(t.Context(), conn.DirectOptions{Purpose: "move"})
			require.Equal(t, fault.PoolerInPath, fault.CodeOf(err), "%v", err)
			require.True(t, fault.Refused(err))
			require.Contains(t, fault.HintOf(err), `direct = "postgres://…" under [control]`)

			wrong := at(t, logins{user, "wrong"}, conn.Options{}, through)
			_, err = wrong.Pool(t.Context())
			require.Equal(t, fault.LoginRefused, fault.CodeOf(err), "%v", err)
		})
	}
	// A direct URL that leads through a pooler is told.
	lie := open(t, logins{user, word}, conn.Options{}, fleet.Endpoint{URL: straight, Direct: urlTo("127.0.0.1", hiding, name, "sslmode=disable")}).Control()
	_, err := lie.Direct(t.Context(), conn.DirectOptions{})
	require.Equal(t, fault.PoolerInPath, fault.CodeOf(err))
}

func TestTwoNamesOfOneDatabase(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	twin := pgtest.Server(t, 1) // made from the same cluster: as a physical copy is
	name, other := pgtest.Database(t, 0, ""), pgtest.Database(t, 0, "")
	user := role(t, s)
	pgtest.Exec(t, twin, "postgres", "CREATE ROLE "+user+" LOGIN PASSWORD '"+word+"'")
	t.Cleanup(func() { pgtest.Exec(t, twin, "postgres", "DROP ROLE "+user) })
	bouncer := pooler(t, s, []string{user}, "")
	set := open(
		t, logins{user, word}, conn.Options{},
		fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), name, "sslmode=disable")},
		fleet.Endpoint{URL: urlTo("localhost", s.Port(), name, "sslmode=disable")},
		fleet.Endpoint{URL: urlTo("127.0.0.1", bouncer, name, "sslmode=disable")},
		fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), other, "sslmode=disable")},
		fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), "postgres", "sslmode=disable")},
		fleet.Endpoint{URL: urlTo("127.0.0.1", twin.Port(), "postgres", "sslmode=disable")},
	)
	same := func(a, b string) bool {
		t.Helper()
		get := func(n string) *conn.Database {
			if n == "control" {
				return set.Control()
			}
			return shard(t, set, n)
		}
		one, err := conn.Same(t.Context(), get(a), get(b))
		require.NoError(t, err)
		two, err := conn.Same(t.Context(), get(b), get(a))
		require.NoError(t, err)
		require.Equal(t, one, two)
		return one
	}
	require.True(t, same("control", "default"), "by the fleet file")
	require.True(t, same("control", "shard_1"), "by another host name")
	require.True(t, same("control", "shard_2"), "through a pooler")
	require.True(t, same("shard_1", "shard_2"))
	require.False(t, same("control", "shard_3"), "another database of the server")
	a, err := shard(t, set, "shard_4").Identity(t.Context())
	require.NoError(t, err)
	b, err := shard(t, set, "shard_5").Identity(t.Context())
	require.NoError(t, err)
	require.Equal(t, a, b, "a copy keeps both numbers")
	require.False(t, same("shard_4", "shard_5"), "and is another database all the same")

	// Where the numbers are kept from the role, the lock tells alone.
	pgtest.Exec(t, s, name, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	_, err = set.Control().Identity(t.Context())
	require.Equal(t, fault.RightMissing, fault.CodeOf(err), "%v", err)
	require.True(t, same("control", "shard_1"), "without their numbers")
	require.False(t, same("control", "shard_3"), "without their numbers")
}

func TestAPoolOutlivesARestartOfItsServer(t *testing.T) {
	t.Parallel()
	s := server(t, folder(t), nil)
	user := role(t, s)
	db := at(t, logins{user, word}, conn.Options{ConnectTimeout: time.Second}, urlTo("127.0.0.1", s.Port(), "postgres", "sslmode=disable"))
	ask := func() error {
		pool, err := db.Pool(t.Context())
		if err != nil {
			return err
		}
		var n int
		return conn.Fault(pool.QueryRow(t.Context(), "SELECT 1").Scan(&n), db.Name())
	}
	require.NoError(t, ask())
	held, err := db.Direct(t.Context(), conn.DirectOptions{Purpose: "held"})
	require.NoError(t, err)
	defer func() { _ = held.Close(context.Background()) }()

	require.NoError(t, s.Crash(t.Context()))
	for range 3 {
		err = ask()
		require.Contains(t, []fault.Code{fault.DatabaseGone, fault.DatabaseUnreachable}, fault.CodeOf(err), "%v", err)
		require.Equal(t, 5, fault.Exit(err))
		require.True(t, fault.Retryable(err))
	}
	require.Equal(t, fault.DatabaseUnreachable, fault.CodeOf(ask()))
	_, err = held.Exec(t.Context(), "SELECT 1")
	require.Equal(t, fault.DatabaseGone, fault.CodeOf(conn.Fault(err, "control")), "%v", err)

	require.NoError(t, s.Restart(t.Context()))
	require.NoError(t, ask(), "without a reset")
	require.NoError(t, s.Restart(t.Context()))
	// Idle connections of the pool are dead now; at most each of them is told once.
	for try := 0; ; try++ {
		if err = ask(); err == nil {
			break
		}
		require.Equal(t, fault.DatabaseGone, fault.CodeOf(err), "%v", err)
		require.Less(t, try, 6)
	}
}

// After a sleep or a change of network the connections of a pool lead nowhere, and
// nobody says so: who has no limit of time goes on with new ones all the same, and after
// a reset at once.
func TestAPoolOutlivesAChangeOfNetwork(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	user := role(t, s)
	wire := cable.New(t, fmt.Sprintf("127.0.0.1:%d", s.Port()))
	host, port, err := net.SplitHostPort(wire.Address())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	set := open(t, logins{user, word}, conn.Options{}, fleet.Endpoint{URL: urlTo(host, number, "postgres", "sslmode=disable")})
	idle := func() {
		t.Helper()
		pool, err := set.Control().Pool(t.Context())
		require.NoError(t, err)
		held := []*pgxpool.Conn{}
		for range 3 {
			c, err := pool.Acquire(t.Context())
			require.NoError(t, err)
			held = append(held, c)
		}
		for _, c := range held {
			c.Release()
		}
		time.Sleep(1100 * time.Millisecond) // what was just used is taken to be there
	}
	asks := func() (took time.Duration) {
		t.Helper()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		pool, err := set.Control().Pool(ctx)
		require.NoError(t, err)
		var n int
		require.NoError(t, pool.QueryRow(ctx, "SELECT 1").Scan(&n))
		return time.Since(began)
	}
	idle()
	wire.Strand()
	require.Less(t, asks(), 20*time.Second)

	idle()
	wire.Strand()
	set.Reset()
	require.Less(t, asks(), 2*time.Second, "without waiting for what leads nowhere")
}

func TestResetTakesANewPassword(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	user := role(t, s)
	now := &changing{c: credential.Credential{User: user, Password: credential.NewSecret("wrong")}}
	set := conn.Open(&fleet.Fleet{Name: "f", Control: fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), "postgres", "sslmode=disable")}}, conn.Options{Resolver: now})
	t.Cleanup(set.Close)
	_, err := set.Control().Pool(t.Context())
	require.Equal(t, fault.LoginRefused, fault.CodeOf(err))
	now.set(word)
	old, err := set.Control().Pool(t.Context())
	require.NoError(t, err, "a failure is not kept")
	set.Reset()
	fresh, err := set.Control().Pool(t.Context())
	require.NoError(t, err)
	require.NotSame(t, old, fresh)
	require.NoError(t, fresh.Ping(t.Context()))
	now.refuse(fault.New(fault.KeychainLocked, "locked", "unlock"))
	set.Reset()
	_, err = set.Control().Pool(t.Context())
	require.Equal(t, fault.KeychainLocked, fault.CodeOf(err))
}

// changing is a resolver whose answer changes.
type changing struct {
	mu   sync.Mutex
	c    credential.Credential
	fail error
}

func (r *changing) set(password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.c.Password = credential.NewSecret(password)
}

func (r *changing) refuse(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

func (r *changing) Resolve(context.Context, string, string, credential.Endpoint) (credential.Credential, credential.Source, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.c, credential.FromKeychain, r.fail
}

func TestADatabaseThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	name := pgtest.Database(t, 0, "")
	user := role(t, s)
	pgtest.Exec(t, s, name, "CREATE TABLE t (a int); GRANT ALL ON t TO "+user+"; ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	pool, err := at(t, logins{user, word}, conn.Options{}, urlTo("127.0.0.1", s.Port(), name, "sslmode=disable")).Pool(t.Context())
	require.NoError(t, err, "it may be looked at")
	_, err = pool.Exec(t.Context(), "INSERT INTO t VALUES (1)")
	err = conn.Fault(err, "shard_1")
	require.Equal(t, fault.DatabaseReadOnly, fault.CodeOf(err))
	require.True(t, fault.Refused(err))
	require.Contains(t, err.Error(), "shard_1: ")
	require.Contains(t, fault.HintOf(err), "primary")
}

func TestTheFleetsNamesLeadToDatabases(t *testing.T) {
	t.Parallel()
	f := &fleet.Fleet{
		Name: "f", Control: fleet.Endpoint{URL: "postgres://h/c"},
		Shards: []fleet.Shard{{Name: "default", InControl: true}, {Name: "one", Endpoint: fleet.Endpoint{URL: "postgres://h1/d?port=6000"}}, {Name: "two"}},
	}
	set := conn.Open(f, conn.Options{Resolver: logins{}})
	t.Cleanup(set.Close)
	require.Same(t, f, set.Fleet())
	names := []string{}
	for _, d := range set.Configured() {
		names = append(names, d.Name())
		require.True(t, d.HoldsShard())
	}
	require.Equal(t, []string{"default", "one"}, names)
	require.Equal(t, 6000, shard(t, set, "one").Port())
	require.Equal(t, 5432, shard(t, set, "default").Port())
	require.True(t, set.Control().HoldsShard())
	_, err := set.Shard("two")
	require.Equal(t, fault.ShardNotConfigured, fault.CodeOf(err))
	_, err = set.Shard("three")
	require.Equal(t, fault.ShardUnknown, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "default, one, two")
	apart := conn.Open(&fleet.Fleet{Name: "f", Control: f.Control, Shards: f.Shards[1:]}, conn.Options{Resolver: logins{}})
	t.Cleanup(apart.Close)
	require.False(t, apart.Control().HoldsShard())
	same, err := conn.Same(t.Context(), set.Control(), shard(t, set, "default"))
	require.NoError(t, err)
	require.True(t, same, "without a connection")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return &pgconn.PgError{Code: code, Message: "m", ConstraintName: "key"} }
	for name, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"nothing":            {nil, ""},
		"a fault":            {fault.New(fault.SameShard, "m", "h"), fault.SameShard},
		"a wrapped fault":    {fmt.Errorf("x: %w", fault.New(fault.SameShard, "m", "h")), fault.SameShard},
		"an ended call":      {fmt.Errorf("x: %w", context.Canceled), fault.Cancelled},
		"a limit":            {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.TimedOut},
		"a limit of I/O":     {os.ErrDeadlineExceeded, fault.TimedOut},
		"an end":             {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), fault.DatabaseGone},
		"a reset":            {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, fault.DatabaseGone},
		"a closed one":       {errors.New("conn closed"), fault.DatabaseGone},
		"something else":     {errors.New("else"), fault.DatabaseFailed},
		"too many":           {pg("53300"), fault.DatabaseUnreachable},
		"starting":           {pg("57P03"), fault.DatabaseUnreachable},
		"read only":          {pg("25006"), fault.DatabaseReadOnly},
		"a right":            {pg("42501"), fault.RightMissing},
		"disk":               {pg("53100"), fault.TargetDiskFull},
		"a lock":             {pg("55P03"), fault.LockTimeout},
		"a statement's time": {pg("57014"), fault.TimedOut},
		"an admin's end":     {pg("57P01"), fault.DatabaseGone},
		"the protocol":       {pg("08006"), fault.DatabaseGone},
		"a constraint":       {pg("23505"), fault.DatabaseFailed},
	} {
		got := conn.Fault(c.err, "shard_1")
		require.Equal(t, c.code, fault.CodeOf(got), name)
		if p := (*pgconn.PgError)(nil); errors.As(c.err, &p) {
			require.Contains(t, got.Error(), "shard_1: ", name)
			require.Contains(t, got.Error(), "SQLSTATE "+p.Code, name)
			require.ErrorIs(t, got, c.err, "the cause stays for the log")
		}
	}
	require.Contains(t, conn.Fault(pg("23505"), "s").Error(), "[key]")
}

// What is lacking is said as what it is: a missing keychain or a credential
// that was never kept is no wrong password.
func TestAPasswordThatIsNowhere(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	user := role(t, s)
	url := urlTo("127.0.0.1", s.Port(), "postgres", "sslmode=disable")
	for code, lacking := range map[fault.Code]error{
		fault.KeychainAbsent:    fault.New(fault.KeychainAbsent, "no keychain answers on this computer", "start one"),
		fault.CredentialMissing: fault.New(fault.CredentialMissing, "no credential control", "set one"),
	} {
		for name, at := range map[string]string{"a server": url, "a pooler": urlTo("127.0.0.1", pooler(t, s, []string{user}, ""), "postgres", "sslmode=disable")} {
			r := &changing{c: credential.Credential{User: user, Lacking: lacking}}
			set := conn.Open(&fleet.Fleet{Name: "f", Control: fleet.Endpoint{URL: at}}, conn.Options{Resolver: r})
			t.Cleanup(set.Close)
			_, err := set.Control().Pool(t.Context())
			require.Equal(t, code, fault.CodeOf(err), "%s: %v", name, err)
			require.Contains(t, err.Error(), "control: the server asks for a password: "+lacking.Error())
			require.Equal(t, fault.HintOf(lacking), fault.HintOf(err))
			if name == "a server" {
				_, err = set.Control().Direct(t.Context(), conn.DirectOptions{})
				require.Equal(t, code, fault.CodeOf(err), "%v", err)
			}
			r.set("wrong")
			_, err = set.Control().Pool(t.Context())
			require.Equal(t, fault.LoginRefused, fault.CodeOf(err), "%s: a password that is there and wrong", name)
		}
	}
}
