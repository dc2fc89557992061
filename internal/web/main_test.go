package web_test

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential/vaulttest"
	"shardadmin/internal/home"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/web"
)

func TestMain(m *testing.M) {
	// The keychain belongs to whoever runs the tests.
	_ = os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	pgtest.Main(m)
}

func openHome(t testing.TB, env map[string]string) *home.Home {
	t.Helper()
	h, err := home.Open(home.Options{Dir: t.TempDir(), Env: vaulttest.Env(t, env)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func assets() fs.FS {
	return fstest.MapFS{
		"index.html":        {Data: []byte("<!doctype html><title>the page</title>")},
		"assets/app-1a2.js": {Data: []byte("export {}")},
	}
}

// page is a browser on a page that is served.
type page struct {
	t      testing.TB
	first  string // the address with the token
	base   string
	client *http.Client
	stop   func()
	ended  chan error
}

func serve(t testing.TB, o web.Options) *page {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan string, 1)
	o.Ready = func(u string) { ready <- u }
	if o.Home == nil {
		o.Home = openHome(t, nil)
	}
	p := &page{t: t, stop: cancel, ended: make(chan error, 1)}
	go func() { p.ended <- web.Serve(ctx, o) }()
	select {
	case p.first = <-ready:
	case err := <-p.ended:
		require.NoError(t, err)
		t.Fatal("serving ended")
	case <-time.After(20 * time.Second):
		t.Fatal("nobody said where the page is")
	}
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-p.ended:
			require.NoError(t, err)
		case <-time.After(60 * time.Second):
			t.Error("serving did not end")
		}
	})
	u, err := url.Parse(p.first)
	require.NoError(t, err)
	p.base = u.Scheme + "://" + u.Host
	p.client = browser(t)
	return p
}

// browser keeps cookies and follows nothing.
func browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// enter goes through the front door.
func (p *page) enter() *page {
	p.t.Helper()
	status, _, _ := p.do(http.MethodGet, p.first, "", nil)
	require.Equal(p.t, http.StatusSeeOther, status)
	return p
}

func (p *page) do(method, target, body string, header map[string]string) (int, string, http.Header) {
	p.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = p.base + target
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, target, strings.NewReader(body))
	require.NoError(p.t, err)
	for k, v := range header {
		if k == "Host" {
			r.Host = v
		}
		r.Header.Set(k, v)
	}
	answer, err := p.client.Do(r)
	require.NoError(p.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(p.t, err)
	return answer.StatusCode, string(text), answer.Header
}

// call calls a bound method as the page does.
func (p *page) call(method, args string) (int, string, http.Header) {
	p.t.Helper()
	return p.do(http.MethodPost, "/bindings/"+method, args, map[string]string{"Content-Type": "application/json", "Origin": p.base})
}

// stream opens the events and returns a reader of their data lines.
func (p *page) stream(ctx context.Context) func() (string, error) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/events", nil)
	require.NoError(p.t, err)
	client := *p.client
	client.Timeout = 0
	answer, err := client.Do(r)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(p.t, http.StatusOK, answer.StatusCode)
	require.Equal(p.t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func() (string, error) {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return text, nil
			}
		}
		if err := lines.Err(); err != nil {
			return "", err
		}
		return "", io.EOF
	}
}

// emptyFS is a page without files.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
