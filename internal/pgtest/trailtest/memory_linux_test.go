package trailtest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Memory that Go knows nothing of counts while it is there, and is forgotten by the next
// step. Not parallel: the process has one peak.
func TestPeakSeesWhatGoDoesNot(t *testing.T) {
	const size = 64 << 20
	before := Peak(t)()
	peak := Peak(t)
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	for i := 0; i < size; i += 4096 {
		b[i] = 1
	}
	require.NoError(t, syscall.Munmap(b))
	require.Greater(t, peak(), before+size/2)
	require.Less(t, Peak(t)(), before+size/2)
}
