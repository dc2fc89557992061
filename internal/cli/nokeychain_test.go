package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"shardadmin/internal/credential"
)

// Where no keychain answers, a password that a variable gives already is not
// needed in it; the refusal of any other names the variables. Not parallel: the
// keychain is the process's.
func TestWithoutAKeychainTheVariablesAreEnough(t *testing.T) {
	keyring.MockInitWithError(errors.New("no such bus"))
	t.Cleanup(keyring.MockInit)
	s := newShell(t)
	args := []string{"fleet", "add", "nokey", "--control", "postgres://ops:s3cret@127.0.0.1:1/none", "--shard", "default=control", "--shard", "shard_1=postgres://ops:other@127.0.0.1:1/one", "--environment", "staging"}
	control, shard := credential.Variable("nokey", "control"), credential.Variable("nokey", "shard_1")

	e := s.refused(1, "keychain_absent", args...)
	for _, want := range []string{control, shard, "repeat the command"} {
		require.Contains(t, e["hint"], want)
	}
	t.Setenv(control, "s3cret")
	t.Setenv(shard, "wrong")
	e = s.refused(1, "keychain_absent", args...)
	require.NotContains(t, e["hint"], control)
	require.Contains(t, e["hint"], shard)
	require.NoFileExists(t, filepath.Join(s.home, "fleets", "nokey.toml"))

	t.Setenv(shard, "other")
	v := s.json(0, args...)
	require.Empty(t, v["kept_in_keychain"])
	b, err := os.ReadFile(filepath.Join(s.home, "fleets", "nokey.toml"))
	require.NoError(t, err)
	require.NotContains(t, string(b), "s3cret")
	require.Contains(t, string(b), "ops@127.0.0.1")

	file := filepath.Join(t.TempDir(), "database.yml")
	require.NoError(t, os.WriteFile(file, []byte("staging:\n  primary:\n    adapter: postgresql\n    host: db1\n    database: a\n    username: ops\n    password: s3cret\n"), 0o600))
	e = s.refused(1, "keychain_absent", "fleet", "import", file, "--env", "staging", "--name", "imported")
	require.Contains(t, e["hint"], credential.Variable("imported", "control"))
	t.Setenv(credential.Variable("imported", "control"), "s3cret")
	s.json(0, "fleet", "import", file, "--env", "staging", "--name", "imported")
}
