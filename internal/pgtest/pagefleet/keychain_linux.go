package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// keychain starts a session bus of its own with an unlocked gnome-keyring on
// it; the one of whoever runs the tests is not touched. Both end with this
// program.
func (w *world) keychain(ctx context.Context) error {
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			w.say("There is no %s: the tests of the keychain will fail", program)
			return nil
		}
	}
	dir := filepath.Join(w.dir, "keychain")
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8"}
	for name, sub := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
		env = append(env, name+"="+filepath.Join(dir, sub))
	}
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path="+filepath.Join(dir, "bus"))
	bus.Env, bus.Stderr = env, os.Stderr
	out, err := bus.StdoutPipe()
	if err != nil {
		return err
	}
	if err := w.companion(bus); err != nil {
		return err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the session bus did not start: %w", err)
	}
	env = append(env, "DBUS_SESSION_BUS_ADDRESS="+strings.TrimSpace(address))
	keyring := exec.Command("gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets")
	keyring.Env, keyring.Stdin = env, strings.NewReader("login password")
	if err := w.companion(keyring); err != nil {
		return err
	}
	// The bus starts a daemon that is asked for too early, so ask who is there.
	limit, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for limit.Err() == nil {
		ask := exec.CommandContext(limit, "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
			"org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets")
		ask.Env = env
		if said, _ := ask.Output(); strings.Contains(string(said), "true") {
			w.bus = strings.TrimSpace(address)
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("gnome-keyring did not come up")
}

// companion starts a program that ends with this one, however that ends.
func (w *world) companion(c *exec.Cmd) error {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	w.serving = append(w.serving, c)
	return nil
}
