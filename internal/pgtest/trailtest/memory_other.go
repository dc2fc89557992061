//go:build unix && !linux

package trailtest

import (
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Peak is how many bytes of memory the process had resident at most. Here the system
// forgets nothing, so it is the most since the process began.
func Peak(t testing.TB) func() uint64 {
	t.Helper()
	return func() uint64 {
		t.Helper()
		var u syscall.Rusage
		require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		if runtime.GOOS == "darwin" {
			return uint64(u.Maxrss)
		}
		return uint64(u.Maxrss) << 10
	}
}
