//go:build faults && unix

package crash

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// At ends the process the hard way when the environment names the point,
// or stops it as a sleeping laptop would with SHARD_ADMIN_SLEEP_AT.
func At(name string) {
	if os.Getenv("SHARD_ADMIN_STOP_AT") == name {
		fmt.Fprintf(os.Stderr, "stopped at %s\n", name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	}
	if os.Getenv("SHARD_ADMIN_SLEEP_AT") == name {
		fmt.Fprintf(os.Stderr, "asleep at %s\n", name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		// Another thread may take the signal; this one must not run on meanwhile.
		time.Sleep(100 * time.Millisecond)
	}
}
