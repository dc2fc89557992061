package app

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/session"
)

type ctxOf = context.Context

func TestMain(m *testing.M) {
	keyring.MockInit() // the real one belongs to whoever runs the tests
	_ = os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	pgtest.Main(m)
}

func openHome(t testing.TB, env map[string]string) *home.Home {
	t.Helper()
	return openHomeIn(t, t.TempDir(), env)
}

// openHomeIn opens a folder, which may be one that somebody else has open, too.
func openHomeIn(t testing.TB, dir string, env map[string]string) *home.Home {
	t.Helper()
	h, err := home.Open(home.Options{Dir: dir, Env: func(name string) string { return env[name] }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// recorder is a face that keeps what it is told.
type recorder struct {
	mu     sync.Mutex
	events []recorded
	news   chan struct{}
	saveAs string
	// revealed is the file whose folder was opened last.
	revealed string
}

type recorded struct {
	event   string
	payload any
}

func newRecorder() *recorder { return &recorder{news: make(chan struct{}, 1)} }

func (r *recorder) Emit(event string, payload any) {
	r.mu.Lock()
	r.events = append(r.events, recorded{event, payload})
	r.mu.Unlock()
	poke(r.news)
}

func (r *recorder) SaveAs(string, string) (string, error) { return r.saveAs, nil }

func (r *recorder) Reveal(path string) error { r.revealed = path; return nil }

func (r *recorder) Guard() {}

// until waits for an event that fits.
func (r *recorder) until(t testing.TB, fits func(recorded) bool) recorded {
	t.Helper()
	limit := time.After(90 * time.Second)
	for from := 0; ; {
		r.mu.Lock()
		list := r.events[from:]
		from = len(r.events)
		r.mu.Unlock()
		for _, e := range list {
			if fits(e) {
				return e
			}
		}
		select {
		case <-r.news:
		case <-limit:
			require.Fail(t, "the event did not come")
		}
	}
}

func start(t testing.TB, o Options) (*App, *recorder) {
	t.Helper()
	if o.Home == nil {
		o.Home = openHome(t, nil)
	}
	if o.Mode == "" {
		o.Mode = Page
	}
	a, r := New(o), newRecorder()
	a.Start(r)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		a.Stop(ctx)
		require.NoError(t, ctx.Err(), "the app did not stop in time")
	})
	return a, r
}

var noFilter session.AuditFilter
