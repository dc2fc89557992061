// Package window is the desktop window: the page in the system's web view,
// calling the bound structs of package app. It alone knows Wails.
//
// A build without the tag desktop has no window; Run then refuses in one line
// that names the other ways in. So does a machine without a display.
package window

import (
	"shardadmin/app"
	"shardadmin/internal/home"
)

// Options of Run.
type Options struct {
	Home *home.Home
	// Demo starts the demo fleet; nil where the build has none.
	Demo app.Demo
	// Fleet to open; empty means the only one, else the current one.
	Fleet string
	// Email is who works here; empty means the one of the settings.
	Email string
}
