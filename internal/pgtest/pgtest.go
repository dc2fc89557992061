//go:build unix

// Package pgtest gives tests real PostgreSQL servers and a database of their
// own. Servers are started once in a test process, end with it, and are made
// from a cached initdb; databases are copied from a template. Tests alone may
// import it.
package pgtest

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/demo/schema"
	"shardadmin/internal/localpg"
)

var (
	mu        sync.Mutex
	servers   = map[int]*localpg.Server{}
	templates = map[string]bool{}
)

// quick trades durability for speed: a test's server need not survive a power cut.
var quick = map[string]string{
	"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "2GB", "autovacuum_naptime": "60s",
	"shared_buffers": "128MB", "max_connections": "300", "max_prepared_transactions": "10",
	"shared_preload_libraries": "pg_stat_statements", "jit": "off",
}

// Of is the number of the server of a major version, for Server and Database.
func Of(major int) int { return versions + major }

// Own is the number of a server of a major version that is not the one of Of: for a
// test that restarts it or does it harm.
func Own(major int) int { return versions + major + own }

// OlderMinor is the number of a server of version 17 whose minor version is older than
// that of Of(17).
const OlderMinor = versions + 17 + older

// Numbers from versions on are of the server of a major version, those from own on
// above that of another one, those from older on of one of an older minor version.
const (
	versions = 1000
	own      = 100
	older    = 200
)

// durable is a server as people run one, for measurements;
// SHARD_ADMIN_TEST_DURABLE=1 asks for it.
var durable = map[string]string{
	"max_wal_size": "4GB", "shared_buffers": "256MB", "checkpoint_timeout": "30min", "max_connections": "300", "max_prepared_transactions": "10",
}

// Server returns the n-th server of this test process, started at first use.
// SHARD_ADMIN_TEST_PG chooses the major version of those whose number does not.
func Server(t testing.TB, n int) *localpg.Server {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if s := servers[n]; s != nil {
		return s
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	major, _ := strconv.Atoi(os.Getenv("SHARD_ADMIN_TEST_PG"))
	if n > versions {
		major = (n - versions) % own
	}
	bin, err := localpg.Find(ctx, major)
	require.NoError(t, err)
	if n == OlderMinor {
		bin.Dir = olderMinor(t)
	}
	base := filepath.Join(os.TempDir(), fmt.Sprintf("shard-admin-test-%d", os.Getpid()))
	if len(servers) == 0 {
		sweep()
	}
	dir := filepath.Join(base, "pg"+strconv.Itoa(n))
	require.NoError(t, os.MkdirAll(base, 0o755))
	bin = fromCache(t, ctx, bin, dir)
	settings := quick
	if os.Getenv("SHARD_ADMIN_TEST_DURABLE") == "1" {
		settings = durable
	}
	s, err := localpg.Start(ctx, localpg.Config{Binaries: bin, Dir: dir, Settings: settings, Child: true})
	require.NoError(t, err)
	servers[n] = s
	return s
}

// olderMinor is the folder of the programs of OlderMinor.
func olderMinor(t testing.TB) string {
	t.Helper()
	wd, err := os.Getwd()
	require.NoError(t, err)
	for d := wd; d != "/"; d = filepath.Dir(d) {
		found, err := filepath.Glob(filepath.Join(d, "build/postgres/versions/node_modules/older-*/native/bin"))
		require.NoError(t, err)
		if len(found) > 0 {
			return found[0]
		}
	}
	require.Fail(t, "there is no older minor version: run build/need versions")
	return ""
}

// fromCache copies a data folder that initdb made for an earlier process, and
// returns binaries that the server's user can reach.
func fromCache(t testing.TB, ctx context.Context, bin localpg.Binaries, dir string) localpg.Binaries {
	t.Helper()
	cache := filepath.Join(os.TempDir(), fmt.Sprintf("shard-admin-test-initdb-%d-%d", bin.Major, os.Getuid()))
	require.NoError(t, os.MkdirAll(cache, 0o755))
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	require.NoError(t, err)
	defer func() { _ = lock.Close() }()
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	bin, err = localpg.Reachable(bin, cache)
	require.NoError(t, err)
	made := filepath.Join(cache, "made")
	if _, err := os.Stat(made); err != nil {
		require.NoError(t, os.RemoveAll(filepath.Join(cache, "pg")))
		s, err := localpg.Start(ctx, localpg.Config{Binaries: bin, Dir: filepath.Join(cache, "pg"), Settings: quick, Child: true})
		require.NoError(t, err)
		require.NoError(t, s.Stop(ctx))
		require.NoError(t, os.WriteFile(made, nil, 0o600))
	}
	out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(cache, "pg"), dir).CombinedOutput()
	require.NoError(t, err, string(out))
	_ = os.Remove(filepath.Join(dir, "port"))
	return bin
}

// sweep removes what test processes that are gone have left.
func sweep() {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), "shard-admin-test-[0-9]*"))
	for _, d := range old {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(d), "shard-admin-test-"))
		if err == nil && syscall.Kill(pid, 0) != nil {
			_ = os.RemoveAll(d)
		}
	}
}

// Main runs a package's tests, stops the servers that they started and does what is
// to be done then.
func Main(m *testing.M, after ...func()) {
	code := m.Run()
	Shutdown()
	for _, f := range after {
		f()
	}
	os.Exit(code)
}

// Shutdown stops every server of this process and removes their folders.
func Shutdown() {
	mu.Lock()
	defer mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, s := range servers {
		_ = s.Crash(ctx)
	}
	if len(servers) > 0 {
		_ = os.RemoveAll(filepath.Join(os.TempDir(), fmt.Sprintf("shard-admin-test-%d", os.Getpid())))
	}
}

// Owner is the role that owns an application's tables; it cannot log in.
const Owner = "pwb_owner"

// AppRole is the role of the application; it may read and write every table.
const AppRole = "pwb_app"

// AppPassword is the password of the application's role.
const AppPassword = "app-password"

// Verifier is what a server keeps of a password (SCRAM-SHA-256, RFC 5803), made
// with one round: a session of a test is not to pay for 4,096.
func Verifier(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, 1, sha256.Size)
	if err != nil {
		panic(err) // only for lengths that are not to be had
	}
	key := func(of string) []byte {
		h := hmac.New(sha256.New, salted)
		_, _ = h.Write([]byte(of))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(key("Client Key"))
	code := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$1:" + code(salt) + "$" + code(stored[:]) + ":" + code(key("Server Key"))
}

// Random returns a short random name with a prefix.
func Random(prefix string) string {
	b := make([]byte, 5)
	_, _ = rand.Read(b)
	return prefix + hex.EncodeToString(b)
}

// Exec runs statements as the superuser.
func Exec(t testing.TB, s *localpg.Server, database, sql string) {
	t.Helper()
	c := Connect(t, s.URL("", database))
	defer func() { _ = c.Close(context.Background()) }()
	_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

// Connect opens a connection that the test's end closes.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

//go:embed core.sql
var core string

// Database makes a database from a template of the given schema: "pwb" for
// the reference application's, "pwb core" for half of its tables, with some
// of every class, "" for an empty one, or SQL that makes one.
// Tables belong to Owner. The test's end drops it.
func Database(t testing.TB, server int, sql string) string {
	t.Helper()
	return Copy(t, server, templateOf(t, Server(t, server), server, sql))
}

// Copy makes a database that is like another one of the server, with which
// nobody is connected. The test's end drops it.
func Copy(t testing.TB, server int, template string) string {
	t.Helper()
	s := Server(t, server)
	name := Random("t_")
	Exec(t, s, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+template+" OWNER "+Owner+copied(s))
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
		if err != nil {
			return
		}
		defer func() { _ = c.Close(context.Background()) }()
		_, _ = c.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	return name
}

// copied is how a server copies a template: as files, which takes half the work
// of writing every block to the log. Before version 15 there was no other way.
func copied(s *localpg.Server) string {
	if s.Major() < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

func templateOf(t testing.TB, s *localpg.Server, server int, sql string) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	text, name := sql, ""
	switch sql {
	case "":
		name = "tpl_empty"
	case "pwb":
		name, text = "tpl_pwb", schema.PWB
	case "pwb core":
		name, text = "tpl_pwb_core", schema.PWB+core
	default:
		name = "tpl_" + digest(sql)
	}
	key := fmt.Sprintf("%d/%s", server, name)
	if templates[key] {
		return name
	}
	Exec(t, s, "postgres", `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pwb_owner') THEN CREATE ROLE pwb_owner NOLOGIN; END IF;
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pwb_app') THEN CREATE ROLE pwb_app LOGIN PASSWORD '`+Verifier(AppPassword)+`'; END IF;
	END $$`)
	Exec(t, s, "postgres", "CREATE DATABASE "+name+" OWNER "+Owner)
	Exec(t, s, name, "CREATE EXTENSION IF NOT EXISTS pgcrypto; ALTER SCHEMA public OWNER TO "+Owner+"; SET ROLE "+Owner+"; "+text+"; RESET ROLE;"+schema.AppGrants)
	templates[key] = true
	return name
}

func digest(s string) string {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return strconv.FormatUint(h, 36)
}
