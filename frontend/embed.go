// Package frontend embeds the built page. A fresh clone has none: then Built
// reports false and faces say how to build it.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Assets returns the files of the page, index.html at its root.
func Assets() (fs.FS, error) {
	return fs.Sub(dist, "dist")
}

// Built reports whether the page was built before this binary was.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
