package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"shardadmin/internal/fault"
)

// exportTo returns where an export goes: to the file that the person chose,
// else to a new one in the folder exports beside the settings. Without a
// dialogue, otherwise does the same on the command line; "" where nothing does.
func (a *App) exportTo(title, what, format, otherwise string) (string, error) {
	folder := filepath.Join(a.home.Dir(), "exports")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fault.Wrap(err, fault.Internal, "the folder for exports cannot be made: "+folder, "check who owns the folder above it")
	}
	fleet, err := a.currentName()
	if err != nil {
		return "", err
	}
	suggestion := filepath.Join(folder, what+"-"+fleet+"-"+time.Now().UTC().Format("20060102-150405")+"."+format)
	a.mu.Lock()
	face := a.face
	a.mu.Unlock()
	path, err := face.SaveAs(title, suggestion)
	if err != nil {
		hint := "try again; the log has the details"
		if otherwise != "" {
			hint = "export with `" + otherwise + "`"
		}
		return "", fault.Wrap(err, fault.Internal, "the dialogue for the file could not be shown", hint)
	}
	if path == "" {
		return "", fault.New(fault.Cancelled, "no file was chosen", "")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exported = append(a.exported, path)
	return path, nil
}

// reveal shows a file that was exported since the start in its folder; the page
// opens nothing else.
func (a *App) reveal(path string) error {
	a.mu.Lock()
	known, face := slices.Contains(a.exported, path), a.face
	a.mu.Unlock()
	if !known {
		return fault.New(fault.Usage, "only the folder of a file that was exported here can be opened", "open it by hand")
	}
	return face.Reveal(path)
}

// NoFolder is what a face answers that cannot open a folder.
func NoFolder() error {
	return fault.New(fault.Usage, "a page in a browser opens no folder", "copy the path and open it by hand")
}

// writeJSON writes beside the file and renames at the end, so that nobody finds
// half of it.
func writeJSON(path string, v any) (err error) {
	wrong := func(err error) error {
		return fault.Wrap(err, fault.Internal, "the file cannot be written: "+path, "check the folder and the space left on the disk")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return wrong(err)
	}
	defer func() {
		_ = f.Close()
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return wrong(err)
	}
	if err := f.Close(); err != nil {
		return wrong(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return wrong(err)
	}
	return nil
}
