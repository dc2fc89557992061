package keyringtest

import (
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

const (
	secrets = "org.freedesktop.secrets"
	service = "/org/freedesktop/secrets"
	login   = service + "/collection/login"
	// patience is how long bus and keychain may take to come up.
	patience = 20 * time.Second
)

// Desk is a desktop session for processes: folders, the address of a bus, and on it a
// keychain if it has one.
type Desk struct {
	// Env is the whole environment of a process of the session.
	Env []string
	// Bus is the address of its bus.
	Bus string

	programs []*exec.Cmd // the last one is the keychain
}

// Missing names the programs that a desk with a keychain needs and this computer lacks.
func Missing() []string {
	out := []string{}
	for _, name := range []string{"dbus-daemon", "gnome-keyring-daemon", "gdbus"} {
		if _, err := exec.LookPath(name); err != nil {
			out = append(out, name)
		}
	}
	return out
}

// Bare makes a session in a folder of which the path is short, as a socket's has to be.
// Nobody is at the address of its bus.
func Bare(dir string) (*Desk, error) {
	d := &Desk{Bus: "unix:path=" + filepath.Join(dir, "bus")}
	d.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "DBUS_SESSION_BUS_ADDRESS=" + d.Bus}
	for name, sub := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
		d.Env = append(d.Env, name+"="+filepath.Join(dir, sub))
	}
	return d, nil
}

// Start makes a session with a keychain that was unlocked once. Both programs end with
// Close, and with the process that started them, however that ends.
func Start(ctx context.Context, dir string) (*Desk, error) {
	d, err := Bare(dir)
	if err != nil {
		return nil, err
	}
	if err := d.start(ctx, dir); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Desk) start(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The bus starts nobody by itself: one that does starts a second keychain when a
	// call that was given up comes late, and that one does not end with the bus.
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(`<busconfig><type>session</type><listen>`+d.Bus+`</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600); err != nil {
		return err
	}
	if err := d.companion("", "dbus-daemon", "--config-file="+conf, "--nofork", "--nopidfile"); err != nil {
		return err
	}
	if err := until(ctx, "the session bus", func() bool { _, err := os.Stat(filepath.Join(dir, "bus")); return err == nil }); err != nil {
		return err
	}
	if err := d.companion("login password", "gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"); err != nil {
		return err
	}
	return until(ctx, "gnome-keyring", func() bool {
		said, _ := call(ctx, d.Env, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", secrets)
		return strings.Contains(said, "true")
	})
}

func (d *Desk) companion(stdin string, args ...string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Env, c.Stdin = d.Env, strings.NewReader(stdin)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	d.programs = append(d.programs, c)
	return nil
}

// Close ends bus and keychain.
func (d *Desk) Close() {
	for _, c := range d.programs {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	d.programs = nil
}

// Freeze stops the keychain, so that it answers nobody and nobody notices.
func (d *Desk) Freeze() error { return d.programs[len(d.programs)-1].Process.Signal(syscall.SIGSTOP) }

// Lock locks the keychain, as a screen that was left does. env is that of a process of
// the session.
func Lock(ctx context.Context, env []string) error {
	if said, err := call(ctx, env, secrets, service, "org.freedesktop.Secret.Service.Lock", "['"+login+"']"); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	said, err := call(ctx, env, secrets, login, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked")
	if err == nil && !strings.Contains(said, "true") {
		err = errors.New("the keychain is not locked")
	}
	return err
}

// call asks somebody on the bus.
func call(ctx context.Context, env []string, to, path, method string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "gdbus", append([]string{"call", "--session", "--dest", to, "--object-path", path, "--method", method}, args...)...)
	c.Env = env
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func until(ctx context.Context, what string, there func() bool) error {
	for !there() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up within %s", what, patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
