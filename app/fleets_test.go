package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

// two is a fleet of two databases that do not answer.
func two() AddFleetRequest {
	return AddFleetRequest{
		Name: "pwb", Environment: "staging", Profile: "property_web_builder",
		Control: "postgres://ops@127.0.0.1:1/pwb?sslmode=disable",
		Shards: []ShardURL{
			{Name: "default", URL: "control"},
			{Name: "shard_1", URL: "postgres://ops@127.0.0.1:1/pwb_1?sslmode=disable"},
			{Name: "shard_2"},
		},
	}
}

// withPasswords is two as somebody pastes it. The keychain of the tests takes
// no writes while others read: a test that adds this is not parallel.
func withPasswords() AddFleetRequest {
	r := two()
	r.Control = "postgres://ops:c0ntrol-secret@127.0.0.1:1/pwb?sslmode=disable"
	r.Shards[1].URL = "postgres://ops:sh4rd-secret@127.0.0.1:1/pwb_1?sslmode=disable"
	return r
}

func TestPasswordsOfANewFleetGoToTheKeychain(t *testing.T) {
	a, _ := start(t, Options{})
	settings, shell := &Settings{a}, &Shell{a}
	info, err := shell.Info()
	require.NoError(t, err)
	require.True(t, info.FirstStart)
	require.Equal(t, Page, info.Mode)
	require.NotNil(t, info.Fleets)

	r := withPasswords()
	r.Name = "keychain-test"
	v, err := settings.AddFleet(r)
	require.NoError(t, err)
	require.True(t, v.Current, "the first fleet is the current one")
	require.Equal(t, []bool{true, true, false}, []bool{v.Shards[0].Configured, v.Shards[1].Configured, v.Shards[2].Configured})
	require.True(t, v.Shards[0].InControl)
	require.NotContains(t, v.Control+v.Shards[1].URL, "secret")
	text, err := os.ReadFile(v.Path)
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret")

	c, err := credential.Keychain{}.Get(t.Context(), r.Name, "control")
	require.NoError(t, err)
	require.Equal(t, "ops", c.User)
	require.Equal(t, "c0ntrol-secret", c.Password.Reveal())
	c, err = credential.Keychain{}.Get(t.Context(), r.Name, "shard_1")
	require.NoError(t, err)
	require.Equal(t, "sh4rd-secret", c.Password.Reveal())

	a.log.Error("a line with sh4rd-secret in it")
	logged, err := os.ReadFile(a.home.LogPath())
	require.NoError(t, err)
	require.NotContains(t, string(logged), "sh4rd-secret")

	_, err = settings.AddFleet(r)
	require.Equal(t, fault.FleetExists, fault.CodeOf(err))
	info, err = shell.Info()
	require.NoError(t, err)
	require.False(t, info.FirstStart)
	require.Equal(t, []FleetName{{Name: r.Name, Environment: "staging", Current: true}}, info.Fleets)

	left, err := settings.RemoveFleet(r.Name)
	require.NoError(t, err)
	require.Empty(t, left.Fleets)
	_, err = (&Overview{a}).Status()
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
}

func TestAFleetThatIsRefusedLeavesNoPassword(t *testing.T) {
	a, _ := start(t, Options{})
	settings := &Settings{a}
	for name, spoil := range map[string]func(*AddFleetRequest){
		"refused-environment": func(r *AddFleetRequest) { r.Environment = "prod" },
		"refused-control":     func(r *AddFleetRequest) { r.Control = "mysql://db" },
		"refused-shard":       func(r *AddFleetRequest) { r.Shards[2].URL = "nonsense" },
		"refused-twice":       func(r *AddFleetRequest) { r.Shards[2] = r.Shards[1] },
		"../refused":          func(*AddFleetRequest) {},
	} {
		r := withPasswords()
		r.Name = name
		spoil(&r)
		_, err := settings.AddFleet(r)
		require.Error(t, err, name)
		require.NotContains(t, ProblemText(err), "secret", name)
		_, err = credential.Keychain{}.Get(t.Context(), name, "control")
		require.ErrorIs(t, err, credential.ErrNotFound, name)
	}
	list, err := settings.Fleets()
	require.NoError(t, err)
	require.Empty(t, list.Fleets)
}

func TestImportAFleet(t *testing.T) {
	a, _ := start(t, Options{})
	v, err := (&Settings{a}).ImportFleet(ImportFleetRequest{Name: "imported", Environment: "staging", Text: `
staging:
  primary:
    adapter: postgresql
    host: db1.example.com
    database: pwb
    username: ops
    password: imp0rted
  tenant_shard_1:
    adapter: postgresql
    host: db2.example.com
    database: pwb_1
    username: ops
    password: imp0rted-too
`})
	require.NoError(t, err)
	require.Equal(t, "imported", v.Name)
	require.Equal(t, "staging", v.Environment)
	require.Contains(t, v.Control, "db1.example.com")
	require.NotEmpty(t, v.Shards)
	c, err := credential.Keychain{}.Get(t.Context(), "imported", "control")
	require.NoError(t, err)
	require.Equal(t, "imp0rted", c.Password.Reveal())
	_, err = (&Settings{a}).ImportFleet(ImportFleetRequest{Text: "{{{"})
	require.Equal(t, fault.ImportInvalid, fault.CodeOf(err))
}

func TestChoosingAFleetAndAnOperator(t *testing.T) {
	t.Parallel()
	a, _ := start(t, Options{})
	settings, shell := &Settings{a}, &Shell{a}
	for _, name := range []string{"one", "two"} {
		r := two()
		r.Name = name
		_, err := settings.AddFleet(r)
		require.NoError(t, err)
	}
	first, err := a.current()
	require.NoError(t, err)
	require.Equal(t, "one", first.name)
	info, err := shell.UseFleet("two")
	require.NoError(t, err)
	require.True(t, info.Fleets[1].Current)
	second, err := a.current()
	require.NoError(t, err)
	require.Equal(t, "two", second.name)
	_, err = shell.UseFleet("three")
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
	_, err = shell.UseFleet("one")
	require.NoError(t, err)
	again, err := a.current()
	require.NoError(t, err)
	require.Same(t, first, again, "a fleet that was open stays open: its moves go on")

	_, err = shell.SetOperator("nobody")
	require.Error(t, err)
	info, err = shell.SetOperator("ann@example.com")
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", info.Operator)
	anew, err := a.current()
	require.NoError(t, err)
	require.NotSame(t, first, anew)
	require.Equal(t, "ann@example.com", anew.session.Operator())

	list, err := settings.Settings()
	require.NoError(t, err)
	require.NotEmpty(t, list.Settings)
	one, err := settings.Set("theme", "dark")
	require.NoError(t, err)
	require.Equal(t, "dark", one.Value)
	_, err = settings.Set("no_such", "x")
	require.Equal(t, fault.SettingsInvalid, fault.CodeOf(err))
}

func TestAChangedFleetFileIsReadAgain(t *testing.T) {
	t.Parallel()
	a, _ := start(t, Options{})
	_, err := (&Settings{a}).AddFleet(two())
	require.NoError(t, err)
	before, err := a.current()
	require.NoError(t, err)
	f, err := a.home.Fleet("pwb")
	require.NoError(t, err)
	f.Shards = f.Shards[:2]
	require.NoError(t, a.home.ReplaceFleet(f))
	after, err := a.current()
	require.NoError(t, err)
	require.NotSame(t, before, after)
	require.Len(t, after.session.Fleet().Shards, 2)
	same, err := a.current()
	require.NoError(t, err)
	require.Same(t, after, same)
	require.NoError(t, a.home.RemoveFleet("pwb"))
	_, err = a.current()
	require.Equal(t, fault.FleetUnknown, fault.CodeOf(err))
}

// Whoever opens a fleet while its file or the operator changes opens it as it is
// afterwards.
func TestAFleetThatChangesWhileItIsOpenedIsReadAgain(t *testing.T) {
	t.Parallel()
	a, _ := start(t, Options{})
	shell, settings := &Shell{a}, &Settings{a}
	_, err := settings.AddFleet(two())
	require.NoError(t, err)
	f, err := a.home.Fleet("pwb")
	require.NoError(t, err)
	all := f.Shards
	var wg sync.WaitGroup
	ended := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					_, _ = a.current()
				}
			}
		})
	}
	for i := range 60 {
		f.Shards = all[:2+i%2]
		require.NoError(t, a.home.ReplaceFleet(f))
		o, err := a.current()
		require.NoError(t, err)
		require.Len(t, o.session.Fleet().Shards, len(f.Shards))
		if i%6 == 0 {
			email := fmt.Sprintf("ann%d@example.com", i)
			_, err := shell.SetOperator(email)
			require.NoError(t, err)
			o, err := a.current()
			require.NoError(t, err)
			require.Equal(t, email, o.session.Operator())
		}
	}
	close(ended)
	wg.Wait()
}

// pretend is a demo that is told how to end.
type pretend struct {
	fleet string
	add   func() error
	gate  chan struct{}
}

func (p *pretend) Status(context.Context) (DemoStatus, error) {
	return DemoStatus{Fleet: p.fleet, Running: true}, nil
}

func (p *pretend) Start(ctx context.Context, progress func(string)) error {
	progress("Starting servers")
	select {
	case <-p.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.add()
}

func TestStartingTheDemo(t *testing.T) {
	t.Parallel()
	demo := &pretend{fleet: "try", gate: make(chan struct{})}
	a, events := start(t, Options{Demo: demo})
	settings := &Settings{a}
	demo.add = func() error {
		r := two()
		r.Name = "try"
		_, err := settings.AddFleet(r)
		return err
	}
	status, err := settings.StartDemo()
	require.NoError(t, err)
	require.True(t, status.Available)
	require.True(t, status.Starting, "it returns before the demo is there")
	status, err = settings.StartDemo()
	require.NoError(t, err)
	require.True(t, status.Starting, "once is enough")
	events.until(t, func(e recorded) bool {
		s, ok := e.payload.(DemoStatus)
		return e.event == "demo" && ok && s.Step == "Starting servers"
	})
	close(demo.gate)
	events.until(t, func(e recorded) bool {
		s, ok := e.payload.(DemoStatus)
		return e.event == "demo" && ok && !s.Starting && s.Problem == nil
	})
	o, err := a.current()
	require.NoError(t, err)
	require.Equal(t, "try", o.name)
}

func TestADemoThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	demo := &pretend{gate: make(chan struct{}), add: func() error { return fault.New(fault.NoBinaries, "no servers here", "install them") }}
	a, events := start(t, Options{Demo: demo})
	close(demo.gate)
	_, err := (&Settings{a}).StartDemo()
	require.NoError(t, err)
	e := events.until(t, func(e recorded) bool {
		s, ok := e.payload.(DemoStatus)
		return e.event == "demo" && ok && s.Problem != nil
	})
	require.Equal(t, "no servers here", e.payload.(DemoStatus).Problem.Message)

	none, _ := start(t, Options{})
	status, err := (&Settings{none}).DemoStatus()
	require.NoError(t, err)
	require.False(t, status.Available)
	_, err = (&Settings{none}).StartDemo()
	require.Equal(t, fault.DemoFailed, fault.CodeOf(err))
}

func TestExportAsksWhere(t *testing.T) {
	t.Parallel()
	a, _ := start(t, Options{})
	r := two()
	r.Name = "export-test"
	_, err := (&Settings{a}).AddFleet(r)
	require.NoError(t, err)
	_, err = (&Audit{a}).Export(session.ReportRequest{Format: "doc", Filter: noFilter, Note: "why"})
	require.Equal(t, fault.Usage, fault.CodeOf(err))
	_, err = (&Audit{a}).Export(session.ReportRequest{Format: "csv", Filter: noFilter, Note: "why"})
	require.Equal(t, fault.Cancelled, fault.CodeOf(err), "the person chose no file")
	require.False(t, errors.Is(err, context.Canceled))
}

func TestAFleetIsTriedBeforeAnythingOfItIsKept(t *testing.T) {
	t.Parallel()
	a, _ := start(t, Options{})
	settings := &Settings{a}
	check, err := settings.TryFleet(withPasswords())
	require.NoError(t, err)
	require.False(t, check.OK)
	require.NotEmpty(t, check.Databases)
	require.Equal(t, string(fault.DatabaseUnreachable), check.Databases[0].Problem.Code)
	list, err := settings.Fleets()
	require.NoError(t, err)
	require.Empty(t, list.Fleets, "no file was written")

	bad := two()
	bad.Name = "not a name"
	_, err = settings.TryFleet(bad)
	require.Error(t, err)
}

// A database.yml is tried with the passwords in it before anything of it is
// kept, and each database says what is wrong with it.
func TestAnImportIsTriedBeforeAnythingOfItIsKept(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	a, _ := start(t, Options{})
	settings := &Settings{a}
	described, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	section := func(name, address, password string) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		return fmt.Sprintf("  %s:\n    adapter: postgresql\n    host: %s\n    port: %s\n    database: %s\n    username: %s\n    password: %s\n    sslmode: disable\n",
			name, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), u.User.Username(), password)
	}
	text := func(password string) string {
		return "staging:\n" + section("primary", described.Control.URL, fleettest.Password) + section("tenant_shard_1", described.Shards[1].Endpoint.URL, password)
	}
	check, err := settings.TryImport(ImportFleetRequest{Name: "tried", Environment: "staging", Text: text(fleettest.Password)})
	require.NoError(t, err)
	names := []string{}
	for _, d := range check.Databases {
		names = append(names, d.Name)
		require.Nil(t, d.Problem, "%s: %+v", d.Name, d.Problem)
		require.True(t, d.Reachable)
		require.Equal(t, f.Role, d.User)
	}
	require.Equal(t, []string{"control", "shard_1"}, names)

	const wrong = "not-the-passw0rd"
	check, err = settings.TryImport(ImportFleetRequest{Name: "tried", Environment: "staging", Text: text(wrong)})
	require.NoError(t, err)
	require.False(t, check.OK)
	require.True(t, check.Databases[0].Reachable, "one that does not answer hides no other")
	require.Equal(t, string(fault.LoginRefused), check.Databases[1].Problem.Code)
	answered, err := json.Marshal(check)
	require.NoError(t, err)
	a.log.Error("a line with " + wrong + " in it")
	logged, err := os.ReadFile(a.home.LogPath())
	require.NoError(t, err)
	for _, text := range []string{string(answered), string(logged)} {
		require.NotContains(t, text, wrong)
		require.NotContains(t, text, fleettest.Password)
	}

	for name, r := range map[string]ImportFleetRequest{
		"no YAML":    {Name: "tried", Text: "{{{"},
		"no section": {Name: "tried", Environment: "production", Text: text(wrong)},
		"no name":    {Name: "../tried", Environment: "staging", Text: text(wrong)},
	} {
		_, err = settings.TryImport(r)
		require.Error(t, err, name)
		require.Equal(t, 2, fault.Exit(err), "%s: %v", name, err)
		require.NotContains(t, ProblemText(err), wrong, name)
	}

	list, err := settings.Fleets()
	require.NoError(t, err)
	require.Empty(t, list.Fleets, "no file was written")
	for _, name := range []string{"control", "shard_1"} {
		_, err = credential.Keychain{}.Get(t.Context(), "tried", name)
		require.ErrorIs(t, err, credential.ErrNotFound)
	}
}
