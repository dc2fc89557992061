package conn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fleet"
	"shardadmin/internal/localpg"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/bouncertest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const word = "s3cret-Word"

// logins gives every database the same credential.
type logins struct{ user, password string }

func (l logins) Resolve(_ context.Context, _, _ string, at credential.Endpoint) (credential.Credential, credential.Source, error) {
	c := credential.Credential{User: l.user, Password: credential.NewSecret(l.password)}
	if c.User == "" {
		c.User = at.User
	}
	return c, credential.FromKeychain, nil
}

// open describes a fleet whose control database and shards have the URLs.
func open(t *testing.T, l logins, o conn.Options, control fleet.Endpoint, shards ...fleet.Endpoint) *conn.Set {
	t.Helper()
	f := &fleet.Fleet{Name: "f", Environment: fleet.Development, Control: control, Shards: []fleet.Shard{{Name: "default", InControl: true}}}
	for i, e := range shards {
		f.Shards = append(f.Shards, fleet.Shard{Name: "shard_" + strconv.Itoa(i+1), Endpoint: e})
	}
	o.Resolver = l
	s := conn.Open(f, o)
	t.Cleanup(s.Close)
	return s
}

func shard(t *testing.T, s *conn.Set, name string) *conn.Database {
	t.Helper()
	d, err := s.Shard(name)
	require.NoError(t, err)
	return d
}

// folder is one that the server's user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "shard-admin-conn-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// server is one of the test's own, which may be stopped.
func server(t *testing.T, dir string, settings map[string]string) *localpg.Server {
	t.Helper()
	bin, err := localpg.Find(t.Context(), 0)
	require.NoError(t, err)
	all := map[string]string{"fsync": "off", "shared_buffers": "16MB", "max_connections": "30"}
	for k, v := range settings {
		all[k] = v
	}
	s, err := localpg.Start(t.Context(), localpg.Config{Binaries: bin, Dir: filepath.Join(dir, "pg"), Settings: all, Child: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Crash(context.Background()) })
	return s
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate for a name, for localhost's address too.
func (a authority) issue(t *testing.T, name string, until time.Time) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	require.NoError(t, err)
	text, err := x509.MarshalECPrivateKey(own)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text})
}

// pooler starts PgBouncer in transaction mode in front of a server and returns
// its port. Users come with the password word.
func pooler(t *testing.T, s *localpg.Server, users []string, more string) int {
	t.Helper()
	list := map[string]string{}
	for _, u := range users {
		list[u] = word
	}
	return bouncertest.Start(t, folder(t), s, list, more)
}

// role makes a role with the password word.
func role(t *testing.T, s *localpg.Server) string {
	t.Helper()
	name := pgtest.Random("conn_")
	pgtest.Exec(t, s, "postgres", "CREATE ROLE "+name+" LOGIN PASSWORD '"+word+"'")
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
		if err == nil {
			_, _ = c.Exec(context.Background(), "DROP ROLE IF EXISTS "+name)
			_ = c.Close(context.Background())
		}
	})
	return name
}

func urlTo(host string, port int, database, rest string) string {
	return "postgres://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/" + database + "?" + rest
}
