package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"shardadmin/internal/fault"
)

// lock keeps two demos of one folder apart; the returned function gives the
// folder free. The end of the process does so, too.
func (d *Demo) lock() (free func(), err error) {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, fault.Wrapf(err, fault.DemoFailed, "make the folder, or set SHARD_ADMIN_HOME to another", "the demo's folder %s cannot be made", d.dir)
	}
	f, err := os.OpenFile(filepath.Join(d.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrapf(err, fault.DemoFailed, "check who owns the folder", "the demo's folder %s cannot be used", d.dir)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.Newf(fault.DemoRunning, "end it with Ctrl-C there; shard-admin demo status shows its servers", "another demo (process %d) uses %s", d.holder(), d.dir)
		}
		return nil, fault.Wrapf(err, fault.DemoFailed, "check the file system of the folder", "the demo's folder %s cannot be locked", d.dir)
	}
	_ = f.Truncate(0)
	_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	return func() { _ = f.Close() }, nil
}

// holder is the process that locked the folder last; 0 when nobody did.
func (d *Demo) holder() int {
	b, err := os.ReadFile(filepath.Join(d.dir, "lock"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}
