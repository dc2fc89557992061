package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"shardadmin/internal/credential"
	"shardadmin/internal/demo/schema"
	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
)

// rows are the strings of a query's first column.
func rows(t *testing.T, c *pgx.Conn, sql string) []string {
	t.Helper()
	r, err := c.Query(context.Background(), sql)
	require.NoError(t, err)
	out, err := pgx.CollectRows(r, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

// all is every row of both databases with what we keep there, but for the
// audit trail, the application's and ours, which tell of refusals too.
func (l *lab) all() []any {
	l.t.Helper()
	out := []any{}
	for n := range l.dbs {
		c := pgtest.Connect(l.t, pgtest.Server(l.t, n).URL("", l.dbs[n]))
		out = append(out, filltest.Dump(l.t, c, "pwb_shard_audit_logs"), rows(l.t, c, `SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'shard_admin_move'
			UNION ALL SELECT 'trigger on ' || tgrelid::regclass FROM pg_trigger WHERE tgname LIKE '%shard_admin%' ORDER BY 1`))
		if n == 0 {
			out = append(out, rows(l.t, c, `SELECT concat_ws(' ', id, state, step, error_code) FROM shard_admin.move ORDER BY 1`),
				rows(l.t, c, `SELECT concat_ws(' ', email, role) FROM shard_admin.operator ORDER BY 1`), rows(l.t, c, `SELECT concat_ws(' ', name, value) FROM shard_admin.policy ORDER BY 1`))
		}
		require.NoError(l.t, c.Close(context.Background()))
	}
	return out
}

// alike demands that two states are the same; of a difference it shows the
// first place only.
func alike(t *testing.T, before, after []any, what string) {
	t.Helper()
	for i := range before {
		a, b := fmt.Sprint(before[i]), fmt.Sprint(after[i])
		if a == b {
			continue
		}
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		from := max(0, at-120)
		require.Fail(t, "something has changed", "%s: before …%s, after …%s", what, a[from:min(len(a), at+120)], b[from:min(len(b), at+120)])
	}
}

// unfinished lists intents in the trail that have no outcome.
func (l *lab) unfinished() []string {
	l.t.Helper()
	c := pgtest.Connect(l.t, pgtest.Server(l.t, 0).URL("", l.dbs[0]))
	defer func() { _ = c.Close(context.Background()) }()
	return rows(l.t, c, `SELECT e.body FROM shard_admin.audit_event e WHERE e.body_json ->> 'phase' = 'intent'
		AND NOT EXISTS (SELECT FROM shard_admin.audit_event o WHERE o.body_json ->> 'parent' = e.event_id::text)`)
}

// unchanged demands that each command is refused with the code, and that
// nothing is different afterwards.
func (l *lab) unchanged(what string, exit int, code string, commands ...[]string) {
	l.t.Helper()
	before, open := l.all(), l.unfinished()
	for _, args := range commands {
		r := l.run(append(args, "--json")...)
		require.Equal(l.t, exit, r.exit, "%s: %v\n%s%s", what, args, r.out, r.stderr)
		require.Contains(l.t, r.out, `"code": "`+code+`"`, "%s: %v", what, args)
		require.NotContains(l.t, r.out+r.stderr, password)
	}
	alike(l.t, before, l.all(), what)
	require.Equal(l.t, open, l.unfinished(), "%s: an intent without an outcome", what)
}

// changes are the commands that would write to the target.
func changes() [][]string {
	return [][]string{
		{"shards", "assign", "9", "shard_1", "--note", "x"},
		{"move", "start", "7", "shard_1", "--wait", "--note", "x"},
	}
}

// silent lets the control database lead to where nobody answers.
func (l *lab) silent() {
	l.t.Helper()
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	b, err := os.ReadFile(path)
	require.NoError(l.t, err)
	before, control, ok := strings.Cut(string(b), "[control]")
	require.True(l.t, ok)
	begin := strings.Index(control, "url")
	end := begin + strings.Index(control[begin:], "\n")
	text := before + "[control]" + control[:begin] + fmt.Sprintf("url = %q", "postgres://"+l.role+"@127.0.0.1:1/none") + control[end:]
	require.NoError(l.t, os.WriteFile(path, []byte(text), 0o600))
}

// Who exports while the control database is away is told of the copy, where there is one.
func TestAnExportWithoutControlNamesTheCopy(t *testing.T) {
	t.Parallel()
	l := populated(t)
	file := filepath.Join(t.TempDir(), "trail.csv")
	l.json(0, "audit", "sync")
	l.silent()
	r := l.run("audit", "export", "-o", file, "--note", "for the auditor")
	require.Equal(t, 5, r.exit, r.stderr)
	require.Contains(t, r.stderr, "the same command with --mirror")
	require.NotContains(t, l.run("report", "moves", "-o", file, "--note", "for the auditor").stderr, "--mirror")
	require.NoFileExists(t, file)
	require.NotNil(t, l.json(0, "audit", "export", "--mirror", "-o", file, "--note", "for the auditor")["copied_at"])
	require.FileExists(t, file)
}

// elsewhere lets shard_1 lead to another address.
func (l *lab) elsewhere(url string) {
	l.t.Helper()
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	b, err := os.ReadFile(path)
	require.NoError(l.t, err)
	lines := strings.Split(string(b), "\n")
	shard := false
	for i, line := range lines {
		if strings.HasPrefix(line, "name") {
			shard = strings.Contains(line, "shard_1")
		}
		if shard && strings.HasPrefix(line, "url") {
			lines[i] = fmt.Sprintf("url = %q", url)
		}
	}
	require.NoError(l.t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
}

func (l *lab) secret(value string) {
	l.t.Helper()
	name := credential.Variable(l.name(), "shard_1")
	if value == "" {
		require.NoError(l.t, os.Unsetenv(name))
		return
	}
	require.NoError(l.t, os.Setenv(name, value))
}

// populated is a fleet with a tenant that has rows and one that has none.
func populated(t *testing.T) *lab {
	t.Helper()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 1)
	l.tenant("9", "default", 9000, 0)
	return l
}

// The keychain of the tests is the process's, so these are not parallel.
func TestAKeychainThatDoesNotAnswerChangesNothing(t *testing.T) {
	l := populated(t)
	t.Cleanup(keyring.MockInit)
	l.secret("")
	l.unchanged("a credential that is nowhere", 1, "credential_missing", changes()...)
	keyring.MockInitWithError(errors.New("failed to unlock correct collection"))
	l.unchanged("a locked keychain", 1, "keychain_locked", changes()...)
	l.refused(1, "keychain_locked", "fleet", "credential", "rotate", "shard_1")
	keyring.MockInitWithError(errors.New("the name org.freedesktop.secrets was not provided by any .service files"))
	l.unchanged("a missing keychain", 1, "keychain_absent", changes()...)
	l.refused(1, "keychain_absent", "fleet", "credential", "rotate", "shard_1")
	// What else has the password serves all the same.
	l.secret(password)
	l.json(0, "shards", "assign", "9", "shard_1", "--note", "x")
}

func TestATargetThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	l := populated(t)
	url := pgtest.Server(t, 1).URL(l.role, l.dbs[1])

	l.secret("not the password")
	l.unchanged("a wrong password", 5, "login_refused", changes()...)
	l.secret(password)

	for name, address := range expired(t) {
		l.elsewhere(address)
		l.unchanged(name, 5, "tls_certificate_expired", changes()...)
	}
	l.elsewhere("postgres://" + l.role + "@127.0.0.1:1/none")
	l.unchanged("a server that is down", 5, "database_unreachable", changes()...)
	l.elsewhere(url)

	alter := func(setting string) {
		pgtest.Exec(t, pgtest.Server(t, 1), "postgres", "ALTER DATABASE "+l.dbs[1]+" "+setting)
	}
	alter("SET default_transaction_read_only = on")
	l.unchanged("a target that is read-only by setting", 3, "database_read_only", changes()...)
	require.Equal(t, true, list(t, l.json(0, "fleet", "check"), "databases")[1]["read_only"])
	alter("RESET default_transaction_read_only")
	l.elsewhere(standby(t, l))
	l.unchanged("a standby", 3, "database_read_only", changes()...)
	l.elsewhere(url)

	// And nothing of all that was remembered.
	l.json(0, "shards", "assign", "9", "shard_1", "--note", "x")
}

// standby is a server in recovery with the database of shard_1.
func standby(t *testing.T, l *lab) string {
	t.Helper()
	bin, err := localpg.Find(t.Context(), 0)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "shard-admin-standby-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	s, err := localpg.Start(t.Context(), localpg.Config{Binaries: bin, Dir: filepath.Join(dir, "pg"), Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"}, Child: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Crash(context.Background()); _ = os.RemoveAll(dir) })
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+l.role+" LOGIN PASSWORD '"+password+"'; CREATE ROLE "+pgtest.Owner+"; CREATE ROLE "+pgtest.AppRole+"; GRANT pg_monitor, "+pgtest.Owner+" TO "+l.role)
	pgtest.Exec(t, s, "postgres", "CREATE DATABASE there OWNER "+pgtest.Owner)
	copySchema(t, l, s)
	require.NoError(t, s.Stop(t.Context()))
	signal := filepath.Join(s.Dir(), "data", "standby.signal")
	require.NoError(t, os.WriteFile(signal, nil, 0o644))
	require.NoError(t, s.Restart(t.Context()))
	return s.URL(l.role, "there")
}

// expired are addresses of servers whose certificate, or whose client's, has
// expired.
func expired(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	require.NoError(t, err)
	root, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	write := func(name, kind string, der []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	write("ca.crt", "CERTIFICATE", der)
	issue := func(name string, until time.Time) tls.Certificate {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, root, &own.PublicKey, key)
		require.NoError(t, err)
		private, err := x509.MarshalECPrivateKey(own)
		require.NoError(t, err)
		write(name+".crt", "CERTIFICATE", der)
		write(name+".key", "EC PRIVATE KEY", private)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	later, before := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	issue("old-client", before)
	verify := "?sslmode=verify-full&sslrootcert=" + filepath.Join(dir, "ca.crt")
	return map[string]string{
		"a server's certificate that has expired": handshake(t, &tls.Config{Certificates: []tls.Certificate{issue("old-server", before)}}) + verify,
		"a client's certificate that has expired": handshake(t, &tls.Config{Certificates: []tls.Certificate{issue("server", later)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}) +
			verify + "&sslcert=" + filepath.Join(dir, "old-client.crt") + "&sslkey=" + filepath.Join(dir, "old-client.key"),
	}
}

// handshake is the door of a server with TLS: what is wrong with certificates
// is found out there.
func handshake(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	door, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = door.Close() })
	go func() {
		for {
			c, err := door.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				asked := make([]byte, 8) // the request for TLS
				if _, err := c.Read(asked); err != nil {
					return
				}
				_, _ = c.Write([]byte("S"))
				s := tls.Server(c, cfg)
				_ = s.Handshake()
				_, _ = s.Read(asked)
			}()
		}
	}()
	return "postgres://" + labRole + "@" + door.Addr().String() + "/pwb"
}

// saysFull makes the server of shard_1 say at the first row of a table what it
// says of a full disk; what it returns makes room.
func saysFull(t *testing.T, l *lab) (room func()) {
	t.Helper()
	for n := range l.dbs {
		l.exec(n, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
			CREATE TRIGGER a_full_disk BEFORE INSERT ON pwb_messages FOR EACH ROW EXECUTE FUNCTION full_disk();
			ALTER TABLE pwb_messages ENABLE ALWAYS TRIGGER a_full_disk`)
	}
	l.exec(1, `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`)
	return func() {
		l.exec(1, `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`)
	}
}

// A disk that is full is told as such, and the tenant goes on where it is. The
// move is undone as soon as there is room for that, and nothing is left.
func TestAFullDiskOnTheTargetChangesNothing(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*testing.T, *lab) func(){"a small file system": smallDisk, "the server says so": saysFull} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := installed(t, "staging")
			l.tenant("7", "default", 7000, 40)
			room := fill(t, l)
			if room == nil {
				t.Skip("a small file system to fill takes the right to mount one, which this process lacks; the subtest beside this one meets the same refusal without")
			}
			before := l.all()
			m := l.json(1, "move", "start", "7", "shard_1", "--wait", "--note", "room")
			require.Equal(t, "failed", m["state"])
			require.Equal(t, "target_disk_full", m["error"].(map[string]any)["code"], m["error"])
			require.Contains(t, m["error"].(map[string]any)["message"], "53100")
			next := fmt.Sprint(m["next"])
			require.Contains(t, next, "move cancel "+m["id"].(string))
			require.Empty(t, l.unfinished())
			l.exec(0, "UPDATE pwb_contacts SET first_name = first_name WHERE website_id = 7") // it writes on
			alike(t, before[:1], l.all()[:1], "the source's rows")
			room()
			cancelled := l.json(0, "move", "cancel", m["id"].(string), "--wait", "--note", "no room")
			require.Equal(t, "cancelled", cancelled["state"])
			after := l.all()
			alike(t, before[:2], after[:2], "the source")
			alike(t, before[5:], after[5:], "the target")
			require.Empty(t, l.unfinished())
		})
	}
}

// copySchema makes the tables of the reference application in the database
// "there" of another server.
func copySchema(t *testing.T, l *lab, s *localpg.Server) {
	t.Helper()
	pgtest.Exec(t, s, "there", "CREATE EXTENSION IF NOT EXISTS pgcrypto; ALTER SCHEMA public OWNER TO "+pgtest.Owner+"; SET ROLE "+pgtest.Owner+"; "+schema.PWB+"; RESET ROLE;"+schema.AppGrants)
	grants := strings.Builder{}
	for _, g := range rows(t, pgtest.Connect(t, pgtest.Server(t, 1).URL("", l.dbs[1])), `SELECT DISTINCT format('GRANT %s ON %I.%I TO %I;', privilege_type, table_schema, table_name, grantee)
		FROM information_schema.role_table_grants WHERE grantee = '`+l.role+`' AND table_schema = 'public'`) {
		grants.WriteString(g)
	}
	pgtest.Exec(t, s, "there", grants.String()+"GRANT CREATE ON DATABASE there TO "+l.role)
}
