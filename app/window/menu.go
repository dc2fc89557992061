//go:build desktop && !bindings

package window

import (
	goruntime "runtime"

	"github.com/wailsapp/wails/v2/pkg/menu"
	"github.com/wailsapp/wails/v2/pkg/menu/keys"
	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// menu is the application menu. On macOS copy and paste work only with an Edit
// menu. Elsewhere there is none: the page has its own.
func (w *window) menu() *menu.Menu {
	if goruntime.GOOS != "darwin" {
		return nil
	}
	m := menu.NewMenu()
	m.Append(menu.AppMenu())
	m.Append(menu.EditMenu())
	view := m.AddSubmenu("View")
	view.AddText("Reload", keys.CmdOrCtrl("r"), func(*menu.CallbackData) {
		if ctx := w.ctx.Load(); ctx != nil {
			runtime.WindowReloadApp(*ctx)
		}
	})
	m.Append(menu.WindowMenu())
	return m
}
