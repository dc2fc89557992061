package vaulttest

import (
	"bytes"
	"os"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
)

// Work is what the vault asks of who tries a passphrase, the binary logarithm of
// scrypt's N.
const Work = 8

// Empty makes a vault that holds nothing yet, whose passphrase is tried quickly: what
// age asks for by itself takes seconds where the race detector watches.
func Empty(t testing.TB, path, passphrase string) {
	t.Helper()
	r, err := age.NewScryptRecipient(passphrase)
	require.NoError(t, err)
	r.SetWorkFactor(Work)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	require.NoError(t, err)
	_, err = w.Write([]byte(`{"version":1,"items":{}}`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
}
