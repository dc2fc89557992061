package deptest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows is the picture from bottom to top. A package may import packages of
// lower rows; within a row only what allowed lists.
var rows = [][]string{
	{"internal/version", "internal/fault", "internal/figure"},
	{"internal/install", "internal/conn", "internal/fleet", "internal/credential", "internal/store", "internal/localpg"},
	{"internal/tenancy", "internal/structure", "internal/job", "internal/audit", "internal/policy", "internal/sample", "internal/notify"},
	{"internal/rebalance", "internal/move", "internal/rollout", "internal/placement", "internal/stripe", "internal/alert", "internal/report", "internal/stats", "internal/health", "internal/capacity", "internal/backend"},
	{"internal/session"},
	{"internal/home", "internal/document"},
	{"internal/demo", "internal/doctor"},
	{"app"},
	{"internal/web", "internal/monitor", "app/window", "frontend"},
	{"internal/cli"},
	{""},
}

// allowed lists the imports within one row and why.
var allowed = map[string][]string{
	"internal/conn":      {"internal/fleet", "internal/credential"}, // a connection is a fleet entry with its credential
	"internal/install":   {"internal/conn", "internal/fleet"},       // the schema is installed through a connection
	"internal/fleet":     {"internal/credential"},                   // an import hands passwords on, a file holds none
	"internal/tenancy":   {"internal/structure"},                    // the map is made from the catalogue
	"internal/audit":     {"internal/policy"},                       // an intent needs a permit
	"internal/job":       {"internal/policy", "internal/audit"},     // a run is checked and recorded when it starts
	"internal/placement": {"internal/move"},                         // "no rows" is checked under the move's fence
	"internal/web":       {"frontend"},                              // the page is embedded there
	"app/window":         {"frontend"},                              // the same page in the window
}

// testOnly packages may import anything and be imported by tests alone.
var testOnly = []string{"build", "internal/pgtest", "internal/credential/vaulttest", "internal/credential/keyringtest", "internal/deptest"}

type pkg struct {
	ImportPath string
	Imports    []string
	Doc        string
	GoFiles    []string
}

func list(t *testing.T, tags string) []pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Doc,GoFiles", "-tags", tags, "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		pkgs = append(pkgs, p)
	}
	require.Greater(t, len(pkgs), 10)
	return pkgs
}

// place returns the row of a package and the name of the row's entry; a
// sub-package belongs to its parent's entry.
func place(path string) (row int, entry string) {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "shardadmin"), "/")
	best := -1
	for r, names := range rows {
		for _, n := range names {
			if path == n || (n != "" && strings.HasPrefix(path, n+"/")) {
				if len(n) > best || (n == "" && path == "") {
					best, row, entry = len(n), r, n
				}
			}
		}
	}
	if best < 0 {
		return -1, path
	}
	return row, entry
}

func isTestOnly(path string) bool {
	for _, n := range testOnly {
		if strings.HasSuffix(path, "/"+n) || strings.Contains(path, "/"+n+"/") {
			return true
		}
	}
	return strings.HasSuffix(path, "test")
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"headless", "desktop,production,webkit2_41", "headless,faults"} {
		t.Run(tags, func(t *testing.T) {
			t.Parallel()
			for _, p := range list(t, tags) {
				if isTestOnly(p.ImportPath) {
					continue
				}
				row, entry := place(p.ImportPath)
				if row < 0 {
					t.Errorf("%s has no place in the picture", p.ImportPath)
					continue
				}
				for _, imp := range p.Imports {
					if imp != "shardadmin" && !strings.HasPrefix(imp, "shardadmin/") {
						continue
					}
					if isTestOnly(imp) {
						t.Errorf("%s imports %s, which is for tests alone", p.ImportPath, imp)
						continue
					}
					to, other := place(imp)
					switch {
					case other == entry || to < row:
					case to > row:
						t.Errorf("%s imports %s: upwards", p.ImportPath, imp)
					default:
						ok := false
						for _, a := range allowed[entry] {
							ok = ok || a == other
						}
						if !ok {
							t.Errorf("%s imports %s: not on the row's allow-list", p.ImportPath, imp)
						}
					}
				}
			}
		})
	}
}

func TestOnlyOnePackageImports(t *testing.T) {
	t.Parallel()
	only := map[string]string{ // import prefix → the one package that may
		"github.com/wailsapp/wails":     "shardadmin/app/window",
		"modernc.org/sqlite":            "shardadmin/internal/store",
		"github.com/zalando/go-keyring": "shardadmin/internal/credential",
		"github.com/spf13/cobra":        "shardadmin/internal/cli",
	}
	for _, tags := range []string{"headless", "desktop,production,webkit2_41"} {
		for _, p := range list(t, tags) {
			for _, imp := range p.Imports {
				for prefix, owner := range only {
					if strings.HasPrefix(imp, prefix) && p.ImportPath != owner {
						t.Errorf("%s imports %s; only %s may", p.ImportPath, imp, owner)
					}
				}
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "headless") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
