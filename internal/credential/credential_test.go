package credential_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

func environment(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestASecretCannotBeShown(t *testing.T) {
	t.Parallel()
	const word = "s3cret-Word"
	c := credential.Credential{User: "ops", Password: credential.NewSecret(word)}
	require.Equal(t, word, c.Password.Reveal())
	require.False(t, c.Password.Empty())
	require.True(t, credential.Secret{}.Empty())
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		fmt.Fprintf(&out, format, c)
		fmt.Fprintf(&out, format, &c)
		fmt.Fprintf(&out, format, c.Password)
		fmt.Fprintf(&out, format, []credential.Secret{c.Password})
		fmt.Fprintf(&out, format, map[string]credential.Credential{"k": c})
	}
	b, err := json.Marshal(map[string]any{"a": c, "b": c.Password, "c": &c})
	require.NoError(t, err)
	out.Write(b)
	text, err := c.Password.MarshalText()
	require.NoError(t, err)
	out.Write(text)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Error("x", "credential", c, "password", c.Password, "group", slog.GroupValue(slog.Any("p", &c)))
	}
	out.WriteString(fmt.Errorf("%w %v", os.ErrClosed, c).Error())
	require.NotContains(t, out.String(), word)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", word))
	require.Contains(t, out.String(), "[redacted]")
}

func TestVariableNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "SHARD_ADMIN_PASSWORD_EU_PROD_SHARD_1", credential.Variable("eu-prod", "shard.1"))
	require.Equal(t, "SHARD_ADMIN_PASSWORD____B", credential.Variable("ü.", "b"))
	require.Equal(t, "f/c", credential.Account("f", "c"))
}

func TestTheEnvironmentComesBeforeThePasswordFile(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := filepath.Join(home, ".pgpass")
	require.NoError(t, os.WriteFile(file, []byte("# passwords\ndb1:5432:app:ops:one\\:two\ndb1:5433:*:ops:other port\nlocalhost:5432:app:ops:by socket\n*:*:*:ops:any\n"), 0o600))
	at := credential.Endpoint{Host: "db1", Port: 5432, Database: "app", User: "ops"}
	resolve := func(at credential.Endpoint, pairs ...string) (string, string, credential.Source) {
		chain := credential.Chain{NoKeychain: true, Env: environment(pairs...)}
		c, source, err := chain.Resolve(t.Context(), "f", "c", at)
		require.NoError(t, err)
		return c.User, c.Password.Reveal(), source
	}
	is := func(want string, from credential.Source) func(string, string, credential.Source) {
		return func(user, password string, source credential.Source) {
			t.Helper()
			require.Equal(t, "ops", user)
			require.Equal(t, want, password)
			require.Equal(t, from, source)
		}
	}
	is("env", credential.FromEnvironment)(resolve(at, "HOME", home, "SHARD_ADMIN_PASSWORD_F_C", "env"))
	is("one:two", credential.FromPassFile)(resolve(at, "HOME", home))
	is("any", credential.FromPassFile)(resolve(credential.Endpoint{Host: "db9", Port: 1, Database: "x", User: "ops"}, "HOME", home))
	is("other port", credential.FromPassFile)(resolve(credential.Endpoint{Host: "db1", Port: 5433, Database: "x", User: "ops"}, "HOME", home))
	is("by socket", credential.FromPassFile)(resolve(credential.Endpoint{Host: "/run/postgresql", Port: 5432, Database: "app", User: "ops"}, "HOME", home))
	is("", credential.FromNowhere)(resolve(at))
	is("", credential.FromNowhere)(resolve(at, "HOME", t.TempDir()))

	named := filepath.Join(t.TempDir(), "passwords")
	require.NoError(t, os.WriteFile(named, []byte("*:*:*:*:named file\n"), 0o600))
	is("named file", credential.FromPassFile)(resolve(at, "HOME", home, "PGPASSFILE", named))
	is("", credential.FromNowhere)(resolve(at, "HOME", home, "PGPASSFILE", t.TempDir()))

	// As libpq, a file that others may read is no password file.
	require.NoError(t, os.Chmod(file, 0o640))
	is("", credential.FromNowhere)(resolve(at, "HOME", home))
}

// A password that is nowhere is no error before a server asks for one; then it
// is said what to do.
func TestWhatIsLackingIsKept(t *testing.T) {
	t.Parallel()
	chain := credential.Chain{NoKeychain: true, Env: func(string) string { return "" }}
	c, from, err := chain.Resolve(t.Context(), "prod", "shard_1", credential.Endpoint{User: "ops"})
	require.NoError(t, err)
	require.Equal(t, credential.FromNowhere, from)
	require.Equal(t, fault.CredentialMissing, fault.CodeOf(c.Lacking))
	require.Contains(t, c.Lacking.Error(), "shard_1 of fleet prod")
	require.Contains(t, fault.HintOf(c.Lacking), "--fleet prod fleet credential set shard_1")
	require.Contains(t, fault.HintOf(c.Lacking), "SHARD_ADMIN_PASSWORD_PROD_SHARD_1")
}

func FuzzScrub(f *testing.F) {
	f.Add("see postgres://u:", "hunter2", "@h/d")
	f.Add("password=", "p w", " and more")
	f.Add("token: '", "x", "'")
	f.Fuzz(func(t *testing.T, before, word, after string) {
		clean := credential.Scrub(before + word + after)
		require.NotContains(t, clean, "\x00")
		if regexp.MustCompile(`^[a-z0-9]{6,}$`).MatchString(word) {
			require.NotContains(t, credential.Scrub("postgres://u:"+word+"@h/d password="+word+" token: "+word), word)
		}
	})
}
