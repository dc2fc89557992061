package app

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// The page opens the vault by a passphrase, which another process does not have then and
// no file tells; a wrong one opens nothing, and what the environment names wins.
func TestThePageOpensTheVault(t *testing.T) {
	t.Parallel()
	const phrase, wrong = "the r1ght phrase of it", "a wr0ng phrase of it"
	ctx := t.Context()
	h := openHome(t, map[string]string{"SHARD_ADMIN_CREDENTIAL_STORE": "vault"})
	a, _ := start(t, Options{Home: h})
	settings := &Settings{a}
	v, err := settings.Vault()
	require.NoError(t, err)
	require.False(t, v.Made)
	keep := func() error {
		return h.Credentials().Set(ctx, "f", "control", credential.Credential{User: "ops", Password: credential.NewSecret("kept-s3cret")})
	}
	require.Equal(t, fault.VaultLocked, fault.CodeOf(keep()))
	_, err = settings.UnlockVault(phrase, wrong)
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	require.Equal(t, fault.VaultLocked, fault.CodeOf(keep()))
	_, err = settings.UnlockVault("", "")
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err))
	_, err = settings.UnlockVault(phrase, phrase)
	require.NoError(t, err)
	require.NoError(t, keep())

	// As after a restart: nobody has the passphrase.
	later := openHomeIn(t, h.Dir(), map[string]string{"SHARD_ADMIN_CREDENTIAL_STORE": "vault"})
	b, _ := start(t, Options{Home: later})
	again := &Settings{b}
	v, err = again.Vault()
	require.NoError(t, err)
	require.True(t, v.Made)
	_, err = later.Credentials().Get(ctx, "f", "control")
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err))
	_, err = again.AddFleet(AddFleetRequest{Name: "f", Environment: "staging", Profile: "property_web_builder", Control: "postgres://127.0.0.1:1/pwb?sslmode=disable", Shards: []ShardURL{{Name: "default", URL: "control"}}})
	require.NoError(t, err)
	st, err := (&Overview{b}).Status()
	require.NoError(t, err)
	require.Equal(t, string(fault.VaultLocked), st.Control.Problem.Code, "by which the page knows that it has to ask")
	_, err = again.UnlockVault(wrong, "")
	require.Equal(t, fault.VaultRefused, fault.CodeOf(err))
	require.NotContains(t, ProblemText(err), wrong)
	_, err = later.Credentials().Get(ctx, "f", "control")
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err), "a wrong one is forgotten")
	_, err = again.UnlockVault(phrase, "")
	require.NoError(t, err)
	got, err := later.Credentials().Get(ctx, "f", "control")
	require.NoError(t, err)
	require.Equal(t, "kept-s3cret", got.Password.Reveal())
	st, err = (&Overview{b}).Status()
	require.NoError(t, err)
	require.Equal(t, string(fault.DatabaseUnreachable), st.Control.Problem.Code)
	_, err = again.UnlockVault(wrong, "")
	require.Equal(t, fault.VaultRefused, fault.CodeOf(err))
	_, err = later.Credentials().Get(ctx, "f", "control")
	require.NoError(t, err, "what opened it is kept although another one was tried")

	for _, x := range []string{h.LogPath(), later.LogPath()} {
		text, err := os.ReadFile(x)
		if err == nil {
			require.NotContains(t, string(text), phrase)
			require.NotContains(t, string(text), wrong)
		}
	}

	named := openHomeIn(t, h.Dir(), map[string]string{"SHARD_ADMIN_CREDENTIAL_STORE": "vault", credential.VaultPassphrase: wrong})
	c, _ := start(t, Options{Home: named})
	_, err = (&Settings{c}).UnlockVault(phrase, "")
	require.Equal(t, fault.VaultLocked, fault.CodeOf(err))
	require.ErrorContains(t, err, credential.VaultPassphrase+" says what opens the vault")
	other := openHome(t, nil)
	d, _ := start(t, Options{Home: other})
	_, err = (&Settings{d}).UnlockVault(phrase, phrase)
	require.Equal(t, fault.NotAvailable, fault.CodeOf(err))
}
