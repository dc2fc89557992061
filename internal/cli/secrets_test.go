package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/credential/vaulttest"
	"shardadmin/internal/pgtest"
)

// A whole life of a fleet, and then everything that the program ever wrote is
// searched: its folder with the SQLite file, exports, what it printed, what the
// page was answered, what is in the control database. It is not parallel: the
// tests' keychain is the process's.
func TestNoSecretIsWrittenInAWholeLife(t *testing.T) {
	const rotated, mistyped, typed, keyed, phrase = "r0tated-s3cret", "mistyp3d-s3cret", "typ3d-s3cret", "k3y-s3cret", "phras3-of-the-vault"
	l := describe(t, "production", true)
	outside := t.TempDir()
	var seen bytes.Buffer
	do := func(stdin string, exits []int, args ...string) {
		t.Helper()
		for _, form := range [][]string{args, append(args, "--json")} {
			var out, errs bytes.Buffer
			exit := cli.Main(t.Context(), l.faces, append([]string{"--home", l.home, "--verbose"}, form...), strings.NewReader(stdin), &out, &errs)
			require.Contains(t, exits, exit, "%v: %s%s", form, out.String(), errs.String())
			seen.Write(out.Bytes())
			seen.Write(errs.Bytes())
		}
	}
	anything := []int{0, 1, 2, 3, 5}
	l.grant()
	l.allow()
	name := l.name()
	do("", anything, "fleet", "install", "--admin", "ann@example.com", "--note", "first password="+typed, "--confirm", name)
	l.grant()
	l.tenant("7", "default", 7000, 1)
	l.tenant("9", "default", 9000, 0)

	// Credentials: wrong ones, rotated ones, and where none belongs.
	do(mistyped+"\n", anything, "fleet", "credential", "rotate", "shard_1")
	do(mistyped+"\n", []int{0}, "fleet", "credential", "set", "shard_1")
	for _, args := range [][]string{
		{"fleet", "credential", "test", "shard_1"},
		{"fleet", "check"},
		{"shards", "status"},
		{"shards", "health"},
		{"move", "plan", "7", "shard_1"},
		{"shards", "assign", "9", "shard_1", "--note", "x", "--confirm", "9"},
	} {
		do("", anything, args...)
	}
	pgtest.Exec(t, pgtest.Server(t, 1), "postgres", "ALTER ROLE "+l.role+" PASSWORD '"+rotated+"'")
	do(rotated+"\n", []int{0}, "fleet", "credential", "set", "shard_1")
	do(rotated+"\n", []int{0}, "fleet", "credential", "rotate", "shard_1")
	// The same in a vault, and where it does not open.
	t.Setenv("SHARD_ADMIN_VAULT_IDENTITY", "")
	do("", []int{0}, "settings", "set", "credential_store", "vault")
	do(rotated+"\n", []int{1}, "fleet", "credential", "set", "shard_1")
	t.Setenv("SHARD_ADMIN_VAULT_PASSPHRASE", phrase)
	vaulttest.Empty(t, filepath.Join(l.home, "vault.age"), phrase)
	do(rotated+"\n", []int{0}, "fleet", "credential", "set", "shard_1")
	do("", []int{0}, "fleet", "credential", "test", "shard_1")
	do(mistyped+"\n", anything, "fleet", "credential", "rotate", "shard_1")
	do("", []int{0, 1}, "doctor")
	t.Setenv("SHARD_ADMIN_VAULT_PASSPHRASE", "not "+phrase)
	do("", []int{1}, "fleet", "credential", "forget", "shard_1", "--yes")
	do("", anything, "doctor")
	do("", anything, "fleet", "check")
	require.FileExists(t, filepath.Join(l.home, "vault.age"))
	do("", []int{0}, "settings", "set", "credential_store", "keychain")
	do("", anything, "fleet", "add", "wrong", "--control", "postgres://u:"+typed+"@127.0.0.1:1/x", "--shard", "default=control", "--profile", "nonsense")
	do("", anything, "fleet", "add", "bad url", "--control", "postgres://u:"+typed+"@127.0.0.1:1:1/x%zz", "--shard", "default=control")
	do("", anything, "fleet", "add", "keyed", "--control", "postgres://u@127.0.0.1:1/x?sslpassword="+keyed, "--shard", "default=control")
	require.NoError(t, os.WriteFile(filepath.Join(outside, "database.yml"), []byte("production:\n  primary:\n    adapter: postgresql\n    host: 127.0.0.1\n    port: 1\n    database: x\n    username: u\n    password: "+typed+"\n"), 0o600))
	do("", anything, "fleet", "import", filepath.Join(outside, "database.yml"), "--name", "imported")
	do("", anything, "profile", "init", "--url", "postgres://u:"+typed+"@127.0.0.1:1/x")
	do("", anything, "--fleet", "imported", "shards", "status")

	// Work.
	do("", anything, "--fleet", name, "shards", "assign", "9", "shard_1", "--note", "room", "--confirm", "9")
	do("", anything, "--fleet", name, "move", "start", "7", "shard_1", "--wait", "--accept-alone", "--note", "token="+typed, "--confirm", "7")
	id := list(t, l.json(0, "--fleet", name, "move", "list"), "moves")[0]["id"].(string)
	do(mistyped+"\n", anything, "--fleet", name, "move", "finalize", id, "--wait", "--note", "done", "--confirm", "7", "--password-stdin")
	do(password+"\n", anything, "--fleet", name, "move", "finalize", id, "--wait", "--note", "done", "--confirm", "7", "--password-stdin")
	for _, args := range [][]string{
		{"move", "show", id},
		{"audit", "list"},
		{"audit", "sync"},
		{"audit", "verify"},
		{"audit", "export", "--format", "csv", "-o", filepath.Join(outside, "trail.csv"), "--note", "x"},
		{"audit", "export", "--format", "jsonl", "-o", filepath.Join(outside, "trail.jsonl"), "--note", "x"},
		{"doctor"},
		{"settings", "list"},
		{"settings", "set", "operator_email", "postgres://u:" + typed + "@h/x"},
		{"fleet", "list"},
		{"fleet", "show"},
		{"fleet", "install", "--print"},
	} {
		do("", anything, append([]string{"--fleet", name}, args...)...)
	}
	require.Equal(t, "finalized", l.json(0, "--fleet", name, "move", "show", id)["state"])

	// The page.
	do("", []int{0}, "fleet", "use", name)
	browser := l.page()
	for _, call := range [][2]string{
		{"Shell/Info", "[]"},
		{"Overview/Status", "[]"},
		{"Overview/Health", `[""]`},
		{"Moves/Get", `["` + id + `"]`},
		{"Audit/List", "[{}]"},
		{"Audit/Sync", "[]"},
		{"Settings/Fleets", "[]"},
		{"Settings/Settings", "[]"},
		{"Settings/InstallScript", "[]"},
		{"Settings/AddFleet", `[{"name":"paged","environment":"staging","profile":"property_web_builder","control":"postgres://u:` + typed + `@127.0.0.1:1/x","shards":[{"name":"default","url":"control"}]}]`},
		{"Settings/AddFleet", `[{"name":"paged 2","environment":"moon","profile":"nonsense","control":"postgres://u:` + typed + `@127.0.0.1:1/x","shards":[]}]`},
		{"Settings/SetCredential", `[{"name":"shard_1","user":"` + l.role + `","password":"` + mistyped + `","note":"x"}]`},
		{"Settings/TestCredential", `["shard_1"]`},
		{"Moves/Act", `["finalize",{"id":"` + id + `","note":"x","confirm":"7","password":"` + typed + `"}]`},
	} {
		_, text := browser(call[0], call[1])
		seen.WriteString(text)
	}
	_, text := browser("Shell/Info", "[]")
	var info map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &info), "the page still answers: %s", http.StatusText(200))

	// Everything that was written.
	written := map[string]string{"what was printed and answered": seen.String()}
	for _, dir := range []string{l.home, outside} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "database.yml" {
				return err
			}
			b, err := os.ReadFile(path)
			written[path] = string(b)
			return err
		}))
	}
	c := pgtest.Connect(t, pgtest.Server(t, 0).URL("", l.dbs[0]))
	for _, table := range rows(t, c, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'shard_admin' OR tablename = 'pwb_shard_audit_logs'") {
		written["table "+table] = strings.Join(rows(t, c, "SELECT x::text FROM "+table+" x"), "\n")
	}
	logs, database := 0, 0
	for where, text := range written {
		if strings.Contains(where, "/logs/") {
			logs += len(text)
		}
		if strings.Contains(where, "shard-admin.db") {
			database += len(text)
		}
		for what, secret := range map[string]string{"the password": password, "the rotated one": rotated, "a mistyped one": mistyped, "a typed one": typed, "a key's": keyed, "the vault's": phrase} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s is in %s: …%s…", what, where, text[max(0, at-160):min(len(text), at+40)])
			}
		}
	}
	require.Positive(t, logs)
	require.Positive(t, database)
	require.Contains(t, written["table shard_admin.audit_event"], "move.finalize")
	require.Greater(t, len(written), 12, fmt.Sprint(len(written)))
	require.NoError(t, c.Close(context.Background()))
}
