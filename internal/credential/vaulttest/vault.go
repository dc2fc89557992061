// Package vaulttest gives a test a vault of its own to keep credentials in: nobody's
// keychain is touched, and many sessions may read it while one writes.
package vaulttest

import (
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"shardadmin/internal/credential"
)

// Identity is the path of a new identity of age.
func Identity(t testing.TB) string {
	t.Helper()
	return IdentityIn(t.TempDir())
}

// IdentityIn is the path of a new identity of age in a folder, for all tests of a
// package. It panics where it cannot be made.
func IdentityIn(folder string) string {
	path := filepath.Join(folder, "identity")
	i, err := age.GenerateX25519Identity()
	if err == nil {
		err = os.WriteFile(path, []byte("# of a test\n"+i.String()+"\n"), 0o600)
	}
	if err != nil {
		panic(err)
	}
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
