package bouncertest

import "syscall"

// child runs a program as a user, and ends it with this process.
func child(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGKILL}
}
