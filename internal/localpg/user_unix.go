//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"shardadmin/internal/fault"
)

// user is who runs the servers: this user, or another one where this is root.
type user struct {
	other    bool
	uid, gid uint32
}

func serverUser() (user, error) {
	if os.Getuid() != 0 {
		return user{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return user{other: true, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return user{}, fault.New(fault.DemoFailed, "PostgreSQL refuses to run as root and there is no user postgres or nobody", "run this as a normal user")
}

func (u user) own(path string) error {
	if !u.other {
		return nil
	}
	return os.Chown(path, int(u.uid), int(u.gid))
}

// reach lets the user pass through the folders above dir that root made for
// it; folders of others are not touched.
func (u user) reach(dir string) error {
	if !u.other {
		return nil
	}
	for d := filepath.Dir(dir); d != "/" && d != "."; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return ioFault(err, d)
		}
		if info.Mode().Perm()&0o001 != 0 {
			continue
		}
		if !strings.Contains(d, "shard-admin") {
			return fault.Newf(fault.DemoFailed, "choose a folder below /var/lib or /tmp", "the user of the server may not enter %s", d)
		}
		if err := os.Chmod(d, info.Mode().Perm()|0o011); err != nil {
			return ioFault(err, d)
		}
	}
	return nil
}

// binaries returns binaries that the user can reach; those below a closed home
// are copied to a folder beside the data.
func (u user) binaries(b Binaries, near string) (Binaries, error) {
	if !u.other {
		return b, nil
	}
	open := true
	for d := b.Dir; d != "/"; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm()&0o005 != 0o005 {
			open = false
		}
	}
	if open {
		return b, nil
	}
	postgres, err := os.Stat(filepath.Join(b.Dir, "postgres"))
	if err != nil {
		return b, ioFault(err, b.Dir)
	}
	// Another build of the same version goes to a folder of its own: a server
	// may still run from the first.
	to := filepath.Join(near, fmt.Sprintf("postgresql-%d-%x-%x", b.Major, postgres.Size(), postgres.ModTime().Unix()))
	if _, err := os.Stat(to); err == nil {
		return Binaries{filepath.Join(to, "bin"), b.Major}, nil
	}
	// Several servers may start at once: each copies, the first to be done wins.
	part, err := os.MkdirTemp(near, "copying-")
	if err != nil {
		return b, ioFault(err, near)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.Chmod(part, 0o755); err != nil {
		return b, ioFault(err, part)
	}
	if err := copyTree(filepath.Dir(b.Dir), part); err != nil {
		return b, ioFault(err, part)
	}
	if err := os.Rename(part, to); err != nil {
		if _, there := os.Stat(to); there != nil {
			return b, ioFault(err, to)
		}
	}
	return Binaries{filepath.Join(to, "bin"), b.Major}, nil
}

// Reachable returns binaries that the user who will run the server can reach:
// where this is root and they lie below a closed folder, a copy in near.
func Reachable(b Binaries, near string) (Binaries, error) {
	who, err := serverUser()
	if err != nil {
		return b, err
	}
	return who.binaries(b, near)
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			_ = os.Remove(target)
			return os.Symlink(link, target)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
		info, err := d.Info()
		if err != nil {
			return err
		}
		out, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm()|0o044)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			_ = out.Close()
			return err
		}
		return out.Close()
	})
}

func (u user) apply(cmd *exec.Cmd, child bool) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if u.other {
		attr.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid}
	}
	if child {
		endWithParent(attr)
	}
	cmd.SysProcAttr = attr
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// What freezes a process and lets it go on.
const (
	stopped = syscall.SIGSTOP
	goOn    = syscall.SIGCONT
)

// signal tells a process something; one that has ended needs no telling.
func signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// keepThread runs f on a thread of its own when the server must end with its
// parent.
func keepThread(child bool, f func()) {
	if child {
		runtime.LockOSThread()
	}
	f()
}
