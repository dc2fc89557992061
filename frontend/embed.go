// Package frontend embeds the built page. A fresh clone has none: then Built
// reports false and faces say how to build it.
package frontend

import (
	"embed"
	"io/fs"
)

// ContentPolicy lets the page load and reach only what came with it. Styles may
// be inline because the component kit sets them on elements; scripts may not.
const ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

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
