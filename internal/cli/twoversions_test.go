package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/version"
)

// module is the folder of the module's go.mod.
func module(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.mod"))
	return dir
}

// built is the program as make build-headless makes it, with another version, and
// with files of the module replaced by others, or added.
func built(t *testing.T, name string, replaced map[string]string) string {
	t.Helper()
	dir, at := t.TempDir(), module(t)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range replaced {
		file := filepath.Join(dir, filepath.Base(path))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		overlay.Replace[filepath.Join(at, path)] = file
	}
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	list, out := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "shard-admin")
	require.NoError(t, os.WriteFile(list, text, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "headless", "-overlay", list,
		"-ldflags", "-s -w -X shardadmin/internal/version.version="+name, "-o", out, ".")
	cmd.Dir, cmd.Env = at, append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, string(said))
	return out
}

// nextVersion are the files in which the next version of the program differs: its
// migration of the schema, and its engine.
func nextVersion(t *testing.T) (files map[string]string, schema int64) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(module(t), "internal/install/migrations/*.sql"))
	require.NoError(t, err)
	schema = int64(len(list)) + 1
	require.Contains(t, filepath.Base(list[len(list)-1]), fmt.Sprintf("%04d_", schema-1), "migrations are numbered without a gap")
	files = nextEngine(t)
	maps.Copy(files, map[string]string{
		fmt.Sprintf("internal/install/migrations/%04d_next.sql", schema): `-- +goose Up
ALTER TABLE {{schema}}.move ADD COLUMN next text NOT NULL DEFAULT 'of the next version';
ALTER TABLE {{schema}}.worker ADD COLUMN next text;
-- +goose Down
ALTER TABLE {{schema}}.move DROP COLUMN next;
ALTER TABLE {{schema}}.worker DROP COLUMN next;
`,
	})
	return files, schema
}

// nextEngine is the file in which a version of the program differs that has another
// engine and the same schema.
func nextEngine(t *testing.T) map[string]string {
	t.Helper()
	const file = "internal/version/version.go"
	text, err := os.ReadFile(filepath.Join(module(t), file))
	require.NoError(t, err)
	engine := fmt.Sprintf("const Engine = %d\n", version.Engine)
	require.Contains(t, string(text), engine)
	return map[string]string{file: strings.Replace(string(text), engine, fmt.Sprintf("const Engine = %d\n", version.Engine+1), 1)}
}

// binary is a built program that works on a lab's fleet with the lab's folder.
type binary struct {
	l    *lab
	path string
}

// json runs a command as a process of its own and returns its document.
func (b binary) json(exit int, args ...string) map[string]any {
	t := b.l.t
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), b.path, append(append([]string{"--home", b.l.home}, args...), "--json")...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var ended *exec.ExitError
	require.True(t, err == nil || errors.As(err, &ended), "%v", err)
	require.Equal(t, exit, cmd.ProcessState.ExitCode(), "%v\n%s%s", args, &out, &errs)
	var v map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &v), "%v\n%s", args, &out)
	return v
}

func (b binary) refused(code string, args ...string) map[string]any {
	b.l.t.Helper()
	e := b.json(3, args...)["error"].(map[string]any)
	require.Equal(b.l.t, code, e["code"], "%v: %v", args, e)
	require.NotEmpty(b.l.t, e["hint"], args)
	return e
}

// worker starts the program's worker; stop ends it and returns what it said.
func (b binary) worker() (cmd *exec.Cmd, stop func() (exit int, said string)) {
	t := b.l.t
	t.Helper()
	var out bytes.Buffer
	cmd = exec.Command(b.path, "--home", b.l.home, "--json", "worker")
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	stop = sync.OnceValues(func() (int, string) {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode(), out.String()
	})
	t.Cleanup(func() { stop() })
	return cmd, stop
}

// Two versions of the program on the same schema, the newer one with another engine:
// what that has begun or queued the older one shows, and neither a person with it nor
// its worker, which is at work, goes on with it. The newer one does.
func leftToTheNewerEngine(t *testing.T, older, newer binary) {
	t.Helper()
	l := older.l
	l.tenant("12", "default", 12000, 1)
	move := newer.json(0, "move", "start", "9", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	require.Equal(t, []string{fmt.Sprint(version.Engine + 1)}, rows(t, l.super(0), "SELECT engine::text FROM shard_admin.move WHERE id = '"+move+"'"))
	before := l.all()
	for _, action := range []string{"switch", "resume", "cancel"} {
		e := older.refused("engine_newer", "move", action, move, "--wait", "--note", "x")
		require.Contains(t, e["message"], fmt.Sprintf("made by engine %d, this is engine %d", version.Engine+1, version.Engine), action)
		require.Equal(t, "nothing was changed", e["safe"], action)
	}
	require.Equal(t, "ready", older.json(0, "move", "show", move)["state"])
	alike(t, before, l.all(), "an older engine")

	queued := newer.json(0, "move", "start", "12", "shard_1", "--note", "x")["id"].(string)
	run := func() string {
		return rows(t, l.super(0), "SELECT concat_ws(' ', state, attempt, not_before > now()) FROM shard_admin.run WHERE payload::text LIKE '%"+queued+"%'")[0]
	}
	require.Eventually(t, func() bool { return run() == "queued 1 t" }, 20*time.Second, 50*time.Millisecond, "its worker gives it back for one that knows it")
	require.Equal(t, "planned", older.json(0, "move", "show", queued)["state"])
	for _, id := range []string{move, queued} {
		require.Equal(t, "cancelled", newer.json(0, "move", "cancel", id, "--wait", "--note", "x")["state"])
	}
}

// Two versions of the program, as real processes, on one control database: the
// newer one upgrades the schema below the older one's feet. The older one reads,
// changes nothing and says why; its worker stands still; and what it had begun the
// newer one brings to its end.
func TestTwoVersionsOfTheProgramOnOneControlDatabase(t *testing.T) {
	t.Parallel()
	files, schema := nextVersion(t)
	l := populated(t)
	older, newer := binary{l, built(t, "v1.0.0", nil)}, binary{l, built(t, "v2.0.0", files)}
	require.Equal(t, "v1.0.0", older.json(0, "version")["version"])
	require.Equal(t, "v2.0.0", newer.json(0, "version")["version"])

	// The older one begins a move that waits for a person, and works the queue.
	l.tenant("11", "default", 11000, 1)
	parked := older.json(0, "move", "start", "7", "shard_1", "--hold", "--wait", "--note", "x")["id"].(string)
	worker, end := older.worker()
	alive := func() string {
		return rows(t, l.super(0), "SELECT count(*) FILTER (WHERE seen_at > now() - interval '35 seconds')::text FROM shard_admin.worker")[0]
	}
	require.Eventually(t, func() bool { return alive() == "1" }, 20*time.Second, 100*time.Millisecond)
	leftToTheNewerEngine(t, older, binary{l, built(t, "v1.1.0", nextEngine(t))})

	// Before the upgrade the newer one may look only, and says what to do.
	newer.json(0, "shards", "status")
	e := newer.refused("schema_older", "move", "switch", parked, "--wait", "--note", "x")
	require.Contains(t, e["hint"], "fleet install")
	require.Contains(t, e["message"], fmt.Sprintf("version %d, this program needs %d", schema-1, schema))
	newer.refused("schema_older", "worker")

	v := newer.json(0, "fleet", "install", "--note", "the next version")
	require.EqualValues(t, schema, v["version"])
	require.Equal(t, fmt.Sprint(schema), rows(t, l.super(0), "SELECT max(version_id)::text FROM shard_admin.version")[0])
	before, trail := l.all(), len(list(t, newer.json(0, "audit", "list", "--limit", "500"), "events"))

	// The older one reads what there is, and changes nothing.
	require.Contains(t, older.json(0, "shards", "status")["install_note"], fmt.Sprintf("version %d", schema))
	require.Len(t, list(t, older.json(0, "audit", "list", "--limit", "500"), "events"), trail)
	require.Equal(t, "ready", older.json(0, "move", "show", parked)["state"])
	older.json(0, "audit", "verify")
	for _, args := range [][]string{
		{"move", "switch", parked, "--wait", "--note", "x"},
		{"move", "resume", parked, "--wait", "--note", "x"},
		{"move", "cancel", parked, "--wait", "--note", "x"},
		{"move", "start", "9", "shard_1", "--wait", "--note", "x"},
		{"shards", "assign", "9", "shard_1", "--note", "x"},
		{"fleet", "install", "--note", "x"},
		{"worker"},
	} {
		e := older.refused("schema_newer", args...)
		require.Contains(t, e["message"], fmt.Sprintf("version %d, this program knows %d", schema, schema-1), args)
		require.Contains(t, e["hint"], "newer shard-admin", args)
	}
	alike(t, before, l.all(), "an older program")
	require.Len(t, list(t, newer.json(0, "audit", "list", "--limit", "500"), "events"), trail)

	// Its worker was at work when the schema changed: it takes nothing more, not even
	// to put it back, and it does not end.
	queued := newer.json(0, "move", "start", "11", "shard_1", "--note", "x")["id"].(string)
	run := func() string {
		return rows(t, l.super(0), "SELECT concat_ws(' ', state, attempt, not_before > now()) FROM shard_admin.run WHERE payload::text LIKE '%"+queued+"%'")[0]
	}
	require.Equal(t, "queued 0 f", run())
	require.Never(t, func() bool { return run() != "queued 0 f" }, 3*time.Second, 100*time.Millisecond)
	require.NoError(t, worker.Process.Signal(syscall.Signal(0)), "the older worker has ended")
	require.Equal(t, "planned", older.json(0, "move", "show", queued)["state"])

	// The newer one's worker takes it at once, with the older one's beside it.
	_, endNewer := newer.worker()
	require.Eventually(t, func() bool { return newer.json(0, "move", "show", queued)["state"] == "retained" }, 60*time.Second, 300*time.Millisecond)
	exit, said := end()
	require.Equal(t, 0, exit, said)
	require.NotContains(t, said, "panic")

	// What the older one had begun, the newer one ends, and takes back.
	require.Equal(t, []string{fmt.Sprint(version.Engine)}, rows(t, l.super(0), "SELECT engine::text FROM shard_admin.move WHERE id = '"+parked+"'"))
	require.Equal(t, "retained", newer.json(0, "move", "switch", parked, "--wait", "--note", "x")["state"])
	require.Equal(t, "rolled_back", newer.json(0, "move", "rollback", parked, "--wait", "--note", "x", "--yes")["state"])
	require.Equal(t, "retained", older.json(0, "move", "show", queued)["state"])
	older.refused("schema_newer", "move", "rollback", queued, "--wait", "--note", "x", "--yes")
	newer.json(0, "move", "rollback", queued, "--wait", "--note", "x", "--yes")
	exit, said = endNewer()
	require.Equal(t, 0, exit, said)
	require.Equal(t, true, older.json(0, "audit", "verify")["ok"])
	require.Equal(t, []string{"default", "default"}, rows(t, l.super(0), "SELECT shard_name FROM pwb_websites WHERE id IN (7, 11)"))
}
