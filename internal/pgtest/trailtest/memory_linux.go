package trailtest

import (
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// Peak begins to watch the most memory that the process has resident: Go's, that which
// SQLite asks the system for past Go, and the files that are mapped. What it returns says
// how many bytes that was since.
func Peak(t testing.TB) func() uint64 {
	t.Helper()
	debug.FreeOSMemory() // what came before is not of this step
	require.NoError(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
	return func() uint64 {
		t.Helper()
		status, err := os.ReadFile("/proc/self/status")
		require.NoError(t, err)
		found := peakLine.FindSubmatch(status)
		require.NotNil(t, found, "no VmHWM in %s", fmt.Sprintf("%.200s", status))
		kB, err := strconv.ParseUint(string(found[1]), 10, 64)
		require.NoError(t, err)
		return kB << 10
	}
}
