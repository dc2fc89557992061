package job

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that was killed and whose parent has not asked for its end has
// ended all the same: nobody waits for its lease.
func TestAKilledProcessHasEndedBeforeItsParentLooks(t *testing.T) {
	t.Parallel()
	require.True(t, running(os.Getpid()))
	c := exec.Command("sleep", "60")
	require.NoError(t, c.Start())
	require.True(t, running(c.Process.Pid))
	require.NoError(t, c.Process.Kill())
	stat := "/proc/" + strconv.Itoa(c.Process.Pid) + "/stat"
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(stat)
		require.NoError(t, err, "its number is still taken")
		require.NotEmpty(t, b)
		return !running(c.Process.Pid)
	}, 10*time.Second, 10*time.Millisecond)
	_ = c.Wait()
	require.False(t, running(c.Process.Pid))
}
