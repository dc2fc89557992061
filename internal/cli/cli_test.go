package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"shardadmin/internal/cli"
	"shardadmin/internal/credential"
	"shardadmin/internal/credential/vaulttest"
	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest"
)

var update = flag.Bool("update", false, "write golden files and documents anew")

func TestMain(m *testing.M) {
	keyring.MockInit()
	// Without an address of a bus nothing is asked, not even the tests' own
	// keychain.
	if err := os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"); err != nil {
		panic(err)
	}
	folder, err := os.MkdirTemp("", "shard-admin-identity-")
	if err != nil {
		panic(err)
	}
	if err := os.Setenv(credential.VaultIdentity, vaulttest.IdentityIn(folder)); err != nil {
		panic(err)
	}
	pgtest.Main(m, func() { _ = os.RemoveAll(folder) })
}

// result is what one run of the command line did.
type result struct {
	exit        int
	out, stderr string
}

type shell struct {
	t     *testing.T
	home  string
	faces cli.Faces

	filled map[string]map[string]bool // by contract: its lists that had something in them
}

func newShell(t *testing.T) *shell { return &shell{t: t, home: filepath.Join(t.TempDir(), "home")} }

// vaulted keeps what is to be kept in a vault of the shell's own: the tests' keychain
// is the process's, and takes no writes while others read.
func (s *shell) vaulted() {
	s.t.Helper()
	s.json(0, "settings", "set", "credential_store", "vault")
}

func (s *shell) runWith(stdin string, args ...string) result {
	s.t.Helper()
	var out, errs bytes.Buffer
	exit := cli.Main(s.t.Context(), s.faces, append([]string{"--home", s.home}, args...), strings.NewReader(stdin), &out, &errs)
	return result{exit, out.String(), errs.String()}
}

func (s *shell) run(args ...string) result { s.t.Helper(); return s.runWith("", args...) }

// json runs a command with --json, demands the exit status and exactly one
// document, and returns it.
func (s *shell) json(exit int, args ...string) map[string]any {
	s.t.Helper()
	return s.jsonWith("", exit, args...)
}

func (s *shell) jsonWith(stdin string, exit int, args ...string) map[string]any {
	s.t.Helper()
	r := s.runWith(stdin, append(args, "--json")...)
	require.Equal(s.t, exit, r.exit, "%v\n%s%s", args, r.out, r.stderr)
	dec := json.NewDecoder(strings.NewReader(r.out))
	var v map[string]any
	require.NoError(s.t, dec.Decode(&v), r.out)
	require.False(s.t, dec.More(), "more than one document: %s", r.out)
	reasons(s.t, v)
	return v
}

// refused runs a command that must end with an error of the code.
func (s *shell) refused(exit int, code string, args ...string) map[string]any {
	s.t.Helper()
	v := s.json(exit, args...)
	e, ok := v["error"].(map[string]any)
	require.True(s.t, ok, v)
	require.Equal(s.t, code, e["code"], e)
	require.NotEmpty(s.t, e["message"])
	require.Contains(s.t, e, "hint")
	require.Equal(s.t, fault.Safe(fault.New(fault.Code(code), "", "")), e["safe"])
	require.NotEmpty(s.t, e["safe"])
	return e
}

// ok runs a command for people and demands that it succeeds and that what it
// prints fits the screen.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	require.Equal(s.t, 0, r.exit, "%v\n%s%s", args, r.out, r.stderr)
	fits(s.t, r.out)
	return r.out
}

func fits(t *testing.T, text string) {
	t.Helper()
	for _, l := range strings.Split(text, "\n") {
		// A command to copy stays whole, and so does what has no spaces.
		if len([]rune(l)) > 80 && len(strings.Fields(l)) > 2 && !strings.HasPrefix(strings.TrimSpace(l), "shard-admin ") {
			t.Errorf("wider than 80 columns: %s", l)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func has(t *testing.T, v map[string]any, fields ...string) {
	t.Helper()
	for _, f := range fields {
		require.Contains(t, v, f)
	}
}

func list(t *testing.T, v map[string]any, field string) []map[string]any {
	t.Helper()
	all, ok := v[field].([]any)
	require.True(t, ok, "%s of %v is no list", field, v)
	out := []map[string]any{}
	for _, x := range all {
		m, ok := x.(map[string]any)
		require.True(t, ok)
		out = append(out, m)
	}
	return out
}
