//go:build unix

// Package build_test holds build/need to what it says on machines that lack
// something: one line with what to run, the exit status, and nothing done.
package build_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a folder with the scripts of this one, a home and a PATH of its own.
type machine struct {
	t    *testing.T
	root string
	env  []string
	attr *syscall.SysProcAttr
}

// tools are what the scripts may count on everywhere.
var tools = []string{"bash", "sh", "env", "make", "git", "dirname", "basename", "sort", "head", "sed", "grep", "cat", "cp", "rm", "mkdir", "touch", "ls", "true"}

// bare returns a Linux on amd64 with nothing but tools, for a user who is not
// root: another one than this where this is root.
func bare(t *testing.T) *machine {
	t.Helper()
	root, err := os.MkdirTemp("", "need")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	m := &machine{t: t, root: root, env: []string{"PATH=" + filepath.Join(root, "bin"), "HOME=" + filepath.Join(root, "home"), "ASKED=" + filepath.Join(root, "home/asked")}}
	for _, dir := range []string{"bin", "home", "clone/build", "clone/frontend"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	// What is installed on the computer that runs this is not seen.
	moved := strings.NewReplacer("/usr/", root+"/usr/", "/opt/", root+"/opt/", "/Applications/", root+"/Applications/")
	for _, file := range []string{"build/need", "Makefile"} {
		text, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		m.write("clone/"+file, moved.Replace(string(text)))
	}
	for _, name := range tools {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(root, "bin", name)))
	}
	m.has("uname", `[ "$1" = -s ] && echo Linux || echo x86_64`)
	m.has("id", `echo 1000`)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "usr"), 0o755))
	require.NoError(t, os.Symlink("../bin", filepath.Join(root, "usr/bin")))
	require.NoError(t, os.Chmod(root, 0o755))
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		require.NoError(t, err)
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		require.NoError(t, err)
		for _, dir := range []string{"home", "clone", "clone/build", "clone/frontend"} {
			require.NoError(t, os.Chown(filepath.Join(root, dir), int(uid), int(gid)))
		}
		m.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return m
}

// write makes a file that can be run. No process may begin while it is open:
// the child would hold it open too, and the kernel runs no file that is.
func (m *machine) write(name, text string) {
	m.t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(m.t, os.MkdirAll(filepath.Dir(filepath.Join(m.root, name)), 0o755))
	require.NoError(m.t, os.WriteFile(filepath.Join(m.root, name), []byte(text), 0o600))
	require.NoError(m.t, os.Chmod(filepath.Join(m.root, name), 0o755))
}

// has puts a program on PATH.
func (m *machine) has(name, script string) *machine {
	m.t.Helper()
	m.write("bin/"+name, "#!/bin/sh\n"+script+"\n")
	return m
}

func (m *machine) hasGo() *machine { return m.has("go", "echo go1.26.0") }

func (m *machine) hasNode() *machine { return m.has("node", "echo v20.19.0").has("npm", "exit 9") }

// hasApt has a Debian on which no package is installed and no list of packages
// was fetched yet; what apt-get is asked for is noted, and by whom.
func (m *machine) hasApt() *machine {
	return m.has("dpkg-query", "exit 1").has("apt-get", `
echo "${SUDO:+sudo }$*" >>"$ASKED"
case "$*" in
  *update*) >"$ASKED.lists" ;;
  *) [ -e "$ASKED.lists" ] ;;
esac`)
}

func (m *machine) isRoot() *machine { return m.has("id", "echo 0") }

func (m *machine) hasSudo() *machine {
	return m.has("sudo", `
while :; do case $1 in -n) shift ;; -p) shift 2 ;; *) break ;; esac; done
SUDO=1 exec "$@"`)
}

// asked returns what apt-get was asked for.
func (m *machine) asked() []string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, "home/asked"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(m.t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// run returns what a command in the clone printed as errors, and its exit status.
func (m *machine) run(name string, args ...string) (string, int) {
	m.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(m.t.Context(), filepath.Join(m.root, name), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = filepath.Join(m.root, "clone"), m.env, m.attr
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(m.t, err)
	}
	return strings.ReplaceAll(errs.String(), m.root, ""), cmd.ProcessState.ExitCode()
}

func (m *machine) need(what ...string) (string, int) {
	m.t.Helper()
	return m.run("clone/build/need", what...)
}

// files lists the clone, to see that nothing was done there.
func (m *machine) files() []string {
	m.t.Helper()
	var all []string
	require.NoError(m.t, filepath.WalkDir(filepath.Join(m.root, "clone"), func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}

const (
	goHome   = "mkdir -p $HOME/.local && curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -C $HOME/.local -xz && export PATH=$HOME/.local/go/bin:$PATH"
	nodeHome = "mkdir -p $HOME/.local && curl -fsSL https://nodejs.org/dist/v22.12.0/node-v22.12.0-linux-x64.tar.gz | tar -C $HOME/.local --strip-components=1 -xz && export PATH=$HOME/.local/bin:$PATH"

	window = "gcc libc6-dev pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev"
	noRoot = "shard-admin: no way to install GTK and WebKitGTK 4.1 here: taking the headless build and the web page instead of the window"
)

func TestNeedNamesTheCommandThatBringsGoAndNode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on   func(*machine)
		need string
		says string // nothing: it is there
	}{
		"go missing":           {func(*machine) {}, "go", "Go 1.26 or newer is needed and not on PATH. Run: " + goHome},
		"go too old":           {func(m *machine) { m.has("go", "echo go1.25.9") }, "go", "Go 1.26 or newer is needed, this is 1.25.9. Run: " + goHome},
		"go refuses module":    {func(m *machine) { m.has("go", `[ "$PWD" = / ] && echo go1.19.8`) }, "go", "Go 1.26 or newer is needed, this is 1.19.8. Run: " + goHome},
		"go says nothing":      {func(m *machine) { m.has("go", "exit 1") }, "go", "Go 1.26 or newer is needed, this is one that names no version. Run: " + goHome},
		"go old in that place": {func(m *machine) { m.write("home/.local/go/VERSION", "go1.20") }, "go", "Go 1.26 or newer is needed and not on PATH. Run: " + strings.Replace(goHome, "curl", "rm -rf $HOME/.local/go && curl", 1)},
		"go is enough":         {func(m *machine) { m.hasGo() }, "go", ""},
		"go is newer":          {func(m *machine) { m.has("go", "echo go1.100.2 X:nocoverageredesign") }, "go", ""},

		"node missing":          {func(*machine) {}, "node", "Node 20.19 or newer with npm is needed and not on PATH. Run: " + nodeHome},
		"npm missing":           {func(m *machine) { m.has("node", "echo v22.12.0") }, "node", "Node 20.19 or newer with npm is needed and not on PATH. Run: " + nodeHome},
		"node too old":          {func(m *machine) { m.hasNode().has("node", "echo v20.18.3") }, "node", "Node 20.19 or newer is needed, this is 20.18.3. Run: " + nodeHome},
		"node of Debian 12":     {func(m *machine) { m.hasNode().has("node", "echo v18.20.4") }, "node", "Node 20.19 or newer is needed, this is 18.20.4. Run: " + nodeHome},
		"node says nothing":     {func(m *machine) { m.hasNode().has("node", "exit 1") }, "node", "Node 20.19 or newer is needed, this is one that names no version. Run: " + nodeHome},
		"node is enough":        {func(m *machine) { m.hasNode() }, "node", ""},
		"node missing on Arm":   {func(m *machine) { m.has("uname", `[ "$1" = -s ] && echo Linux || echo aarch64`) }, "node", "Node 20.19 or newer with npm is needed and not on PATH. Run: " + strings.Replace(nodeHome, "x64", "arm64", 1)},
		"go missing on Arm":     {func(m *machine) { m.has("uname", `[ "$1" = -s ] && echo Linux || echo aarch64`) }, "go", "Go 1.26 or newer is needed and not on PATH. Run: " + strings.Replace(goHome, "amd64", "arm64", 1)},
		"go missing on macOS":   {func(m *machine) { m.has("uname", `[ "$1" = -s ] && echo Darwin || echo arm64`) }, "go", "Go 1.26 or newer is needed and not on PATH. Run: brew install go"},
		"node missing on macOS": {func(m *machine) { m.has("uname", `[ "$1" = -s ] && echo Darwin || echo arm64`) }, "node", "Node 20.19 or newer with npm is needed and not on PATH. Run: brew install node"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := bare(t).has("curl", "exit 9")
			c.on(m)
			before := m.files()
			says, exit := m.need(c.need)
			if c.says == "" {
				require.Empty(t, says)
				require.Zero(t, exit)
			} else {
				require.Equal(t, "shard-admin: "+c.says+"\n", says)
				require.Equal(t, 1, exit)
			}
			require.Equal(t, before, m.files())
			require.Empty(t, m.asked())
		})
	}
}

// The command is one that this user can run with what is here.
func TestNeedNamesACommandThatCanBeRunHere(t *testing.T) {
	t.Parallel()
	const missing = "shard-admin: Go 1.26 or newer is needed and not on PATH. Run: "
	for name, c := range map[string]struct {
		on  func(*machine)
		run string
	}{
		"root":              {func(m *machine) { m.isRoot().has("curl", "") }, "curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"sudo":              {func(m *machine) { m.hasSudo().has("curl", "") }, "curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | sudo tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"wget alone":        {func(m *machine) { m.isRoot().has("wget", "") }, "wget -qO- https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"root and neither":  {func(m *machine) { m.isRoot().hasApt() }, "apt-get update && apt-get install -y curl && curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"sudo and neither":  {func(m *machine) { m.hasSudo().hasApt() }, "sudo apt-get update && sudo apt-get install -y curl && curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | sudo tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"sudo that may not": {func(m *machine) { m.has("sudo", "exit 1").has("curl", "") }, goHome},
		"root with an old one": {func(m *machine) {
			m.isRoot().has("curl", "").write("usr/local/go/bin/go", "#!/bin/sh\necho go1.21.3\n")
		}, "rm -rf /usr/local/go && curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"sudo with an old one": {func(m *machine) {
			m.hasSudo().has("curl", "").write("usr/local/go/bin/go", "#!/bin/sh\necho go1.21.3\n")
		}, "sudo rm -rf /usr/local/go && curl -fsSL https://go.dev/dl/go1.26.0.linux-amd64.tar.gz | sudo tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"},
		"there but not on PATH":  {func(m *machine) { m.write("usr/local/go/bin/go", "#!/bin/sh\necho go1.26.1\n") }, "export PATH=/usr/local/go/bin:$PATH"},
		"in the home alone":      {func(m *machine) { m.write("home/.local/go/bin/go", "#!/bin/sh\necho go1.27.0\n") }, "export PATH=/home/.local/go/bin:$PATH"},
		"neither with apt there": {func(m *machine) { m.hasApt() }, goHome},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := bare(t)
			c.on(m)
			says, exit := m.need("go")
			require.Equal(t, missing+c.run+"\n", says)
			require.Equal(t, 1, exit)
			require.Empty(t, m.asked())
		})
	}
}

func TestNeedTakesTheHeadlessBuildWhereThereCanBeNoWindow(t *testing.T) {
	t.Parallel()
	byHand := ". As root: apt-get update && apt-get install -y --no-install-recommends " + window
	for name, c := range map[string]struct {
		on   func(*machine)
		need string
		says string
	}{
		"no display":            {func(m *machine) { m.isRoot().hasApt() }, "display", "shard-admin: there is no display: taking the headless build and the web page instead of the window"},
		"neither root nor sudo": {func(m *machine) { m.hasApt() }, "window", noRoot + byHand},
		"sudo that may not":     {func(m *machine) { m.hasApt().has("sudo", "exit 1") }, "window", noRoot + byHand},
		"no apt":                {func(m *machine) { m.isRoot() }, "window", noRoot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := bare(t)
			c.on(m)
			says, exit := m.need(c.need)
			require.Equal(t, c.says+"\n", says)
			require.Equal(t, 3, exit)
			require.Empty(t, m.asked(), "apt-get was asked for what it cannot do")
		})
	}
	for _, display := range []string{"DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0"} {
		m := bare(t)
		m.env = append(m.env, display)
		says, exit := m.need("display")
		require.Empty(t, says)
		require.Zero(t, exit)
	}
}

// With no list of packages yet, as in a fresh image, they are fetched.
func TestNeedInstallsWhatTheWindowNeeds(t *testing.T) {
	t.Parallel()
	get := "-o DPkg::Lock::Timeout=300 -qq "
	install := "install -y --no-install-recommends " + window
	for name, c := range map[string]struct {
		on func(*machine)
		by string
	}{
		"root": {func(m *machine) { m.isRoot() }, ""},
		"sudo": {func(m *machine) { m.hasSudo() }, "sudo "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := bare(t).hasApt()
			c.on(m)
			says, exit := m.need("window")
			require.Equal(t, "shard-admin: installing "+window+", which can take minutes\n", says)
			require.Zero(t, exit)
			require.Equal(t, []string{c.by + get + install, c.by + get + "update", c.by + get + install}, m.asked())
		})
	}
	t.Run("already there", func(t *testing.T) {
		t.Parallel()
		m := bare(t).hasApt().has("pkg-config", "").has("gcc", "")
		says, exit := m.need("window")
		require.Empty(t, says)
		require.Zero(t, exit)
		require.Empty(t, m.asked())
	})
}

// The tests run without what cannot be installed, and one line says what it is.
func TestNeedSaysWhichPackagesTheTestsLack(t *testing.T) {
	t.Parallel()
	m := bare(t).hasGo().hasNode().hasApt().has("dpkg-query", `case $3 in poppler-utils | spin) ;; *) echo 'install ok installed' ;; esac`)
	m.write("own/initdb", "#!/bin/sh\n")
	m.write("own/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 18.1'\n")
	m.env = append(m.env, "SHARD_ADMIN_PG_BIN="+filepath.Join(m.root, "own"))
	m.write("clone/build/postgres/versions/node_modules/.installed", "")
	m.write("usr/sbin/sshd", "")
	says, exit := m.need("test")
	require.Equal(t, "shard-admin: not every system package of the tests is installed and there is no way to install it here; the tests that need one will say so and fail. As root: apt-get update && apt-get install -y --no-install-recommends spin poppler-utils\n", says)
	require.Zero(t, exit)
	require.Empty(t, m.asked())
}

// Whatever was built before, each target says what is missing before it does anything.
func TestEveryTargetSaysFirstWhatIsMissing(t *testing.T) {
	t.Parallel()
	targets := []string{"demo", "test", "build", "build-headless", "page", "generate", "check-generated", "bench", "soak", "fuzz", "lint"}
	withoutNode := []string{"demo", "test", "build", "build-headless", "page", "generate", "check-generated", "lint"}
	for _, target := range targets {
		for _, built := range []bool{false, true} {
			for _, lacks := range []string{"Go", "Node"} {
				if lacks == "Node" && !slices.Contains(withoutNode, target) {
					continue
				}
				t.Run(target+" without "+lacks+map[bool]string{true: ", built before"}[built], func(t *testing.T) {
					t.Parallel()
					m := bare(t).has("curl", "")
					want := "shard-admin: Go 1.26 or newer is needed and not on PATH. Run: " + goHome
					if lacks == "Node" {
						m.hasGo()
						want = "shard-admin: Node 20.19 or newer with npm is needed and not on PATH. Run: " + nodeHome
					} else {
						m.hasNode()
					}
					m.write("clone/frontend/package-lock.json", "{}")
					if built {
						m.write("clone/frontend/node_modules/.installed", "")
					}
					before := m.files()
					says, exit := m.run("bin/make", target)
					require.Equal(t, 2, exit, says)
					first, _, _ := strings.Cut(says, "\n")
					require.Equal(t, want, first)
					require.Equal(t, before, m.files())
				})
			}
		}
	}
}

// A server that the program does not take is none.
func TestNeedLooksForAServerOfASupportedVersion(t *testing.T) {
	t.Parallel()
	const unpacking = "shard-admin: no PostgreSQL server of version 14 to 18 is installed: unpacking the one that build/postgres/package-lock.json names\n"
	for version, says := range map[string]string{
		"13.22 (Debian 13.22-1)":   unpacking + "shard-admin: npm could not install what build/postgres/package-lock.json names: cd build/postgres && npm ci says why\n",
		"14.0":                     "",
		"15.14 (Debian 15.14-0+d)": "",
		"18.1":                     "",
		"19beta1":                  unpacking + "shard-admin: npm could not install what build/postgres/package-lock.json names: cd build/postgres && npm ci says why\n",
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			m := bare(t).hasNode()
			m.write("clone/build/postgres/package-lock.json", "{}")
			m.write("usr/lib/postgresql/any/bin/initdb", "#!/bin/sh\n")
			m.write("usr/lib/postgresql/any/bin/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) "+version+"'\n")
			said, exit := m.need("postgres")
			require.Equal(t, says, said)
			require.Equal(t, says != "", exit == 1)
		})
	}
}
