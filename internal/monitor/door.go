package monitor

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/time/rate"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
)

// problem is the body of an error (RFC 9457), with the fault's code and hint.
type problem struct {
	Title  string `json:"title" doc:"what the status means"`
	Status int    `json:"status" doc:"the HTTP status"`
	Detail string `json:"detail" doc:"what went wrong"`
	Code   string `json:"code" doc:"the error's fixed name, as docs/errors.md lists it"`
	Hint   string `json:"hint" doc:"what to do"`
}

// Error makes it an error for the API's library.
func (p *problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// ContentType makes of what the library would have sent a problem.
func (p *problem) ContentType(string) string { return "application/problem+json" }

func newProblem(status int, code fault.Code, detail, hint string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: string(code), Hint: hint}
}

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // nobody is left to tell
}

// asProblem says in a problem what an error says.
func asProblem(err error) *problem {
	code := fault.CodeOf(err)
	status := http.StatusInternalServerError
	switch {
	case code == fault.ShardUnknown || code == fault.TenantUnknown || code == fault.NotFound:
		status = http.StatusNotFound
	case fault.Exit(err) == 2:
		status = http.StatusBadRequest
	case fault.Exit(err) == 3:
		status = http.StatusConflict
	case fault.Exit(err) == 5:
		status = http.StatusServiceUnavailable
	}
	return newProblem(status, code, err.Error(), fault.HintOf(err))
}

// door checks every request before anything else sees it.
type door struct {
	hosts map[string]bool // with their port
	token [sha256.Size]byte
	limit *rate.Limiter
}

func newDoor(hosts []string, port string, token credential.Secret, limit *rate.Limiter) *door {
	d := &door{hosts: map[string]bool{}, token: sha256.Sum256([]byte(token.Reveal())), limit: limit}
	for _, host := range append([]string{"127.0.0.1", "::1", "localhost"}, hosts...) {
		d.hosts[strings.ToLower(net.JoinHostPort(host, port))] = true
		if port == "443" {
			d.hosts[strings.ToLower(host)] = true // clients leave it out
		}
	}
	return d
}

func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !d.hosts[strings.ToLower(r.Host)]:
			newProblem(http.StatusForbidden, fault.PageRefused, "this address is not mine", "start the server with --host and the name by which it is reached").write(w)
		case !ownOrigin(r):
			newProblem(http.StatusForbidden, fault.PageRefused, "this request comes from another site", "call the API from a program, not from a page").write(w)
		case !d.knows(r):
			h.Set("WWW-Authenticate", `Bearer realm="shard-admin"`)
			newProblem(http.StatusUnauthorized, fault.PageRefused, "the bearer token is missing or wrong", "send the header Authorization: Bearer TOKEN").write(w)
		case !d.limit.Allow():
			h.Set("Retry-After", "1")
			newProblem(http.StatusTooManyRequests, fault.PageRefused, "too many requests", "ask less often").write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownOrigin reports whether a request that says where it comes from comes from
// this server.
func ownOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func (d *door) knows(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], d.token[:]) == 1
}
