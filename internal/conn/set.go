package conn

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shardadmin/internal/conn/tunnel"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// Options of a Set.
type Options struct {
	Resolver credential.Resolver
	// AppName is the first part of application_name; shard-admin when empty.
	AppName string
	// ConnectTimeout bounds one attempt to connect; 5 s when zero.
	ConnectTimeout time.Duration
	// MaxConns bounds each pool; 6 when zero.
	MaxConns int32
	// StatementTimeout bounds each statement of a pool that nothing allows more; 30 s
	// when zero.
	StatementTimeout time.Duration
	// Env looks up a variable for the way through SSH hosts: HOME and
	// SSH_AUTH_SOCK; os.Getenv when nil.
	Env func(string) string
}

// Set is the databases of one fleet.
type Set struct {
	fleet    *fleet.Fleet
	opt      Options
	control  *Database
	shards   map[string]*Database
	bastions *tunnel.Bastions
}

// Open describes the databases of a fleet. It dials nothing.
func Open(f *fleet.Fleet, o Options) *Set {
	if o.AppName == "" {
		o.AppName = "shard-admin"
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 5 * time.Second
	}
	if o.MaxConns == 0 {
		o.MaxConns = 6
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 30 * time.Second
	}
	s := &Set{fleet: f, opt: o, shards: map[string]*Database{}}
	s.bastions = tunnel.New(tunnel.Options{Env: o.Env, Passphrase: s.passphrase})
	s.control = &Database{set: s, name: fleet.ControlName, endpoint: f.Control, credential: f.CredentialOf(fleet.ControlName), inControl: true}
	s.control.pooled = &pooled{}
	for _, sh := range f.Shards {
		switch {
		case sh.InControl:
			s.shards[sh.Name] = &Database{set: s, name: sh.Name, endpoint: f.Control, credential: s.control.credential, inControl: true, pooled: s.control.pooled}
		case sh.Configured():
			s.shards[sh.Name] = &Database{set: s, name: sh.Name, endpoint: sh.Endpoint, credential: f.CredentialOf(sh.Name), pooled: &pooled{}}
		}
	}
	return s
}

// Fleet returns what the set was opened from.
func (s *Set) Fleet() *fleet.Fleet { return s.fleet }

// Control returns the control database.
func (s *Set) Control() *Database { return s.control }

// Shard returns a shard's database: shard_unknown for a name that the fleet
// does not have, shard_not_configured for one without a connection.
func (s *Set) Shard(name string) (*Database, error) {
	if d, ok := s.shards[name]; ok {
		return d, nil
	}
	if _, ok := s.fleet.Shard(name); ok {
		return nil, fault.Newf(fault.ShardNotConfigured, "give it a url in the fleet file, or choose another shard", "shard %s is known but has no connection", name)
	}
	names := []string{}
	for _, sh := range s.fleet.Shards {
		names = append(names, sh.Name)
	}
	return nil, fault.Newf(fault.ShardUnknown, "the fleet has "+strings.Join(names, ", "), "there is no shard %q in fleet %s", name, s.fleet.Name)
}

// Configured returns every shard that has a connection, in the fleet's order.
func (s *Set) Configured() []*Database {
	out := []*Database{}
	for _, sh := range s.fleet.Shards {
		if d, ok := s.shards[sh.Name]; ok {
			out = append(out, d)
		}
	}
	return out
}

// Close closes every pool and every connection to an SSH host.
func (s *Set) Close() {
	s.close(true)
	s.bastions.Close()
}

func (s *Set) close(forGood bool) {
	s.control.pooled.close(forGood)
	for _, d := range s.shards {
		d.pooled.close(forGood)
	}
}

// Reset closes the pools so that the next use dials anew: after a sleep, a
// change of network, or a new password. Sessions that are at work go on, and so
// do the connections to SSH hosts that carry them.
func (s *Set) Reset() {
	s.close(false)
	s.bastions.Reset()
}

// pooled is the pool of one database, shared by the names that lead to it.
type pooled struct {
	mu      sync.Mutex
	pool    *pgxpool.Pool
	dialing *dial
	// resets and closes count: a dial that began before a reset is made again,
	// before a close it is given up.
	resets, closes int
	// seen is whether a session went through a pooler.
	seen bool
}

// dial is one attempt to connect, shared by all who wait for it: a database
// that does not answer costs its time once and not once for each caller.
type dial struct {
	done chan struct{}
	pool *pgxpool.Pool
	err  error
}

func (p *pooled) close(forGood bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resets++
	if forGood {
		p.closes++
	}
	if p.pool != nil {
		// Close waits for connections that are out; those belong to calls
		// that end by their own contexts.
		go p.pool.Close()
		p.pool = nil
	}
}

// Database is one database of a fleet.
type Database struct {
	set        *Set
	name       string
	endpoint   fleet.Endpoint
	credential string
	inControl  bool
	pooled     *pooled
}

// Name returns "control" or the shard's name.
func (d *Database) Name() string { return d.name }

// InControl reports whether the database is the control database.
func (d *Database) InControl() bool { return d.inControl }

// Credential returns the name of the credential that opens the database.
func (d *Database) Credential() string { return d.credential }

func (d *Database) url() *url.URL {
	u, err := url.Parse(d.endpoint.URL)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// Host returns the host of the URL.
func (d *Database) Host() string {
	if h := d.url().Hostname(); h != "" {
		return h
	}
	return d.url().Query().Get("host")
}

// Port returns the port of the URL; 5432 when it names none.
func (d *Database) Port() int {
	for _, p := range []string{d.url().Port(), d.url().Query().Get("port")} {
		if n, err := strconv.Atoi(p); err == nil {
			return n
		}
	}
	return 5432
}

// DatabaseName returns the database's name on its server.
func (d *Database) DatabaseName() string {
	if n := strings.Trim(d.url().Path, "/"); n != "" {
		return n
	}
	return d.url().Query().Get("dbname")
}

// User returns the user whom the URL names; empty where it names none.
func (d *Database) User() string {
	if n := d.url().User.Username(); n != "" {
		return n
	}
	return d.url().Query().Get("user")
}

// TLSMode returns the URL's sslmode; prefer is libpq's default.
func (d *Database) TLSMode() string {
	if m := d.url().Query().Get("sslmode"); m != "" {
		return m
	}
	return "prefer"
}

// settings are ours on every session of a pool, in the server's own units.
func (d *Database) settings() map[string]string {
	return map[string]string{
		"statement_timeout": strconv.FormatInt(d.set.opt.StatementTimeout.Milliseconds(), 10), "lock_timeout": "2s", "idle_in_transaction_session_timeout": "20s",
		"TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex",
		"client_encoding": "UTF8",
		// pg_catalog comes before it by itself: who may create in public must not
		// replace what we call. What has arguments of a type that is not exact, or
		// keeps a fence, is named with its schema all the same.
		"search_path": "public",
		// Conditions of ownership are long and run once: compiling one takes
		// seconds where carrying it out takes milliseconds.
		"jit": "off",
	}
}

// config parses a URL, finds its credential and leaves the password nowhere
// but in the driver's configuration. lacking says why there is no password.
func (d *Database) config(ctx context.Context, text string) (cfg *pgx.ConnConfig, lacking, err error) {
	cfg, err = pgx.ParseConfig(text)
	if err != nil {
		return nil, nil, fault.Newf(fault.FleetInvalid, "mend the url of "+d.name+" in the fleet file", "%s: the connection URL cannot be used: %s", d.name, withoutURL(err, text))
	}
	// The user is the URL's, else libpq's own: a password file is asked for it.
	cred, _, err := d.set.opt.Resolver.Resolve(ctx, d.set.fleet.Name, d.credential, credential.Endpoint{
		Host: cfg.Host, Port: int(cfg.Port), Database: cfg.Database, User: cfg.User,
	})
	if err != nil {
		return nil, nil, err
	}
	if cred.User != "" {
		cfg.User = cred.User
	}
	if !cred.Password.Empty() {
		cfg.Password = cred.Password.Reveal()
	}
	if cfg.Password == "" {
		lacking = cred.Lacking
	}
	cfg.ConnectTimeout = d.patience()
	if d.endpoint.SSH != "" {
		// The last SSH host knows what the name of the database's host means.
		cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
		cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.set.bastions.Dial(ctx, d.endpoint.SSH, network, addr)
		}
		return cfg, lacking, nil
	}
	cfg.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}).DialContext
	return cfg, lacking, nil
}

// fault is Fault for an attempt to connect. Where the server asked for
// a password and there was none, that is what is said.
func (d *Database) fault(err, lacking error) error {
	f := Fault(err, d.name)
	if lacking == nil || !asksForPassword(err) {
		return f
	}
	return fault.Wrapf(err, fault.CodeOf(lacking), fault.HintOf(lacking), "%s: the server asks for a password: %s", d.name, lacking)
}

func withoutURL(err error, text string) string { return strings.ReplaceAll(err.Error(), text, "…") }

// Pool returns the pool, which dials at its first use. Errors are faults of
// this package.
func (d *Database) Pool(ctx context.Context) (*pgxpool.Pool, error) {
	p := d.pooled
	p.mu.Lock()
	if p.pool != nil {
		defer p.mu.Unlock()
		return p.pool, nil
	}
	attempt := p.dialing
	if attempt == nil {
		attempt = &dial{done: make(chan struct{})}
		p.dialing = attempt
		go d.dial(context.WithoutCancel(ctx), attempt)
	}
	p.mu.Unlock()
	select {
	case <-attempt.done:
		return attempt.pool, attempt.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fault.Wrapf(ctx.Err(), fault.DatabaseUnreachable, "check the network, a firewall, or the server's load", "%s: no answer in time (%s:%d)", d.name, d.Host(), d.Port())
		}
		return nil, ctx.Err()
	}
}

// CloseIdle closes the sessions of the pool that nobody uses now.
func (d *Database) CloseIdle(ctx context.Context) {
	d.pooled.mu.Lock()
	pool := d.pooled.pool
	d.pooled.mu.Unlock()
	if pool == nil {
		return
	}
	for _, c := range pool.AcquireAllIdle(ctx) {
		_ = c.Conn().Close(ctx)
		c.Release()
	}
}

// dial makes the pool for all who wait. Its limits are those of connecting and
// of the keychain, and no caller's.
func (d *Database) dial(ctx context.Context, attempt *dial) {
	p := d.pooled
	p.mu.Lock()
	closes := p.closes
	p.mu.Unlock()
	for {
		p.mu.Lock()
		resets := p.resets
		p.mu.Unlock()
		pool, err := d.open(ctx)
		p.mu.Lock()
		if resets != p.resets {
			if pool != nil {
				pool.Close()
			}
			if closes == p.closes {
				p.mu.Unlock()
				continue
			}
			pool, err = nil, fault.Newf(fault.Cancelled, "open the fleet again", "%s: the fleet was closed", d.name)
		}
		p.pool, p.dialing = pool, nil
		attempt.pool, attempt.err = pool, err
		close(attempt.done)
		p.mu.Unlock()
		return
	}
}

func (d *Database) open(ctx context.Context) (*pgxpool.Pool, error) {
	cfg, lacking, err := d.config(ctx, d.endpoint.URL)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = d.set.opt.AppName
	// Where a direct URL stands beside it, this one leads through a pooler.
	if d.endpoint.Direct == "" {
		own := cfg.Copy()
		for k, v := range d.settings() {
			own.RuntimeParams[k] = v
		}
		pool, err := d.newPool(ctx, own, false)
		switch {
		case err == nil && direct(ctx, pool):
			return pool, nil
		case err == nil: // a pooler that passes over what it does not know
			pool.Close()
		case !refusesParameters(err):
			return nil, d.fault(err, lacking)
		}
	}
	d.pooled.mu.Lock()
	d.pooled.seen = true
	d.pooled.mu.Unlock()
	pool, err := d.newPool(ctx, cfg, true)
	if err != nil {
		return nil, d.fault(err, lacking)
	}
	return pool, nil
}

// direct reports whether a session talks to its own server process; a pooler
// gives a number of its own.
func direct(ctx context.Context, pool *pgxpool.Pool) bool {
	same := false
	err := pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		var pid uint32
		if err := c.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
			return err
		}
		same = pid == c.Conn().PgConn().PID()
		return nil
	})
	return err == nil && same
}

// pingLimit is how long a connection that was idle may take to say that it still leads
// to the server: after a sleep or a change of network it leads nowhere, nobody says so,
// and the system would wait a quarter of an hour for it.
const pingLimit = 2 * time.Second

func (d *Database) newPool(ctx context.Context, cfg *pgx.ConnConfig, pooler bool) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	pc.ConnConfig = cfg.Copy()
	pc.MaxConns = d.set.opt.MaxConns
	pc.MaxConnIdleTime = 2 * time.Minute
	pc.HealthCheckPeriod = 30 * time.Second
	pc.PingTimeout = pingLimit
	if pooler {
		// A pooler may give each statement another server process, so nothing
		// may be prepared on one.
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), pc)
	if err != nil {
		return nil, err
	}
	// A server that takes the connection and says no more must not hold the
	// callers either.
	limited, cancel := context.WithTimeout(ctx, d.patience()+d.set.opt.ConnectTimeout)
	defer cancel()
	if err := pool.Ping(limited); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// DirectOptions of a direct session.
type DirectOptions struct {
	// Purpose and Epoch make the application_name, by which a later owner
	// finds the sessions of an earlier one.
	Purpose string
	Epoch   int64
}

// AppName returns the application_name of direct sessions.
func (s *Set) AppName(purpose string, epoch int64) string {
	return s.opt.AppName + "/" + purpose + "/" + strconv.FormatInt(epoch, 10)
}

// Direct opens a session of its own on the server itself: pooler_in_path when
// there is a pooler between. It has no statement_timeout; the caller sets one
// for each batch.
func (d *Database) Direct(ctx context.Context, o DirectOptions) (*pgx.Conn, error) {
	text := d.endpoint.Direct
	if text == "" {
		text = d.endpoint.URL
	}
	cfg, lacking, err := d.config(ctx, text)
	if err != nil {
		return nil, err
	}
	for k, v := range d.settings() {
		cfg.RuntimeParams[k] = v
	}
	for k, v := range map[string]string{
		"application_name": d.set.AppName(o.Purpose, o.Epoch), "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
	} {
		cfg.RuntimeParams[k] = v
	}
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		if refusesParameters(err) {
			return nil, d.pooler()
		}
		return nil, d.fault(err, lacking)
	}
	var pid uint32
	// Simple protocol: a pooler may lose what was prepared.
	if err := c.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, Fault(err, d.name)
	}
	if pid != c.PgConn().PID() {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, d.pooler()
	}
	return c, nil
}

// Sampling opens a session that looks at the database over and over, with
// settings of its own: on the server itself where the fleet file says how. A
// pooler in between keeps no settings; the caller finds out.
func (d *Database) Sampling(ctx context.Context, own map[string]string) (*pgx.Conn, error) {
	text := d.endpoint.Direct
	if text == "" {
		text = d.endpoint.URL
	}
	cfg, lacking, err := d.config(ctx, text)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = d.set.opt.AppName + "/sample"
	plain := cfg.Copy()
	for k, v := range own {
		cfg.RuntimeParams[k] = v
	}
	c, err := pgx.ConnectConfig(ctx, cfg)
	if refusesParameters(err) {
		c, err = pgx.ConnectConfig(ctx, plain)
	}
	if err != nil {
		return nil, d.fault(err, lacking)
	}
	return c, nil
}

func (d *Database) pooler() error {
	where := "for " + d.name
	if d.inControl {
		where = "under [control]"
	}
	return fault.Newf(fault.PoolerInPath, `add direct = "postgres://…" `+where+" in the fleet file, leading to the server itself",
		"%s: the connection goes through a pooler, and this work needs a session of its own", d.name)
}

// Reaches reports what keeps work from a direct session: pooler_in_path where a
// pooler is in between, fleet_invalid where the direct URL leads to another
// database than the other one, else what the database says.
func (d *Database) Reaches(ctx context.Context) error {
	c, err := d.Direct(ctx, DirectOptions{Purpose: "check"})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if d.endpoint.Direct == "" {
		return nil
	}
	pooled, err := d.Identity(ctx)
	if fault.CodeOf(err) == fault.RightMissing {
		return nil // the rights say so by themselves
	}
	if err != nil {
		return err
	}
	own, err := identify(ctx, c)
	if err != nil {
		return Fault(err, d.name)
	}
	if own != pooled {
		return fault.Newf(fault.FleetInvalid, "let direct lead to the server and the database behind url",
			"%s: direct leads to another database than url", d.name)
	}
	return nil
}

// Identity tells databases apart.
type Identity struct {
	SystemIdentifier uint64
	DatabaseOID      uint32
}

// Identity reads what a database is, not what it is called.
func (d *Database) Identity(ctx context.Context) (Identity, error) {
	pool, err := d.Pool(ctx)
	if err != nil {
		return Identity{}, err
	}
	id, err := identify(ctx, pool)
	return id, Fault(err, d.name)
}

func identify(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (Identity, error) {
	var id Identity
	var sys int64
	err := q.QueryRow(ctx, `SELECT (SELECT system_identifier FROM pg_control_system()), oid FROM pg_database WHERE datname = current_database()`).Scan(&sys, &id.DatabaseOID)
	id.SystemIdentifier = uint64(sys) //nolint:gosec // an identifier, not a number
	return id, err
}

// Same reports whether two databases of a fleet are one: suspected by their
// identity, proven by an advisory lock.
func Same(ctx context.Context, a, b *Database) (bool, error) {
	if a == b || a.pooled == b.pooled {
		return true, nil
	}
	if differ, err := differ(ctx, a, b); err != nil || differ {
		return false, err
	}
	pa, err := a.Pool(ctx)
	if err != nil {
		return false, err
	}
	pb, err := b.Pool(ctx)
	if err != nil {
		return false, err
	}
	key := time.Now().UnixNano()
	tx, err := pa.Begin(ctx)
	if err != nil {
		return false, Fault(err, a.name)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", key); err != nil {
		return false, Fault(err, a.name)
	}
	free := false
	err = pgx.BeginFunc(ctx, pb, func(tb pgx.Tx) error {
		return tb.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_xact_lock($1)", key).Scan(&free)
	})
	return !free, Fault(err, b.name)
}

// differ reports whether two databases say that they are two. Where a role may
// not ask a server who it is, only the lock tells.
func differ(ctx context.Context, a, b *Database) (bool, error) {
	ia, err := a.Identity(ctx)
	if err == nil {
		var ib Identity
		if ib, err = b.Identity(ctx); err == nil {
			return ia != ib, nil
		}
	}
	if fault.CodeOf(err) == fault.RightMissing {
		err = nil
	}
	return false, err
}
