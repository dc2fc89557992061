package session

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"shardadmin/internal/audit"
	"shardadmin/internal/conn"
	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
	"shardadmin/internal/install"
	"shardadmin/internal/job"
	"shardadmin/internal/move"
	"shardadmin/internal/placement"
	"shardadmin/internal/policy"
	"shardadmin/internal/tenancy"
)

// Config says what to open, for whom, and with what.
type Config struct {
	Fleet    *fleet.Fleet
	Resolver credential.Resolver
	// Credentials is where they are kept on this computer; the keychain when nil.
	Credentials credential.Store
	// Flag returns a flag of this computer and where it was set.
	Flag func(policy.Flag) (on bool, where string)
	// Email of the operator, a claim; Admins are those of TENANT_ADMIN_EMAILS.
	Email  string
	Admins []string
	// Source is the face: cli, window, page or worker.
	Source string
	// DBPath is the local SQLite file with the copy of the audit trail.
	DBPath string
	Log    *slog.Logger
	// Imbalance is how far from an even spread a shard may be before it is an alert
	// and moves are proposed; DefaultImbalance where it is 0.
	Imbalance float64
	// Env looks up a variable for the way through SSH hosts; os.Getenv when nil.
	Env func(string) string
	// Patience bounds how long a move waits for open transactions; that of package
	// move where it is 0.
	Patience time.Duration
	// CheckpointEvery is how often a program that stays signs the trail's end, and
	// CopyEvery how often it brings this computer's copy up to date; an hour and five
	// minutes where they are 0.
	CheckpointEvery, CopyEvery time.Duration
	// StatementTimeout bounds each statement that nothing allows more; that of
	// package conn where it is 0.
	StatementTimeout time.Duration
}

// Session is one opened fleet. Its methods may be called from any goroutine.
type Session struct {
	cfg      Config
	schema   string
	set      *conn.Set
	gate     *policy.Gate
	trail    *audit.Trail
	jobs     *job.Jobs
	profile  *tenancy.Profile
	profErr  error
	cat      *tenancy.Catalogue
	engine   *move.Engine
	install  *install.Installer
	keychain credential.Store
	maps     mapCache
	sizes    sharesCache

	mu       sync.Mutex
	watchers map[int]func(MoveView)
	next     int
	ended    map[string]error  // how the last run of a resource ended here
	slowed   map[string]string // by move that is carried out here: what holds its copy back
	behinds  map[string]*asked // by move: what its shard said last
	looks    map[string]*looks // by shard: what its checks were told last
	lanes    lanes             // where looks at a shard take turns
	growth   growths           // what forecasts are made of
	mute     atomic.Int64      // when a checkpoint was waited for in vain last, in ns
	offered  offers            // plans of moves that somebody has seen
	answered sync.Map          // when each database answered last, by name

	closing chan struct{}  // closed by Close
	work    sync.WaitGroup // what goes on although who asked for it may have gone

	observed   *Observer // the one that was started last
	unobserved error     // why none could be started
}

// Open describes a fleet for work; it dials nothing. A profile that cannot be
// read is reported by what needs it.
func Open(cfg Config) *Session {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Credentials == nil {
		cfg.Credentials = credential.Keychain{}
	}
	s := &Session{cfg: cfg, keychain: cfg.Credentials, schema: cfg.Fleet.Schema, watchers: map[int]func(MoveView){}, ended: map[string]error{}, slowed: map[string]string{}, behinds: map[string]*asked{}, looks: map[string]*looks{}, closing: make(chan struct{})}
	if s.schema == "" {
		s.schema = install.DefaultSchema
	}
	s.set = conn.Open(cfg.Fleet, conn.Options{Resolver: cfg.Resolver, ConnectTimeout: 2 * time.Second, MaxConns: 10, StatementTimeout: cfg.StatementTimeout, Env: cfg.Env})
	s.install = install.New(s.schema)
	s.gate = policy.NewGate(policy.Config{
		Fleet: cfg.Fleet, Control: s.set.Control(), Schema: s.schema, Local: cfg.Flag, Email: cfg.Email, Admins: cfg.Admins, Source: cfg.Source,
	})
	s.trail = audit.New(s.set.Control(), s.schema)
	s.jobs = job.New(s.set.Control(), s.schema, job.LocalHolder(cfg.Source))
	name := cfg.Fleet.Profile
	if strings.ContainsAny(name, `/\.`) && !filepath.IsAbs(name) && cfg.Fleet.Path != "" {
		name = filepath.Join(filepath.Dir(cfg.Fleet.Path), name)
	}
	if s.profile, s.profErr = tenancy.LoadProfile(name); s.profErr == nil {
		s.cat = tenancy.NewCatalogue(s.set, s.profile, s.schema)
		s.engine = move.New(move.Deps{
			Fleet: cfg.Fleet, Set: s.set, Schema: s.schema, Profile: s.profile, Catalogue: s.cat, Trail: s.trail, Jobs: s.jobs, Log: cfg.Log, Patience: cfg.Patience, Awake: keepAwake,
		})
	}
	return s
}

// Close ends what goes on and every connection.
func (s *Session) Close() {
	s.mu.Lock()
	if !s.closed() {
		close(s.closing)
	}
	s.mu.Unlock()
	s.work.Wait()
	s.set.Close()
}

// onward does something that the end of who asks for it does not end; Close does.
func (s *Session) onward(ctx context.Context, do func(context.Context)) {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-s.closing:
			end()
		case <-ctx.Done():
		}
	}()
	work := func() {
		defer end()
		do(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() { // nobody waits for it any more, and it ends at once
		end()
		go work()
		return
	}
	s.work.Go(work)
}

// closed reports whether Close was called; it wants mu.
func (s *Session) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Fleet returns the fleet's description.
func (s *Session) Fleet() *fleet.Fleet { return s.cfg.Fleet }

// Operator returns the e-mail under which this session works.
func (s *Session) Operator() string { return s.cfg.Email }

// Reconnect drops every connection, so that the next use dials anew: after
// a sleep, a change of network, a new password.
func (s *Session) Reconnect() { s.set.Reset() }

// ready refuses what needs a profile that cannot be read.
func (s *Session) ready() error { return s.profErr }

// inSchema names our schema in a statement.
func (s *Session) inSchema(sql string) string {
	return strings.ReplaceAll(sql, "{{schema}}", pgx.Identifier{s.schema}.Sanitize())
}

// installed refuses changes without our schema, or with another version of it.
func (s *Session) installed(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	return s.install.RequireCurrent(ctx, s.set.Control())
}

func (s *Session) placement() placement.Deps {
	return placement.Deps{
		Set: s.set, Schema: s.schema, Profile: s.profile, Catalogue: s.cat, Trail: s.trail, Jobs: s.jobs,
		Lent: s.engine.Lent,
		Open: func(ctx context.Context, tenant string) (string, string, error) {
			m, err := s.engine.OpenMove(ctx, tenant)
			if err != nil || m == nil {
				return "", "", err
			}
			return m.ID, string(m.State), nil
		},
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func stampPtr(t *time.Time) *string {
	if t == nil {
		return nil
	}
	v := stamp(*t)
	return &v
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// What is safe when a call was refused before it changed anything, and when one
// that only looks has failed.
const (
	Unchanged = fault.Unchanged
	Looked    = "nothing was changed: this only looks"
)

// problem is an error of a look at something.
func problem(err error) *Problem {
	if err == nil {
		return nil
	}
	f := fault.As(err)
	if f == nil {
		return &Problem{Code: string(fault.CodeOf(err)), Message: err.Error(), Safe: Looked}
	}
	return &Problem{Code: string(f.Code), Message: f.Message, Hint: f.Hint, Safe: Looked}
}

// failed is the error of a change, which says what is safe after it.
func failed(err error) *Problem {
	p := problem(err)
	if p != nil {
		p.Safe = fault.Safe(err)
	}
	return p
}

func errorText(err error) *string {
	if err == nil {
		return nil
	}
	t := err.Error()
	if f := fault.As(err); f != nil {
		t = f.Message
	}
	return &t
}
