package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	has(t, s.json(0, "version"), "version", "commit", "go", "headless")
	require.True(t, strings.HasPrefix(s.ok("version"), "shard-admin "))
}

func TestUsageErrorsAreDocumentsWithExit2(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, args := range [][]string{
		{"bogus"},
		{"fleet"},
		{"fleet", "bogus"},
		{"fleet", "use"},
		{"version", "more"},
		{"--bogus", "version"},
		{"version", "--bogus"},
		{"tenants", "list", "--limit", "many"},
		{"tenants", "list", "--limit", "0"},
		{"move", "start", "one"},
		{"help", "bogus"},
		{"move", "start", "a", "b", "--max-read-only", "soon"},
		{"audit", "export", "--format", "csv"},
		{"audit", "export", "-o", "x", "--format", "doc"},
		{"audit", "export", "-o", "x"},
		{"report", "moves"},
		{"report", "moves", "-o", "x.doc"},
		{"report", "weather", "-o", "x.pdf"},
		{"fleet", "add", "x"},
		{"profile", "init"},
		{"demo", "bogus"},
		{"settings", "set", "theme"},
	} {
		e := s.refused(2, "usage", args...)
		require.NotEmpty(t, e["hint"], args)
	}
	r := s.run("bogus")
	require.Equal(t, 2, r.exit)
	require.Empty(t, r.out)
	require.Contains(t, r.stderr, `there is no command "bogus"`)
	require.Contains(t, s.refused(2, "usage", "fleet", "lst")["hint"], "did you mean list")
}

func TestWhatIsTypedWronglyIsNotRepeatedWhereItMayBeASecret(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	secret := "postgres://u:hunter2secret@h/db"
	for _, args := range [][]string{
		{secret},
		{"fleet", secret},
		{"fleet", "add", "x", secret},
		{"demo", secret},
		{"tenants", "list", "--limit", secret},
		{"fleet", "add", "x", "--control", secret + "%zz", "--shard", "a"},
		{"help", secret},
		{"--" + secret},
		{"fleet", "import", secret},
		{"fleet", "add", "x", "--control", secret, "--direct", secret},
		{"profile", "init", "--url", "mysql://u:hunter2secret@h/db"},
	} {
		r := s.run(args...)
		require.NotZero(t, r.exit, args)
		require.NotContains(t, r.out+r.stderr, "hunter2secret", args)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	golden(t, "help.txt", s.ok("help"))
	golden(t, "help-move-start.txt", s.ok("move", "start", "--help"))
	golden(t, "help-fleet.txt", s.ok("fleet", "--help"))
	has(t, s.json(0, "help"), "command", "help")
	has(t, s.json(0, "shards", "--help"), "command", "help")
	for _, later := range []string{"drift", "migrate"} {
		for _, of := range [][]string{{"help"}, {"serve", "--help"}, {"shards", "assign", "--help"}} {
			require.NotContains(t, s.ok(of...), later)
		}
	}
}

func TestNoCommandInABuildWithoutAWindow(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	e := s.refused(2, "no_display")
	require.Contains(t, e["hint"], "serve")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	require.NotEmpty(t, list(t, s.json(0, "settings", "list"), "settings"))
	require.Equal(t, "dark", s.json(0, "settings", "set", "theme", "dark")["value"])
	require.Equal(t, "settings", s.json(0, "settings", "get", "theme")["source"])
	s.refused(2, "settings_invalid", "settings", "set", "theme", "pink")
	s.refused(2, "settings_invalid", "settings", "get", "nothing")
	require.Contains(t, s.ok("settings", "list"), "dark")
	require.Contains(t, s.ok("settings", "get", "theme"), "Value")
}

const (
	control = "postgres://ops:s3cret-of-control@db1.example.com:5432/pwb?sslmode=verify-full"
	one     = "shard_1=postgres://ops:s3cret-of-one@db2.example.com:5432/pwb_1?sslmode=verify-full"
)

func TestFleetsAreDescribedWithoutTheirPasswords(t *testing.T) {
	s := newShell(t)
	require.Empty(t, s.json(0, "fleet", "list")["fleets"])
	require.Contains(t, s.ok("fleet", "list"), "No fleet")
	s.refused(2, "fleet_unknown", "fleet", "show")

	v := s.json(0, "fleet", "add", "described", "--control", control, "--shard", "default=control", "--shard", one, "--shard", "shard_2", "--environment", "staging")
	has(t, v, "name", "environment", "profile", "shards")
	require.Equal(t, []any{"control", "shard_1"}, v["kept_in_keychain"])
	s.refused(3, "fleet_exists", "fleet", "add", "described", "--control", control)

	shown := s.json(0, "fleet", "show", "described")
	shards := list(t, shown, "shards")
	require.Len(t, shards, 3)
	require.Equal(t, true, shards[0]["in_control"])
	require.Equal(t, false, shards[2]["configured"])
	out := s.ok("fleet", "show")
	golden(t, "fleet-show.txt", strings.ReplaceAll(out, s.home, "HOME"))

	s.json(0, "fleet", "add", "other", "--control", "postgres://db9.example.com/x", "--shard", "default=control", "--environment", "demo")
	s.refused(2, "fleet_unknown", "fleet", "show")
	s.json(0, "fleet", "use", "other")
	require.Equal(t, "other", s.json(0, "fleet", "show")["name"])
	s.refused(2, "fleet_unknown", "fleet", "use", "nowhere")
	golden(t, "fleet-list.txt", s.ok("fleet", "list"))

	require.NoError(t, filepath.WalkDir(s.home, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, rerr := os.ReadFile(path)
			require.NoError(t, rerr)
			require.NotContains(t, string(b), "s3cret-of", path)
		}
		return err
	}))

	gone := s.json(0, "fleet", "remove", "described", "--forget-credentials")
	require.Equal(t, []any{"control", "shard_1"}, gone["forgotten"])
	require.Len(t, list(t, s.json(0, "fleet", "list"), "fleets"), 1)
	s.refused(2, "fleet_unknown", "fleet", "remove", "described")
}

func TestAProfileIsReadBeforeAFleetIsDescribed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	add := []string{"fleet", "add", "x", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control", "--profile"}
	s.refused(2, "profile_invalid", append(add, "nothing")...)
	s.refused(2, "profile_invalid", append(add, "./nothing.toml")...)
	require.NotEmpty(t, list(t, s.json(0, "profile", "list"), "profiles"))
	s.refused(2, "profile_invalid", "profile", "show", "nothing")
	own := filepath.Join(t.TempDir(), "own.toml")
	require.NoError(t, os.WriteFile(own, []byte(s.run("profile", "show", "property_web_builder").out), 0o600))
	require.Equal(t, own, s.json(0, append(add, own)...)["profile"])
	s.ok("profile", "list")
}

func TestAFleetThatCannotBeAddedLeavesNothingInTheKeychain(t *testing.T) {
	s := newShell(t)
	s.refused(2, "fleet_invalid", "fleet", "add", "half", "--control", control, "--environment", "moon")
	s.refused(2, "credential_clash", "fleet", "add", "half", "--control", control, "--shard", one, "--credential", "ops")
	s.json(0, "fleet", "add", "half", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control")
	s.refused(1, "credential_missing", "fleet", "credential", "forget", "control")
}

func TestABadFleetFileHidesNoOther(t *testing.T) {
	s := newShell(t)
	s.json(0, "fleet", "add", "good", "--control", "postgres://db1.example.com/pwb", "--shard", "default=control")
	require.NoError(t, os.WriteFile(filepath.Join(s.home, "fleets", "leaky.toml"),
		[]byte("name = \"leaky\" # as it was handed over\n[control]\nurl = \"postgres://u:hunter2secret@db/x\"\n"), 0o600))
	fleets := list(t, s.json(0, "fleet", "list"), "fleets")
	require.Len(t, fleets, 2)
	require.Nil(t, fleets[0]["error"])
	require.Equal(t, "fleet_holds_secret", fleets[1]["error"].(map[string]any)["code"])
	out := s.ok("fleet", "list")
	require.Contains(t, out, "fleet credential set control")
	require.NotContains(t, out, "hunter2")
	s.refused(3, "fleet_holds_secret", "--fleet", "leaky", "shards", "status")

	// The command that the refusal names works on the very file it refuses.
	v := s.jsonWith("hunter2secret\n", 0, "--fleet", "leaky", "fleet", "credential", "set", "control", "--user", "u")
	require.Equal(t, true, v["stored"])
	require.Equal(t, true, v["taken_out_of_file"])
	text, err := os.ReadFile(filepath.Join(s.home, "fleets", "leaky.toml"))
	require.NoError(t, err)
	require.Equal(t, "name = \"leaky\" # as it was handed over\n[control]\nurl = \"postgres://u@db/x\"\n", string(text))
	require.Equal(t, "fleet_invalid", list(t, s.json(0, "fleet", "list"), "fleets")[1]["error"].(map[string]any)["code"], "it has no shard")
	require.Equal(t, 1, s.run("doctor").exit)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	names := []string{}
	for _, c := range list(t, s.json(0, "doctor"), "checks") {
		has(t, c, "name", "status", "message", "fix")
		names = append(names, c["name"].(string))
	}
	require.Equal(t, []string{"home folder", "settings", "fleets", "keychain", "PostgreSQL binaries", "display"}, names)
	require.Contains(t, s.ok("doctor"), "keychain")

	s.home = filepath.Join(t.TempDir(), "open")
	require.NoError(t, os.Mkdir(s.home, 0o700))
	require.NoError(t, os.Chmod(s.home, 0o777))
	checks := list(t, s.json(1, "doctor"), "checks")
	require.Equal(t, "error", checks[0]["status"])
	require.NotEmpty(t, checks[0]["fix"])
}

func TestImport(t *testing.T) {
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "database.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
production:
  primary:
    adapter: postgresql
    host: db1.example.com
    database: pwb_production
    username: pwb
    password: s3cret-of-import
  shard_1:
    adapter: postgresql
    host: db2.example.com
    database: pwb_shard_1
    username: pwb
    password: s3cret-of-import
`), 0o600))
	v := s.json(0, "fleet", "import", file, "--name", "imported")
	has(t, v, "name", "environment", "profile", "shards", "notes")
	require.NotEmpty(t, v["kept_in_keychain"])
	s.refused(2, "import_invalid", "fleet", "import", file, "--env", "moon")
	s.refused(2, "usage", "fleet", "import", "/nowhere/database.yml")

	file = filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(file, []byte("# of the application\nexport PWB_DATABASE_URL=\"postgres://pwb:s3cret-of-env@db1.example.com/pwb\"\n"+
		"PWB_TENANT_SHARD_1_DATABASE_URL='postgres://pwb:s3cret-of-env@db2.example.com/pwb_1' # one\nRAILS_ENV=production\n"), 0o600))
	v = s.json(0, "fleet", "import", file, "--name", "variables")
	require.Len(t, list(t, v, "shards"), 2, v)
	require.NotContains(t, s.run("fleet", "show", "variables").out, "s3cret")
	file = filepath.Join(t.TempDir(), "pg_service.conf")
	require.NoError(t, os.WriteFile(file, []byte("[main]\nhost=db1.example.com\ndbname=pwb\nuser=pwb\npassword=s3cret-of-service\n[shard_1]\nhost=db2.example.com\ndbname=pwb_1\n"), 0o600))
	e := s.refused(2, "import_invalid", "fleet", "import", file, "--name", "services")
	require.Contains(t, e["hint"], "--control: main, shard_1")
	v = s.json(0, "fleet", "import", file, "--name", "services", "--control", "main")
	require.Len(t, list(t, v, "shards"), 2, v)
	require.NotEmpty(t, v["kept_in_keychain"])
	require.NotContains(t, s.run("fleet", "show", "services").out, "s3cret")
	file = filepath.Join(t.TempDir(), "database.yml")
	require.NoError(t, os.WriteFile(file, []byte("production:\n  adapter: postgresql\n  database: x\n"), 0o600))
	s.refused(2, "usage", "fleet", "import", file, "--name", "other", "--control", "main")
}
