package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"shardadmin/internal/fault"
)

// lock keeps two demos of one folder apart; the returned function gives the
// folder free. The end of the process does so, too.
func (d *Demo) lock() (free func(), err error) {
	for {
		if err := os.MkdirAll(d.dir, 0o755); err != nil {
			return nil, fault.Wrapf(err, fault.DemoFailed, "make the folder, or set SHARD_ADMIN_HOME to another", "the demo's folder %s cannot be made", d.dir)
		}
		path := filepath.Join(d.dir, "lock")
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if errors.Is(err, os.ErrNotExist) {
			continue // a reset has removed the folder in between
		}
		if err != nil {
			return nil, fault.Wrapf(err, fault.DemoFailed, "check who owns the folder", "the demo's folder %s cannot be used", d.dir)
		}
		if mine, err := tryLock(f); err != nil || !mine {
			_ = f.Close()
			if err == nil {
				return nil, fault.Newf(fault.DemoRunning, "end it there, with Ctrl-C or by closing its window; shard-admin demo status shows its servers", "another demo (process %d) uses %s", d.holder(), d.dir)
			}
			return nil, fault.Wrapf(err, fault.DemoFailed, "check the file system of the folder", "the demo's folder %s cannot be locked", d.dir)
		}
		mine, err := f.Stat()
		if there, other := os.Stat(path); err != nil || other != nil || !os.SameFile(mine, there) {
			_ = f.Close()
			continue // a reset has removed the file that is locked now
		}
		_ = f.Truncate(0)
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
		return func() { _ = f.Close() }, nil
	}
}

// take locks the folder anew when servers of Start hold it for this demo.
func (d *Demo) take() (free func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release()
	return d.lock()
}

// release gives up the lock of Start's servers; it wants mu.
func (d *Demo) release() {
	if d.held != nil {
		d.held()
		d.held = nil
	}
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
