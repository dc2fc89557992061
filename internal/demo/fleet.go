package demo

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardadmin/internal/demo/schema"
	"shardadmin/internal/demo/seed"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/home"
	"shardadmin/internal/localpg"
	"shardadmin/internal/session"
)

// FleetName is the name of the demo's fleet file.
const FleetName = "demo"

const (
	ownerRole    = "pwb_owner"
	appRole      = "pwb_app"
	operatorRole = "demo_operator"
	operator     = "demo@localhost"
)

// Demo is the demo fleet that belongs to a folder of a user.
type Demo struct {
	home *home.Home
	dir  string

	mu sync.Mutex
	// held is set while servers of Start run: the lock is theirs.
	held func()
}

// New returns the demo of a folder; it starts nothing.
func New(h *home.Home) *Demo {
	d := &Demo{home: h, dir: filepath.Join(h.Dir(), "demo")}
	if os.Getuid() == 0 {
		// PostgreSQL does not run as root, and its user may not enter root's
		// folders.
		sum := sha256.Sum256([]byte(h.Dir()))
		d.dir = filepath.Join("/var/lib/shard-admin-demo", hex.EncodeToString(sum[:4]))
	}
	return d
}

// server is one of the demo's servers.
type server struct {
	name, database string
}

// shard is the name that the catalogue has for what lives on the server.
func (s server) shard() string {
	if s.name == "control" {
		return "default"
	}
	return s.name
}

func plan() []server {
	return []server{{"control", "pwb_control"}, {"shard_1", "pwb_shard_1"}, {"shard_2", "pwb_shard_2"}, {"demo", "pwb_demo"}}
}

func (d *Demo) folder(s server) string { return filepath.Join(d.dir, s.name) }

// running is the demo's servers while they run.
type running struct {
	demo    *Demo
	servers map[string]*localpg.Server
	// ours are the servers that this run has started.
	ours []*localpg.Server
}

func settings() map[string]string {
	return map[string]string{
		"wal_level": "logical", "max_connections": "120", "shared_buffers": "64MB", "max_wal_size": "1GB", "checkpoint_timeout": "15min",
		"max_replication_slots": "10", "max_wal_senders": "10", "log_min_duration_statement": "2000",
	}
}

// up starts the servers that do not run.
func (d *Demo) up(ctx context.Context, child bool) (*running, error) {
	bin, err := localpg.Find(ctx, 0)
	if err != nil {
		return nil, err
	}
	r := &running{demo: d, servers: map[string]*localpg.Server{}}
	type started struct {
		s   *localpg.Server
		our bool
	}
	list := make([]started, len(plan()))
	var g errgroup.Group
	for i, s := range plan() {
		g.Go(func() error {
			_, was := localpg.Running(d.folder(s))
			pg, err := localpg.Start(ctx, localpg.Config{Binaries: bin, Dir: d.folder(s), Settings: settings(), Child: child})
			list[i] = started{pg, !was}
			return err
		})
	}
	err = g.Wait()
	for i, s := range plan() {
		if list[i].s == nil {
			continue
		}
		r.servers[s.name] = list[i].s
		if list[i].our {
			r.ours = append(r.ours, list[i].s)
		}
	}
	if err != nil {
		r.down()
		return nil, err
	}
	return r, nil
}

// down stops what this run has started.
func (r *running) down() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var g errgroup.Group
	for _, s := range r.ours {
		g.Go(func() error { return s.Stop(ctx) })
	}
	_ = g.Wait()
}

func (r *running) super(ctx context.Context, s server, database string) (*pgx.Conn, error) {
	c, err := pgx.Connect(ctx, r.servers[s.name].URL("", database))
	if err != nil {
		return nil, fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "the demo's server %s does not answer", s.name)
	}
	return c, nil
}

// socketURL leads a role to a database through the server's private socket.
func (r *running) socketURL(s server, role string) string {
	pg := r.servers[s.name]
	q := url.Values{"host": {pg.Socket()}, "port": {fmt.Sprint(pg.Port())}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + s.database, RawQuery: q.Encode()}).String()
}

// seed makes schema and tenants where they are missing, on all servers at
// once.
func (r *running) seed(ctx context.Context) (made bool, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.NumCPU()))
	fresh := make([]bool, len(plan()))
	for i, s := range plan() {
		g.Go(func() error {
			var err error
			fresh[i], err = r.seedOne(ctx, s)
			if err != nil && fault.As(err) == nil {
				err = fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "the demo's server %s could not be filled", s.name)
			}
			return err
		})
	}
	err = g.Wait()
	for _, f := range fresh {
		made = made || f
	}
	return made, err
}

func (r *running) seedOne(ctx context.Context, s server) (bool, error) {
	done := filepath.Join(r.demo.folder(s), "seeded")
	if _, err := os.Stat(done); err == nil {
		return false, nil
	}
	admin, err := r.super(ctx, s, "postgres")
	if err != nil {
		return false, err
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	if _, err := admin.Exec(ctx, `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pwb_owner') THEN CREATE ROLE pwb_owner NOLOGIN; END IF;
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pwb_app') THEN CREATE ROLE pwb_app LOGIN NOSUPERUSER; END IF;
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_operator') THEN CREATE ROLE demo_operator LOGIN NOSUPERUSER; END IF;
	END $$`); err != nil {
		return false, err
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + s.database + " WITH (FORCE)", "CREATE DATABASE " + s.database + " OWNER " + ownerRole} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return false, err
		}
	}
	c, err := r.super(ctx, s, s.database)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	run := func(sql string) error {
		_, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if err := run("CREATE EXTENSION IF NOT EXISTS pgcrypto; ALTER SCHEMA public OWNER TO " + ownerRole + "; SET ROLE " + ownerRole + ";" + schema.PWB + "; RESET ROLE; " + schema.AppGrants); err != nil {
		return false, err
	}
	if err := seed.Fill(ctx, c, seed.Demo(), s.shard()); err != nil {
		return false, err
	}
	return true, os.WriteFile(done, []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// A run's new ids begin here, and each shard takes so many; the sample tenants'
// own ids are smaller, and a column of type integer holds thousands of runs.
const (
	firstRange = 300_000_000
	rangeSize  = 100_000
)

//go:embed ranges.sql
var rangesSQL string

// number gives each shard's sequences a range of ids that nobody used. Without
// it, a tenant that was moved back from a shard leaves its home's sequences in
// the middle of that shard's, and what is written next collides.
func (r *running) number(ctx context.Context) error {
	path := filepath.Join(r.demo.dir, "runs")
	b, _ := os.ReadFile(path) // missing before the first run
	run, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if err := os.WriteFile(path, []byte(strconv.Itoa(run+1)+"\n"), 0o600); err != nil {
		return fault.Wrapf(err, fault.DemoFailed, "check who owns the folder", "the demo's folder %s cannot be written", r.demo.dir)
	}
	for i, s := range plan() {
		c, err := r.super(ctx, s, s.database)
		if err != nil {
			return err
		}
		_, err = c.Exec(ctx, rangesSQL, firstRange+(run*len(plan())+i)*rangeSize)
		_ = c.Close(context.WithoutCancel(ctx))
		if err != nil {
			return fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "the sequences of %s could not be set", s.name)
		}
	}
	return nil
}

// seeded reports whether all servers have their tenants.
func (d *Demo) seeded() bool {
	for _, s := range plan() {
		if _, err := os.Stat(filepath.Join(d.folder(s), "seeded")); err != nil {
			return false
		}
	}
	return true
}

// described is the fleet in the file that the demo wrote, nil where there is no
// file. A fleet of that name that somebody else described is refused, and so is a
// file that cannot be read: nobody knows whose it is.
func (d *Demo) described() (*fleet.Fleet, error) {
	path, hint := d.home.FleetPath(FleetName), "the file is as it was: to keep its fleet, rename it to NAME.toml in the same folder and write that name in it; shard-admin fleet remove "+FleetName+" forgets it. Or set SHARD_ADMIN_HOME to another folder for the demo"
	f, err := d.home.Fleet(FleetName)
	switch {
	case fault.CodeOf(err) == fault.FleetUnknown:
		return nil, nil
	case err != nil:
		return nil, fault.Wrapf(err, fault.FleetExists, hint, "the demo's fleet is called %s, and %s cannot be read, so whether the demo wrote it is not known: %s", FleetName, path, firstLine(err))
	}
	if why := foreign(f); why != "" {
		return nil, fault.Newf(fault.FleetExists, hint, "the demo's fleet is called %s, and %s describes another one: %s", FleetName, path, why)
	}
	return f, nil
}

func firstLine(err error) string {
	text := err.Error()
	if f := fault.As(err); f != nil {
		text = f.Message
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// foreign is why the demo did not write a fleet's file; empty where it did. The demo
// leads its operator to the sockets of its servers and nowhere else. Which folder
// these are in does not matter: it may have been moved since.
func foreign(f *fleet.Fleet) string {
	if f.Environment != fleet.Demo {
		return "its environment is " + string(f.Environment)
	}
	leads := func(name, text string) string {
		u, err := url.Parse(text)
		if err == nil && u.Host == "" && u.User.Username() == operatorRole {
			at := u.Query().Get("host")
			for _, s := range plan() {
				if strings.HasSuffix(filepath.ToSlash(at), "/"+s.name+"/s") && u.Path == "/"+s.database {
					return ""
				}
			}
		}
		return name + " is not on a server of the demo"
	}
	if why := leads(fleet.ControlName, f.Control.URL); why != "" {
		return why
	}
	for _, s := range f.Shards {
		if s.Endpoint.URL != "" {
			if why := leads("shard "+s.Name, s.Endpoint.URL); why != "" {
				return why
			}
		}
	}
	return ""
}

// describe writes the fleet's file for the servers as they run now. What somebody
// has set in it since the demo wrote it first stays.
func (r *running) describe() error {
	was, err := r.demo.described()
	if err != nil {
		return err
	}
	servers := plan()
	f := &fleet.Fleet{
		Name: FleetName, Environment: fleet.Demo, Profile: "property_web_builder_demo",
		Control: fleet.Endpoint{URL: r.socketURL(servers[0], operatorRole)},
		Shards:  []fleet.Shard{{Name: "default", InControl: true, Placement: fleet.PlacementOpen}},
	}
	for _, s := range servers[1:] {
		p := fleet.PlacementOpen
		if s.name == "demo" {
			p = fleet.PlacementDemo
		}
		f.Shards = append(f.Shards, fleet.Shard{Name: s.name, Endpoint: fleet.Endpoint{URL: r.socketURL(s, operatorRole)}, Capacity: 1 << 30, Placement: p})
	}
	f.Shards = append(f.Shards, fleet.Shard{Name: "shard_3", Placement: fleet.PlacementOpen})
	if was == nil {
		return r.demo.home.AddFleet(f)
	}
	was.Control.URL = f.Control.URL
	for _, s := range f.Shards {
		i := slices.IndexFunc(was.Shards, func(x fleet.Shard) bool { return x.Name == s.Name })
		if i < 0 {
			was.Shards = append(was.Shards, s)
			continue
		}
		was.Shards[i].InControl, was.Shards[i].Endpoint.URL = s.InControl, s.Endpoint.URL
	}
	return r.demo.home.ReplaceFleet(was)
}

// install gives the operator exactly the printed rights and makes our schema.
func (r *running) install(ctx context.Context, s *session.Session) error {
	grant := func() error {
		for range 5 {
			check, err := s.Check(ctx)
			if err != nil {
				return err
			}
			missing := 0
			for i, srv := range plan() {
				db := check.Databases[i]
				if db.Problem != nil {
					return fault.New(fault.Code(db.Problem.Code), db.Problem.Message, db.Problem.Hint)
				}
				wanted := slices.Concat(db.Missing, db.Optional)
				if len(wanted) == 0 {
					continue
				}
				c, err := r.super(ctx, srv, srv.database)
				if err != nil {
					return err
				}
				for _, m := range wanted {
					missing++
					if _, err := c.Exec(ctx, m.Grant, pgx.QueryExecModeSimpleProtocol); err != nil {
						_ = c.Close(ctx)
						return fault.Wrapf(err, fault.DemoFailed, "shard-admin demo reset starts anew", "a printed statement failed: %s", m.Grant)
					}
				}
				_ = c.Close(ctx)
			}
			if missing == 0 {
				return nil
			}
			s.Reconnect()
		}
		return fault.New(fault.DemoFailed, "the printed rights do not suffice", "shard-admin demo reset starts anew")
	}
	if err := grant(); err != nil {
		return err
	}
	st, err := s.InstallStatus(ctx)
	if err == nil && st.Installed && st.Version == st.Wanted {
		return nil
	}
	if _, err := s.Install(ctx, session.InstallRequest{Admin: operator, Note: "the demo fleet is set up"}); err != nil {
		return err
	}
	return grant()
}

// Server is one server of the demo as others see it.
type Server struct {
	Name, Database string
	Port           int
	Running        bool
}

// Status says which servers run.
func (d *Demo) Status(context.Context) (bool, []Server, error) {
	all := true
	out := []Server{}
	for _, s := range plan() {
		port, ok := localpg.Running(d.folder(s))
		all = all && ok
		out = append(out, Server{Name: s.name, Database: s.database, Port: port, Running: ok})
	}
	return all, out, nil
}

// Down stops the servers and keeps their data.
func (d *Demo) Down(ctx context.Context) error {
	free, err := d.take()
	if err != nil {
		return err
	}
	defer free()
	return d.stop(ctx)
}

func (d *Demo) stop(ctx context.Context) error {
	bin, err := localpg.Find(ctx, 0)
	if err != nil {
		return err
	}
	for _, s := range plan() {
		if _, ok := localpg.Running(d.folder(s)); !ok {
			continue
		}
		pg, err := localpg.Start(ctx, localpg.Config{Binaries: bin, Dir: d.folder(s), Settings: settings()})
		if err != nil {
			return err
		}
		if err := pg.Stop(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Reset stops the servers and removes their data and the fleet's file.
func (d *Demo) Reset(ctx context.Context) error {
	free, err := d.take()
	if err != nil {
		return err
	}
	defer free()
	if _, err := d.described(); err != nil {
		return err
	}
	if err := d.stop(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fault.Wrapf(err, fault.DemoFailed, "remove it by hand", "the folder %s could not be removed", d.dir)
	}
	if err := d.home.RemoveFleet(FleetName); err != nil && fault.CodeOf(err) != fault.FleetUnknown {
		return err
	}
	return nil
}

// Start makes and fills the fleet where that is missing; the servers end with
// this program. A demo that is ready already, here or in another program, is
// taken as it is.
func (d *Demo) Start(ctx context.Context, progress func(step string)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if up, _, err := d.Status(ctx); err == nil && up && d.isReady() {
		if f, err := d.described(); err != nil {
			return err
		} else if f != nil {
			return nil
		}
	}
	d.release()
	_, s, free, err := d.prepare(ctx, true, progress)
	if err != nil {
		return err
	}
	s.Close()
	d.held = free
	return nil
}

// isReady reports whether the fleet has once been brought to ready.
func (d *Demo) isReady() bool {
	_, err := os.Stat(d.ready())
	return err == nil
}

func (d *Demo) ready() string { return filepath.Join(d.dir, "ready") }

// prepare brings the fleet to ready.
func (d *Demo) prepare(ctx context.Context, child bool, progress func(string)) (*running, *session.Session, func(), error) {
	free, err := d.lock()
	if err != nil {
		return nil, nil, nil, err
	}
	fail := func(r *running, err error) (*running, *session.Session, func(), error) {
		if r != nil {
			r.down()
		}
		free()
		return nil, nil, nil, err
	}
	// Before anything is made; describe asks once more when the servers run.
	if _, err := d.described(); err != nil {
		return fail(nil, err)
	}
	progress("Starting four PostgreSQL servers")
	r, err := d.up(ctx, child)
	if err != nil {
		return fail(nil, err)
	}
	if d.seeded() {
		progress("They have the 200 sample tenants of an earlier run")
	} else {
		progress("Filling them with 200 sample tenants, about 300,000 rows")
	}
	if _, err := r.seed(ctx); err != nil {
		return fail(r, err)
	}
	if err := r.number(ctx); err != nil {
		return fail(r, err)
	}
	if err := r.describe(); err != nil {
		return fail(r, err)
	}
	progress("Granting the operator what fleet check prints, installing shard_admin")
	s, err := d.home.Session(ctx, FleetName, home.SessionOptions{Email: operator, Source: "cli"})
	if err != nil {
		return fail(r, err)
	}
	if err := r.install(ctx, s); err != nil {
		s.Close()
		return fail(r, err)
	}
	if err := os.WriteFile(d.ready(), nil, 0o600); err != nil {
		s.Close()
		return fail(r, fault.Wrapf(err, fault.DemoFailed, "check who owns the folder", "the demo's folder %s cannot be written", d.dir))
	}
	return r, s, free, nil
}
