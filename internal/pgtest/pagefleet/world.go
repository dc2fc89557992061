//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/demo"
	"shardadmin/internal/demo/schema"
	"shardadmin/internal/demo/seed"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/session"
)

const (
	operator = "ann@estates.example"
	role     = "demo_operator"
	password = "page-secret-2207"
	// The fresh fleet has a role of its own: its password changes.
	freshRole = "page_operator"
	// tenants of the fleet whose list is long.
	many = 100_000
)

// world is everything that runs.
type world struct {
	binary, dir string
	started     time.Time

	demo  *demo.Demo
	home  *home.Home // of the demo
	whole *fleet.Fleet

	mu       sync.Mutex
	serving  []*exec.Cmd
	pages    map[string]string
	sessions map[string]*asked
	server   *http.Server
	// heard is what was sent to the webhook of the production fleet, hook its address.
	heard []map[string]any
	hook  string
	// bus is the address of a session bus with a keychain; empty where there is none.
	bus string
	// ends are what is to be ended besides the pages.
	ends []func()
}

func (w *world) say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "pagefleet: %5.1f s  %s\n", time.Since(w.started).Seconds(), fmt.Sprintf(format, args...))
}

func (w *world) begin(ctx context.Context) error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	var err error
	if w.home, err = home.Open(home.Options{Dir: filepath.Join(w.dir, "demo")}); err != nil {
		return err
	}
	w.demo = demo.New(w.home)
	if err := w.demo.Start(ctx, func(step string) { w.say("%s", step) }); err != nil {
		return err
	}
	if w.whole, err = w.home.Fleet(demo.FleetName); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"production", w.production},
		{"a silent shard", w.partial},
		{"an empty fleet", w.empty},
		{"100,000 tenants", w.big},
		{"a fleet that does not answer", w.down},
		{"a fleet without our schema", w.fresh},
		{"a keychain", w.keychain},
	} {
		w.say("Making %s", step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := w.hear(ctx); err != nil {
		return err
	}
	w.say("Serving the pages")
	for _, name := range []string{"demo", "production", "partial", "empty", "big", "down", "fresh", "first", "newcomer"} {
		if err := w.serve(name); err != nil {
			return fmt.Errorf("serve %s: %w", name, err)
		}
	}
	w.say("Ready")
	return nil
}

// end stops and removes everything.
func (w *world) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server != nil {
		_ = w.server.Close()
	}
	for _, a := range w.sessions {
		_ = a.conn.Close(context.Background())
	}
	for _, c := range w.serving {
		_ = c.Process.Signal(syscall.SIGTERM)
	}
	for _, c := range w.serving {
		t := time.AfterFunc(8*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		t.Stop()
	}
	for _, end := range w.ends {
		end()
	}
	if w.demo != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := w.demo.Reset(ctx); err != nil {
			return err
		}
		_ = w.home.Close()
	}
	return os.RemoveAll(w.dir)
}

// super leads the superuser through the socket of the server that a shard of
// the whole fleet is on.
func (w *world) super(shard, database string) string { return w.as("postgres", shard, database) }

// as is super for another role.
func (w *world) as(role, shard, database string) string {
	text := w.whole.Control.URL
	if s, ok := w.whole.Shard(shard); ok && s.Endpoint.URL != "" {
		text = s.Endpoint.URL
	}
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.User = url.User(role)
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

// tcp is the address of a shard of the whole fleet as a person would write it:
// with a host, a port and a role that has a password.
func (w *world) tcp(user, shard, database string) string {
	u, err := url.Parse(w.super(shard, database))
	if err != nil {
		return ""
	}
	return (&url.URL{
		Scheme: "postgres", User: url.User(user), Host: net.JoinHostPort("127.0.0.1", u.Query().Get("port")),
		Path: u.Path, RawQuery: "sslmode=disable",
	}).String()
}

func (w *world) exec(ctx context.Context, shard, database, sql string, args ...any) error {
	c, err := pgx.Connect(ctx, w.super(shard, database))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if len(args) == 0 {
		_, err = c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	} else {
		_, err = c.Exec(ctx, sql, args...)
	}
	return err
}

// file writes a fleet's file into a folder of its own.
func (w *world) file(name string, f *fleet.Fleet) (*home.Home, error) {
	env := func(key string) string {
		if strings.HasPrefix(key, "SHARD_ADMIN_PASSWORD_") {
			return password
		}
		if strings.HasPrefix(key, "SHARD_") && strings.HasSuffix(key, "_ENABLED") {
			return "true"
		}
		return ""
	}
	h, err := home.Open(home.Options{Dir: filepath.Join(w.dir, name), Env: env})
	if err != nil {
		return nil, err
	}
	return h, h.AddFleet(f)
}

// ready gives the operator exactly the printed rights and, where asked, makes
// our schema.
func (w *world) ready(ctx context.Context, h *home.Home, name string, on map[string][2]string, install bool) error {
	s, err := h.Session(ctx, name, home.SessionOptions{Email: operator, Source: "cli"})
	if err != nil {
		return err
	}
	defer s.Close()
	grant := func() error {
		for range 5 {
			check, err := s.Check(ctx)
			if err != nil {
				return err
			}
			missing := 0
			for _, d := range check.Databases {
				for _, m := range d.Missing {
					missing++
					if err := w.exec(ctx, on[d.Name][0], on[d.Name][1], m.Grant); err != nil {
						return fmt.Errorf("%s: %w", m.Grant, err)
					}
				}
			}
			if missing == 0 {
				return nil
			}
			s.Reconnect()
		}
		return fmt.Errorf("the printed rights do not suffice")
	}
	if err := grant(); err != nil || !install {
		return err
	}
	if _, err := s.Install(ctx, session.InstallRequest{Admin: operator, Note: "a first look", Confirm: name}); err != nil {
		return err
	}
	return grant()
}

// production is the demo's databases as a fleet that matters, with an operator
// who is listed together with the database role.
func (w *world) production(ctx context.Context) error {
	for _, s := range w.whole.Shards {
		if s.Configured() {
			if err := w.exec(ctx, s.Name, "postgres", "ALTER ROLE "+role+" PASSWORD '"+password+"'"); err != nil {
				return err
			}
		}
	}
	s, err := w.home.Session(ctx, demo.FleetName, home.SessionOptions{Source: "cli"})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.SetOperator(ctx, operator, "admin", role, "runs production", ""); err != nil {
		return err
	}
	f := *w.whole
	f.Name, f.Environment, f.Path = "estates-eu", fleet.Production, ""
	f.Control.URL = w.tcp(role, "default", "")
	f.Shards = nil
	for _, s := range w.whole.Shards {
		if s.Endpoint.URL != "" {
			s.Endpoint.URL = w.tcp(role, s.Name, "")
		}
		f.Shards = append(f.Shards, s)
	}
	f.Channels = []fleet.Channel{{Name: "ops", Kind: fleet.ChannelWebhook, Severity: "warning"}}
	h, err := w.file("production", &f)
	if err != nil {
		return err
	}
	if err := pastOf(ctx, h, f.Name, "default", "shard_1", "shard_2"); err != nil {
		return err
	}
	return h.Close()
}

// partial is the demo's databases with a shard at whose address nobody
// listens.
func (w *world) partial(context.Context) error {
	f := *w.whole
	f.Name, f.Environment, f.Path = "estates-test", fleet.Staging, ""
	f.Shards = nil
	for _, s := range w.whole.Shards {
		if s.Name == "shard_2" {
			s.Endpoint.URL = "postgres://" + role + "@127.0.0.1:9/pwb_shard_2?sslmode=disable"
		}
		f.Shards = append(f.Shards, s)
	}
	h, err := w.file("partial", &f)
	if err != nil {
		return err
	}
	return h.Close()
}

// database makes one with the application's schema on the control server.
func (w *world) database(ctx context.Context, name string) error {
	if err := w.exec(ctx, "default", "postgres", "CREATE DATABASE "+name+" OWNER pwb_owner"); err != nil {
		return err
	}
	return w.exec(ctx, "default", name, "CREATE EXTENSION IF NOT EXISTS pgcrypto; ALTER SCHEMA public OWNER TO pwb_owner; SET ROLE pwb_owner;"+schema.PWB+"; RESET ROLE; "+schema.AppGrants)
}

func (w *world) alone(name, database, user string) *fleet.Fleet {
	return &fleet.Fleet{
		Name: name, Environment: fleet.Development, Profile: "property_web_builder_demo", Control: fleet.Endpoint{URL: w.tcp(user, "default", database)},
		Shards: []fleet.Shard{{Name: "default", InControl: true, Placement: fleet.PlacementOpen}, {Name: "shard_1", Placement: fleet.PlacementOpen}},
	}
}

// empty has no tenant and no move.
func (w *world) empty(ctx context.Context) error {
	if err := w.database(ctx, "pwb_empty"); err != nil {
		return err
	}
	h, err := w.file("empty", w.alone("empty", "pwb_empty", role))
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	return w.ready(ctx, h, "empty", map[string][2]string{"control": {"default", "pwb_empty"}, "default": {"default", "pwb_empty"}}, true)
}

// big has many tenants, and may only be looked at.
func (w *world) big(ctx context.Context) error {
	if err := w.database(ctx, "pwb_big"); err != nil {
		return err
	}
	if err := w.exec(ctx, "default", "pwb_big", `INSERT INTO pwb_websites (id, subdomain, slug, company_display_name, owner_email, shard_name, demo_mode,
		provisioning_state, created_at, updated_at)
		SELECT i, 'agency-' || lpad(i::text, 6, '0'), 'agency-' || i, 'Agency ' || i, 'owner' || i || '@agency.example', 'default', false, 'live',
		timestamp '2024-01-01' + i * interval '5 minutes', now() FROM generate_series(1, $1::int) i`, many); err != nil {
		return err
	}
	if err := w.exec(ctx, "default", "pwb_big", "ANALYZE pwb_websites"); err != nil {
		return err
	}
	h, err := w.file("big", w.alone("big", "pwb_big", role))
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	return w.ready(ctx, h, "big", map[string][2]string{"control": {"default", "pwb_big"}, "default": {"default", "pwb_big"}}, false)
}

// down is a fleet at whose address nobody listens.
func (w *world) down(context.Context) error {
	f := w.alone("down", "pwb_nowhere", role)
	f.Control.URL = "postgres://" + role + "@127.0.0.1:9/pwb?sslmode=disable"
	h, err := w.file("down", f)
	if err != nil {
		return err
	}
	return h.Close()
}

// fresh is a small fleet that nobody has installed our schema in.
func (w *world) fresh(ctx context.Context) error {
	if err := w.database(ctx, "pwb_fresh"); err != nil {
		return err
	}
	if err := w.exec(ctx, "default", "postgres", "CREATE ROLE "+freshRole+" LOGIN NOSUPERUSER PASSWORD '"+password+"'"); err != nil {
		return err
	}
	h, err := w.file("fresh", w.alone("fresh", "pwb_fresh", freshRole))
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	return w.ready(ctx, h, "fresh", map[string][2]string{"control": {"default", "pwb_fresh"}, "default": {"default", "pwb_fresh"}}, false)
}

// serve starts the program that is tested.
func (w *world) serve(name string) error {
	dir := filepath.Join(w.dir, name)
	args := []string{"--home", dir, "--json", "serve", "--listen", "127.0.0.1:0"}
	if name != "demo" && name != "first" && name != "newcomer" {
		args = append(args, "--as", operator)
	}
	c := exec.Command(w.binary, args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TZ=UTC"}
	bus := "unix:path=/nowhere"
	if name == "fresh" && w.bus != "" {
		bus = w.bus
	}
	c.Env = append(c.Env, "DBUS_SESSION_BUS_ADDRESS="+bus)
	for _, flag := range []string{"SHARD_ADMIN_ENABLED", "SHARD_ASSIGNMENT_ENABLED", "SHARD_MIGRATIONS_ENABLED", "SHARD_BULK_OPS_ENABLED"} {
		c.Env = append(c.Env, flag+"=true")
	}
	for _, f := range []string{"ESTATES_EU", "ESTATES_TEST", "EMPTY", "BIG", "DOWN", "FRESH", "ESTATES_NEW"} {
		for _, d := range append([]string{"control"}, seed.Demo().Shards...) {
			c.Env = append(c.Env, "SHARD_ADMIN_PASSWORD_"+f+"_"+strings.ToUpper(d)+"="+password)
		}
	}
	c.Env = append(c.Env, "SHARD_ADMIN_PASSWORD_ESTATES_EU_NOTIFY_OPS="+w.hook, "SHARD_ADMIN_PASSWORD_ESTATES_EU_NOTIFY_OPS_SECRET="+password)
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return err
	}
	w.serving = append(w.serving, c)
	lines := bufio.NewReader(out)
	var answer struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(lines).Decode(&answer); err != nil {
		return err
	}
	w.pages[name] = answer.URL
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return nil
}
