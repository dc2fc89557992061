//go:build unix

package monitor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/monitor"
	"shardadmin/internal/pgtest"
	"shardadmin/internal/pgtest/cable"
	"shardadmin/internal/pgtest/fleettest"
	"shardadmin/internal/session"
)

const token = "an-api-token-of-the-tests-7781"

// running is a server that ends with the test.
type running struct {
	t      *testing.T
	url    string // with /api/v1
	root   string
	client *http.Client
	end    func() error
}

func serve(t *testing.T, o monitor.Options) *running {
	t.Helper()
	ready, ended := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	o.Token, o.Log = credential.NewSecret(token), slog.New(slog.DiscardHandler)
	o.Ready = func(url string) { ready <- url }
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	go func() { ended <- monitor.Serve(ctx, o) }()
	r := &running{t: t, client: &http.Client{Timeout: time.Minute}}
	r.end = func() error { cancel(); return <-ended }
	select {
	case r.url = <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	r.root = strings.TrimSuffix(r.url, "/api/v1")
	t.Cleanup(cancel)
	return r
}

// ask asks with the token, unless a header says otherwise.
func (r *running) ask(method, url string, headers ...string) (status int, kind, body string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, nil)
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	res, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func (r *running) json(path string) map[string]any {
	r.t.Helper()
	status, kind, body := r.ask("GET", r.url+path)
	require.Equal(r.t, http.StatusOK, status, body)
	require.Equal(r.t, "application/json", kind)
	var v map[string]any
	require.NoError(r.t, json.Unmarshal([]byte(body), &v))
	return v
}

// metrics are the samples of a scrape, by name and labels. The client library's linter
// has nothing against any.
func (r *running) metrics() map[string]float64 {
	r.t.Helper()
	status, _, body := r.ask("GET", r.root+"/metrics")
	require.Equal(r.t, http.StatusOK, status, body)
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	require.NoError(r.t, err)
	require.Empty(r.t, problems)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	require.NoError(r.t, err)
	out := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				if l.GetName() != "fleet" && l.GetName() != "id" {
					key += " " + l.GetName() + "=" + l.GetValue()
				}
			}
			out[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return out
}

// Nobody gets in without the token, by another name, or from a page.
func TestTheDoor(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 1)
	r := serve(t, monitor.Options{Session: f.Session, Figures: func() session.Figures { return session.Figures{Fleet: "test"} }, Hosts: []string{"fleet.example.com"}})
	port := r.root[strings.LastIndex(r.root, ":")+1:]
	for what, c := range map[string]struct {
		headers []string
		status  int
	}{
		"the token":                {nil, 200},
		"the token, by its scheme": {[]string{"Authorization", "bearer " + token}, 200},
		"no token":                 {[]string{"Authorization", ""}, 401},
		"another token":            {[]string{"Authorization", "Bearer " + token + "x"}, 401},
		"an empty token":           {[]string{"Authorization", "Bearer "}, 401},
		"as a password":            {[]string{"Authorization", "Basic " + token}, 401},
		"by localhost":             {[]string{"Host", "localhost:" + port}, 200},
		"by its name":              {[]string{"Host", "Fleet.example.com:" + port}, 200},
		"by another name":          {[]string{"Host", "evil.example.com:" + port}, 403},
		"by another port":          {[]string{"Host", "localhost:1"}, 403},
		"another name, no token":   {[]string{"Host", "evil.example.com", "Authorization", ""}, 403},
		"from another site, none":  {[]string{"Origin", "https://evil.example.com", "Authorization", ""}, 403},
		"from another site":        {[]string{"Origin", "https://evil.example.com"}, 403},
		"from a page of nowhere":   {[]string{"Origin", "null"}, 403},
		"from a page of another":   {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"from its own":             {[]string{"Origin", r.root}, 200},
	} {
		for _, path := range []string{
			"/metrics", "/api/v1/openapi.json", "/api/v1/shards", "/api/v1/shards/health", "/api/v1/shards/distribution", "/api/v1/shards/default/statistics", "/api/v1/moves", "/api/v1/audit",
		} {
			if c.status == 200 && what != "the token" && path != "/metrics" {
				continue // one round of them all will do
			}
			status, kind, body := r.ask("GET", r.root+path, c.headers...)
			require.Equal(t, c.status, status, "%s: %s", what, body)
			if status != 200 {
				require.Equal(t, "application/problem+json", kind, what)
				require.Contains(t, body, `"code":"page_refused"`)
				require.NotContains(t, body, token)
			}
		}
	}
	// What is not there, or is only read, is said as every other error is, and to nobody
	// without the token.
	type question struct{ method, path string }
	for q, status := range map[question]int{
		{"GET", "/nothing"}: 404, {"POST", "/nothing"}: 404, {"GET", "/api/v1/unknown"}: 404, {"GET", "/api/v1/"}: 404, {"GET", "/api/v1/shards/a/b/c"}: 404, {"DELETE", "/api/v1/unknown"}: 404,
		{"POST", "/api/v1/moves"}: 405, {"PUT", "/api/v1/moves"}: 405, {"PATCH", "/api/v1/shards/default/statistics"}: 405, {"DELETE", "/api/v1/openapi.json"}: 405, {"POST", "/metrics"}: 405,
	} {
		got, kind, body := r.ask(q.method, r.root+q.path)
		require.Equal(t, status, got, q)
		require.Equal(t, "application/problem+json", kind, q)
		p := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(body), &p), "%v: %s", q, body)
		require.EqualValues(t, status, p["status"], q)
		require.Equal(t, map[int]string{404: "not_found", 405: "usage"}[status], p["code"], q)
		require.NotEmpty(t, p["hint"], q)
		got, kind, body = r.ask(q.method, r.root+q.path, "Authorization", "")
		require.Equal(t, 401, got, q)
		require.Equal(t, "application/problem+json", kind, q)
		require.NotContains(t, body, q.path)
	}
	status, _, body := r.ask("HEAD", r.url+"/moves")
	require.Equal(t, 200, status, body)
	require.NoError(t, r.end())
}

// Whoever asks too often is told so, and nobody is asked for them.
func TestTooManyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	f := fleettest.Bare(t, 1)
	r := serve(t, monitor.Options{Session: f.Session, Figures: func() session.Figures { return session.Figures{} }})
	refused := 0
	for range 200 {
		if status, _, _ := r.ask("GET", r.root+"/nothing"); status == http.StatusTooManyRequests {
			refused++
		}
	}
	require.Positive(t, refused)
	require.Eventually(t, func() bool { status, _, _ := r.ask("GET", r.root+"/nothing"); return status == 404 }, time.Minute, 100*time.Millisecond)
}

// The endpoints say what the command line says with --json, and the description
// names each of them.
func TestTheEndpoints(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	r := serve(t, monitor.Options{Session: f.Session, Figures: func() session.Figures { return session.Figures{} }})
	v := r.json("/shards")
	require.Equal(t, fleettest.Name, v["fleet"])
	require.Len(t, v["shards"], 3)
	require.EqualValues(t, len(f.Tenants), v["tenants"])
	control := v["control"].(map[string]any)
	require.Nil(t, control["tenants"])
	require.NotEmpty(t, control["tenants_reason"])
	spare := v["shards"].([]any)[2].(map[string]any)
	require.Nil(t, spare["latency_ms"], "not known is null")
	require.NotEmpty(t, spare["latency_ms_reason"])

	require.Len(t, r.json("/shards/health")["shards"], 3)
	require.EqualValues(t, len(f.Tenants), r.json("/shards/distribution")["total"])
	require.EqualValues(t, pointed(t, f, "shard_1"), r.json("/shards/shard_1/statistics")["tenants"])
	require.Empty(t, r.json("/moves")["moves"])
	require.Len(t, r.json("/audit?limit=1")["events"], 1)
	require.Empty(t, r.json("/audit?actor=nobody@example.com")["events"])

	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/shards/nowhere/statistics": {404, "shard_unknown"},
		"/moves?tenant=nobody":       {404, "tenant_unknown"},
		"/audit?since=yesterday-ish": {400, "usage"},
		"/shards/spare/statistics":   {409, "shard_not_configured"},
	} {
		status, kind, body := r.ask("GET", r.url+path)
		require.Equal(t, want.status, status, "%s: %s", path, body)
		require.Equal(t, "application/problem+json", kind)
		var p map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &p))
		require.Equal(t, want.code, p["code"])
		require.EqualValues(t, want.status, p["status"])
		require.NotEmpty(t, p["detail"])
		require.NotEmpty(t, p["hint"])
	}
	for _, limit := range []string{"0", "1001", "many", "-1"} {
		status, kind, body := r.ask("GET", r.url+"/moves?limit="+limit)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, "application/problem+json", kind)
		require.Contains(t, body, `"code":"usage"`)
		require.Contains(t, body, "query.limit: ")
	}

	status, _, body := r.ask("GET", r.url+"/openapi.json")
	require.Equal(t, http.StatusOK, status)
	var d map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &d))
	require.Equal(t, "3.1.0", d["openapi"])
	paths := d["paths"].(map[string]any)
	require.Len(t, paths, 6)
	for _, p := range []string{"/shards", "/shards/health", "/shards/distribution", "/shards/{name}/statistics", "/moves", "/audit"} {
		methods := paths["/api/v1"+p].(map[string]any)
		require.Len(t, methods, 1)
		require.Contains(t, methods, "get", "nothing can be changed")
		for _, status := range []string{"400", "401", "403", "404", "409", "429", "503"} {
			require.Contains(t, methods["get"].(map[string]any)["responses"], status, p)
		}
	}
}

// pointed counts the tenants whose pointer is a shard.
func pointed(t *testing.T, f *fleettest.Fleet, shard string) (n int) {
	t.Helper()
	require.NoError(t, f.Super(f.Shards[0]).QueryRow(t.Context(), "SELECT count(*) FROM pwb_websites WHERE shard_name = $1", shard).Scan(&n))
	require.Positive(t, n)
	return n
}

// Metrics come from what was seen: they follow the fleet, and what is not known any
// more is not there.
func TestMetricsFollowTheFleet(t *testing.T) {
	t.Parallel()
	f := fleettest.Apart(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	b, done, err := f.Session.Observe(ctx, session.ObserveOptions{})
	require.NoError(t, err)
	defer func() { cancel(); <-done }()
	r := serve(t, monitor.Options{Session: f.Session, Figures: b.Figures})
	var m map[string]float64
	require.Eventually(t, func() bool {
		m = r.metrics()
		_, counted := m["shard_admin_shard_tenants shard=shard_1"]
		return m["shard_admin_shard_up shard=default"] == 1 && m["shard_admin_shard_up shard=shard_1"] == 1 && counted && m["shard_admin_shard_size_bytes shard=shard_1"] > 0
	}, time.Minute, 100*time.Millisecond)
	require.EqualValues(t, pointed(t, f, "shard_1"), m["shard_admin_shard_tenants shard=shard_1"])
	require.EqualValues(t, 1, m["shard_admin_control_up"])
	require.EqualValues(t, 1, m["shard_admin_history_kept"])
	require.Positive(t, m["shard_admin_shard_max_connections shard=default"])
	require.Positive(t, m["shard_admin_shard_commits_total shard=default"])
	require.NotContains(t, m, "shard_admin_shard_up shard=spare", "nobody looks at it")
	require.NotContains(t, m, "shard_admin_shard_capacity_bytes shard=default", "nobody said")

	// A move is there while it is open, and how it ended afterwards.
	id := ""
	for _, x := range f.On("default") {
		p, err := f.Session.PlanMove(ctx, session.MoveRequest{Tenant: strconv.Itoa(x.ID), Target: "shard_1", Mode: "fenced"})
		require.NoError(t, err)
		if !p.Blocked {
			id = strconv.Itoa(x.ID)
			break
		}
	}
	require.NotEmpty(t, id)
	v, err := f.Session.StartMove(ctx, session.MoveRequest{Tenant: id, Target: "shard_1", Mode: "fenced", Note: "a test"})
	require.NoError(t, err)
	v, err = f.Session.Await(ctx, v.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "retained", v.State)
	open := "shard_admin_move_rows_copied mode=fenced source=default state=retained target=shard_1 tenant=" + id
	require.Eventually(t, func() bool { m = r.metrics(); return m[open] > 0 }, time.Minute, 200*time.Millisecond)
	require.EqualValues(t, m[open], m[strings.Replace(open, "rows_copied", "rows", 1)])
	require.EqualValues(t, 1, m["shard_admin_moves mode=fenced state=retained"])

	// The history has it too.
	s, err := b.Range(ctx, "shard_1", "size_bytes", time.Now().Add(-time.Hour), time.Now().Add(time.Minute), 100)
	require.NoError(t, err)
	require.NotEmpty(t, s.Points)

	// A shard that nobody reaches has a state and no figures.
	pgtest.Exec(t, f.Server("shard_1"), "postgres", "ALTER ROLE "+f.Role+" NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+f.Role+"'")
	require.Eventually(t, func() bool {
		m = r.metrics()
		_, size := m["shard_admin_shard_size_bytes shard=shard_1"]
		return m["shard_admin_shard_up shard=shard_1"] == 0 && !size
	}, time.Minute, 200*time.Millisecond)
	require.Positive(t, m["shard_admin_shard_last_answer_timestamp_seconds shard=shard_1"])
	require.EqualValues(t, 1, m["shard_admin_shard_findings severity=critical shard=shard_1"])
}

// A scrape asks no database: nothing goes over the wire to any while it is answered,
// and what it answers is what was seen before.
func TestAScrapeTouchesNoShard(t *testing.T) {
	t.Parallel()
	f := fleettest.New(t, 2)
	file, err := f.Home.Fleet(fleettest.Name)
	require.NoError(t, err)
	wires := []*cable.Cable{}
	for i, url := range []*string{&file.Control.URL, &file.Shards[1].Endpoint.URL} {
		straight := fmt.Sprintf("127.0.0.1:%d", f.Server(f.Shards[i]).Port())
		require.Contains(t, *url, straight)
		wire := cable.New(t, straight)
		*url = strings.Replace(*url, straight, wire.Address(), 1)
		wires = append(wires, wire)
	}
	require.NoError(t, f.Home.ReplaceFleet(file))
	s := f.Open(fleettest.Admin)
	carried := func() (out []int64) {
		for _, w := range wires {
			bytes, connections := w.Carried()
			out = append(out, bytes, int64(connections))
		}
		return out
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b, done, err := s.Observe(ctx, session.ObserveOptions{})
	require.NoError(t, err)
	r := serve(t, monitor.Options{Session: s, Figures: b.Figures})
	known := func() map[string]float64 {
		out := map[string]float64{}
		for name, v := range r.metrics() {
			if strings.HasPrefix(name, "shard_admin_") {
				out[name] = v
			}
		}
		return out
	}
	require.Eventually(t, func() bool {
		m := known()
		return m["shard_admin_shard_size_bytes shard=default"] > 0 && m["shard_admin_shard_size_bytes shard=shard_1"] > 0 && m["shard_admin_shard_tenants shard=shard_1"] > 0
	}, time.Minute, 100*time.Millisecond)

	cancel() // nobody looks any more: once all sessions are closed, what goes over a wire is a scrape's
	<-done
	s.Reconnect()
	for _, shard := range f.Shards {
		super := f.Super(shard)
		require.Eventually(t, func() bool {
			open := -1
			require.NoError(t, super.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1", f.Role).Scan(&open))
			return open == 0
		}, time.Minute, 50*time.Millisecond)
	}
	last := carried()
	require.Eventually(t, func() bool {
		now := carried()
		still := slices.Equal(now, last)
		last = now
		return still
	}, time.Minute, 250*time.Millisecond)
	before := known()
	for range 10 {
		require.Equal(t, before, known())
	}
	require.Equal(t, last, carried())
	r.json("/shards")
	for i, n := range carried() {
		require.True(t, n > last[i] || i%2 == 1, "the API does ask, so that the wires count")
	}
}

// What can be reached from elsewhere has a certificate, which may be renewed.
func TestAddressesAndCertificates(t *testing.T) {
	t.Parallel()
	f := fleettest.Bare(t, 1)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := certify(t, cert, key)
	o := monitor.Options{Session: f.Session, Figures: func() session.Figures { return session.Figures{} }, Log: slog.New(slog.DiscardHandler), Token: credential.NewSecret(token)}
	for listen, with := range map[string][2]string{
		"nowhere":             {},
		"127.0.0.1:many":      {},
		"0.0.0.0:0":           {},
		"[::]:0":              {},
		"example.com:0":       {},
		"127.0.0.1:0":         {cert, ""},
		"localhost:0":         {key, cert},
		"127.0.0.1:00":        {cert, filepath.Join(dir, "none.pem")},
		"192.0.2.1:0":         {},
		"127.0.0.1.nip.io:80": {},
	} {
		bad := o
		bad.Listen, bad.Cert, bad.Key = listen, with[0], with[1]
		err := monitor.Serve(t.Context(), bad)
		require.Equal(t, fault.Usage, fault.CodeOf(err), "%s: %v", listen, err)
	}
	o.Listen, o.Cert, o.Key, o.Hosts = "127.0.0.1:0", cert, key, []string{"fleet.example.com"}
	r := serve(t, o)
	require.True(t, strings.HasPrefix(r.url, "https://"))
	trust := func(pool *x509.CertPool, most uint16) {
		r.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "fleet.example.com", MaxVersion: most, MinVersion: tls.VersionTLS10}, //nolint:gosec // that it is refused is the test
		}}
	}
	trust(first, 0)
	status, _, body := r.ask("GET", r.root+"/nothing")
	require.Equal(t, 404, status, body)
	trust(first, tls.VersionTLS11)
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.root, nil)
	require.NoError(t, err)
	_, err = r.client.Do(req) //nolint:bodyclose // there is none
	require.Error(t, err, "old TLS is refused")

	second := certify(t, cert, key)
	at := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(cert, at, at))
	trust(second, 0)
	status, _, body = r.ask("GET", r.root+"/nothing")
	require.Equal(t, 404, status, body)
	require.NoError(t, os.WriteFile(key, []byte("spoilt"), 0o600))
	at = at.Add(time.Minute)
	require.NoError(t, os.Chtimes(key, at, at))
	trust(second, 0)
	status, _, _ = r.ask("GET", r.root+"/nothing")
	require.Equal(t, 404, status, "the one that was good stays")

	var taken net.ListenConfig
	l, err := taken.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	o.Listen, o.Cert, o.Key = l.Addr().String(), "", ""
	require.Equal(t, fault.ListenFailed, fault.CodeOf(monitor.Serve(t.Context(), o)))
}

// certify writes a certificate that vouches for itself.
func certify(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "fleet.example.com"}, DNSNames: []string{"fleet.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	b, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}), 0o600))
	is, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(is)
	return pool
}
