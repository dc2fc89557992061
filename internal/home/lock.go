package home

import (
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"shardadmin/internal/fault"
)

// lockPatience is how long a writer waits for another one.
const lockPatience = 5 * time.Second

// lock lets one process at a time change files of the folder. It ends with
// the process that holds it.
func (h *Home) lock() (release func(), err error) { return h.lockOf("lock", lockPatience) }

// lockOf is a lock by the name of its file, which a writer waits for so long.
func (h *Home) lockOf(name string, patience time.Duration) (release func(), err error) {
	path := filepath.Join(h.dir, name)
	l := flock.New(path) // mode 0600
	for end := time.Now().Add(patience); ; {
		ok, err := l.TryLock()
		if err != nil {
			return nil, fileFault(err, path)
		}
		if ok {
			return func() { _ = l.Close() }, nil
		}
		if time.Now().After(end) {
			_ = l.Close()
			return nil, fault.Newf(fault.TimedOut, "try again when it is done", "another shard-admin is changing files in %s", h.dir)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
