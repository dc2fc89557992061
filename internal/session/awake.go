package session

import (
	"os/exec"
	"runtime"
)

// keepAwake asks the system not to sleep while a tenant cannot write. Where
// there is no way to ask, it does nothing: the fence has its own limit.
func keepAwake(reason string) func() {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("caffeinate", "-i")
	case "linux":
		cmd = exec.Command("systemd-inhibit", "--what=sleep:idle", "--who=Shard Admin", "--why="+reason, "--mode=block", "cat")
	default:
		return func() {}
	}
	// The child ends with its standard input, so it cannot outlive us.
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return func() {}
	}
	return func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
