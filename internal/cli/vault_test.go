package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential/vaulttest"
)

// The commands for credentials work with a vault as they do with the keychain, and
// say which it is. It is not parallel: the environment is the process's.
func TestCredentialsInAVault(t *testing.T) {
	path := vaulttest.Identity(t)
	t.Setenv("SHARD_ADMIN_CREDENTIAL_STORE", "vault")
	t.Setenv("SHARD_ADMIN_VAULT_IDENTITY", "")
	vault := func(s *shell) map[string]any {
		for _, c := range list(t, s.json(0, "doctor"), "checks") {
			if c["name"] == "vault" {
				return c
			}
			require.NotEqual(t, "keychain", c["name"], "it is not used")
		}
		t.Fatal("doctor says nothing of the vault")
		return nil
	}
	require.Contains(t, vault(newShell(t))["message"], "the first one that is kept makes it")
	e := newShell(t).refused(1, "vault_locked", "fleet", "add", "x", "--control", "postgres://u:p4ssword@127.0.0.1:1/x", "--shard", "default=control")
	require.Contains(t, e["hint"], "SHARD_ADMIN_VAULT_PASSPHRASE")

	t.Setenv("SHARD_ADMIN_VAULT_IDENTITY", path)
	l := describe(t, "staging", true)
	require.FileExists(t, filepath.Join(l.home, "vault.age"))
	require.Contains(t, vault(l.shell)["message"], "which can be opened")
	name := l.name()
	v := l.json(0, "fleet", "credential", "test", "shard_1")
	require.Equal(t, "vault", v["source"])
	require.Equal(t, "The vault holds "+name+"/shard_1.", firstLine(l.runWith(password+"\n", "fleet", "credential", "set", "shard_1").out))
	require.Equal(t, true, l.jsonWith(password+"\n", 0, "fleet", "credential", "rotate", "shard_1")["replaced"])
	l.jsonWith("wr0ng\n", 5, "fleet", "credential", "rotate", "shard_1")
	l.json(0, "fleet", "credential", "test", "shard_1")
	require.Equal(t, true, l.json(0, "fleet", "credential", "forget", "shard_1")["forgotten"])
	e = l.refused(1, "credential_missing", "fleet", "credential", "forget", "shard_1")
	require.Contains(t, e["message"], "the vault holds no credential")
	require.NotEqual(t, 0, l.run("fleet", "credential", "test", "shard_1").exit, "nobody else has it")

	// Cut off, it is said by name and nothing is made anew in its place.
	require.NoError(t, os.Truncate(filepath.Join(l.home, "vault.age"), 60))
	require.Equal(t, "warning", vault(l.shell)["status"])
	l.refused(1, "vault_damaged", "fleet", "credential", "forget", "control")
	info, err := os.Stat(filepath.Join(l.home, "vault.age"))
	require.NoError(t, err)
	require.EqualValues(t, 60, info.Size())
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
