//go:build unix && !linux

package conn_test

import "syscall"

// child runs a program as a user; the test's end alone ends it.
func child(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who}
}
