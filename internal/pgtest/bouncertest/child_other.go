//go:build unix && !linux

package bouncertest

import "syscall"

// child runs a program as a user; the test's end alone ends it.
func child(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who}
}
