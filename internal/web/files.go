package web

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

const notBuilt = `<!doctype html>
<meta charset="utf-8">
<title>Shard Admin</title>
<h1>The page was not built</h1>
<p>This binary was built in a clone without it. Build both with <code>make build-headless</code>
and start <code>shard-admin serve</code> again. The command line works as it is.</p>
`

// files serves the page. Its routes live in the address, so whatever is no file
// is the page itself.
type files struct {
	assets fs.FS // nil where the page was not built
	serve  http.Handler
}

func newFiles(assets fs.FS) *files {
	if _, err := fs.Stat(assets, "index.html"); err != nil {
		return &files{}
	}
	return &files{assets: assets, serve: http.FileServerFS(assets)}
}

func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.assets == nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(notBuilt)) // nobody is left to tell
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	info, err := fs.Stat(f.assets, name)
	switch {
	case err == nil && !info.IsDir() && name != "index.html":
		if strings.HasPrefix(name, "assets/") { // named after what is in them
			w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		}
		f.serve.ServeHTTP(w, r)
	case err == nil || errors.Is(err, fs.ErrNotExist) && path.Ext(name) == "":
		http.ServeFileFS(w, r, f.assets, "index.html")
	default:
		http.NotFound(w, r)
	}
}
