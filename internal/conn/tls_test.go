package conn_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/conn"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/bouncertest"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ours, theirs := newAuthority(t), newAuthority(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	later, before := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	certificate := func(a authority, name, prefix string, until time.Time) {
		cert, key := a.issue(t, name, until)
		bouncertest.Private(t, file(prefix+".crt"), cert)
		bouncertest.Private(t, file(prefix+".key"), key)
	}
	bouncertest.Private(t, file("ca.crt"), ours.pem)
	require.NoError(t, os.WriteFile(file("other-ca.crt"), theirs.pem, 0o600))
	certificate(ours, "server", "server", later)
	certificate(ours, "cert_user", "client", later)
	certificate(ours, "cert_user", "old-client", before)
	certificate(theirs, "cert_user", "strange-client", later)
	s := server(t, dir, map[string]string{"ssl": "on", "ssl_cert_file": file("server.crt"), "ssl_key_file": file("server.key"), "ssl_ca_file": file("ca.crt")})
	pgtest.Exec(t, s, "postgres", "CREATE ROLE cert_user LOGIN; CREATE ROLE ops LOGIN PASSWORD '"+word+"'")
	bouncertest.Private(t, filepath.Join(s.Dir(), "data", "pg_hba.conf"), []byte("local all all trust\nhostssl all cert_user 127.0.0.1/32 cert\nhostssl all ops 127.0.0.1/32 scram-sha-256\n"))
	require.NoError(t, s.Restart(t.Context()))

	verify := "sslmode=verify-full&sslrootcert=" + file("ca.crt")
	client := func(name string) string {
		return "&sslcert=" + file(name+".crt") + "&sslkey=" + file(name+".key")
	}
	at := func(host, user, rest string) *conn.Database {
		l := logins{user, ""}
		if user == "ops" {
			l.password = word
		}
		return open(t, l, conn.Options{}, fleet.Endpoint{URL: urlTo(host, s.Port(), "postgres", rest)}).Control()
	}
	encrypted := func(db *conn.Database) (bool, string) {
		pool, err := db.Pool(t.Context())
		require.NoError(t, err)
		var on bool
		var dn string
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT ssl, coalesce(client_dn, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&on, &dn))
		c, err := db.Direct(t.Context(), conn.DirectOptions{Purpose: "test"})
		require.NoError(t, err)
		require.NoError(t, c.Close(t.Context()))
		return on, dn
	}
	refused := func(db *conn.Database, code fault.Code, message, hint string) {
		t.Helper()
		_, err := db.Pool(t.Context())
		require.Equal(t, code, fault.CodeOf(err), "%v: %v", err, fault.As(err).Cause)
		require.Equal(t, 5, fault.Exit(err))
		require.Contains(t, err.Error(), message)
		require.Contains(t, fault.HintOf(err), hint)
		require.NotContains(t, err.Error(), word)
		_, err = db.Direct(t.Context(), conn.DirectOptions{Purpose: "test"})
		require.Equal(t, code, fault.CodeOf(err), "%v", err)
	}

	on, _ := encrypted(at("127.0.0.1", "ops", verify))
	require.True(t, on)
	on, dn := encrypted(at("127.0.0.1", "cert_user", verify+client("client")))
	require.True(t, on)
	require.Contains(t, dn, "cert_user")
	require.Equal(t, "verify-full", at("127.0.0.1", "ops", verify).TLSMode())

	refused(at("127.0.0.1", "cert_user", verify), fault.LoginRefused, "certificate", "sslcert=FILE&sslkey=FILE")
	refused(at("127.0.0.1", "cert_user", verify+client("old-client")), fault.TLSExpired, "client's certificate has expired", "renew the client's")
	refused(at("127.0.0.1", "cert_user", verify+client("strange-client")), fault.TLSInvalid, "refused TLS", "authorities")
	refused(at("localhost", "ops", verify), fault.TLSInvalid, "another host than localhost", "host name")
	refused(at("127.0.0.1", "ops", "sslmode=verify-full&sslrootcert="+file("other-ca.crt")), fault.TLSInvalid, "unknown authority", "sslrootcert")
	refused(at("127.0.0.1", "ops", "sslmode=disable"), fault.LoginRefused, "no encryption", "sslmode=verify-full")
	// A file that is not there is a mistake in the fleet file.
	_, err := at("127.0.0.1", "ops", "sslmode=verify-full&sslrootcert="+file("none.crt")).Pool(t.Context())
	require.Equal(t, fault.FleetInvalid, fault.CodeOf(err))
	require.Contains(t, err.Error(), "none.crt")

	certificate(ours, "server", "server", before)
	require.NoError(t, s.Restart(t.Context()))
	refused(at("127.0.0.1", "ops", verify), fault.TLSExpired, "server's certificate has expired", "renew")
	on, _ = encrypted(at("127.0.0.1", "ops", "sslmode=require"))
	require.True(t, on, "who does not verify is not told")
}

func TestAServerWithoutTLSIsNoPlaceForVerifyFull(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, 0)
	for _, mode := range []string{"require", "verify-full"} {
		db := open(t, logins{role(t, s), word}, conn.Options{}, fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), "postgres", "sslmode="+mode)}).Control()
		_, err := db.Pool(t.Context())
		require.Equal(t, fault.TLSInvalid, fault.CodeOf(err))
		require.Contains(t, err.Error(), "offers no TLS")
	}
	db := open(t, logins{role(t, s), word}, conn.Options{}, fleet.Endpoint{URL: urlTo("127.0.0.1", s.Port(), "postgres", "")}).Control()
	require.Equal(t, "prefer", db.TLSMode())
	_, err := db.Pool(t.Context())
	require.NoError(t, err, "prefer goes without")
}
