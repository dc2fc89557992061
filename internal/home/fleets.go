package home

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// Entry is a fleet that is known on this computer.
type Entry struct {
	Name    string
	Path    string
	Current bool
	// Fleet is nil where Err says why the file cannot be used.
	Fleet *fleet.Fleet
	Err   error
}

// FleetPath is the file of a fleet of that name, whether or not it is there.
func (h *Home) FleetPath(name string) string { return filepath.Join(h.dir, "fleets", name+".toml") }

// Fleets lists the fleets by name. One bad file does not hide the others.
func (h *Home) Fleets() ([]Entry, error) {
	names, err := h.names()
	if err != nil {
		return nil, err
	}
	current, err := h.Current()
	if err != nil {
		return nil, err
	}
	out := []Entry{}
	for _, n := range names {
		e := Entry{Name: n, Path: h.FleetPath(n), Current: n == current}
		e.Fleet, e.Err = h.load(n)
		out = append(out, e)
	}
	return out, nil
}

func (h *Home) names() ([]string, error) {
	files, err := os.ReadDir(filepath.Join(h.dir, "fleets"))
	if err != nil {
		return nil, fileFault(err, filepath.Join(h.dir, "fleets"))
	}
	out := []string{}
	for _, f := range files {
		if n, ok := strings.CutSuffix(f.Name(), ".toml"); ok && !f.IsDir() && !strings.HasPrefix(n, ".") {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out, nil
}

func (h *Home) load(name string) (*fleet.Fleet, error) {
	path := h.FleetPath(name)
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	f, err := fleet.Parse(b, path)
	if err != nil {
		return nil, err
	}
	if f.Name != name {
		return nil, fault.Newf(fault.FleetInvalid, `write name = "`+name+`", or rename the file`, "%s: the fleet in it is named %q", path, f.Name)
	}
	return f, nil
}

// Fleet returns a fleet by name. An empty name means the only one, else the
// current one.
func (h *Home) Fleet(name string) (*fleet.Fleet, error) {
	names, err := h.names()
	if err != nil {
		return nil, err
	}
	if name == "" {
		if name, err = h.Current(); err != nil {
			return nil, err
		}
		switch {
		case len(names) == 0:
			return nil, fault.New(fault.FleetUnknown, "no fleet is known on this computer", "shard-admin fleet add describes one; shard-admin demo starts one")
		case name == "":
			return nil, fault.Newf(fault.FleetUnknown, "add --fleet NAME, or choose one with shard-admin fleet use NAME", "several fleets are known (%s) and none is chosen", strings.Join(names, ", "))
		}
	}
	var f *fleet.Fleet
	err = fs.ErrNotExist
	if usable(name) {
		f, err = h.load(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		hint := "shard-admin fleet add " + name + " describes it"
		if len(names) > 0 {
			hint = "known are " + strings.Join(names, ", ")
		}
		return nil, fault.Newf(fault.FleetUnknown, hint, "there is no fleet %q on this computer", name)
	}
	return f, err
}

// Current returns the name of the fleet that is meant where none is named:
// the only one, else the one that was chosen; empty when there is neither.
func (h *Home) Current() (string, error) {
	names, err := h.names()
	if err != nil {
		return "", err
	}
	if len(names) == 1 {
		return names[0], nil
	}
	chosen, err := h.settings.Text(CurrentFleet)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if n == chosen {
			return n, nil
		}
	}
	return "", nil
}

// Use makes a fleet the current one.
func (h *Home) Use(name string) error {
	if _, err := h.Fleet(name); err != nil {
		return err
	}
	return h.settings.Set(CurrentFleet, name)
}

// AddFleet writes a new fleet's file: fleet_exists when there is one of that
// name.
func (h *Home) AddFleet(f *fleet.Fleet) error { return h.put(f, false) }

// ReplaceFleet writes a fleet's file over an old one, of which it changes only what
// differs: comments and order are those of whoever keeps the file.
func (h *Home) ReplaceFleet(f *fleet.Fleet) error { return h.put(f, true) }

// accepted is a fleet as its file would have it: what is written must be what would
// be read.
func accepted(f *fleet.Fleet, path string) ([]byte, *fleet.Fleet, error) {
	b, err := f.Marshal()
	if err != nil {
		return nil, nil, err
	}
	checked, err := fleet.Parse(b, path)
	return b, checked, err
}

func (h *Home) put(f *fleet.Fleet, over bool) error {
	path := h.FleetPath(f.Name)
	b, checked, err := accepted(f, path)
	if err != nil {
		return err
	}
	release, err := h.lock()
	if err != nil {
		return err
	}
	defer release()
	switch old, err := os.ReadFile(path); {
	case err == nil && over:
		if b, err = fleet.Rewrite(old, f); err != nil {
			return err
		}
	case err == nil:
		return fault.Newf(fault.FleetExists, "choose another name, or remove it first: shard-admin fleet remove "+f.Name, "a fleet %q is known on this computer already", f.Name)
	}
	if err := write(path, b); err != nil {
		return err
	}
	f.Path = checked.Path
	return nil
}

// TakeSecrets takes the passwords that the URLs of a fleet's file hold for a credential
// out of it, and reports whether there was one.
func (h *Home) TakeSecrets(name, cred string) (taken bool, err error) {
	release, err := h.lock()
	if err != nil {
		return false, err
	}
	defer release()
	path := h.FleetPath(name)
	b, err := os.ReadFile(path)
	if err != nil {
		return false, fault.Wrapf(err, fault.FleetUnknown, "shard-admin fleet list shows those that are known", "the fleet file %s cannot be read", path)
	}
	clean, taken := fleet.WithoutSecrets(b, cred)
	if !taken {
		return false, nil
	}
	return true, write(path, clean)
}

// RemoveFleet forgets a fleet's file. Databases and credentials stay.
func (h *Home) RemoveFleet(name string) error {
	release, err := h.lock()
	if err != nil {
		return err
	}
	defer release()
	if !usable(name) {
		return fault.Newf(fault.FleetUnknown, "shard-admin fleet list shows those that are known", "there is no fleet %q on this computer", name)
	}
	if err := os.Remove(h.FleetPath(name)); errors.Is(err, fs.ErrNotExist) {
		return fault.Newf(fault.FleetUnknown, "shard-admin fleet list shows those that are known", "there is no fleet %q on this computer", name)
	} else if err != nil {
		return fileFault(err, h.FleetPath(name))
	}
	return nil
}

// usable keeps a name from leading out of the folder.
func usable(name string) bool {
	return name != "" && name == filepath.Base(name) && !strings.HasPrefix(name, ".")
}
