package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"shardadmin/frontend"
	"shardadmin/internal/fault"
)

const (
	tokenParameter = "token"
	cookieName     = "shard-admin"
)

// door lets in whoever came with the token, once, and then with its cookie.
type door struct {
	hosts  map[string]bool
	cookie [sha256.Size]byte
	value  string
	port   string

	mu    sync.Mutex
	token [sha256.Size]byte
	used  bool
}

func newDoor(port, token, cookie string) *door {
	d := &door{
		hosts: map[string]bool{}, port: port,
		token: sha256.Sum256([]byte(token)), cookie: sha256.Sum256([]byte(cookie)), value: cookie,
	}
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		d.hosts[net.JoinHostPort(host, port)] = true
	}
	return d
}

// same compares in constant time.
func same(text string, digest [sha256.Size]byte) bool {
	got := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(got[:], digest[:]) == 1
}

// guard checks every request before anything else sees it.
func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", frontend.ContentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")

		if !d.hosts[r.Host] {
			refuse(w, r, http.StatusMisdirectedRequest, "this address is not mine", "open the address that `shard-admin serve` printed")
			return
		}
		if !d.fromHere(r) {
			refuse(w, r, http.StatusForbidden, "this request comes from another site", "open the address that `shard-admin serve` printed")
			return
		}
		if token := r.URL.Query().Get(tokenParameter); r.Method == http.MethodGet && r.URL.Path == "/" && token != "" {
			d.enter(w, r, token)
			return
		}
		if !d.knows(r) {
			refuse(w, r, http.StatusUnauthorized, "this browser did not come through the address that was printed", "open the address that `shard-admin serve` prints; it works once, so start it again for another browser")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromHere reports whether a request that says where it comes from comes from
// this page. A navigation that a person typed in says "none".
func (d *door) fromHere(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host || u.Path != "" || u.User != nil {
			return false
		}
	} else if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false // a browser sends it with every request that may change something
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
		return true
	default:
		// Another site, or another port of this computer, may lead a person to
		// the front door, because terminals and mail open links; no further.
		return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
	}
}

// enter turns the token into the cookie and takes it out of the address.
func (d *door) enter(w http.ResponseWriter, r *http.Request, token string) {
	d.mu.Lock()
	right := !d.used && same(token, d.token)
	d.used = d.used || right
	d.mu.Unlock()
	switch {
	case right:
		http.SetCookie(w, &http.Cookie{
			Name: cookieName + "-" + d.port, Value: d.value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	case d.knows(r): // a reload of the first address
	default:
		refuse(w, r, http.StatusUnauthorized, "this address was used already, or was never given out", "start `shard-admin serve` again and open the address that it prints")
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// knows reports whether the request carries the cookie. Cookies do not tell
// ports apart, so the name does.
func (d *door) knows(r *http.Request) bool {
	c, err := r.Cookie(cookieName + "-" + d.port)
	return err == nil && same(c.Value, d.cookie)
}

// refuse answers a call with a fault and a person with a sentence.
func refuse(w http.ResponseWriter, r *http.Request, status int, message, hint string) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		write(w, status, fault.New(fault.PageRefused, message, hint))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Shard Admin</title>\n<h1>%s</h1>\n<p>%s</p>\n",
		html.EscapeString(message), html.EscapeString(hint)) // nobody is left to tell
}
