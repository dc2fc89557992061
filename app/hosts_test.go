//go:build unix

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/sshtest"
	"shardadmin/internal/session"
)

// A fleet that is typed in is reached through an SSH host whose key is shown, and
// accepted in the window once somebody has compared it.
func TestAHostKeyIsAcceptedBeforeTheFleetIsKept(t *testing.T) {
	t.Parallel()
	key := sshtest.NewKey(t)
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".ssh", "id_ed25519"), key.PEM(t, ""), 0o600))
	host := sshtest.Start(t, []sshtest.Key{key})
	a, _ := start(t, Options{Home: openHome(t, map[string]string{"HOME": dir})})
	settings := &Settings{a}
	r := AddFleetRequest{
		Name: "behind", Environment: "staging", Profile: "property_web_builder", Control: "postgres://ops@127.0.0.1:1/pwb?sslmode=disable",
		Shards: []ShardURL{{Name: "default", URL: "control"}}, SSH: host.User + "@" + host.Address(),
	}
	tested := func() session.DatabaseCheck {
		t.Helper()
		c, err := settings.TryFleet(r)
		require.NoError(t, err)
		return c.Databases[0]
	}
	require.Equal(t, string(fault.SSHHostUnknown), tested().Problem.Code)

	way := HostRequest{New: &r, Database: "control"}
	v, err := settings.UnknownHost(way)
	require.NoError(t, err)
	require.NotNil(t, v.Unknown)
	require.Equal(t, ssh.FingerprintSHA256(host.HostKey), v.Unknown.Fingerprint)
	require.Equal(t, host.HostKey.Type(), v.Unknown.KeyType)
	require.Equal(t, host.Address(), v.Unknown.Host)
	require.Len(t, v.Unknown.Way, 1)
	require.Equal(t, host.User, v.Unknown.Way[0].User)
	require.Equal(t, filepath.Join(dir, ".ssh", "known_hosts"), v.Unknown.File)
	require.NoFileExists(t, v.Unknown.File, "looking accepts nothing")

	_, err = settings.TrustHost(way, "SHA256:another")
	require.Equal(t, fault.SSHHostUnknown, fault.CodeOf(err))
	require.NoFileExists(t, v.Unknown.File)
	after, err := settings.TrustHost(way, v.Unknown.Fingerprint)
	require.NoError(t, err)
	require.Nil(t, after.Unknown)
	if p := tested().Problem; p != nil {
		require.False(t, strings.HasPrefix(p.Code, "ssh_"), "%+v", p)
	}

	host.Stop()
	host.Renew()
	host.Run()
	p := tested().Problem
	require.Equal(t, string(fault.SSHHostChanged), p.Code)
	require.Contains(t, p.Message, v.Unknown.Fingerprint)
	require.Contains(t, p.Message, ssh.FingerprintSHA256(host.HostKey))
	_, err = settings.TrustHost(way, ssh.FingerprintSHA256(host.HostKey))
	require.Equal(t, fault.SSHHostChanged, fault.CodeOf(err))
}
