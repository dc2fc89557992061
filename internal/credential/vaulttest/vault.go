// Package vaulttest gives a test a vault of its own to keep credentials in: nobody's
// keychain is touched, and many sessions may read it while one writes.
package vaulttest

import (
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
)

// Identity is the path of a new identity of age.
func Identity(t testing.TB) string {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "identity")
	require.NoError(t, os.WriteFile(path, []byte("# of a test\n"+i.String()+"\n"), 0o600))
	return path
}

// Env is an environment in which credentials are kept in a vault that a new identity
// opens; what env holds goes before.
func Env(t testing.TB, env map[string]string) func(string) string {
	t.Helper()
	vault := map[string]string{"SHARD_ADMIN_CREDENTIAL_STORE": string(credential.FromVault), credential.VaultIdentity: Identity(t)}
	return func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return vault[name]
	}
}
