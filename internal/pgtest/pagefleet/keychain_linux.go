package main

import (
	"context"
	"path/filepath"
	"strings"

	"shardadmin/internal/credential/keyringtest"
)

// keychain starts a session bus of its own with an unlocked gnome-keyring on
// it; the one of whoever runs the tests is not touched. Both end with this
// program.
func (w *world) keychain(ctx context.Context) error {
	if missing := keyringtest.Missing(); len(missing) > 0 {
		w.say("There is no %s: the tests of the keychain will fail", strings.Join(missing, " and no "))
		return nil
	}
	d, err := keyringtest.Start(ctx, filepath.Join(w.dir, "keychain"))
	if err != nil {
		return err
	}
	w.bus, w.ends = d.Bus, append(w.ends, d.Close)
	return nil
}
