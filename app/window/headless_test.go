//go:build !desktop && !bindings

package window

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
)

func TestABuildWithoutAWindowNamesThePage(t *testing.T) {
	t.Parallel()
	require.False(t, Available)
	err := Run(t.Context(), Options{})
	require.Equal(t, fault.NoDisplay, fault.CodeOf(err))
	require.Equal(t, 2, fault.Exit(err))
	require.Contains(t, fault.HintOf(err), "shard-admin serve")
}
