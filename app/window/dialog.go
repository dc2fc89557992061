//go:build desktop && !bindings

package window

import (
	"path/filepath"
	"strings"

	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// SaveAs asks where a file goes.
func (w *window) SaveAs(title, suggestion string) (string, error) {
	format := strings.TrimPrefix(filepath.Ext(suggestion), ".")
	return runtime.SaveFileDialog(*w.ctx.Load(), runtime.SaveDialogOptions{
		Title: title, DefaultDirectory: filepath.Dir(suggestion), DefaultFilename: filepath.Base(suggestion),
		CanCreateDirectories: true,
		Filters:              []runtime.FileFilter{{DisplayName: strings.ToUpper(format), Pattern: "*." + format}},
	})
}
