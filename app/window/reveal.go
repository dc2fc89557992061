//go:build desktop && !bindings

package window

import (
	"os/exec"
	"path/filepath"
	"runtime"

	"shardadmin/internal/fault"
)

// Reveal shows a file in the system's own window of its folder.
func (w *window) Reveal(path string) error {
	command := exec.Command("xdg-open", filepath.Dir(path)) //nolint:gosec // a path that this program wrote to
	switch runtime.GOOS {
	case "darwin":
		command = exec.Command("open", "-R", path) //nolint:gosec // the same
	case "windows":
		command = exec.Command("explorer", "/select,"+path) //nolint:gosec // the same
	}
	if err := command.Start(); err != nil {
		return fault.Wrapf(err, fault.Internal, "open it by hand: "+filepath.Dir(path), "the folder of %s could not be opened", filepath.Base(path))
	}
	go func() {
		defer w.Guard()
		_ = command.Wait() // it is the system's from here on
	}()
	return nil
}
