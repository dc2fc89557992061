package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/cli"
	"shardadmin/internal/credential"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/filltest"
	"shardadmin/internal/tenancy"
)

const password = "s3cret-of-the-operator"

// lab is a fleet of two databases on two servers that the command line works
// on, as a role that is nobody's superuser.
type lab struct {
	*shell
	role string
	dbs  []string
	mapp *tenancy.Map
}

// labRole is the operator's role in every fleet that is installed; roles are
// a server's, and so the rights of the first fleet's copies.
const labRole = "op_lab"

// first keeps others waiting while one test makes what the others copy.
var first sync.Mutex

// shared is what the labs of this process have in common, made at first use.
var shared struct {
	sync.Mutex
	mapp      *tenancy.Map
	installed bool
}

// labMap is the table map of every lab.
func labMap(t *testing.T, database string) *tenancy.Map {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.mapp == nil {
		c, err := pgx.Connect(t.Context(), pgtest.Server(t, 0).URL("", database))
		require.NoError(t, err)
		defer func() { _ = c.Close(context.Background()) }()
		shared.mapp = filltest.Map(t, c, "property_web_builder_demo")
	}
	return shared.mapp
}

// newLab describes a fleet with the command line itself. Its passwords are in
// the environment.
func newLab(t *testing.T, environment string) *lab {
	t.Helper()
	return describe(t, environment, false)
}

// describe is newLab with a choice: passwords in the URLs go to the keychain,
// and the tests' keychain takes no writes while others read, so that such
// a test is not parallel.
func describe(t *testing.T, environment string, keychain bool) *lab {
	t.Helper()
	l := &lab{shell: newShell(t), role: pgtest.Random("op_")}
	for n := range 2 {
		s := pgtest.Server(t, n)
		pgtest.Exec(t, s, "postgres", "CREATE ROLE "+l.role+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(password)+"'")
		l.dbs = append(l.dbs, pgtest.Database(t, n, "pwb"))
		t.Cleanup(func() {
			c, err := pgx.Connect(context.Background(), s.URL("", "postgres"))
			if err != nil {
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			_, _ = c.Exec(context.Background(), "DROP OWNED BY "+l.role+"; DROP ROLE IF EXISTS "+l.role)
		})
	}
	l.add(environment, keychain)
	return l
}

// add describes the lab's fleet.
func (l *lab) add(environment string, keychain bool) {
	l.t.Helper()
	name := pgtest.Random("lab_")
	args := []string{"fleet", "add", name, "--environment", environment, "--profile", "property_web_builder_demo"}
	for n, db := range l.dbs {
		url := pgtest.Server(l.t, n).URL(l.role, db)
		if keychain {
			url = strings.Replace(url, l.role+"@", l.role+":"+password+"@", 1)
		} else {
			require.NoError(l.t, os.Setenv(credential.Variable(name, []string{"control", "shard_1"}[n]), password))
		}
		if n == 0 {
			args = append(args, "--control", url, "--shard", "default=control")
		} else {
			args = append(args, "--shard", "shard_1="+url)
		}
	}
	l.mapp = labMap(l.t, l.dbs[0])
	l.json(0, append(args, "--shard", "shard_2")...)
	l.json(0, "settings", "set", "operator_email", "ann@example.com")
}

func (l *lab) super(n int) *pgx.Conn {
	return pgtest.Connect(l.t, pgtest.Server(l.t, n).URL("", l.dbs[n]))
}

func (l *lab) exec(n int, sql string) {
	l.t.Helper()
	pgtest.Exec(l.t, pgtest.Server(l.t, n), l.dbs[n], sql)
}

// grant runs the GRANTs that fleet check prints until it prints none.
func (l *lab) grant() {
	l.t.Helper()
	for range 4 {
		r := l.run("fleet", "check", "--json")
		var v struct {
			Databases []struct {
				Name    string
				Missing []struct{ Grant string }
			}
		}
		require.NoError(l.t, json.Unmarshal([]byte(r.out), &v), r.out)
		for i, d := range v.Databases {
			for _, m := range d.Missing {
				l.exec(i, m.Grant)
			}
		}
		if r.exit == 0 {
			return
		}
		require.Equal(l.t, 3, r.exit, r.out)
	}
	l.t.Fatal("the printed grants do not suffice")
}

// installed is a fleet that may be changed: a copy of one on which the
// command line itself installed the schema and the printed rights were granted.
func installed(t *testing.T, environment string) *lab {
	t.Helper()
	installOnce(t)
	l := &lab{shell: newShell(t), role: labRole}
	for n := range 2 {
		name := pgtest.Copy(t, n, "lab_installed")
		pgtest.Exec(t, pgtest.Server(t, n), "postgres", "GRANT CREATE ON DATABASE "+name+" TO "+labRole)
		l.dbs = append(l.dbs, name)
	}
	l.add(environment, false)
	if environment != "demo" {
		l.allow()
	}
	return l
}

// allow turns on what changes need on this computer.
func (l *lab) allow() {
	l.t.Helper()
	for _, f := range []string{"SHARD_ADMIN_ENABLED", "SHARD_ASSIGNMENT_ENABLED", "SHARD_MIGRATIONS_ENABLED"} {
		l.json(0, "settings", "set", f, "true")
	}
	l.json(0, "settings", "set", "TENANT_ADMIN_EMAILS", "ann@example.com")
}

// installOnce makes the databases that installed copies.
func installOnce(t *testing.T) {
	t.Helper()
	shared.Lock()
	done := shared.installed
	shared.Unlock()
	if done {
		return
	}
	first.Lock()
	defer first.Unlock()
	shared.Lock()
	done = shared.installed
	shared.Unlock()
	if done {
		return
	}
	l := &lab{shell: newShell(t), role: labRole}
	for n := range 2 {
		pgtest.Exec(t, pgtest.Server(t, n), "postgres", "CREATE ROLE "+labRole+" LOGIN NOSUPERUSER PASSWORD '"+pgtest.Verifier(password)+"'")
		l.dbs = append(l.dbs, pgtest.Database(t, n, "pwb"))
	}
	l.add("staging", false)
	l.grant()
	l.allow()
	v := l.json(0, "fleet", "install", "--admin", "ann@example.com", "--note", "first")
	require.Equal(t, true, v["installed"])
	l.grant()
	for n, db := range l.dbs {
		pgtest.Exec(t, pgtest.Server(t, n), "postgres", "CREATE DATABASE lab_installed TEMPLATE "+db)
	}
	shared.Lock()
	shared.installed = true
	shared.Unlock()
}

func (l *lab) name() string {
	l.t.Helper()
	return l.json(0, "fleet", "show")["name"].(string)
}

// tenant files a tenant and its rows where it lives.
func (l *lab) tenant(id, shard string, base, n int) {
	l.t.Helper()
	on := map[string]int{"default": 0, "shard_1": 1}[shard]
	for k := 0; k <= on; k++ {
		l.exec(k, fmt.Sprintf(`INSERT INTO pwb_websites (id, subdomain, slug, shard_name, company_display_name, created_at, updated_at) VALUES (%s, 'sub%s', 'slug%s', '%s', 'Company %s', now(), now())`, id, id, id, shard, id))
	}
	if n > 0 {
		filltest.Tenant(l.t, l.super(on), l.mapp, id, base, n)
	}
}

func TestLookingAtAFleet(t *testing.T) {
	t.Parallel()
	l := newLab(t, "staging")
	l.tenant("7", "default", 7000, 2)
	l.tenant("8", "shard_1", 8000, 1)

	// Rights are missing, and the document says which all the same.
	check := l.json(3, "fleet", "check")
	dbs := list(t, check, "databases")
	require.Len(t, dbs, 3)
	has(t, dbs[0], "name", "reachable", "version", "tls", "missing", "error")
	has(t, list(t, dbs[0], "missing")[0], "capability", "right", "grant")
	r := l.run("fleet", "check")
	require.Equal(t, 3, r.exit)
	require.Contains(t, r.out, "GRANT")
	l.grant()
	text := l.ok("fleet", "check")
	require.Contains(t, text, "no right that is needed is missing")
	require.Regexp(t, `(?m)^shard_1 +primary +taken +logical +\d+$`, text)

	// Without the schema everything that only looks works.
	v := l.json(0, "shards", "status")
	has(t, v, "fleet", "shards")
	shards := list(t, v, "shards")
	require.Len(t, shards, 3)
	has(t, shards[0], "name", "configured", "reachable", "database", "host", "port", "tenants", "size_bytes", "latency_ms", "error")
	require.Equal(t, false, shards[2]["configured"])
	require.Contains(t, l.ok("shards", "status"), "not configured")
	health := list(t, l.json(0, "shards", "health"), "shards")
	has(t, health[0], "name", "status", "latency_ms", "connections", "max_connections", "cache_hit_rate", "index_hit_rate", "size_bytes", "findings", "checked_at")
	require.Len(t, list(t, l.json(0, "shards", "health", "shard_1"), "shards"), 1)
	l.ok("shards", "health")
	has(t, l.json(0, "shards", "stats", "default"), "name", "tenants", "table_count", "size_bytes", "index_bytes", "counts")
	l.ok("shards", "stats", "default")
	l.refused(3, "shard_unknown", "shards", "stats", "nowhere")
	l.refused(3, "shard_not_configured", "shards", "stats", "shard_2")
	d := l.json(0, "shards", "distribution")
	require.EqualValues(t, 2, d["total"])
	has(t, list(t, d, "shards")[0], "name", "tenants", "percent", "size_bytes")
	require.Contains(t, l.ok("shards", "distribution"), "50.0 %")

	tenants := l.json(0, "tenants", "list")
	require.EqualValues(t, 2, tenants["total"])
	has(t, list(t, tenants, "tenants")[0], "id", "label", "shard", "move_state")
	require.Len(t, list(t, l.json(0, "tenants", "list", "--shard", "shard_1"), "tenants"), 1)
	require.Len(t, list(t, l.json(0, "tenants", "list", "--search", "sub7"), "tenants"), 1)
	l.refused(3, "shard_unknown", "tenants", "list", "--shard", "nope")
	require.Empty(t, l.json(0, "tenants", "list", "--shard", "shard_2")["tenants"])
	require.Contains(t, l.ok("tenants", "list", "--limit", "1"), "1 to 1 of 2 tenants")
	one := l.json(0, "tenants", "show", "sub7")
	has(t, one, "id", "label", "shard", "tables", "history")
	has(t, list(t, one, "tables")[0], "table", "rows")
	require.Contains(t, l.ok("tenants", "show", "7"), "counted just now")
	l.refused(3, "tenant_unknown", "tenants", "show", "nobody")

	ok := l.json(0, "tenants", "check")
	require.Equal(t, true, ok["ok"])
	l.ok("tenants", "check")
	l.exec(0, "UPDATE pwb_websites SET shard_name = 'shard_1' WHERE id = 7")
	bad := l.json(4, "tenants", "check")
	require.Equal(t, false, bad["ok"])
	has(t, list(t, bad, "tenants")[0], "id", "pointer", "rows_on")
	require.Equal(t, 4, l.run("tenants", "check").exit)

	m := l.json(0, "map", "--check")
	has(t, m, "tables", "unclassified")
	has(t, list(t, m, "tables")[0], "table", "kind", "mixed", "tenant_column", "path", "follows", "rows_estimate")
	l.ok("map")
	l.exec(0, "CREATE TABLE stray (id int)")
	require.EqualValues(t, 1, l.json(3, "map", "--check")["unclassified"])
	l.json(0, "map")

	// Changes are refused, and so is what reads a trail that is not there.
	l.refused(3, "not_installed", "audit", "list")
	e := l.refused(3, "not_installed", "shards", "assign", "8", "default", "--note", "x")
	require.Contains(t, e["hint"], "fleet install")
}

func TestAShardThatIsDown(t *testing.T) {
	t.Parallel()
	l := newLab(t, "staging")
	require.NoError(t, os.Setenv(credential.Variable("down", "control"), "x"))
	l.json(0, "fleet", "add", "down", "--control", "postgres://nobody@127.0.0.1:1/none", "--shard", "default=control", "--environment", "demo")
	v := l.json(5, "--fleet", "down", "fleet", "check")
	require.Equal(t, false, list(t, v, "databases")[0]["reachable"])
	require.NotEmpty(t, list(t, v, "databases")[0]["error"])
	s := l.json(0, "--fleet", "down", "shards", "status")
	require.Equal(t, false, list(t, s, "shards")[0]["reachable"])
	require.Nil(t, list(t, s, "shards")[0]["tenants"])
	l.refused(5, "database_unreachable", "--fleet", "down", "tenants", "list")
	r := l.run("--fleet", "down", "fleet", "check")
	require.Equal(t, 5, r.exit)
	fits(t, r.out)
}

func TestPolicyRefusesWithExit3(t *testing.T) {
	t.Parallel()
	l := newLab(t, "staging")
	l.grant()
	e := l.refused(3, "flag_off", "fleet", "install", "--admin", "ann@example.com", "--note", "first")
	require.Contains(t, e["hint"], "settings set SHARD_ADMIN_ENABLED")
	l.json(0, "settings", "set", "SHARD_ADMIN_ENABLED", "true")
	l.json(0, "settings", "set", "TENANT_ADMIN_EMAILS", "ann@example.com")
	l.refused(3, "reason_missing", "fleet", "install", "--admin", "ann@example.com")
	v := l.json(0, "fleet", "install", "--admin", "ann@example.com", "--note", "first")
	has(t, v, "schema", "installed", "version", "wanted")
	l.grant()

	l.refused(3, "operator_unknown", "--as", "eve@example.com", "fleet", "operator", "set", "eve@example.com", "--role", "admin", "--note", "me")
	l.json(0, "fleet", "operator", "set", "bob@example.com", "--role", "viewer", "--note", "new colleague")
	ops := l.json(0, "fleet", "operator", "list")
	require.Len(t, list(t, ops, "operators"), 2)
	require.Contains(t, l.ok("fleet", "operator", "list"), "bob@example.com")
	l.refused(2, "usage", "fleet", "operator", "set", "carl@example.com", "--note", "no role")
	l.refused(3, "role_too_low", "--as", "bob@example.com", "fleet", "operator", "set", "bob@example.com", "--role", "admin", "--note", "me")
	flags := list(t, l.json(0, "fleet", "policy", "show"), "flags")
	require.Equal(t, true, flags[0]["on"])
	require.Equal(t, false, flags[1]["on"])
	l.ok("fleet", "policy", "show")
	l.tenant("8", "default", 8000, 0)
	l.refused(3, "flag_off", "shards", "assign", "8", "shard_1", "--note", "x")

	// The fleet's own policy wins when it is stricter.
	l.json(0, "settings", "set", "SHARD_ASSIGNMENT_ENABLED", "true")
	require.Equal(t, false, l.json(0, "fleet", "policy", "set", "SHARD_ASSIGNMENT_ENABLED", "false", "--note", "freeze")["on"])
	e = l.refused(3, "flag_off", "shards", "assign", "8", "shard_1", "--note", "x")
	require.Contains(t, e["hint"], "fleet policy set SHARD_ASSIGNMENT_ENABLED true")
	l.refused(2, "usage", "fleet", "policy", "set", "SHARD_ASSIGNMENT_ENABLED", "perhaps", "--note", "x")
	l.refused(2, "usage", "fleet", "policy", "set", "SHARD_NOTHING", "true", "--note", "x")
	l.ok("fleet", "policy", "set", "SHARD_ASSIGNMENT_ENABLED", "true", "--note", "freeze is over")
	l.json(0, "shards", "assign", "8", "shard_1", "--note", "x")

	scripts := list(t, l.json(0, "fleet", "install", "--print"), "scripts")
	require.Len(t, scripts, 2)
	require.Contains(t, l.run("fleet", "install", "--print").out, "CREATE SCHEMA")
	require.Equal(t, true, l.json(0, "fleet", "uninstall", "--note", "moving away")["uninstalled"])
	l.refused(3, "not_installed", "audit", "verify")

	// What the schema took with it the copy has, to the end.
	events := list(t, l.json(0, "audit", "list", "--mirror", "--action", "fleet.uninstall"), "events")
	require.Len(t, events, 2)
	for i, status := range []string{"ok", "begun"} {
		require.Equal(t, []any{status, "moving away", "ann@example.com"}, []any{events[i]["status"], events[i]["note"], events[i]["actor"]})
	}
	newest := list(t, l.json(0, "audit", "list", "--mirror", "--limit", "1"), "events")
	require.Equal(t, events[0]["id"], newest[0]["id"])
	require.Equal(t, true, l.json(0, "audit", "verify", "--mirror")["ok"])
}

func TestTheSchemasNameIsKept(t *testing.T) {
	t.Parallel()
	l := newLab(t, "demo")
	was := l.json(0, "fleet", "show")["schema"]
	l.refused(3, "right_missing", "fleet", "install", "--schema", "ops_admin")
	require.Equal(t, was, l.json(0, "fleet", "show")["schema"])
	l.grant()
	// What is printed is for that schema; the file stays as it is, to the byte, and so
	// does it where the name is not usable.
	files := func() map[string]string {
		out := map[string]string{}
		require.NoError(t, filepath.WalkDir(filepath.Join(l.home, "fleets"), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			info, statErr := os.Stat(path)
			require.NoError(t, statErr)
			out[path] = info.ModTime().String() + string(b)
			return err
		}))
		return out
	}
	path := filepath.Join(l.home, "fleets", l.name()+".toml")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	// Whoever keeps the file by hand has words of their own in it, everywhere.
	annotated := "# a word of one's own\n"
	for i, line := range strings.SplitAfter(string(b), "\n") {
		if strings.Contains(line, "=") {
			line = fmt.Sprintf("# before %d\n%s   # behind %d\n", i, strings.TrimSuffix(line, "\n"), i)
		}
		annotated += line
	}
	annotated += "# the end\n"
	require.NoError(t, os.WriteFile(path, []byte(annotated), 0o600))
	before := files()
	require.NotEmpty(t, before)
	scripts := list(t, l.json(0, "fleet", "install", "--print", "--schema", "ops_admin"), "scripts")
	require.Contains(t, fmt.Sprint(scripts), "ops_admin")
	require.Equal(t, before, files())
	l.refused(2, "fleet_invalid", "fleet", "install", "--print", "--schema", "Ops Admin")
	require.Equal(t, before, files())
	require.Equal(t, "ops_admin", l.json(0, "fleet", "install", "--schema", "ops_admin")["schema"])
	require.Equal(t, "ops_admin", l.json(0, "fleet", "show")["schema"])
	b, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, annotated, "[control]\n")
	require.Equal(t, strings.Replace(annotated, "[control]\n", "schema = \"ops_admin\"\n[control]\n", 1),
		strings.Replace(string(b), "schema = \"ops_admin\"\n\n", "\nschema = \"ops_admin\"\n", 1), "one line was added above the first table")
}

func TestCredentials(t *testing.T) {
	l := describe(t, "demo", true)
	tested := l.json(0, "fleet", "credential", "test", "shard_1")
	require.Equal(t, true, tested["ok"])
	require.Equal(t, l.role, tested["user"], "the URL names who it is")
	l.refused(1, "not_found", "fleet", "credential", "test", "other")

	// A password that the database refuses is not kept by rotate, but by set.
	v := l.jsonWith("wrong\n", 5, "fleet", "credential", "rotate", "shard_1")
	require.Equal(t, "login_refused", v["error"].(map[string]any)["code"])
	require.Contains(t, v["error"].(map[string]any)["hint"], "the kept password stays")
	l.json(0, "fleet", "credential", "test", "shard_1")
	require.Equal(t, l.role, l.jsonWith("wrong\n", 0, "fleet", "credential", "set", "shard_1")["user"])
	test := l.json(5, "fleet", "credential", "test", "shard_1")
	has(t, test, "name", "source", "user", "ok", "problem")
	require.Equal(t, 5, l.run("fleet", "credential", "test", "shard_1").exit)
	pgtest.Exec(t, pgtest.Server(t, 1), "postgres", "ALTER ROLE "+l.role+" PASSWORD 'another'")
	l.jsonWith("another\n", 0, "fleet", "credential", "rotate", "shard_1")
	l.json(0, "fleet", "credential", "forget", "shard_1")
	l.refused(1, "credential_missing", "fleet", "credential", "forget", "shard_1")
	l.refused(1, "credential_missing", "fleet", "credential", "rotate", "shard_1")
	l.refused(2, "usage", "fleet", "credential", "set", "shard_1")
}

func TestAssign(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 1)
	l.tenant("8", "default", 8000, 0)
	l.refused(3, "reason_missing", "shards", "assign", "8", "shard_1")
	v := l.json(0, "shards", "assign", "sub8", "shard_1", "--note", "room")
	has(t, v, "tenant", "from", "to", "audit_event")
	require.Equal(t, "shard_1", v["to"])
	l.refused(3, "same_shard", "shards", "assign", "8", "shard_1", "--note", "again")
	l.refused(3, "shard_not_configured", "shards", "assign", "8", "shard_2", "--note", "there")
	l.refused(3, "rows_exist", "shards", "assign", "7", "shard_1", "--note", "with rows")
	require.Contains(t, l.ok("shards", "assign", "7", "shard_1", "--note", "with rows", "--rows-stay"), "sub7 is on shard_1 now")
}

// trigger cancels as soon as something is said of a move's progress.
type trigger struct {
	cancel context.CancelFunc
	seen   strings.Builder
}

func (w *trigger) Write(b []byte) (int, error) {
	w.seen.Write(b)
	if strings.Contains(w.seen.String(), "planned") {
		w.cancel()
	}
	return len(b), nil
}

// stopped runs a command that is interrupted as soon as its move shows itself.
func (l *lab) stopped(ctx context.Context, cancel context.CancelFunc, args ...string) map[string]any {
	l.t.Helper()
	defer cancel()
	var out bytes.Buffer
	errs := &trigger{cancel: cancel}
	exit := cli.Main(ctx, l.faces, append([]string{"--home", l.home, "--json"}, args...), strings.NewReader(""), &out, errs)
	require.Equal(l.t, 1, exit, out.String()+errs.seen.String())
	var v map[string]any
	require.NoError(l.t, json.Unmarshal(out.Bytes(), &v))
	return v
}

// lines counts what a following command prints and acts after some of it.
type lines struct {
	bytes.Buffer
	after map[int]func()
}

func (w *lines) Write(b []byte) (int, error) {
	n, err := w.Buffer.Write(b)
	if act := w.after[strings.Count(w.String(), "\n")]; act != nil {
		act()
	}
	return n, err
}

func TestFollowingTheTrail(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	for _, id := range []string{"7", "8", "9"} {
		l.tenant(id, "default", 7000, 0)
	}
	assign := func(id string) { l.json(0, "shards", "assign", id, "shard_1", "--note", "room") }
	assign("7")
	for _, form := range []struct {
		tenant string
		flags  []string
		want   string
	}{{"8", []string{"--json"}, `"tenant":"8"`}, {"9", nil, "  tenant.assign  9  ok  room"}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var errs bytes.Buffer
		out := &lines{after: map[int]func(){1: func() { assign(form.tenant) }, 2: cancel}}
		args := append([]string{"--home", l.home, "audit", "list", "--follow", "--action", "tenant.assign", "--outcome", "ok", "--limit", "1"}, form.flags...)
		require.Equal(t, 1, cli.Main(ctx, l.faces, args, strings.NewReader(""), out, &errs), errs.String())
		said := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, said, 2, "what was there, then what came: %s", out.String())
		require.Contains(t, said[1], form.want)
		if len(form.flags) > 0 {
			var e map[string]any
			require.NoError(t, json.Unmarshal([]byte(said[1]), &e), "a line is a document")
			require.Equal(t, "ok", e["status"])
			require.Empty(t, errs.String(), "the exit status says it")
		} else {
			require.Contains(t, errs.String(), "only the following has ended")
		}
	}
	l.refused(2, "usage", "audit", "list", "--follow", "--mirror")
	l.refused(2, "usage", "audit", "list", "--follow", "--until", "2200-01-01")
	l.refused(2, "usage", "audit", "list", "--follow", "--limit", "0")
}

func TestMoving(t *testing.T) {
	t.Parallel()
	l := installed(t, "staging")
	l.tenant("7", "default", 7000, 2)
	l.tenant("8", "default", 8000, 2)

	plan := l.json(0, "move", "plan", "sub7", "shard_1", "--mode", "fenced")
	has(t, plan, "tenant", "source", "target", "mode", "tables", "rows", "bytes", "estimate_ms", "decisions", "checks")
	has(t, list(t, plan, "checks")[0], "name", "status", "message", "fix")
	require.Contains(t, l.ok("move", "plan", "7", "shard_1"), "Nothing stands in the way")
	l.refused(3, "shard_not_configured", "move", "plan", "sub7", "shard_2")
	blocked := l.json(3, "move", "plan", "sub7", "shard_1", "--max-read-only", "1ms")
	require.Equal(t, true, blocked["blocked"])
	r := l.run("move", "plan", "sub7", "shard_1", "--max-read-only", "1ms")
	require.Equal(t, 3, r.exit)
	require.Contains(t, r.out, "blocker")
	fits(t, r.out)
	l.refused(2, "usage", "move", "plan", "sub7", "shard_1", "--mode", "sideways")
	l.refused(2, "usage", "move", "plan", "sub7", "shard_1", "--decisions", "/nowhere/decisions.toml")
	l.refused(3, "reason_missing", "move", "start", "sub7", "shard_1", "--wait")

	// Held before the fence, looked at, gone on with.
	m := l.json(0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--hold", "--wait", "--note", "room")
	has(t, m, "id", "tenant", "source", "target", "mode", "state", "rows", "bytes", "write_pause_ms", "read_only_since", "verified", "started_at", "finished_at", "error", "next", "tables")
	require.Equal(t, "ready", m["state"])
	require.Contains(t, m["next"].([]any)[0], "move switch")
	id := m["id"].(string)
	l.refused(3, "move_in_progress", "move", "start", "sub7", "shard_1", "--note", "again")
	l.refused(3, "move_state", "move", "finalize", id, "--note", "too early")
	l.refused(3, "move_unknown", "move", "show", "nothing")
	m = l.json(0, "move", "switch", id, "--wait", "--note", "go")
	require.Equal(t, "retained", m["state"])
	require.Equal(t, true, m["verified"])
	require.Nil(t, m["error"])
	require.Contains(t, l.ok("move", "show", id), "Next:")
	moves := list(t, l.json(0, "move", "list"), "moves")
	require.Len(t, moves, 1)
	require.Len(t, list(t, l.json(0, "move", "list", "--tenant", "sub8"), "moves"), 0)
	l.ok("move", "list")
	m = l.json(0, "move", "watch", id)
	require.Equal(t, "retained", m["state"])
	require.Equal(t, false, m["stands_still"])
	m = l.json(0, "move", "rollback", id, "--wait", "--note", "back")
	require.Equal(t, "rolled_back", m["state"])

	// Stopped under way, as Ctrl-C does: parked, with the command that goes on.
	ctx, cancel := context.WithCancel(t.Context())
	m = l.stopped(ctx, cancel, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--wait", "--note", "room")
	require.NotEqual(t, "retained", m["state"])
	parked := m["error"].(map[string]any)
	require.Equal(t, "move_parked", parked["code"])
	require.Equal(t, "shard-admin move resume "+m["id"].(string)+" --wait --note REASON", parked["hint"])
	still := l.json(0, "move", "show", m["id"].(string))
	require.Equal(t, still["state"] != "planned", still["stands_still"], still["state"])
	if still["stands_still"] == true {
		require.Contains(t, l.ok("move", "show", m["id"].(string)), "stands still: nobody carries it out")
		require.Contains(t, l.ok("move", "list"), ", still")
	}
	m = l.json(0, "move", "resume", m["id"].(string), "--wait", "--note", "on")
	require.Equal(t, "retained", m["state"])

	// Queued for a worker that is not there; cancelled.
	m = l.json(0, "move", "start", "sub8", "shard_1", "--mode", "fenced", "--note", "room")
	require.Contains(t, m["notice"], "worker")
	m = l.json(0, "move", "cancel", m["id"].(string), "--wait", "--note", "no")
	require.Equal(t, "cancelled", m["state"])

	// The way through, for people.
	r = l.run("move", "start", "sub8", "shard_1", "--mode", "fenced", "--wait", "--note", "room")
	require.Equal(t, 0, r.exit, r.out+r.stderr)
	fits(t, r.out)
	require.Contains(t, r.stderr, "Move ")
	require.Contains(t, r.out, "move finalize")

	points := list(t, l.json(0, "move", "points"), "points")
	require.Greater(t, len(points), 20)
	l.ok("move", "points")

	events := list(t, l.json(0, "audit", "list", "--tenant", "sub8"), "events")
	has(t, events[0], "id", "at", "actor", "actor_role", "action", "tenant", "source", "target", "status", "note", "move_id", "hash")
	l.ok("audit", "list")
	l.refused(2, "usage", "audit", "list", "--since", "whenever")
	l.json(0, "audit", "filters", "save", "starts", "--tenant", "sub8", "--action", "move.start", "--since", "1d")
	saved := list(t, l.json(0, "audit", "list", "--saved", "Starts"), "events")
	require.NotEmpty(t, saved)
	require.Less(t, len(saved), len(events))
	for _, e := range saved {
		require.Equal(t, "move.start", e["action"])
	}
	require.Len(t, list(t, l.json(0, "audit", "list", "--saved", "starts", "--limit", "1"), "events"), 1)
	require.Len(t, list(t, l.json(0, "audit", "list", "--saved", "starts", "--action", ""), "events"), len(events), "a flag stands instead")
	require.Empty(t, list(t, l.json(0, "audit", "list", "--saved", "starts", "--tenant", "nobody"), "events"))
	l.refused(2, "filter_unknown", "audit", "list", "--saved", "none")
	file := filepath.Join(t.TempDir(), "starts.csv")
	require.EqualValues(t, len(saved), l.json(0, "audit", "export", "--saved", "starts", "-o", file, "--note", "yearly")["count"])
	l.json(0, "audit", "filters", "save", "old", "--until", "2020-01-01")
	l.refused(2, "usage", "audit", "list", "--follow", "--saved", "old")
	require.Equal(t, true, l.json(0, "audit", "verify")["ok"])
	require.Contains(t, l.ok("audit", "verify"), "verified")
	l.json(0, "audit", "sync")
	for _, format := range []string{"csv", "jsonl"} {
		file := filepath.Join(t.TempDir(), "trail."+format)
		x := l.json(0, "audit", "export", "--format", format, "-o", file, "--note", "yearly", "--since", "24h")
		require.Equal(t, true, x["chain_ok"])
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(b), "move.start")
	}
	for _, args := range [][]string{
		{"report", "moves", "-o", "moves.pdf"},
		{"report", "moves", "-o", "moves.csv"},
		{"report", "tenant", "--tenant", "sub8", "-o", "tenant.html", "--zone", "Asia/Tokyo"},
		{"report", "changes", "-o", "changes.xlsx", "--since", "24h"},
		{"report", "failed", "-o", "failed.txt", "--format", "ocsf"},
		{"audit", "export", "-o", "trail.pdf"},
	} {
		i := slices.Index(args, "-o") + 1
		args[i] = filepath.Join(t.TempDir(), args[i])
		x := l.json(0, append(args, "--note", "yearly")...)
		require.Equal(t, true, x["chain_ok"])
		require.Contains(t, x["statement"], "chain verified at")
		b, err := os.ReadFile(args[i])
		require.NoError(t, err)
		if filepath.Base(args[i]) == "moves.csv" {
			require.Contains(t, string(b), "default → shard_1")
		}
		text, err := os.ReadFile(args[i] + ".manifest.json")
		require.NoError(t, err)
		require.Contains(t, string(text), fmt.Sprintf(`"sha256": "%x"`, sha256.Sum256(b)))
	}
	require.Equal(t, "audit.export", list(t, l.json(0, "audit", "list", "--limit", "1"), "events")[0]["action"])
	// Of this computer's copy no database is asked, so that it was made is recorded later.
	l.json(0, "audit", "sync")
	before := list(t, l.json(0, "audit", "list", "--action", "audit.export", "--outcome", "ok", "--limit", "1000"), "events")
	for _, args := range [][]string{{"audit", "export", "--mirror", "-o", "copy.jsonl"}, {"report", "changes", "--mirror", "-o", "copy.pdf"}} {
		i := slices.Index(args, "-o") + 1
		args[i] = filepath.Join(t.TempDir(), args[i])
		x := l.json(0, append(args, "--note", "yearly")...)
		require.NotNil(t, x["copied_at"])
		require.Contains(t, x["statement"], "in a computer's copy of the trail as of")
		require.Equal(t, true, l.json(0, "audit", "verify", "--file", args[i])["ok"])
		require.Contains(t, l.ok(append(args, "--note", "yearly")...), "this computer's copy, brought up to date")
	}
	l.refused(2, "usage", "report", "moves", "--mirror", "-o", filepath.Join(t.TempDir(), "x.pdf"), "--note", "x")
	l.refused(3, "reason_missing", "report", "changes", "--mirror", "-o", filepath.Join(t.TempDir(), "x.pdf"))
	l.json(0, "audit", "sync")
	require.Len(t, list(t, l.json(0, "audit", "list", "--action", "audit.export", "--outcome", "ok", "--limit", "1000"), "events"), len(before)+4)
	l.refused(2, "usage", "report", "tenant", "-o", "x.pdf", "--note", "x")
	l.refused(2, "usage", "report", "changes", "-o", "x.pdf", "--zone", "Mars/Olympus", "--note", "x")
	l.refused(3, "reason_missing", "report", "changes", "-o", "x.pdf")
	l.ok("report", "list")
	l.exec(0, `ALTER TABLE shard_admin.audit_event DISABLE TRIGGER USER; UPDATE shard_admin.audit_event SET body = replace(body, 'room', 'rumour')`)
	bad := l.json(4, "audit", "verify")
	has(t, bad, "ok", "events", "first_bad", "findings")
	require.Equal(t, 4, l.run("audit", "verify").exit)
}

func TestAWorkerCarriesOutWhatIsQueued(t *testing.T) {
	t.Parallel()
	l := installed(t, "demo")
	l.tenant("7", "default", 7000, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type ended struct {
		exit int
		out  string
	}
	done := make(chan ended, 1)
	go func() {
		var out, errs bytes.Buffer
		exit := cli.Main(ctx, cli.Faces{}, []string{"--home", l.home, "--json", "worker"}, strings.NewReader(""), &out, &errs)
		done <- ended{exit, out.String()}
	}()
	id := l.json(0, "move", "start", "sub7", "shard_1", "--mode", "fenced", "--priority", "3")["id"].(string)
	require.Equal(t, "retained", l.json(0, "move", "watch", id)["state"])
	m := l.json(0, "move", "finalize", id)
	require.Nil(t, m["notice"], "a worker is alive")
	cancel()
	e := <-done
	require.Equal(t, 0, e.exit, e.out)
	require.Contains(t, e.out, `"stopped": true`)
}

func TestProfileInit(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	db := pgtest.Database(t, 0, "CREATE TABLE accounts (id uuid PRIMARY KEY, subdomain text); CREATE TABLE notes (id bigint PRIMARY KEY, account_id uuid NOT NULL REFERENCES accounts)")
	url := strings.Replace(pgtest.Server(t, 0).URL(pgtest.AppRole, db), pgtest.AppRole+"@", pgtest.AppRole+":"+pgtest.AppPassword+"@", 1)
	file := filepath.Join(t.TempDir(), "own.toml")
	v := s.json(0, "profile", "init", "--url", url, "-o", file)
	has(t, v, "file", "profile", "notes")
	require.Contains(t, v["profile"], "accounts")
	s.refused(2, "usage", "profile", "init", "--url", url, "-o", file)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, v["profile"], string(b))
	r := s.run("profile", "init", "--url", url, "--tenants", "accounts")
	require.Equal(t, 0, r.exit, r.stderr)
	require.Equal(t, string(b), r.out)
	require.NotContains(t, r.out+r.stderr, pgtest.AppPassword)
}

func TestChoicesComeFromAFile(t *testing.T) {
	t.Parallel()
	l := installed(t, "demo")
	l.tenant("7", "default", 7000, 1)
	file := filepath.Join(t.TempDir(), "decisions.toml")
	require.NoError(t, os.WriteFile(file, []byte("[[decision]]\ntable = \"pwb_users\"\ncase = \"sideways\"\nchoice = \"share\"\n"), 0o600))
	l.refused(2, "usage", "move", "plan", "sub7", "shard_1", "--decisions", file)
	plan := l.jsonWith("[]", 0, "move", "plan", "sub7", "shard_1", "--decisions", "-")
	require.Equal(t, false, plan["blocked"])
	chosen := filepath.Join(t.TempDir(), "what we chose.json")
	require.NoError(t, os.WriteFile(chosen, []byte("[]"), 0o600))
	require.Contains(t, l.ok("move", "plan", "sub7", "shard_1", "--mode", "fenced", "--decisions", chosen, "--max-read-only", "90s"),
		"shard-admin move start sub7 shard_1 --decisions '"+chosen+"' --max-read-only 1m30s --mode fenced --wait --note REASON", "the next command takes the same choices")
	l.refused(3, "tenant_unknown", "move", "start", "nobody", "shard_1", "--wait")
	l.refused(2, "usage", "move", "start", "sub7", "shard_1", "--at", "tomorrow")
	m := l.json(0, "move", "start", "sub7", "shard_1", "--wait")
	require.Equal(t, "online", m["mode"], "online where possible")
	require.Equal(t, "retained", m["state"])
}
