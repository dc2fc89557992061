//go:build bindings

package window

import (
	"context"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"

	"shardadmin/app"
)

// Available reports whether this build has a window; this one has what a
// window shows.
const Available = true

// Run writes the page's bindings; this is what a build with the tag bindings
// does instead of opening a window. It needs neither cgo nor a display.
func Run(_ context.Context, o Options) error {
	return wails.Run(&options.App{Bind: app.New(app.Options{Home: o.Home, Mode: app.Window}).Services()})
}
