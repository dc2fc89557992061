package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

func TestAFileThatIsThereIsSaidToBeThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "profile.toml")
	f, err := newFile(path, 0o600)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	_, err = newFile(path, 0o600)
	require.ErrorContains(t, err, "exists already")
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))
	_, err = newFile(filepath.Join(t.TempDir(), "none", "x"), 0o600)
	require.ErrorContains(t, err, "no such folder")
}
