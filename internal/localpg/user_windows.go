package localpg

import (
	"os"
	"os/exec"
	"syscall"

	"shardadmin/internal/fault"
)

// user is nobody here: serverUser refuses before anything is asked of it.
type user struct{}

// serverUser refuses: a server of ours is reached through a socket in a folder
// that its owner alone may enter, and is told by signals to end.
func serverUser() (user, error) {
	return user{}, fault.New(fault.DemoFailed, "servers on this computer run on Linux and macOS, not on Windows",
		"run shard-admin demo in WSL; a fleet of your own works here: shard-admin fleet add")
}

func (user) own(string) error                                { return nil }
func (user) reach(string) error                              { return nil }
func (user) binaries(b Binaries, _ string) (Binaries, error) { return b, nil }
func (user) apply(*exec.Cmd, bool)                           {}

const (
	stopped = syscall.SIGTERM
	goOn    = syscall.SIGTERM
)

// signal ends a process, which is all that can be told it here.
func signal(pid int, _ syscall.Signal) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil //nolint:nilerr // it has ended
	}
	return p.Kill()
}

func alive(pid int) bool {
	_, err := os.FindProcess(pid)
	return err == nil
}

func isPostgres(int, string) bool { return false }
func children(int) []int          { return nil }
func keepThread(_ bool, f func()) { f() }
