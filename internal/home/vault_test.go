package home_test

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"shardadmin/internal/credential"
	"shardadmin/internal/credential/vaulttest"
	"shardadmin/internal/fault"
	"shardadmin/internal/home"
)

// vaulted opens a folder whose credentials are kept in a vault.
func vaulted(t *testing.T, dir string, env map[string]string) *home.Home {
	t.Helper()
	h, err := home.Open(home.Options{Dir: dir, Env: func(name string) string {
		if v, ok := env[name]; ok || name != "SHARD_ADMIN_CREDENTIAL_STORE" {
			return v
		}
		return "vault"
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func with(user, password string) credential.Credential {
	return credential.Credential{User: user, Password: credential.NewSecret(password)}
}

// What a vault keeps, another process finds; without the passphrase, or with
// another one, nobody does, and nothing in the folder says what it is.
func TestAVaultKeepsCredentialsForWhoeverHasThePassphrase(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	const word, phrase = "kept-s3cret", "a phrase of s3veral words"
	none := vaulted(t, dir, nil)
	_, err := none.Credentials().Get(ctx, "f", "control")
	require.ErrorIs(t, err, credential.ErrNotFound, "no vault needs no passphrase")
	require.ErrorIs(t, vaulted(t, dir, map[string]string{credential.VaultPassphrase: phrase}).Credentials().Delete(ctx, "f", "control"), credential.ErrNotFound)
	require.NoFileExists(t, filepath.Join(dir, "vault.age"))
	err = none.Credentials().Set(ctx, "f", "control", with("ops", word))
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), credential.VaultPassphrase)

	path := filepath.Join(dir, "vault.age")
	vaulttest.Empty(t, path, phrase)
	one := vaulted(t, dir, map[string]string{credential.VaultPassphrase: phrase})
	require.Equal(t, credential.FromVault, one.Credentials().Source())
	require.NoError(t, one.Credentials().Set(ctx, "f", "control", with("ops", word)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	two := vaulted(t, dir, map[string]string{credential.VaultPassphrase: phrase})
	c, from, err := two.Resolver().Resolve(ctx, "f", "control", credential.Endpoint{User: "url"})
	require.NoError(t, err)
	require.Equal(t, credential.FromVault, from)
	require.Equal(t, []string{"ops", word}, []string{c.User, c.Password.Reveal()})
	_, err = two.Credentials().Get(ctx, "f", "shard_1")
	require.ErrorIs(t, err, credential.ErrNotFound)

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Regexp(t, fmt.Sprintf(`-> scrypt \S+ %d\n`, vaulttest.Work), string(before), "what trying a passphrase costs stays")
	wrong := vaulted(t, dir, map[string]string{credential.VaultPassphrase: "another " + phrase})
	for _, err := range []error{wrong.Credentials().Set(ctx, "f", "x", with("u", word)), wrong.Credentials().Delete(ctx, "f", "control")} {
		require.Equal(t, fault.VaultRefused, fault.CodeOf(err), "%v", err)
		require.NotContains(t, err.Error()+fault.HintOf(err), phrase)
	}
	_, _, err = none.Resolver().Resolve(ctx, "f", "control", credential.Endpoint{Host: "db"})
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err), "it may have the password")
	// What the environment gives is taken although the vault is locked.
	other := vaulted(t, dir, map[string]string{credential.Variable("f", "control"): "from-the-environment"})
	_, from, err = other.Resolver().Resolve(ctx, "f", "control", credential.Endpoint{Host: "db"})
	require.NoError(t, err)
	require.Equal(t, credential.FromEnvironment, from)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after, "what cannot be opened is not written over")

	require.NoError(t, two.Credentials().Delete(ctx, "f", "control"))
	_, err = one.Credentials().Get(ctx, "f", "control")
	require.ErrorIs(t, err, credential.ErrNotFound, "another process has removed it")
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		require.NotContains(t, string(b), word, path)
		require.NotContains(t, string(b), phrase, path)
		return err
	}))
}

// A vault that a passphrase makes asks for the work that age thinks right.
func TestAPassphraseMakesAVault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := vaulted(t, dir, map[string]string{credential.VaultPassphrase: "a phrase of s3veral words"})
	require.NoError(t, h.Credentials().Set(t.Context(), "f", "control", with("ops", "kept-s3cret")))
	file, err := os.ReadFile(filepath.Join(dir, "vault.age"))
	require.NoError(t, err)
	require.Regexp(t, `-> scrypt \S+ 18\n`, string(file))
	c, err := h.Credentials().Get(t.Context(), "f", "control")
	require.NoError(t, err)
	require.Equal(t, "kept-s3cret", c.Password.Reveal())
}

// Two writers at once: each holds the lock from reading to having written, so that
// no entry of either is lost.
func TestTwoWritersOfAVaultLoseNothing(t *testing.T) {
	t.Parallel()
	const each = 25
	dir, env := t.TempDir(), map[string]string{credential.VaultIdentity: vaulttest.Identity(t)}
	var wg sync.WaitGroup
	for w := range 2 {
		h := vaulted(t, dir, env) // a lock of its own, as another process has
		wg.Go(func() {
			for i := range each {
				if err := h.Credentials().Set(t.Context(), "f", fmt.Sprintf("of_%d_%d", w, i), with("u", "p")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	h := vaulted(t, dir, env)
	for w := range 2 {
		for i := range each {
			_, err := h.Credentials().Get(t.Context(), "f", fmt.Sprintf("of_%d_%d", w, i))
			require.NoError(t, err, "%d %d", w, i)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".vault*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A file that was cut off anywhere, changed, or is none of ours is damaged: no entry
// is found missing in it, and it stays as it is.
func TestADamagedVaultIsSaidAndStays(t *testing.T) {
	t.Parallel()
	dir, env := t.TempDir(), map[string]string{credential.VaultIdentity: vaulttest.Identity(t)}
	path := filepath.Join(dir, "vault.age")
	require.NoError(t, vaulted(t, dir, env).Credentials().Set(t.Context(), "f", "control", with("ops", "kept-s3cret")))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := append([]byte{}, whole...)
	changed[len(changed)-3] ^= 1
	cases := map[string][]byte{"changed": changed, "empty": {}, "text": []byte("passwords = 1\n"), "longer": append(append([]byte{}, whole...), 'x')}
	for _, n := range []int{1, 20, len(whole) / 2, len(whole) - 20, len(whole) - 1} {
		cases[fmt.Sprintf("cut at %d", n)] = whole[:n]
	}
	for what, text := range cases {
		require.NoError(t, os.WriteFile(path, text, 0o600))
		h := vaulted(t, dir, env)
		_, err := h.Credentials().Get(t.Context(), "f", "control")
		require.Equal(t, fault.VaultDamaged, fault.CodeOf(err), "%s: %v", what, err)
		require.Equal(t, fault.VaultDamaged, fault.CodeOf(h.Credentials().Set(t.Context(), "f", "x", with("u", "p"))), what)
		_, _, err = h.Resolver().Resolve(t.Context(), "f", "control", credential.Endpoint{Host: "db"})
		require.Equal(t, fault.VaultDamaged, fault.CodeOf(err), what)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, append([]byte{}, now...), what)
	}
}

// An identity is age's, or a key of SSH, that nobody else may read; any other is said.
func TestAnIdentityOpensAVault(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, other, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	folder := t.TempDir()
	key := func(name string, k ed25519.PrivateKey, phrase string) string {
		block, err := ssh.MarshalPrivateKey(k, "")
		if phrase != "" {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(k, "", []byte(phrase))
		}
		require.NoError(t, err)
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
		return path
	}
	dir := t.TempDir()
	mine := map[string]string{credential.VaultIdentity: key("mine", private, "")}
	require.NoError(t, vaulted(t, dir, mine).Credentials().Set(t.Context(), "f", "control", with("ops", "p")))
	c, err := vaulted(t, dir, mine).Credentials().Get(t.Context(), "f", "control")
	require.NoError(t, err)
	require.Equal(t, "p", c.Password.Reveal())

	plain := filepath.Join(folder, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("s3cret of a note\n"), 0o600))
	open := key("open", private, "")
	require.NoError(t, os.Chmod(open, 0o644)) //nolint:gosec // that is the fault
	for path, code := range map[string]fault.Code{
		key("other", other, ""):         fault.VaultRefused,
		key("locked", private, "hush"):  fault.VaultLocked,
		vaulttest.Identity(t):           fault.VaultRefused,
		plain:                           fault.VaultLocked,
		open:                            fault.VaultLocked,
		filepath.Join(folder, "no one"): fault.VaultLocked,
	} {
		if path == open && runtime.GOOS == "windows" {
			continue
		}
		_, err := vaulted(t, dir, map[string]string{credential.VaultIdentity: path}).Credentials().Get(t.Context(), "f", "control")
		require.Equal(t, code, fault.CodeOf(err), "%s: %v", path, err)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
