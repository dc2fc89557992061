package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/fault"
	"shardadmin/internal/web"
)

func TestListensOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000"} {
		err := web.Serve(t.Context(), web.Options{Home: openHome(t, nil), Listen: address, Ready: func(u string) { t.Error("served at " + u) }})
		require.Equal(t, fault.Usage, fault.CodeOf(err), address)
	}
	busy := serve(t, web.Options{})
	err := web.Serve(t.Context(), web.Options{Home: openHome(t, nil), Listen: strings.TrimPrefix(busy.base, "http://")})
	require.Equal(t, fault.ListenFailed, fault.CodeOf(err))
	require.True(t, strings.HasPrefix(serve(t, web.Options{Listen: "localhost:0"}).base, "http://127.0.0.1:"))
}

func TestTheTokenOpensOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Assets: assets()})
	status, _, _ := p.do(http.MethodGet, "/", "", nil)
	require.Equal(t, http.StatusUnauthorized, status, "without the token")
	status, text, _ := p.do(http.MethodGet, "/?token=wrong", "", map[string]string{"Accept": "text/html"})
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, text, "<h1>this address was used already")

	status, _, h := p.do(http.MethodGet, p.first, "", nil)
	require.Equal(t, http.StatusSeeOther, status)
	require.Equal(t, "/", h.Get("Location"))
	cookie := h.Get("Set-Cookie")
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "SameSite=Strict")
	u, err := url.Parse(p.first)
	require.NoError(t, err)
	require.NotContains(t, cookie, u.Query().Get("token"), "the token is no key to anything else")
	status, text, _ = p.do(http.MethodGet, "/", "", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "the page")
	status, _, _ = p.do(http.MethodGet, p.first, "", nil)
	require.Equal(t, http.StatusSeeOther, status, "a reload of the first address by who has the cookie")

	p.client = browser(t)
	status, _, h = p.do(http.MethodGet, p.first, "", nil)
	require.Equal(t, http.StatusUnauthorized, status, "another browser with the same address")
	require.Empty(t, h.Get("Set-Cookie"))
	status, text, _ = p.call("Shell/Info", "[]")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, text, `"code":"page_refused"`)
}

func TestAnotherLaunchHasAnotherKey(t *testing.T) {
	t.Parallel()
	a, b := serve(t, web.Options{Assets: assets()}).enter(), serve(t, web.Options{Assets: assets()})
	u, err := url.Parse(a.base)
	require.NoError(t, err)
	for _, c := range a.client.Jar.Cookies(u) {
		_, name, _ := strings.Cut(b.base, "127.0.0.1:")
		status, _, _ := b.do(http.MethodGet, "/", "", map[string]string{"Cookie": "shard-admin-" + name + "=" + c.Value})
		require.Equal(t, http.StatusUnauthorized, status)
	}
}

func TestOtherHostsAndOriginsAreRefused(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Assets: assets()}).enter()
	_, port, _ := strings.Cut(p.base, "127.0.0.1:")
	post := func(header map[string]string) int {
		header["Content-Type"] = "application/json"
		status, _, _ := p.do(http.MethodPost, "/bindings/Shell/Info", "[]", header)
		return status
	}
	require.Equal(t, http.StatusOK, post(map[string]string{"Origin": p.base}))
	for _, host := range []string{"evil.example:" + port, "evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:" + port} {
		require.Equal(t, http.StatusMisdirectedRequest, post(map[string]string{"Origin": "http://" + host, "Host": host}), "a name made to point here: %s", host)
	}
	for _, origin := range []string{"", "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:" + port, p.base + ".evil.example", "http://localhost:" + port} {
		require.Equal(t, http.StatusForbidden, post(map[string]string{"Origin": origin}), "origin %q", origin)
	}
	for _, site := range []string{"cross-site", "same-site"} {
		require.Equal(t, http.StatusForbidden, post(map[string]string{"Origin": p.base, "Sec-Fetch-Site": site}))
		status, _, _ := p.do(http.MethodGet, "/events", "", map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
		require.Equal(t, http.StatusForbidden, status)
		status, _, _ = p.do(http.MethodGet, "/", "", map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
		require.Equal(t, http.StatusOK, status, "a link to the front door")
	}
	require.Equal(t, http.StatusOK, post(map[string]string{"Origin": p.base, "Sec-Fetch-Site": "same-origin"}))
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Assets: assets()}).enter()
	for _, target := range []string{"/", "/tenants/acme", "/nothing.js", "/events/none.txt"} {
		_, _, h := p.do(http.MethodGet, target, "", nil)
		policy := h.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", target)
		require.Contains(t, policy, "script-src 'self';", target)
		require.Contains(t, policy, "frame-ancestors 'none'", target)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Equal(t, "no-store", h.Get("Cache-Control"), target)
		require.Empty(t, h.Get("Access-Control-Allow-Origin"))
	}
	_, _, h := p.call("Shell/Info", "[]")
	require.Equal(t, "no-store", h.Get("Cache-Control"))
	_, _, h = p.do(http.MethodGet, "/assets/app-1a2.js", "", nil)
	require.Contains(t, h.Get("Cache-Control"), "immutable")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Assets: assets()}).enter()
	for target, want := range map[string]int{
		"/": 200, "/moves/12": 200, "/tenants/acme%2Fshop": 200, "/assets/app-1a2.js": 200,
		"/assets": 200, "/nothing.png": 404, "/assets/old-9.js": 404, "/go.mod": 404,
	} {
		status, text, _ := p.do(http.MethodGet, target, "", nil)
		require.Equal(t, want, status, target)
		if want == 200 && !strings.HasSuffix(target, ".js") {
			require.Contains(t, text, "the page", target)
		}
	}
	status, _, _ := p.do(http.MethodPut, "/", "", map[string]string{"Origin": p.base})
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

func TestAPageThatWasNotBuiltSaysSo(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{Assets: emptyFS{}}).enter()
	status, text, _ := p.do(http.MethodGet, "/", "", nil)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, text, "make build-headless")
	status, text, _ = p.call("Shell/Info", "[]")
	require.Equal(t, http.StatusOK, status, "calls work all the same")
	require.Contains(t, text, `"mode":"page"`)
}

func TestEventsEndWithTheServer(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Options{}).enter()
	next := p.stream(context.Background())
	text, err := next()
	require.NoError(t, err)
	require.JSONEq(t, `{"event":"ready","payload":{"mode":"page"}}`, text)
	p.stop()
	_, err = next()
	require.True(t, errors.Is(err, io.EOF), "%v", err)
}
