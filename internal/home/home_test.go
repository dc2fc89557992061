package home_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/policy"
)

func open(t *testing.T, env map[string]string) *home.Home {
	t.Helper()
	h, err := home.Open(home.Options{Dir: filepath.Join(t.TempDir(), "home"), Env: func(k string) string { return env[k] }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func some(name string) *fleet.Fleet {
	return &fleet.Fleet{
		Name: name, Environment: fleet.Staging, Profile: "property_web_builder", Control: fleet.Endpoint{URL: "postgres://db1.example.com/pwb?sslmode=verify-full"},
		Shards: []fleet.Shard{{Name: "default", InControl: true, Placement: fleet.PlacementOpen}, {Name: "shard_2", Placement: fleet.PlacementOpen}},
	}
}

func TestFoldersAndFilesAreTheUsersAlone(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	require.NoError(t, h.AddFleet(some("one")))
	require.NoError(t, h.Settings().Set(home.Theme, "dark"))
	h.Logger().Info("hello")
	files := 0
	require.NoError(t, filepath.WalkDir(h.Dir(), func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		if d.IsDir() {
			require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), p)
		} else {
			files++
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), p)
		}
		return nil
	}))
	require.Equal(t, 4, files) // fleet, settings, log, lock
}

func TestWhatOthersMayWriteIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "h")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	h, err := home.Open(home.Options{Dir: dir, Env: func(string) string { return "" }})
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "a folder that others may read is taken back")

	require.NoError(t, h.AddFleet(some("one")))
	path := filepath.Join(dir, "fleets", "one.toml")
	require.NoError(t, os.Chmod(path, 0o666))
	_, err = h.Fleet("one")
	require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err))
	require.Equal(t, "chmod 600 "+path, fault.HintOf(err))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = h.Fleet("one")
	require.NoError(t, err)

	require.NoError(t, os.Chmod(dir, 0o777))
	_, err = home.Open(home.Options{Dir: dir, Env: func(string) string { return "" }})
	require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err))
	require.Contains(t, fault.HintOf(err), "chmod 700")
}

func TestTheFolderComesFromOptionThenEnvironment(t *testing.T) {
	t.Parallel()
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	env := func(k string) string { return map[string]string{home.Variable: a}[k] }
	h, err := home.Open(home.Options{Env: env})
	require.NoError(t, err)
	require.Equal(t, a, h.Dir())
	require.Equal(t, filepath.Join(a, "shard-admin.db"), h.DBPath())
	h, err = home.Open(home.Options{Dir: b, Env: env})
	require.NoError(t, err)
	require.Equal(t, b, h.Dir())
}

func TestFleets(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, err := h.Fleet("")
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
	require.NoError(t, h.AddFleet(some("one")))
	f, err := h.Fleet("")
	require.NoError(t, err, "the only one")
	require.Equal(t, "one", f.Name)
	require.Equal(t, fault.FleetExists, fault.CodeOf(h.AddFleet(some("one"))))

	require.NoError(t, h.AddFleet(some("two")))
	_, err = h.Fleet("")
	require.ErrorContains(t, err, "one, two")
	require.NoError(t, h.Use("two"))
	f, err = h.Fleet("")
	require.NoError(t, err)
	require.Equal(t, "two", f.Name)
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(h.Use("three")))

	changed := some("two")
	changed.Environment = fleet.Production
	require.NoError(t, h.ReplaceFleet(changed))
	require.NoError(t, os.WriteFile(filepath.Join(h.Dir(), "fleets", "bad.toml"), []byte("name = 'bad'\ncolour = 1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(h.Dir(), "fleets", "named.toml"), []byte("name = 'other'\n[control]\nurl='postgres://h/d'\n[[shard]]\nname='a'\n"), 0o600))
	all, err := h.Fleets()
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Equal(t, "bad", all[0].Name)
	require.ErrorContains(t, all[0].Err, "bad.toml:2")
	require.ErrorContains(t, all[1].Err, `"other"`)
	require.Equal(t, fleet.Production, all[3].Fleet.Environment)
	require.True(t, all[3].Current)

	require.NoError(t, h.RemoveFleet("two"))
	_, err = h.Fleet("two")
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(h.RemoveFleet("two")))
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(h.RemoveFleet("../settings")))
	_, err = h.Fleet("../fleets/one")
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
}

func TestAFleetWithASecretIsNeverWritten(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	f := some("one")
	f.Control.URL = "postgres://u:planted-password@h/d"
	require.Equal(t, fault.FleetHoldsSecret, fault.CodeOf(h.AddFleet(f)))
	all, err := h.Fleets()
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	h := open(t, env)
	s := h.Settings()
	for _, c := range []struct{ name, value, stored, hint string }{
		{home.OperatorEmail, "Ops@Example.com", "ops@example.com", ""},
		{home.OperatorEmail, "nobody", "", "e-mail"},
		{home.Theme, "dark", "dark", ""},
		{home.Theme, "pink", "", "system, light, dark"},
		{string(policy.FlagEnabled), "yes", "true", ""},
		{string(policy.FlagEnabled), "perhaps", "", "true or false"},
		{home.AdminEmails, "a@x.com, B@x.com", "a@x.com,b@x.com", ""},
		{home.CurrentFleet, "one\ntwo", "", "one line"},
		{home.ImbalanceThreshold, "0.30", "0.3", ""},
		{home.ImbalanceThreshold, "20 %", "", "from 0.01 to 1"},
		{home.ImbalanceThreshold, "2", "", "from 0.01 to 1"},
		{"no_such", "1", "", "operator_email"},
	} {
		err := s.Set(c.name, c.value)
		if c.hint != "" {
			require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err), c.name)
			require.Contains(t, fault.HintOf(err), c.hint)
			continue
		}
		require.NoError(t, err)
		got, err := s.Get(c.name)
		require.NoError(t, err)
		require.Equal(t, c.stored, got.Value)
		require.Equal(t, home.FromSettings, got.Source)
	}
	admins, err := s.Admins()
	require.NoError(t, err)
	require.Equal(t, []string{"a@x.com", "b@x.com"}, admins)

	on, where := s.Flag(policy.FlagEnabled)
	require.True(t, on)
	require.Equal(t, "on this computer", where)
	env["SHARD_ADMIN_ENABLED"] = "0"
	on, where = s.Flag(policy.FlagEnabled)
	require.False(t, on)
	require.Contains(t, where, "environment")
	env["SHARD_ADMIN_ENABLED"] = "perhaps"
	on, _ = s.Flag(policy.FlagEnabled)
	require.False(t, on, "a value that cannot be read turns nothing on")
	delete(env, "SHARD_ADMIN_ENABLED")

	require.NoError(t, s.Set(home.Theme, ""))
	theme, err := s.Text(home.Theme)
	require.NoError(t, err)
	require.Equal(t, "system", theme)
	all, err := s.List()
	require.NoError(t, err)
	require.Greater(t, len(all), 8)
	for _, one := range all {
		require.NotEmpty(t, one.Help)
	}

	path := filepath.Join(h.Dir(), "settings.toml")
	for text, part := range map[string]string{
		"theme = 'dark'\nSHARD_ADMIN_ENABLE = true\n": "settings.toml:2",
		"theme = 'dark'\n\ntheme = \n":                "settings.toml:3",
		"theme = 3\n":                                 "settings.toml:1",
		"theme = [1]\n":                               "not one value",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := s.List()
		require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err), text)
		require.ErrorContains(t, err, part)
	}
}

func TestTwoWritersLoseNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	again, err := home.Open(home.Options{Dir: h.Dir(), Env: func(string) string { return "" }})
	require.NoError(t, err)
	values := map[string]string{home.Theme: "dark", home.TimeZone: "utc", home.RunQueuedWork: "true", home.OperatorEmail: "a@b.c"}
	var wg sync.WaitGroup
	for name, value := range values {
		for _, one := range []*home.Home{h, again} {
			wg.Go(func() {
				for range 5 {
					if err := one.Settings().Set(name, value); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
	wg.Wait()
	for name, value := range values {
		got, err := again.Settings().Text(name)
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
}

// No secret in anything that was written, in whatever form it came.
func TestNoSecretReachesTheFolder(t *testing.T) {
	t.Parallel()
	const planted = `pl4nted "s3cret"/@`
	file := filepath.Join(t.TempDir(), "pass")
	require.NoError(t, os.WriteFile(file, []byte("db1.example.com:*:*:*:from-the-pass-file\n"), 0o600))
	h := open(t, map[string]string{"SHARD_ADMIN_PASSWORD_ONE_CONTROL": planted, "PGPASSFILE": file})
	require.NoError(t, h.AddFleet(some("one")))
	r := h.Resolver()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := credential.Credential{User: "ops", Password: credential.NewSecret(planted)}
	h.Hide(c.Password)
	h.Hide(credential.NewSecret("from-the-pass-file"))
	_, _, err := r.Resolve(ctx, "one", "control", credential.Endpoint{Host: "db1.example.com", Port: 5432, Database: "d", User: "ops"})
	if err != nil { // a keychain that is there and locked is an answer as well
		require.Contains(t, []fault.Code{fault.KeychainLocked, fault.KeychainAbsent}, fault.CodeOf(err))
	}
	l := h.Logger()
	l.Info("credential", "is", c, "secret", c.Password, "pointer", &c)
	l.Info("plain " + planted)
	l.Error("failed", "err", errors.New("cannot use postgres://u:"+planted+"@h/d"), "quoted", fmt.Sprintf("%q", planted))
	l.Info("url postgres://u:never-told@h/d?password=also-never-told&sslmode=require")
	l.Info(`dsn host=h password=never-told-either user=u`, "password", "never-told-too")
	l.Info("ALTER ROLE x PASSWORD 'SCRAM-SHA-256$4096:aaaa$bbbb:cccc'")
	l.Info("of the file: from-the-pass-file")
	l.With("k", planted).WithGroup("g").Warn("grouped", "v", []string{planted})

	read := 0
	require.NoError(t, filepath.WalkDir(h.Dir(), func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		read += len(b)
		for _, s := range []string{planted, "pl4nted", "s3cret", "never-told", "from-the-pass-file", "4096:aaaa"} {
			require.NotContains(t, string(b), s, p)
		}
		return nil
	}))
	require.Greater(t, read, 500)
	b, err := os.ReadFile(h.LogPath())
	require.NoError(t, err)
	require.Contains(t, string(b), "sslmode=require", "only the secret is taken out")
	require.Equal(t, 8, strings.Count(string(b), "\n"))
}

func TestTheLogIsRotatedAndShared(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	again, err := home.Open(home.Options{Dir: h.Dir(), Env: func(string) string { return "" }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = again.Close() })
	line := strings.Repeat("x", 64<<10)
	for range 100 { // 6.4 MB through each
		h.Logger().Info(line)
		again.Logger().Info(line)
	}
	files, err := filepath.Glob(filepath.Join(h.Dir(), "logs", "*"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	lines := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(b), 5<<20)
		lines += strings.Count(string(b), "\n")
	}
	require.Equal(t, 200, lines)
}

func FuzzSettings(f *testing.F) {
	f.Add("theme = \"dark\"\nSHARD_ADMIN_ENABLED = true\n", "theme", "light")
	f.Add("operator_email = \"a@b\"\n[x]\n", "operator_email", "postgres://u:p@h/d")
	f.Add("TENANT_ADMIN_EMAILS = \"a@b, c@d\"\n'quoted key' = 1\n", "TENANT_ADMIN_EMAILS", "a@b,,c@d")
	dir := filepath.Join(f.TempDir(), "home")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		h, err := home.Open(home.Options{Dir: dir, Env: func(string) string { return "" }})
		require.NoError(t, err)
		defer func() { require.NoError(t, h.Close()) }()
		path := filepath.Join(dir, "settings.toml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := h.Settings().List(); err != nil {
			require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err), "%v", err)
			require.NotEmpty(t, fault.HintOf(err))
			require.Contains(t, err.Error(), path+":")
			on, _ := h.Settings().Flag(policy.FlagEnabled)
			require.False(t, on, "a flag of a file that cannot be read is off")
			require.NoError(t, os.Remove(path))
		}
		if err := h.Settings().Set(name, value); err != nil {
			require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err), "%v", err)
			return
		}
		one, err := h.Settings().Get(name)
		require.NoError(t, err)
		require.NoError(t, h.Settings().Set(name, one.Value), "what is shown may be set")
		again, err := h.Settings().Get(name)
		require.NoError(t, err)
		require.Equal(t, one.Value, again.Value)
	})
}
