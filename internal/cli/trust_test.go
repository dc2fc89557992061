//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"shardadmin/internal/pgtest/sshtest"
)

// The key of an SSH host is accepted by its fingerprint alone, once, and what is
// accepted is where ssh finds it too.
func TestHostKeysAreAcceptedByTheirFingerprint(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("SSH_AUTH_SOCK", "")
	key := sshtest.NewKey(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".ssh", "id_ed25519"), key.PEM(t, ""), 0o600))
	host := sshtest.Start(t, []sshtest.Key{key})
	way := host.User + "@" + host.Address()
	s := newShell(t)
	add := []string{"fleet", "add", "one", "--control", "postgres://ops:word@127.0.0.1:1/none?sslmode=disable", "--shard", "default=control", "--environment", "staging"}
	s.refused(2, "fleet_invalid", append(add, "--ssh", "ops@bad host")...)
	s.refused(3, "fleet_holds_secret", append(add, "--ssh", "ops:word@host")...)
	s.json(0, append(add, "--ssh", way)...)
	require.Equal(t, way, s.json(0, "fleet", "show")["control"].(map[string]any)["ssh"])
	require.Contains(t, s.ok("fleet", "show"), "through ssh")

	shown := ssh.FingerprintSHA256(host.HostKey)
	e := s.refused(5, "ssh_host_key_unknown", "fleet", "trust", "control")
	require.Contains(t, e["message"], shown)
	require.Contains(t, e["hint"], "--fingerprint "+shown)
	e = s.refused(5, "ssh_host_key_unknown", "fleet", "trust", "default", "--fingerprint", "SHA256:another")
	require.Contains(t, e["message"], shown)
	require.NoFileExists(t, filepath.Join(dir, ".ssh", "known_hosts"))
	v := s.json(0, "fleet", "trust", "control", "--fingerprint", shown)
	require.Len(t, v["accepted"], 1)
	known, err := os.ReadFile(filepath.Join(dir, ".ssh", "known_hosts"))
	require.NoError(t, err)
	require.Contains(t, string(known), "ssh-ed25519")
	require.Empty(t, s.json(0, "fleet", "trust", "default")["accepted"], "it is known now")

	// The host is known, and says that nobody is behind it.
	c := s.json(5, "fleet", "check")["databases"].([]any)[0].(map[string]any)
	require.Equal(t, shown, c["ssh"].([]any)[0].(map[string]any)["fingerprint"])
	require.Equal(t, "database_unreachable", c["problem"].(map[string]any)["code"])

	host.Stop()
	host.Renew()
	host.Run()
	e = s.refused(5, "ssh_host_key_changed", "fleet", "trust", "control", "--fingerprint", ssh.FingerprintSHA256(host.HostKey))
	require.Contains(t, e["message"], shown)
	require.Contains(t, e["message"], ssh.FingerprintSHA256(host.HostKey))

	s.json(0, "fleet", "add", "two", "--control", "postgres://ops@127.0.0.1:1/none?sslmode=disable", "--shard", "default=control", "--environment", "staging")
	s.refused(1, "not_found", "--fleet", "two", "fleet", "trust", "control")
}
